"""All checks of a folder, one after the other; nothing that they do stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import psycopg

from repot.engine.checking.feature import check_feature, missing_features
from repot.engine.checking.functions import check_functions
from repot.engine.checking.look import Look, outcome, said
from repot.engine.checking.place import Place
from repot.engine.checking.query import check_query
from repot.engine.checking.tables import check_absent, check_row_security
from repot.engine.checking.triggers import check_triggers
from repot.model.checks import Checked, Checking, CheckReport
from repot.model.errors import UsageError
from repot.model.names import quoted
from repot.model.progress import Progress
from repot.postgres.connect import Connection, connection

_CATALOG: tuple[tuple[str, Callable[[Look], Iterable[Checked]]], ...] = (
    ("function", check_functions),
    ("trigger", check_triggers),
    ("row security", check_row_security),
    ("absent", check_absent),
)


def run_checks(dsn: str, checking: Checking, place: Place, progress: Progress) -> CheckReport:
    """Look at `place`, and try the features out there, if it is what serves.

    A check that could not be run has failed. Raises UsageError `no-schema` where there is no such
    schema; what breaks the connection is raised.
    """
    begun = time.monotonic()
    progress.start("check", "check", None, "checks")
    checks: list[Checked] = []
    with connection(dsn, application="repot check") as conn:
        _there(conn, place.schema)
        look = Look(conn, checking, place)
        for one in _all(dsn, look):
            checks.append(one)
            progress.advance("check", 1)
        database = conn.info.dbname
    progress.finish("check")
    return CheckReport(
        database=database,
        schema_=place.schema,
        in_place=place.in_place,
        checks=tuple(checks),
        ms=int((time.monotonic() - begun) * 1000),
    )


def _there(conn: Connection, schema: str) -> None:
    row = conn.execute(
        "select exists (select from pg_catalog.pg_namespace where nspname = %s)", (schema,)
    ).fetchone()
    if not (row and row[0]):
        raise UsageError(
            "check-no-schema",
            f"there is no schema {quoted(schema)} in this database",
            hint="name another one: schema in checks.toml, or --schema",
        )


def _all(dsn: str, look: Look) -> Iterator[Checked]:
    checking = look.checking
    for kind, part in _CATALOG:
        yield from _timed(look.conn, kind, part(look))
    for file in checking.queries.values():
        yield from _timed(look.conn, "query", check_query(look, file))
    yield from missing_features(checking)
    for name, file in checking.features.items():
        yield from _timed(look.conn, "feature", check_feature(dsn, look, name, file))


def _timed(conn: Connection, kind: str, checks: Iterable[Checked]) -> Iterator[Checked]:
    """Each with the time it took; what the server refuses meanwhile is a failure."""
    begun = time.monotonic()
    try:
        for one in checks:
            now = time.monotonic()
            yield one.model_copy(update={"ms": int((now - begun) * 1000)})
            begun = now
    except psycopg.Error as failed:
        if conn.closed:
            raise
        yield outcome(kind, "all that follow", [f"cannot be looked at: {said(failed)}"])
