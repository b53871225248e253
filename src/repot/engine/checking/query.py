"""checks/*.sql: SELECTs of rows that are wrong."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from repot.engine.checking.feature import prepare
from repot.engine.checking.look import Look, outcome, said
from repot.model.checks import Checked
from repot.model.project import SqlFile
from repot.model.schemas import REGISTRY
from repot.moves.statements import parse
from repot.postgres.compose import trusted

EXAMPLES = 3
WIDTH = 200


def check_query(look: Look, file: SqlFile) -> Iterator[Checked]:
    """Run one, with bare names in the schema that is checked; what it does is rolled back."""
    statements, findings = parse(file)
    if findings or len(statements) != 1 or statements[0].kind != "select_stmt":
        why = findings[0].message if findings else "it must be exactly one SELECT"
        yield outcome("query", file.stem, [why], file=file.path)
        return
    conn = look.conn
    try:
        with conn.transaction(force_rollback=True):
            prepare(conn, look.checking, look.place.schema, REGISTRY)
            conn.execute("set local row_security = off")  # a policy must not hide what is wrong
            text = trusted(file.text.strip().rstrip(";"))
            rows = conn.execute(
                sql.SQL(
                    "select left(failing::text, {}), count(*) over ()"
                    " from ({}\n) as failing limit {}"
                ).format(sql.Literal(WIDTH), text, sql.Literal(EXAMPLES))
            ).fetchall()
    except psycopg.Error as failed:
        if conn.closed:
            raise
        yield outcome("query", file.stem, [f"it cannot be run: {said(failed)}"], file=file.path)
        return
    count = int(str(rows[0][1])) if rows else 0
    reasons = [f"{count:,} failing row{'s' if count != 1 else ''}"] if count else []
    examples = tuple(str(row[0]) for row in rows)
    yield outcome("query", file.stem, reasons, file=file.path, examples=examples)
