"""The load of Dropskills, its parts, and what its tests ask again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, LiteralString, cast

import psycopg

from support.dropskills import Connection, module

traffic = module("traffic")
facts, lists, record, session, work, world = (
    sys.modules[f"{traffic.Traffic.__module__.rpartition('.')[0]}.{part}"]
    for part in ("facts", "lists", "record", "session", "work", "world")
)
SEED = 7
ENDS = {"vote": ("request", "user"), "tagged": ("product", "tag")}
ONE_SAMPLE = "(select id from samples where file_url like 'https://x.example/%' limit 1)"


def run(dsn: str, seconds: float, **options: Any) -> Any:
    with traffic.Traffic(dsn, **{"writers": 2, "seed": SEED, **options}) as load:
        time.sleep(seconds)
    return load.ledger


def missing(dsn: str, ledger: Any) -> list[str]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        found: list[str] = ledger.missing(conn)
    assert ledger.compared > 100
    return found


def execute(conn: Connection, text: str, *given: Any) -> psycopg.Cursor[tuple[Any, ...]]:
    return conn.execute(cast(LiteralString, text), given or None)


def work_until(load: Any, enough: Callable[[Any], bool], seconds: float) -> None:
    """Let the load go on for `seconds`, and on until it has done enough; pauses it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        load.start()
        time.sleep(seconds)
        load.pause()
        if enough(load.ledger):
            return
        seconds = 0.3


def has(ledger: Any, kind: str) -> bool:
    return any(k[0] == kind and present(s) for k, s in ledger.expected().items())


def present(states: tuple[Any, ...]) -> bool:
    return len(states) == 1 and isinstance(states[0], facts.State)
