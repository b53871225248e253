"""One value for a whole schema, and, for tests, one for all its rows."""

from __future__ import annotations

import hashlib

from psycopg import sql

from repot.folder.sql import load
from repot.postgres.connect import Connection


def listing(conn: Connection) -> tuple[str, ...]:
    """Every object outside Repot's schema and the history tables, a line each, in a fixed order.

    Holds no locks but those of one query on the catalogs; leaves the search_path as it was.
    """
    with conn.transaction():
        row = conn.execute("select pg_catalog.current_setting('search_path')").fetchone()
        conn.execute("set local search_path to pg_catalog")
        lines = conn.execute(load("fingerprint.sql").encode()).fetchall()
        # In a caller's transaction the end of this one would not bring it back.
        conn.execute("select pg_catalog.set_config('search_path', %s, true)", row)
    return tuple(sorted(f"{kind} {line}" for kind, line in lines))


def fingerprint(conn: Connection) -> str:
    """SHA-256 of the listing, 64 hexadecimal digits: equal where the schemas are."""
    return hashlib.sha256("\n".join(listing(conn)).encode()).hexdigest()


def rows_fingerprint(conn: Connection) -> str:
    """SHA-256 over the rows of every table outside Repot's schema and the histories, whatever
    their order; reads everything: for tests."""
    digest = hashlib.sha256()
    for schema, table in conn.execute(load("tables.sql").encode()).fetchall():
        name = sql.Identifier(str(schema), str(table))
        found = conn.execute(sql.SQL("select x::text from {} x order by 1").format(name)).fetchall()
        digest.update(name.as_string(None).encode())
        for (line,) in found:
            digest.update(b"\0" + str(line).encode())
    return digest.hexdigest()
