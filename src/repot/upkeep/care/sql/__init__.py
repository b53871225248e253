"""The SQL of the built-ins, one file per job; `scripts` gives them in the order of installing."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

# Functions are checked when they are first run, so the order is one for readers.
_ORDER = (
    *("helpers", "defaults", "rows"),
    *("counters", "failed", "temporary", "analyze"),
    *("indexes", "bloat", "sequences", "wraparound", "sessions"),
    *("archive_shape", "archive_before", "archive_chunk", "archive_partition", "archive"),
)


@cache
def scripts() -> tuple[str, ...]:
    """The texts; each may run again, in a database that has the schema `repot_upkeep`."""
    return tuple((files(__name__) / f"{n}.sql").read_text(encoding="utf-8") for n in _ORDER)
