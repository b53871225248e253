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
from repot.model.plan import Plan
from repot.postgres.compose import ident, trusted
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


def missing(conn: Connection, swap: Survey, plan: Plan) -> list[Remake]:
    """V2's own, as target.sql has them, that a rollback had taken off; for after the move."""
    there = {
        (str(table), str(name))
        for table, name in conn.execute(
            "select c.relname, k.conname from pg_catalog.pg_constraint k"
            " join pg_catalog.pg_class c on c.oid = k.conrelid"
            " where k.contype = 'f' and k.conrelid = any (%s::oid[])",
            ([t.oid for t in swap.incoming if t.kind in TABLES],),
        ).fetchall()
    }
    coming = {t.name for t in swap.incoming if t.kind in TABLES}
    result = []
    for table in plan.target.tables:
        for key in table.foreign_keys:
            inside = key.references.schema_ in (plan.target_schema, plan.source_schema)
            if inside or table.name.name not in coming or (table.name.name, key.name) in there:
                continue
            on = ident(Name(schema_=swap.direction.front, name=table.name.name))
            add = sql.SQL("alter table {} add constraint {} {} not valid").format(
                on, sql.Identifier(key.name), trusted(key.definition)
            )
            check = sql.SQL("alter table {} validate constraint {}").format(
                on, sql.Identifier(key.name)
            )
            result.append(
                Remake(
                    f"foreign key {key.name} on {table.name.name}",
                    (add.as_string(conn),),
                    (check.as_string(conn),),
                )
            )
    return result
