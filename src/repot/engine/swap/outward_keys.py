"""Foreign keys of the side that does not serve, to tables that stay.

Once V1 is retired its rows grow old. A key of it that forbids a delete in, say, auth.users, would
make the application's deletes fail. So the keys that forbid (NO ACTION, RESTRICT) are taken off the
side that goes, and put back on the side that comes: NOT VALID, and validated after the commit. Keys
that cascade stay: a person who is erased there must not come back with a rollback. What such a
cascade reaches inside the side is freed of forbidding keys as well.
"""

from __future__ import annotations

from psycopg import sql

from repot.engine.swap.definitions import Remake, drop, read_definitions, remake
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import TABLES
from repot.model.names import Name
from repot.postgres.compose import trusted
from repot.postgres.connect import Connection

PG_CONSTRAINT = 2606


def take_off(conn: Connection, swap: Survey) -> tuple[list[sql.Composable], list[Remake]]:
    """Statements that drop them, for before the move, and how each is made again, for the time when
    its table bears its name of now again."""
    keys = [(PG_CONSTRAINT, oid) for oid in _keys(conn, swap)]
    definitions = read_definitions(conn, keys) if keys else {}
    return (
        [trusted(drop(conn, definitions[key])) for key in keys],
        [remake(conn, definitions[key]) for key in keys],
    )


def targets(conn: Connection, swap: Survey) -> list[Name]:
    """The outside tables that the keys refer to: taking a key off locks its target too."""
    return list(_keys(conn, swap).values())


def _keys(conn: Connection, swap: Survey) -> dict[int, Name]:
    going = [t.oid for t in swap.outgoing if t.kind in TABLES]
    both = [*going, *(t.oid for t in swap.incoming if t.kind in TABLES)]
    rows = conn.execute(load("outward_keys.sql"), {"oids": going, "both": both}).fetchall()
    return {int(str(oid)): Name(schema_=str(schema), name=str(name)) for oid, schema, name in rows}
