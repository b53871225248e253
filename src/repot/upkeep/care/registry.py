"""Which built-ins there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from repot.model.base import Value
from repot.model.upkeep import Builtin, Outcome, Work
from repot.upkeep.care import settings
from repot.upkeep.care.backup import run_backup
from repot.upkeep.care.vacuum import run_vacuum

# name: what it does, its settings
_IN_DATABASE: dict[str, tuple[str, type[Value]]] = {
    "counters": ("sets counters of a table back", settings.Counters),
    "failed": ("counts rows that have stood failed for too long, and marks them", settings.Failed),
    "temporary": ("deletes temporary rows beyond an age", settings.Temporary),
    "analyze": ("renews the planner's statistics", settings.Analyze),
    "indexes": ("finds invalid, unused, repeated and missing indexes", settings.Indexes),
    "bloat": ("finds tables and indexes that are mostly empty", settings.Bloat),
    "sequences": ("finds sequences near their end or behind their table", settings.Sequences),
    "wraparound": ("watches the age of the oldest transaction", settings.Wraparound),
    "sessions": ("finds long and idle transactions and unread slots", settings.Sessions),
    "archive": ("moves old rows to an archive table, proven", settings.Archive),
}
_OUTSIDE: dict[str, tuple[str, type[Value], Callable[[Work], Outcome], str]] = {
    "vacuum": (
        "VACUUM (ANALYZE), and REINDEX CONCURRENTLY where asked",
        settings.Vacuum,
        run_vacuum,
        "VACUUM runs in no function; autovacuum does most of it, "
        "or let cron or a service run `repot upkeep run`",
    ),
    "backup": (
        "dumps the database, restores the dump and counts",
        settings.Backup,
        run_backup,
        "pg_dump runs beside the server, not in it: let cron or a service run `repot upkeep run`",
    ),
}


def _checker(model: type[Value]) -> Callable[[Mapping[str, Any]], list[str]]:
    def check(given: Mapping[str, Any]) -> list[str]:
        try:
            model.model_validate(dict(given))
        except ValidationError as wrong:
            return [
                f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}"
                for e in wrong.errors()
            ]
        return []

    return check


SETTINGS: Mapping[str, type[Value]] = {
    **{name: model for name, (_, model) in _IN_DATABASE.items()},
    **{name: model for name, (_, model, _, _) in _OUTSIDE.items()},
}

CARE: Mapping[str, Builtin] = {
    **{
        name: Builtin(name=name, about=about, check=_checker(model))
        for name, (about, model) in _IN_DATABASE.items()
    },
    **{
        name: Builtin(name=name, about=about, check=_checker(model), run=run, instead=instead)
        for name, (about, model, run, instead) in _OUTSIDE.items()
    },
}
BUILTINS = CARE
