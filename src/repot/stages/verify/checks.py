"""The user's checks: a SELECT that returns the rows that are wrong."""

from __future__ import annotations

import psycopg
from psycopg import sql

from repot.model.project import SqlFile
from repot.model.results import CheckResult
from repot.moves.install import set_search_path
from repot.postgres.compose import trusted
from repot.postgres.connect import Connection

EXAMPLES = 3
WIDTH = 200


def run_check(conn: Connection, file: SqlFile, path: tuple[str, ...]) -> CheckResult:
    """Run one check with bare names looked up in `path`; an error in it is a failing check."""
    try:
        with conn.transaction():
            set_search_path(conn, *path)
            text = trusted(file.text.strip().rstrip(";"))
            row = conn.execute(
                sql.SQL("select count(*) from ({}\n) as failing").format(text)
            ).fetchone()
            count = int(str(row[0])) if row else 0
            shown: tuple[str, ...] = ()
            if count:
                rows = conn.execute(
                    sql.SQL(
                        "select left(failing::text, {}) from ({}\n) as failing limit {}"
                    ).format(sql.Literal(WIDTH), text, sql.Literal(EXAMPLES))
                ).fetchall()
                shown = tuple(str(r[0]) for r in rows)
            conn.execute("set local search_path = ''")
            return CheckResult(file=file.path, failing_rows=count, examples=shown)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as failed:
        message = failed.diag.message_primary or str(failed)
        return CheckResult(file=file.path, failing_rows=1, examples=(f"cannot run: {message}",))
