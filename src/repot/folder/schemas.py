"""Schemas of Repot's own, made where they are missing."""

from __future__ import annotations

from repot.model.errors import Refused
from repot.postgres.connect import Connection


def lacks(conn: Connection, schema: str, use: str, hint: str) -> bool:
    """Whether the schema is missing, and the session may create it.

    use: what Repot wants it for. Refused `no-right`, with `hint`.
    """
    row = conn.execute(
        "select pg_catalog.to_regnamespace(%s) is not null,"
        " pg_catalog.has_database_privilege(current_database(), 'CREATE'), session_user",
        (schema,),
    ).fetchone()
    assert row is not None
    there, may, who = row
    if not there and not may:
        raise Refused("no-right", f"{who} may not create the schema {schema}, {use}", hint=hint)
    return not there
