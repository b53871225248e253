"""Making the functions, rehearsing them, and the call under the locks."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

from repot.engine import capture, todo
from repot.engine.apply.derive import Place
from repot.engine.apply.names import Names
from repot.engine.apply.order import parents_first
from repot.engine.apply.poison import BLAMED
from repot.engine.apply.taking import OTHERS
from repot.engine.apply.temporary import Temporary
from repot.engine.capture import FORWARD
from repot.engine.tail.applying import Applying
from repot.engine.tail.parts import WHOLE, Parts
from repot.engine.tail.proving import proving
from repot.engine.tail.words import LONG_WAY, REHEARSAL, SEEN, Block, any_row
from repot.model.plan import Plan
from repot.postgres.compose import ident, trusted
from repot.postgres.connect import Connection
from repot.postgres.savepoint import at_once


@dataclass(frozen=True)
class Done:
    """What a call has done: changes taken, rows of V2 proven."""

    changes: int
    proven: int


class Tail:
    """The functions, made in this session and rehearsed."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def run(self) -> Done | str:
        """Apply and prove all that waits, in the caller's transaction, in which nobody else can
        write V1 or change the run's row; or a text, why it is to be done statement by statement:
        nothing is done then. Raises psycopg.Error for what is no row's fault.
        """
        call = sql.SQL("select {} (false)").format(sql.Identifier("pg_temp", WHOLE))
        try:
            row = at_once(self._conn, call).fetchone()
        except BLAMED as failed:
            return str(failed.diag.message_primary or failed)
        except psycopg.Error as failed:
            if failed.sqlstate != LONG_WAY:
                raise
            return str(failed.diag.message_primary)
        assert row is not None
        assert isinstance(row[0], list)
        changes, proven = row[0]
        return Done(changes=int(changes), proven=int(proven))


def make(conn: Connection, run_id: int, plan: Plan, *, live: bool = False) -> Tail:
    """Make the functions for the way there, and rehearse them: nothing is read or written, but all
    of their statements are planned. conn: in autocommit; one side only is written.

    live: for while others write V1: what they write meanwhile is left, and a difference is none of
    its business; the caller holds the lane, and the run's row.
    """
    temp, names = Temporary(conn), Names(conn, run_id)
    todos = todo.read(conn, run_id, FORWARD)
    captured = capture.read(conn, run_id, FORWARD)
    place = Place(FORWARD, plan.target, names, plan.moves)
    moves = [m for m in parents_first(plan.moves, plan.target) if m.name in todos]
    parts, first, last = Parts(conn), Block(), Block()
    first.give_up(_out_of_the_ordinary(conn, run_id), "something else is left to be done")
    first.do(
        sql.SQL("select epoch from repot.run where id = {} into {}").format(
            sql.Literal(run_id), SEEN
        ),
        sql.SQL(
            "insert into repot.own_transaction select pg_catalog.pg_current_xact_id()"
            " where not {} on conflict do nothing"
        ).format(REHEARSAL),
    )
    first.keep(parts.state.epoch, SEEN)
    parts.add(first)
    applying = Applying(conn, temp, run_id, plan, parts)
    applying.make(place, captured, moves, todos)
    if not live:
        applying.refuse_what_waits(captured, todos)
    proving(conn, temp, parts, plan, names, todos, live=live)
    last.do(
        sql.SQL("delete from repot.own_transaction where xid = pg_catalog.pg_current_xact_id()")
    )
    parts.add(last)
    # A call under locks is the only one whose rows are committed, and the tables' session ends.
    parts.rehearse(temp.emptying() if live else [])
    return Tail(conn)


def _out_of_the_ordinary(conn: Connection, run_id: int) -> sql.Composable:
    """Condition: rows are poison, or V2's own, V2 was written by others, or whole tables are to be
    proven."""
    found = [
        sql.SQL(query).format(sql.Literal(run_id))
        for query in (
            "select from repot.poison where run = {}",
            "select from repot.uncarried where run = {}",
            "select from repot.work where run = {} and whole_epoch is not null",
        )
    ]
    found += [
        sql.SQL("select from {} where {}").format(ident(c.log), trusted(OTHERS))
        for c in capture.read(conn, run_id, capture.BACK)
    ]
    return any_row(found)
