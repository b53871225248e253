"""Foreign keys of the side that does not serve, to tables that stay.

Once V1 is retired its rows grow old. A key of it that forbids a delete in, say, auth.users, would
make the application's deletes fail. So the keys that forbid (NO ACTION, RESTRICT) are taken off the
side that goes, and put back on the side that comes: NOT VALID, and validated after the commit. Keys
that cascade stay: a person who is erased there must not come back with a rollback. What such a
cascade reaches inside the side is freed of forbidding keys as well.

V2 while V1 serves is another matter: it follows V1, so it needs no key of its own to lose a row,
and one that is at work makes those who delete in the outside table wait for Repot, and makes
Repot's batches fail. So V2 has none of them before the cutover, nor after a rollback.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.engine.deferred import Deferred
from repot.engine.swap.definitions import Remake, drop, read_definitions, remake
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import TABLES
from repot.model.catalog import ForeignKey
from repot.model.names import Name
from repot.model.plan import Plan
from repot.postgres.compose import ident, trusted
from repot.postgres.connect import Connection

PG_CONSTRAINT = 2606


@dataclass(frozen=True)
class Keys:
    """Foreign keys that V2 gets at the cutover: NOT VALID, before the move, and checked after the
    commit."""

    now: list[sql.Composable]
    checks: list[Remake]


def of_v2(plan: Plan) -> Iterator[tuple[str, ForeignKey]]:
    """V2's table and key, of those to tables that stay."""
    for table in plan.target.tables:
        for key in table.foreign_keys:
            if key.references.schema_ != plan.target_schema:
                yield table.name.name, key


def put_on(conn: Connection, swap: Survey, items: Sequence[Deferred]) -> Keys:
    """What the copy has left off."""
    checks = []
    for item in items:
        if item.step == "validate":
            on = Name(schema_=swap.direction.front, name=item.table)
            check = sql.SQL("alter table {} validate constraint {}").format(
                ident(on), sql.Identifier(item.object)
            )
            what = f"foreign key {item.object} on {on}"
            checks.append(Remake(what, (), (check.as_string(conn),)))
    return Keys([trusted(i.ddl) for i in items if i.step == "foreign_key"], checks)


@dataclass(frozen=True)
class Taken:
    """Statements that drop keys, for before the move, and how each is made again, for the time when
    its table bears its name of now again."""

    off: tuple[sql.Composable, ...] = ()
    on: tuple[Remake, ...] = ()


def take_off(conn: Connection, swap: Survey) -> Taken:
    """Those of the side that goes."""
    keys = [(PG_CONSTRAINT, oid) for oid in _keys(conn, swap)]
    definitions = read_definitions(conn, keys) if keys else {}
    return Taken(
        tuple(trusted(drop(conn, definitions[key])) for key in keys),
        tuple(remake(conn, definitions[key]) for key in keys),
    )


def targets(conn: Connection, swap: Survey) -> list[Name]:
    """The outside tables that the keys refer to: taking a key off locks its target too."""
    return list(_keys(conn, swap).values())


def _keys(conn: Connection, swap: Survey) -> dict[int, Name]:
    going = [t.oid for t in swap.outgoing if t.kind in TABLES]
    both = [*going, *(t.oid for t in swap.incoming if t.kind in TABLES)]
    given = {"oids": going, "both": both, "every": swap.direction.leaving == "v2"}
    rows = conn.execute(load("outward_keys.sql"), given).fetchall()
    return {int(str(oid)): Name(schema_=str(schema), name=str(name)) for oid, schema, name in rows}
