"""checks/*.sql: SELECTs of rows that are wrong."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from repot.engine.checking.feature import prepare
from repot.engine.checking.look import Look, outcome, said
from repot.engine.failing import failing
from repot.model.checks import Checked
from repot.model.project import SqlFile
from repot.model.schemas import REGISTRY
from repot.moves.statements import query_of, why_no_query

EXAMPLES = 3


def check_query(look: Look, file: SqlFile) -> Iterator[Checked]:
    """Run one, with bare names in the schema that is checked; what it does is rolled back."""
    why = why_no_query(file)
    if why is not None:
        yield outcome("query", file.stem, [why], file=file.path)
        return
    conn = look.conn
    try:
        with conn.transaction(force_rollback=True):
            prepare(conn, look.checking, look.place.schema, REGISTRY)
            conn.execute("set local row_security = off")  # a policy must not hide what is wrong
            found = failing(conn, query_of(file.text), EXAMPLES)
    except psycopg.Error as failed:
        if conn.closed:
            raise
        yield outcome("query", file.stem, [f"it cannot be run: {said(failed)}"], file=file.path)
        return
    count = found.count
    reasons = [f"{count:,} failing row{'s' if count != 1 else ''}"] if count else []
    yield outcome("query", file.stem, reasons, file=file.path, examples=found.texts)
