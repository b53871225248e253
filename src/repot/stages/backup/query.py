"""The backup's fixed queries."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from psycopg.rows import dict_row

from repot.postgres.connect import Connection

Row = dict[str, Any]


@cache
def _fixed(file: str) -> bytes:
    return (files("repot.stages.backup") / "sql" / file).read_bytes()


def rows(conn: Connection, file: str, **words: object) -> list[Row]:
    """The rows of a query in sql/; `words` are its parameters."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_fixed(file), words or None).fetchall()
