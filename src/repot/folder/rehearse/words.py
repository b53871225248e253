"""Lock modes in words, the strongest first."""

from __future__ import annotations

# By PostgreSQL's table of conflicts: what reads (ACCESS SHARE), what writes (ROW EXCLUSIVE).
_MODES = {
    "AccessExclusiveLock": ("ACCESS EXCLUSIVE", "readers and writers wait"),
    "ExclusiveLock": ("EXCLUSIVE", "writers wait, and SELECT … FOR UPDATE; readers go on"),
    "ShareRowExclusiveLock": ("SHARE ROW EXCLUSIVE", "writers wait; readers go on"),
    "ShareLock": ("SHARE", "writers wait; readers go on"),
    "ShareUpdateExclusiveLock": (
        "SHARE UPDATE EXCLUSIVE",
        "readers and writers go on; DDL and VACUUM wait",
    ),
    "RowExclusiveLock": ("ROW EXCLUSIVE", "readers and writers go on; DDL waits"),
    "RowShareLock": ("ROW SHARE", "readers and writers go on; DDL waits"),
    "AccessShareLock": ("ACCESS SHARE", "readers and writers go on; DROP and most ALTER wait"),
}
_ORDER = {mode: place for place, mode in enumerate(_MODES)}
# From here on somebody who only works with the data has to wait.
STOPS_WRITERS = _ORDER["ShareLock"]
OWN = _ORDER["ShareUpdateExclusiveLock"]  # the weakest that excludes itself


def strength(mode: str) -> int:
    """0 for the strongest."""
    return _ORDER.get(mode, len(_ORDER))


def name(mode: str) -> str:
    """As LOCK TABLE spells it."""
    return _MODES.get(mode, (mode, ""))[0]


def waits(mode: str) -> str:
    """Who would wait."""
    return _MODES.get(mode, ("", "not known"))[1]


def stops_writers(mode: str) -> bool:
    """Whether the application's writes would wait."""
    return strength(mode) <= STOPS_WRITERS
