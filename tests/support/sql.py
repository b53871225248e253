"""SQL for tests: short connections that commit at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, cast

import psycopg

Params = Sequence[Any] | Mapping[str, Any] | None


def connect(dsn: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection in autocommit mode; close it, or use it in a `with`."""
    return psycopg.connect(dsn, autocommit=True)


def run(dsn: str, sql: str) -> None:
    """Runs one or more statements, without parameters, in one implicit transaction."""
    with connect(dsn) as connection:
        connection.execute(cast(LiteralString, sql))


def rows(dsn: str, sql: str, params: Params = None) -> list[tuple[Any, ...]]:
    """The rows of one query."""
    with connect(dsn) as connection:
        return connection.execute(cast(LiteralString, sql), params).fetchall()
