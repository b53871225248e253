"""The user's checks: a SELECT that returns the rows that are wrong."""

from __future__ import annotations

import psycopg
from psycopg import sql

from repot.engine.failing import failing
from repot.model.project import SqlFile
from repot.model.results import CheckResult
from repot.moves.install import set_search_path
from repot.moves.statements import query_of
from repot.postgres.connect import Connection

EXAMPLES = 3
ROWS = 1_000  # failing rows that are told apart

Failing = frozenset[str]


def run_check(
    conn: Connection, file: SqlFile, path: tuple[str, ...]
) -> tuple[CheckResult, Failing]:
    """Run one check with bare names looked up in `path`; an error in it is a failing check. Gives
    the failing rows too, as hashes, up to ROWS of them."""
    return look(conn, file.path, query_of(file.text), path)


def look(
    conn: Connection, name: str, query: sql.Composable, path: tuple[str, ...] = ()
) -> tuple[CheckResult, Failing]:
    """The same of any SELECT of failing rows."""
    try:
        with conn.transaction():
            set_search_path(conn, *path)
            found = failing(conn, query, ROWS)
            conn.execute("set local search_path = ''")
    except psycopg.OperationalError:
        raise
    except psycopg.Error as failed:
        message = failed.diag.message_primary or str(failed)
        result = CheckResult(file=name, failing_rows=1, examples=(f"cannot run: {message}",))
        return result, frozenset([message])
    result = CheckResult(
        file=name,
        failing_rows=found.count,
        examples=found.texts[:EXAMPLES],
    )
    return result, frozenset(found.hashes)


def both(
    first: tuple[CheckResult, Failing], second: tuple[CheckResult, Failing]
) -> tuple[CheckResult, Failing]:
    """What fails in both looks: the same rows, or so many that they cannot be told apart."""
    (before, old), (now, new) = first, second
    looks = before.looks + 1
    if max(before.failing_rows, now.failing_rows) > ROWS and now.failing_rows:
        return now.model_copy(update={"looks": looks}), new
    same = old & new
    count = len(same) if same else 0
    examples = now.examples if count else ()
    update = {"failing_rows": count, "examples": examples, "looks": looks}
    return now.model_copy(update=update), same
