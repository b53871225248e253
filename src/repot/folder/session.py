"""Connections that run migrations: with the role's own settings, as the tools themselves do."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from psycopg import sql

from repot.model.errors import Refused
from repot.postgres.connect import Connection, connect

APPLICATION = "repot migrate"

# What Prisma's connection strings say to Prisma and libpq does not know.
_PRISMAS = frozenset(
    {
        *("schema", "connection_limit", "pool_timeout", "pgbouncer", "socket_timeout"),
        *("statement_cache_size", "sslaccept", "sslidentity", "sslpassword"),
        *("max_idle_connection_lifetime", "max_connection_lifetime", "single_use_connections"),
    }
)

# Not DISCARD ALL: that would give the session's locks away. The role goes with the authorization.
_RESET = b"""reset session authorization; reset all; discard temp; deallocate all; unlisten *"""


def understood(dsn: str) -> str:
    """The connection string for libpq: Prisma's own parameters are taken out of a URI, and its
    `schema` becomes the session's search_path."""
    if not dsn.startswith(("postgresql://", "postgres://")):
        return dsn
    parts = urlsplit(dsn)
    words = parse_qsl(parts.query, keep_blank_values=True)
    if not any(word in _PRISMAS for word, _ in words):
        return dsn
    kept = [(word, value) for word, value in words if word not in _PRISMAS]
    schema = next((value for word, value in words if word == "schema"), "")
    if schema:
        path = sql.Identifier(schema).as_string(None)
        # In `options` a blank and a backslash are written with a backslash before them.
        path = path.replace("\\", "\\\\").replace(" ", "\\ ")
        before = "".join(f"{v} " for w, v in kept if w == "options")
        kept = [(w, v) for w, v in kept if w != "options"]
        kept.append(("options", f"{before}-csearch_path={path}"))
    # libpq reads + as a plus sign.
    query = urlencode(kept).replace("+", "%20")
    return urlunsplit(parts._replace(query=query))


def open_session(dsn: str, application: str = APPLICATION) -> Connection:
    """A connection in autocommit, with the settings that the role and the string give it.

    Raises as `connect` does.
    """
    conn = connect(understood(dsn), application=application)
    reset_session(conn)
    return conn


def reset_session(conn: Connection, *, lock_timeout_ms: int | None = None) -> None:
    """As it was when it was opened, whatever a file has set; locks of the session stay.

    lock_timeout_ms: how long the next file waits for a lock; a file may set another.
    """
    conn.execute(_RESET)
    if lock_timeout_ms is not None:
        conn.execute(
            sql.SQL("set lock_timeout = {}").format(sql.Literal(lock_timeout_ms)), prepare=False
        )


def home_schema(conn: Connection) -> str:
    """Where unqualified names go when a migration runs, and where Prisma keeps its table.

    Refused `no-schema` where the search_path names none that exists.
    """
    with conn.transaction(force_rollback=True):
        conn.execute("set local search_path to default")
        row = conn.execute("select current_schema()").fetchone()
        path = conn.execute("show search_path").fetchone()
    if row is None or row[0] is None:
        raise Refused(
            "no-schema",
            "no schema of the session's search_path exists in this database",
            evidence=f"search_path: {path[0] if path else ''}",
            hint="create the schema, or name another (?schema=… in the connection string)",
        )
    return str(row[0])
