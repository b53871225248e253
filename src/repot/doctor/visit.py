"""What the doctor's questions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg.rows import dict_row

from repot.doctor.sql import load
from repot.engine.checking import Place
from repot.folder.book import Book
from repot.model.checks import Checking
from repot.model.doctor import Declared, Limits, Trouble
from repot.model.finding import Severity
from repot.model.project import Project
from repot.model.schemas import ALL
from repot.postgres.connect import Connection

Row = dict[str, Any]

# Kept by Supabase and by extensions: who may do what there is not the application's to decide.
MANAGED = (
    *("auth", "storage", "realtime", "_realtime", "vault", "graphql", "graphql_public", "net"),
    *("cron", "extensions", "pgbouncer", "pgsodium", "pgsodium_masks", "pgtle", "pgmq"),
    *("supabase_functions", "supabase_migrations", "_analytics", "dbdev", "repot_upkeep"),
)


@dataclass
class Visit:
    """One examination of one database, on one connection."""

    conn: Connection
    dsn: str = field(repr=False)
    declared: Declared
    project: Project | None = None
    checking: Checking | None = None
    migrations: Book | None = None
    place: Place | None = None  # where the folder's bare names are looked up
    no_place: str | None = None  # why there is none, where there should be
    aside: frozenset[int] = frozenset()  # tables of a move that do not serve now: their oids
    waited_for: frozenset[int] = frozenset()  # tables that a cutover is to lock

    @property
    def limits(self) -> Limits:
        return self.declared.limits

    def rows(self, file: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """The rows of a fixed query; `own` and `managed` are schemas, and `aside`
        tables, that it may leave out."""
        known = {
            "own": list(ALL),
            "managed": [*ALL, *MANAGED],
            "aside": list(self.aside),
            **(params or {}),
        }
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(load(file).encode(), known).fetchall()


def error(code: str, message: str, **more: object) -> Trouble:
    """Something does not work, or will not for long."""
    return _trouble(code, Severity.ERROR, message, more)


def warning(code: str, message: str, **more: object) -> Trouble:
    """Something may not be as it is meant."""
    return _trouble(code, Severity.WARNING, message, more)


def info(code: str, message: str, **more: object) -> Trouble:
    """Something worth knowing when one looks for a cause."""
    return _trouble(code, Severity.INFO, message, more)


def _trouble(code: str, severity: Severity, message: str, more: Mapping[str, object]) -> Trouble:
    return Trouble.model_validate({"code": code, "severity": severity, "message": message, **more})


def unless(serious: bool, trouble: Trouble) -> Trouble:
    """The trouble as it is if `serious`, else as a warning."""
    if serious:
        return trouble
    return trouble.model_copy(update={"severity": Severity.WARNING})


def age(seconds: float) -> str:
    """A duration for people: 40 s, 12 min, 3 h, 5 days."""
    for unit, size, least in (("days", 86400, 2), ("h", 3600, 2), ("min", 60, 2)):
        if seconds >= size * least:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"
