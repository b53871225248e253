"""The roles of a database, on a private server where its schema is to be made again."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from repot.embedded import EmbeddedServer
from repot.folder.session import open_session


def make_roles(server: EmbeddedServer, names: Iterable[str], superuser: str = "") -> None:
    """Those that are missing there; none can log in but `superuser`, who has its rights."""
    with open_session(server.dsn()) as conn:
        found = conn.execute("select rolname from pg_catalog.pg_roles").fetchall()
        there = {str(name) for (name,) in found}
        for name in names:
            if name not in there:
                kind = sql.SQL("superuser" if name == superuser else "nologin")
                conn.execute(sql.SQL("create role {} {}").format(sql.Identifier(name), kind))
