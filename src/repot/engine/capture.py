"""Capture: which source rows changed, as their own keys, logged in the writer's transaction.

Statement-level triggers with transition tables log the values, old and new, of the columns by which
changes are found (plan.Link.capture); which rows of V2 they touch is worked out when they are
applied (trap 17). Writers need no right on Repot's schema: the functions are SECURITY DEFINER.

The operation is logged as I, U, D or T (TRUNCATE). What Repot's own appliers write (they are in
repot.own_transaction) is not a change to be carried anywhere: on V1 it is logged in lower case, so
that the rows of V2 that look at it can be proven again; on V2 it is not logged (trap 12).

Tables that the plan captures from the WAL (engine.wal) have the same logs and no triggers, but for
the time in which Repot writes them itself: see `watch_own`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from repot.engine import todo
from repot.engine.capture_triggers import PREFIX, Function, create, drop, lock, of_run, sleep
from repot.engine.todo import BACK, FORWARD
from repot.model.names import Name
from repot.model.plan import Derivation, Plan, Use
from repot.model.schemas import REGISTRY, STATE
from repot.moves.analysis.declared import table_meant
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.relations import relation_oid

__all__ = [
    "BACK",
    "FORWARD",
    "PREFIX",
    "Captured",
    "from_wal",
    "install",
    "install_back",
    "pending",
    "put_to_sleep",
    "read",
    "remove",
    "renew_back",
    "unwatch_own",
    "watch_own",
]


@dataclass(frozen=True)
class Captured:
    """One captured table: log columns are c1 … cn, for `columns` in order."""

    id: int
    oid: int
    source: str  # as in the plan, for people
    name: Name  # as in the plan
    columns: tuple[str, ...]
    types: tuple[str, ...]
    wal: bool = False  # its changes are read from the WAL

    @property
    def log(self) -> Name:
        return Name(schema_=STATE, name=f"log_{self.id}")

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(f"c{n}" for n in range(1, len(self.columns) + 1))


def from_wal(plan: Plan) -> frozenset[Name]:
    """The tables of the plan that `[capture] wal` names."""
    tables = {t.name: t for t in plan.source.tables}
    found = (table_meant(text, tables, plan.source_schema) for text in plan.capture.wal)
    return frozenset(table.name for table in found if table is not None)


def install(conn: Connection, run_id: int, plan: Plan, direction: str = FORWARD) -> None:
    """Log every later change of the sources; call it in the transaction that arms it. Of tables
    that are captured from the WAL only the logs are made: `wal.create` must follow.

    Takes SHARE ROW EXCLUSIVE on each other source: the caller sets lock_timeout.
    """
    todo.create(conn, run_id, plan, direction)
    without = from_wal(plan) if direction == FORWARD else frozenset()
    for source, columns in _wanted(plan, direction).items():
        oid = relation_oid(conn, run_id, source)
        row = conn.execute(
            "insert into repot.capture (run, direction, oid, source, columns, log, wal)"
            " values (%s, %s, %s, %s, %s, '', %s) returning id",
            (run_id, direction, oid, str(source), list(columns), source in without),
        ).fetchone()
        assert row is not None
        captured = _describe(conn, int(str(row[0])), oid, source, columns)
        conn.execute(
            "update repot.capture set log = %s where id = %s", (captured.log.name, captured.id)
        )
        _create_log(conn, captured)
        if source not in without:
            own = _LOG_SMALL if direction == FORWARD else _LOG_NOTHING
            create(conn, Function(run_id, direction, oid), _body(captured, own, sql.SQL("")))


def watch_own(conn: Connection, run_id: int, plan: Plan) -> None:
    """Log at once what Repot itself writes to V1's tables that are captured from the WAL, as it is
    of all others; in the transaction of a switch, or before both sides are written.

    Takes SHARE ROW EXCLUSIVE on these tables: the caller sets lock_timeout.
    """
    unwatch_own(conn, run_id, plan)
    for captured in read(conn, run_id, FORWARD) if plan.capture.wal else ():
        if captured.wal and captured.name.schema_ == plan.source_schema:
            # What others write is told by the WAL.
            body = _body(captured, _LOG_SMALL, _LOG_NOTHING)
            create(conn, Function(run_id, FORWARD, captured.oid), body)


def unwatch_own(conn: Connection, run_id: int, plan: Plan) -> None:
    """The end of `watch_own`, before others write these tables again."""
    for captured in read(conn, run_id, FORWARD) if plan.capture.wal else ():
        if captured.wal:
            drop(conn, [Function(run_id, FORWARD, captured.oid)])


def install_back(conn: Connection, run_id: int, plan: Plan) -> None:
    """As `install`, on V2's tables, for the way back."""
    install(conn, run_id, plan, BACK)


def renew_back(conn: Connection, run_id: int, plan: Plan) -> None:
    """As `install_back`, with new logs, whether V2 has been captured before or not."""
    lock(conn, of_run(conn, run_id, BACK))
    _forget(conn, run_id, BACK)
    install_back(conn, run_id, plan)


def put_to_sleep(conn: Connection, run_id: int, direction: str) -> None:
    """Log nothing any more, and take the logs away. The triggers stay for the next time."""
    functions = of_run(conn, run_id, direction)
    lock(conn, functions)
    sleep(conn, functions)
    _forget(conn, run_id, direction)


def remove(conn: Connection, run_id: int, direction: str) -> None:
    """Take triggers, functions and logs away."""
    drop(conn, of_run(conn, run_id, direction))
    _forget(conn, run_id, direction)


def _forget(conn: Connection, run_id: int, direction: str) -> None:
    for captured in read(conn, run_id, direction):
        conn.execute(sql.SQL("drop table if exists {}").format(ident(captured.log)))
    conn.execute("delete from repot.capture where run = %s and direction = %s", (run_id, direction))
    todo.remove(conn, run_id, direction)


def pending(conn: Connection, run_id: int, direction: str) -> dict[str, int]:
    """Logged changes that are not applied yet, by source."""
    counts = {}
    for captured in read(conn, run_id, direction):
        row = conn.execute(
            sql.SQL("select count(*) from {}").format(ident(captured.log))
        ).fetchone()
        counts[captured.source] = int(str(row[0])) if row else 0
    return counts


def read(conn: Connection, run_id: int, direction: str) -> tuple[Captured, ...]:
    """What is captured, in order of id; one round trip."""
    rows = conn.execute(
        "select c.id, c.oid::bigint, c.source, r.schema, r.name, c.columns,"
        " array(select pg_catalog.format_type(a.atttypid, a.atttypmod)"
        "  from unnest(c.columns) with ordinality as k(name, n)"
        "  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = k.name order by n),"
        " c.wal from repot.capture c join repot.relation r on r.run = c.run and r.oid = c.oid"
        " where c.run = %s and c.direction = %s order by c.id",
        (run_id, direction),
    ).fetchall()
    return tuple(
        Captured(
            int(str(id_)),
            int(str(oid)),
            str(source),
            Name(schema_=str(schema), name=str(name)),
            _texts(columns),
            _texts(types),
            bool(wal),
        )
        for id_, oid, source, schema, name, columns, types, wal in rows
    )


def _texts(value: object) -> tuple[str, ...]:
    assert isinstance(value, list)
    return tuple(str(v) for v in value)


def _uses(plan: Plan, direction: str) -> Iterable[Use]:
    owners: tuple[Derivation, ...] = plan.moves if direction == FORWARD else plan.backs
    for derivation in owners:
        yield from derivation.uses
    if direction == FORWARD:
        for registry in plan.registries:
            yield from registry.uses


def _wanted(plan: Plan, direction: str) -> dict[Name, tuple[str, ...]]:
    """Captured tables and, for each, the columns that its log keeps."""
    catalog = plan.source if direction == FORWARD else plan.target
    wanted: dict[Name, dict[str, None]] = {}
    for use in _uses(plan, direction):
        if use.source.schema_ == REGISTRY or use.link is None:
            continue
        columns = wanted.setdefault(use.source, {})
        columns.update(dict.fromkeys(use.link.capture))
    for name, columns in wanted.items():
        table = catalog.get(name)
        if table is not None:
            columns.update(dict.fromkeys(table.primary))
    if direction == BACK:
        # Also of tables that no way back reads: what was written there must be proven, or counted
        # as what V1 has no place for.
        for move in plan.moves:
            wanted.setdefault(move.table, {}).update(dict.fromkeys(move.key))
    return {name: tuple(wanted[name]) for name in sorted(wanted, key=str)}


def _describe(
    conn: Connection, id_: int, oid: int, name: Name, columns: tuple[str, ...]
) -> Captured:
    rows = conn.execute(
        "select attname, pg_catalog.format_type(atttypid, atttypmod)"
        " from pg_catalog.pg_attribute where attrelid = %s and attnum > 0 and not attisdropped",
        (oid,),
    ).fetchall()
    types = {str(column): str(kind) for column, kind in rows}
    return Captured(id_, oid, str(name), name, columns, tuple(types[c] for c in columns))


# What is done with the writes of Repot's own transactions, or with those of all others.
_LOG_SMALL = sql.SQL("  mark := 32;\n")  # the distance from a capital to its small letter
_LOG_NOTHING = sql.SQL("  return null;\n")


def _create_log(conn: Connection, captured: Captured) -> None:
    fields = joined(
        sql.SQL("{} {}").format(sql.Identifier(field), trusted(kind))
        for field, kind in zip(captured.fields, captured.types, strict=True)
    )
    conn.execute(
        sql.SQL(
            'create table {} (op "char" not null, {},'
            " at timestamptz not null default pg_catalog.clock_timestamp())"
        ).format(ident(captured.log), fields)
    )


def _body(captured: Captured, own: sql.Composable, others: sql.Composable) -> sql.Composed:
    columns, fields = idents(captured.columns), idents(captured.fields)
    insert = sql.SQL("insert into {} (op, {})").format(ident(captured.log), fields)
    return sql.SQL(
        "declare mark integer := 0;\nbegin\n"
        " if exists (select from repot.own_transaction"
        " where xid = pg_current_xact_id_if_assigned()) then\n{own} else\n{others} end if;\n"
        " if tg_op = 'INSERT' then\n"
        '  {insert} select chr(73 + mark)::"char", {columns} from repot_new;\n'
        " elsif tg_op = 'UPDATE' then\n"
        '  {insert} select chr(85 + mark)::"char", k.* from (select {columns} from repot_old'
        " union select {columns} from repot_new) as k;\n"
        " elsif tg_op = 'DELETE' then\n"
        '  {insert} select chr(68 + mark)::"char", {columns} from repot_old;\n'
        ' else\n  insert into {log} (op) values (chr(84 + mark)::"char");\n'
        " end if;\n return null;\nend"
    ).format(own=own, others=others, insert=insert, columns=columns, log=ident(captured.log))
