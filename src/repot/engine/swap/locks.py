"""The locks of a swap: what, in which order, how strongly, and who may be pushed aside.

1. SHARE UPDATE EXCLUSIVE on everything: readers and writers go on, DDL and vacuum do not. What is
   read of the catalogs from here on stays true. An autovacuum in the way gives up once it has kept
   somebody waiting for `deadlock_timeout`; waiting for it in this mode stops nobody else.
2. EXCLUSIVE on what serves: writers wait, readers go on. Views (and tables with rules) come before
   the tables: a writer that has passed the view has chosen its table already, and would write into
   the old one. All in one go, under one time limit; the order is turned around at each attempt,
   since clients that lock in the opposite order would make us fail for ever.
3. ACCESS EXCLUSIVE on the tables, at the last moment: no statement sees tables of both sides.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg import errors, sql

from repot.engine.swap.survey import Survey
from repot.engine.swap.things import TABLES
from repot.model.names import Name
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection

_MARGIN_MS = 500  # beyond deadlock_timeout: autovacuum is cancelled at its end, and must go away


class NotLocked(Exception):
    """The locks could not be had within the limit: roll back, wait a little, try again."""


@dataclass(frozen=True)
class LockPlan:
    """Names as they are before the swap."""

    first: tuple[Name, ...]  # views and tables with rules
    outside: tuple[Name, ...]  # tables that stay and whose writers must wait too
    serving: tuple[Name, ...]  # tables of the side that goes
    waiting: tuple[Name, ...]  # tables of the side that comes

    @property
    def everything(self) -> tuple[Name, ...]:
        return (*self.first, *self.outside, *self.serving, *self.waiting)


def lock_plan(swap: Survey, captured: Iterable[Name]) -> LockPlan:
    """captured: the outside tables whose changes are captured."""
    views = [t.full_name for t in swap.outgoing if t.kind == "v"]
    serving = [t.full_name for t in swap.outgoing if t.kind in TABLES and not t.partition]
    outside = list(captured)
    for dependent in swap.dependents:
        if dependent.relation is None:
            continue
        on = Name(schema_=dependent.schema, name=dependent.relation)
        if dependent.relation_kind == "v" or dependent.kind == "rule":
            views.append(on)
        elif dependent.relation_kind in TABLES and dependent.remade:
            outside.append(on)
    first = _sorted(views)
    return LockPlan(
        first=first,
        outside=tuple(n for n in _sorted(outside) if n not in first),
        serving=_sorted(serving),
        waiting=_sorted(t.full_name for t in swap.incoming if t.kind in TABLES),
    )


def hold_still(conn: Connection, locks: LockPlan, lock_timeout_ms: int) -> None:
    """Step 1. Raises NotLocked."""
    row = conn.execute(
        "select extract(epoch from current_setting('deadlock_timeout')::interval) * 1000"
    ).fetchone()
    patience = max(lock_timeout_ms, int(float(str(row[0]))) + _MARGIN_MS if row else 0)
    _lock(conn, [(_sorted(locks.everything), "share update exclusive")], patience, patience)


def stop_writers(conn: Connection, locks: LockPlan, lock_timeout_ms: int, attempt: int) -> float:
    """Step 2; gives the time (time.monotonic) at which the first lock was had. Raises NotLocked."""
    groups: list[tuple[Sequence[Name], str]] = [
        (locks.outside, "share row exclusive"),
        (locks.serving, "exclusive"),
    ]
    first = locks.first
    if attempt % 2:
        groups = [(tuple(reversed(names)), mode) for names, mode in reversed(groups)]
        first = tuple(reversed(first))
    return _lock(conn, [(first, "exclusive"), *groups], lock_timeout_ms, lock_timeout_ms)


def stop_readers(conn: Connection, locks: LockPlan, lock_timeout_ms: int, attempt: int) -> None:
    """Step 3. Raises NotLocked."""
    names = locks.serving if attempt % 2 == 0 else tuple(reversed(locks.serving))
    groups = [(names, "access exclusive"), (locks.waiting, "access exclusive")]
    _lock(conn, groups, lock_timeout_ms, lock_timeout_ms)


def _lock(
    conn: Connection,
    groups: Sequence[tuple[Sequence[Name], str]],
    lock_timeout_ms: int,
    together_ms: int,
) -> float:
    """LOCK TABLE takes its tables one after the other: `together_ms` limits each group's whole."""
    wanted = [(list(names), mode) for names, mode in groups if names]
    began = had = time.monotonic()
    limits = sql.SQL("set local lock_timeout = {}; set local statement_timeout = {}").format(
        sql.Literal(lock_timeout_ms), sql.Literal(together_ms)
    )
    unlimited = sql.SQL("set local statement_timeout = 0")
    try:
        if wanted:  # the first one alone: from then on somebody may be waiting for us
            first = _statement(wanted[0][0][:1], wanted[0][1])
            conn.execute(joined([limits, first], "; "))
            had = time.monotonic()
            del wanted[0][0][:1]
            rest = [_statement(names, mode) for names, mode in wanted if names]
            conn.execute(joined([*rest, unlimited], "; "))
    except (errors.LockNotAvailable, errors.DeadlockDetected) as failed:
        raise NotLocked from failed
    except errors.QueryCanceled as failed:
        if (time.monotonic() - began) * 1000 < together_ms * 0.9:
            raise  # somebody cancelled us on purpose
        raise NotLocked from failed
    return had


def _statement(names: Sequence[Name], mode: str) -> sql.Composed:
    return sql.SQL("lock table {} in {} mode").format(
        joined(ident(n) for n in names), sql.SQL(mode)
    )


def _sorted(names: Iterable[Name]) -> tuple[Name, ...]:
    return tuple(sorted(set(names), key=lambda n: (n.schema_, n.name)))
