"""The locks of a swap: what, in which order, how strongly.

1. SHARE UPDATE EXCLUSIVE on all tables: readers and writers go on, DDL and vacuum do not. What is
   read of the catalogs from here on stays true, and so does what was read before if they are the
   same now (stamp.py; of views it is looked at again under 2). An autovacuum in the way gives up
   once it has kept somebody waiting for `deadlock_timeout`; waiting for it in this mode stops
   nobody else.
2. Writers wait, readers go on: EXCLUSIVE on the tables that serve, SHARE ROW EXCLUSIVE on outside
   tables. Views come before all tables, outer views before inner ones, as a writer takes them: a
   writer that has passed the view has chosen its table already, and would write into the old one.
   LOCK TABLE on a view locks its tables too, and two such views would deadlock with every writer
   of the second: so a view is locked, alone, by giving it a trigger that never commits.
   The order of the tables is turned around at each attempt, since clients that lock in the opposite
   order would make us fail for ever.
3. ACCESS EXCLUSIVE, at the last moment: no statement sees tables of both sides.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import errors, sql

from repot.engine.swap import outward_keys
from repot.engine.swap.dependents import inner_first
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import PG_CLASS, TABLES
from repot.model.names import Name
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection
from repot.postgres.plans import kept

_GUARD = "repot_guard"
FIRST_MS = 40  # of patience with writers, at the first try
READERS_MS = 100  # with readers, while writers wait
LONG_MS = 20  # a transaction that is this old may last
NOBODY_S = 1.0  # for a moment at which nobody is there at all
_MARGIN_MS = 500  # beyond deadlock_timeout: autovacuum is cancelled at its end, and must go away


class NotLocked(Exception):
    """The locks could not be had within the limit: roll back, wait a little, try again."""


class NotStill(NotLocked):
    """The catalogs are not any more what they were when they were looked at."""


@dataclass(frozen=True)
class LockPlan:
    """Names as they are before the swap."""

    ruled: tuple[Name, ...]  # outside tables with rules that lead to the side that goes
    views: tuple[Name, ...]  # outer ones first
    outside: tuple[Name, ...]  # tables that stay and whose writers must wait too
    altered: tuple[Name, ...]  # those of them whose readers must wait as well: DDL changes them
    serving: tuple[Name, ...]  # tables of the side that goes
    waiting: tuple[Name, ...]  # tables of the side that comes

    @property
    def tables(self) -> tuple[Name, ...]:
        return _sorted((*self.ruled, *self.outside, *self.serving, *self.waiting))


def lock_plan(conn: Connection, swap: Survey, captured: Iterable[Name]) -> LockPlan:
    """captured: the outside tables whose changes are captured."""
    altered = outward_keys.targets(conn, swap)
    views = {t.key: t.full_name for t in swap.outgoing if t.kind == "v"}
    ruled, outside = [], list(captured)
    for dependent in swap.dependents:
        if dependent.relation is None or dependent.relation_oid is None:
            continue
        on = Name(schema_=dependent.schema, name=dependent.relation)
        if dependent.relation_kind == "v":
            views[(PG_CLASS, dependent.relation_oid)] = on
        elif dependent.kind == "rule":
            ruled.append(on)
        elif dependent.relation_kind in TABLES and dependent.remade:
            (outside if dependent.kind == "trigger" else altered).append(on)
    return LockPlan(
        ruled=_sorted(ruled),
        views=tuple(views[key] for key in reversed(inner_first(conn, views))),
        outside=tuple(n for n in _sorted([*outside, *altered]) if n not in ruled),
        altered=_sorted([*altered, *ruled]),
        serving=_sorted(t.full_name for t in swap.outgoing if t.kind in TABLES),
        waiting=_sorted(t.full_name for t in swap.incoming if t.kind in TABLES),
    )


def hold_still(conn: Connection, locks: LockPlan, lock_timeout_ms: int) -> None:
    """Step 1. Raises NotLocked."""
    mode = "share update exclusive"
    vacuumed, patience = _being_vacuumed(conn, locks.tables)
    _lock(conn, _tables(vacuumed, mode), patience + _MARGIN_MS)
    # No longer than others wait for us: the server would end one of us, and maybe not this one.
    _lock(conn, _tables(locks.tables, mode), lock_timeout_ms)


def _being_vacuumed(conn: Connection, tables: Sequence[Name]) -> tuple[Sequence[Name], int]:
    """Those of the tables that autovacuum is at, and how long it keeps others waiting: ms."""
    row = conn.execute(
        "select pg_catalog.array_agg(array[n.nspname::text, c.relname::text]),"
        " max(extract(epoch from current_setting('deadlock_timeout')::interval) * 1000)::int"
        " from pg_catalog.pg_locks l"
        " join pg_catalog.pg_stat_activity a on a.pid = l.pid"
        "  and a.backend_type = 'autovacuum worker'"
        " join pg_catalog.pg_class c on c.oid = l.relation and l.granted"
        "  and l.database = (select oid from pg_catalog.pg_database"
        "   where datname = current_database())"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where l.mode = 'ShareUpdateExclusiveLock'"
    ).fetchone()
    assert row is not None
    found, patience = row
    busy = {tuple(pair) for pair in found} if isinstance(found, list) else set()
    return tuple(t for t in tables if (t.schema_, t.name) in busy), int(str(patience or 0))


def patience_ms(lock_timeout_ms: int, attempt: int, first: int = FIRST_MS) -> int:
    """How long an attempt may wait for the locks that stop writers: little at first, since whoever
    comes meanwhile waits as well, and a writer that holds one of the tables and wants another that
    is locked already would make everybody wait for nothing."""
    return min(lock_timeout_ms, int(first * 1.5**attempt))


def in_the_way(conn: Connection, locks: LockPlan, pid: int, waited_s: float) -> bool:
    """Whether somebody but `pid` has one of the tables: a query, or a transaction that stays open.
    Whoever stops the writers now will have them wait for its end. Where there is no moment without
    anybody, such as have had it for some time count. conn: in autocommit, or it would always be
    told the same."""
    since_ms = LONG_MS if waited_s > NOBODY_S else 0
    row = conn.execute(
        "select exists (select from pg_catalog.pg_locks l"
        " join pg_catalog.pg_stat_activity a on a.pid = l.pid"
        " where l.locktype = 'relation' and l.granted and a.pid <> %s"
        " and a.pid <> pg_catalog.pg_backend_pid() and a.backend_type = 'client backend'"
        " and l.database = (select oid from pg_catalog.pg_database"
        "  where datname = pg_catalog.current_database())"
        " and l.relation in (select pg_catalog.to_regclass(name)::oid from unnest(%s::text[]) name)"
        " and pg_catalog.clock_timestamp() - a.xact_start > %s * interval '1 ms')",
        (pid, [ident(n).as_string(conn) for n in (*locks.altered, *locks.serving)], since_ms),
        prepare=True,
    ).fetchone()
    return bool(row and row[0])


def stop_writers(conn: Connection, locks: LockPlan, lock_timeout_ms: int, attempt: int) -> float:
    """Step 2; gives the time (time.monotonic) at which the first lock was had. Raises NotLocked."""
    lock_timeout_ms = patience_ms(lock_timeout_ms, attempt)
    outside = (_turned(locks.outside, attempt), "share row exclusive")
    serving = (_turned(locks.serving, attempt), "exclusive")
    statements = [*_tables(locks.ruled, "exclusive"), *(_guard(v) for v in locks.views)]
    for names, mode in (serving, outside) if attempt % 2 else (outside, serving):
        statements += _all_at_once(names, mode) if statements else _tables(names, mode)
    return _lock(conn, statements, lock_timeout_ms)


def stop_readers(
    conn: Connection,
    locks: LockPlan,
    lock_timeout_ms: int,
    attempt: int,
    then: Sequence[sql.Composable] = (),
) -> None:
    """Step 3, and what is done then; the views are free of their triggers. Raises NotLocked."""
    lock_timeout_ms = patience_ms(lock_timeout_ms, attempt, READERS_MS)
    tables = (
        *_turned(locks.altered, attempt),
        *_turned(locks.serving, attempt),
        *locks.waiting,
    )
    statements = [*(_unguard(v) for v in locks.views), *_all_at_once(tables, "access exclusive")]
    _lock(conn, [joined(statements, "; ")] if statements else [], lock_timeout_ms, then)


def _turned(names: Sequence[Name], attempt: int) -> Sequence[Name]:
    return tuple(reversed(names)) if attempt % 2 else names


def _tables(names: Sequence[Name], mode: LiteralString) -> list[sql.Composable]:
    """The first one alone: from then on somebody may be waiting for us, and that is timed."""
    return [*_all_at_once(names[:1], mode), *_all_at_once(names[1:], mode)]


def _all_at_once(names: Sequence[Name], mode: LiteralString) -> list[sql.Composable]:
    """In this order, by one statement; none if there are none."""
    statement = sql.SQL("lock table {} in {} mode")
    return [statement.format(joined(ident(n) for n in names), sql.SQL(mode))] if names else []


def _guard(view: Name) -> sql.Composable:
    """CREATE TRIGGER takes SHARE ROW EXCLUSIVE on the view and nothing on what it reads."""
    return sql.SQL(
        "create trigger {} instead of delete on {} for each row"
        " execute function pg_catalog.suppress_redundant_updates_trigger()"
    ).format(sql.Identifier(_GUARD), ident(view))


def _unguard(view: Name) -> sql.Composable:
    return sql.SQL("drop trigger {} on {}").format(sql.Identifier(_GUARD), ident(view))


def _lock(
    conn: Connection,
    statements: Sequence[sql.Composable],
    timeout_ms: int,
    then: Sequence[sql.Composable] = (),
) -> float:
    """All of them in at most `timeout_ms`, then the others; gives when the first was had."""
    began = time.monotonic()
    had = None
    # What follows waits for no lock that anybody holds for long.
    after = sql.SQL("set local lock_timeout = {}; set local statement_timeout = 0")
    try:
        for number, statement in enumerate(statements, 1):
            left = int(timeout_ms - (time.monotonic() - began) * 1000)
            if left < 1:
                raise NotLocked
            limits = sql.SQL("set local lock_timeout = {t}; set local statement_timeout = {t}")
            parts = [limits.format(t=sql.Literal(left)), statement]
            if number == len(statements):
                parts += [after.format(sql.Literal(timeout_ms)), *then]
            with kept(conn):
                conn.execute(joined(parts, "; "))
            had = had or time.monotonic()
    except (errors.LockNotAvailable, errors.DeadlockDetected) as failed:
        raise NotLocked from failed
    except errors.QueryCanceled as failed:
        if (time.monotonic() - began) * 1000 < timeout_ms * 0.9:
            raise  # somebody cancelled us on purpose
        raise NotLocked from failed
    if then and not statements:
        with kept(conn):
            conn.execute(joined(then, "; "))
    return had or began


def _sorted(names: Iterable[Name]) -> tuple[Name, ...]:
    return tuple(sorted(set(names), key=lambda n: (n.schema_, n.name)))
