"""The triggers that capture: on each captured table, and on all of its partitions, four of them.

They outlive the logs: a rollback puts V2's to sleep, and the next proof wakes the same ones. For a
session keeps the plans of each trigger that ever fired in it, also when it is gone, and looks
through all of them when it is told of DDL: with new ones at each switch the application's
sessions would grow by megabytes and become slower. Of a function that is replaced they are freed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.model.names import Name
from repot.model.schemas import STATE
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection
from repot.postgres.relations import current

PREFIX = "repot_capture_"
_EVENTS = {
    "ins": ("insert", "referencing new table as repot_new"),
    "upd": ("update", "referencing old table as repot_old new table as repot_new"),
    "del": ("delete", "referencing old table as repot_old"),
    "trunc": ("truncate", ""),
}


@dataclass(frozen=True)
class Function:
    """What the triggers of one captured table call; `oid` is the table's."""

    run: int
    direction: str
    oid: int

    @property
    def name(self) -> Name:
        return Name(schema_=STATE, name=f"{_of_run(self.run, self.direction)}{self.oid}")


@dataclass(frozen=True)
class _Trigger:
    oid: int  # of its table
    table: Name
    name: str
    mode: str  # tgenabled


def of_run(conn: Connection, run: int, direction: str) -> list[Function]:
    """All that there are, at work or asleep."""
    rows = conn.execute(
        "select substr(proname, length(%(start)s) + 1) from pg_catalog.pg_proc"
        " where pronamespace = %(schema)s::regnamespace and starts_with(proname, %(start)s)"
        " order by oid",
        {"start": _of_run(run, direction), "schema": STATE},
    ).fetchall()
    return [Function(run, direction, int(str(oid))) for (oid,) in rows]


def create(conn: Connection, function: Function, body: sql.Composed) -> None:
    """The function, with this body, and its triggers, at work.

    Takes SHARE ROW EXCLUSIVE on the tables, and ACCESS EXCLUSIVE on such as were partitions: the
    caller sets lock_timeout.
    """
    conn.execute(
        sql.SQL(
            "create or replace function {}() returns trigger language plpgsql security definer"
            " set search_path = pg_catalog, pg_temp as {}"
        ).format(ident(function.name), sql.Literal(body.as_string(conn)))
    )
    # Whoever made it before: it writes into the log of the one who makes that.
    conn.execute(sql.SQL("alter function {}() owner to current_user").format(ident(function.name)))
    conn.execute(sql.SQL("revoke all on function {}() from public").format(ident(function.name)))
    tables = dict(_with_children(conn, function.oid))
    before = _triggers(conn, [function])
    _drop(conn, [t for t in before if t.oid not in tables])  # it was a partition once
    there = {(t.oid, t.name): t.mode for t in before}
    for oid, table in tables.items():
        modes = {suffix: there.get((oid, PREFIX + suffix)) for suffix in _EVENTS}
        for suffix, mode in modes.items():
            if mode is None:
                event, transition = _EVENTS[suffix]
                conn.execute(
                    sql.SQL(
                        "create or replace trigger {} after {} on {} {} for each statement"
                        " execute function {}()"
                    ).format(
                        sql.Identifier(PREFIX + suffix),
                        sql.SQL(event),
                        ident(table),
                        sql.SQL(transition),
                        ident(function.name),
                    )
                )
        _switch(conn, table, [PREFIX + s for s, m in modes.items() if m != "A"], "enable always")


def sleep(conn: Connection, functions: Sequence[Function]) -> None:
    """Have none of their triggers fire. Takes SHARE ROW EXCLUSIVE on tables whose do."""
    by_table: dict[Name, list[str]] = {}
    for trigger in _triggers(conn, functions):
        if trigger.mode != "D":
            by_table.setdefault(trigger.table, []).append(trigger.name)
    for table, names in by_table.items():
        _switch(conn, table, names, "disable")


def lock(conn: Connection, functions: Sequence[Function]) -> None:
    """Wait for who writes their tables: he may be about to log where soon no log is."""
    tables = dict.fromkeys(t.table for t in _triggers(conn, functions))
    if tables:
        conn.execute(
            sql.SQL("lock table {} in share row exclusive mode").format(
                joined(sql.SQL("only {}").format(ident(table)) for table in tables)
            )
        )


def drop(conn: Connection, functions: Sequence[Function]) -> None:
    """Take them and their triggers away; locks the tables that have any."""
    _drop(conn, _triggers(conn, functions))
    for function in functions:
        conn.execute(sql.SQL("drop function if exists {}()").format(ident(function.name)))


def _of_run(run: int, direction: str) -> str:
    return f"capture_{run}_{direction}_"


def _drop(conn: Connection, triggers: Sequence[_Trigger]) -> None:
    for trigger in triggers:
        conn.execute(
            sql.SQL("drop trigger if exists {} on {}").format(
                sql.Identifier(trigger.name), ident(trigger.table)
            )
        )


def _switch(conn: Connection, table: Name, names: Sequence[str], how: str) -> None:
    if names:
        conn.execute(
            sql.SQL("alter table {} {}").format(
                ident(table),
                joined(
                    sql.SQL("{} trigger {}").format(sql.SQL(how), sql.Identifier(name))
                    for name in names
                ),
            )
        )


def _triggers(conn: Connection, functions: Sequence[Function]) -> list[_Trigger]:
    """In the order in which they were made, whatever they are called and wherever they are."""
    rows = conn.execute(
        "select c.oid::bigint, n.nspname, c.relname, t.tgname, t.tgenabled::text"
        " from pg_catalog.pg_trigger t join pg_catalog.pg_proc f on f.oid = t.tgfoid"
        " join pg_catalog.pg_class c on c.oid = t.tgrelid"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where f.pronamespace = %s::regnamespace and f.proname = any (%s) order by t.oid",
        (STATE, [f.name.name for f in functions]),
    ).fetchall()
    return [
        _Trigger(int(str(oid)), Name(schema_=str(s), name=str(t)), str(name), str(mode))
        for oid, s, t, name, mode in rows
    ]


def _with_children(conn: Connection, oid: int) -> Iterator[tuple[int, Name]]:
    """The table and all its partitions: a statement fires the triggers of the table it names."""
    yield oid, current(conn, oid)
    rows = conn.execute(
        "with recursive below as (select inhrelid from pg_catalog.pg_inherits where inhparent = %s"
        " union select i.inhrelid from pg_catalog.pg_inherits i"
        " join below b on i.inhparent = b.inhrelid)"
        " select inhrelid::bigint from below order by 1",
        (oid,),
    ).fetchall()
    for (child,) in rows:
        yield int(str(child)), current(conn, int(str(child)))
