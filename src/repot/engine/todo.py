"""What is to be derived anew, kept in the database: scopes that captured changes touch.

A table `repot.todo_<id>` per derived table holds scopes (the prefix of the key by which changes are
applied) that wait; `repot.touched_<id>`, for the moves, those written since they were last proven.
A scope is worked out from a logged change with a snapshot that sees the change, and derived anew
with a later one: what joins it later is logged itself (trap 17).
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from repot.model.names import Name
from repot.model.plan import Derivation, Plan
from repot.model.schemas import STATE
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection

FORWARD, BACK = "forward", "back"


@dataclass(frozen=True)
class Todo:
    """The tables of one derivation: scope columns s1 … sn, of these types."""

    id: int
    name: str
    types: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(f"s{n}" for n in range(1, len(self.types) + 1))

    @property
    def table(self) -> Name:
        """Waiting: s1 … sn, everything (the whole table), gone (its row was deleted on the other
        side), at (when the change was captured)."""
        return Name(schema_=STATE, name=f"todo_{self.id}")

    @property
    def touched(self) -> Name:
        """Written and not proven since: s1 … sn, epoch."""
        return Name(schema_=STATE, name=f"touched_{self.id}")

    def given(self, alias: str) -> sql.Composed:
        """Condition: the alias's scope has no NULL (no row of a table has such a key)."""
        return joined(
            (sql.SQL("{} is not null").format(sql.Identifier(alias, f)) for f in self.fields),
            " and ",
        )


def derivations(plan: Plan, direction: str) -> tuple[Derivation, ...]:
    """What is derived in this direction."""
    return plan.moves if direction == FORWARD else plan.backs


def create(conn: Connection, run_id: int, plan: Plan, direction: str) -> None:
    """The tables of all derivations of the direction, empty."""
    for d in derivations(plan, direction):
        row = conn.execute(
            "insert into repot.work (run, direction, name) values (%s, %s, %s) returning id",
            (run_id, direction, d.name),
        ).fetchone()
        assert row is not None
        # A key that V2 has in a wider type may hold there what V1's cannot.
        described = d.view if d.loop is None else d.user_view
        todo = Todo(int(str(row[0])), d.name, _types(conn, described, d.scope))
        columns = joined(
            sql.SQL("{} {}").format(sql.Identifier(f), trusted(t))
            for f, t in zip(todo.fields, todo.types, strict=True)
        )
        conn.execute(
            sql.SQL(
                "create table {} ({}, everything boolean not null default false,"
                " gone boolean not null default false,"
                " at timestamptz not null default pg_catalog.clock_timestamp())"
            ).format(ident(todo.table), columns)
        )
        if direction == FORWARD:
            conn.execute(
                sql.SQL(
                    "create table {} ({}, epoch integer not null, primary key ({}, epoch))"
                ).format(ident(todo.touched), columns, idents(todo.fields))
            )


def remove(conn: Connection, run_id: int, direction: str) -> None:
    """Take the tables away."""
    for todo in read(conn, run_id, direction).values():
        for table in (todo.table, todo.touched):
            conn.execute(sql.SQL("drop table if exists {}").format(ident(table)))
    conn.execute("delete from repot.work where run = %s and direction = %s", (run_id, direction))
    conn.execute("delete from repot.poison where run = %s and direction = %s", (run_id, direction))


def read(conn: Connection, run_id: int, direction: str) -> dict[str, Todo]:
    """By the derived table's name; one round trip."""
    rows = conn.execute(
        "select w.id, w.name, array(select pg_catalog.format_type(a.atttypid, -1)"
        "  from pg_catalog.pg_attribute a"
        "  where a.attrelid = ('repot.todo_' || w.id)::regclass and a.attnum > 0"
        "  and a.attname like 's%%' order by a.attnum)"
        " from repot.work w where w.run = %s and w.direction = %s order by w.id",
        (run_id, direction),
    ).fetchall()
    found = {}
    for id_, name, types in rows:
        assert isinstance(types, list)
        found[str(name)] = Todo(int(str(id_)), str(name), tuple(str(t) for t in types))
    return found


def _types(conn: Connection, relation: Name, columns: tuple[str, ...]) -> tuple[str, ...]:
    rows = conn.execute(
        "select a.attname, pg_catalog.format_type(a.atttypid, -1) from pg_catalog.pg_attribute a"
        " join pg_catalog.pg_class c on c.oid = a.attrelid"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname = %s and a.attnum > 0",
        (relation.schema_, relation.name),
    ).fetchall()
    types = {str(name): str(kind) for name, kind in rows}
    return tuple(types[c] for c in columns)
