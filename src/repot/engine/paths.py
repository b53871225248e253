"""Where bare names are looked up while users' expressions and functions run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from repot.moves.install import set_search_path
from repot.postgres.connect import Connection


@contextmanager
def search_path(conn: Connection, *schemas: str) -> Iterator[None]:
    """Inside a transaction: look bare names up in `schemas`, then in those of extensions.

    Afterwards the search_path is again what it was; after an error the transaction is over anyway.
    """
    row = conn.execute("select pg_catalog.current_setting('search_path')").fetchone()
    before = str(row[0]) if row else ""
    set_search_path(conn, *schemas)
    yield
    conn.execute("select pg_catalog.set_config('search_path', %s, true)", (before,))
