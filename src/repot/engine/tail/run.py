"""Making the function, rehearsing it, and calling it under the locks."""

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
from repot.engine.tail.proving import proving
from repot.engine.tail.words import EPOCH, LONG_WAY, REHEARSAL, Block, any_row
from repot.model.plan import Plan
from repot.postgres.compose import ident, trusted
from repot.postgres.connect import Connection

_CALL = "select pg_temp.repot_tail(%s)"


@dataclass(frozen=True)
class Done:
    """What a call has done: changes taken, rows of V2 proven."""

    changes: int
    proven: int


class Tail:
    """The function, made in this session and rehearsed."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def run(self) -> Done | str:
        """Apply and prove all that waits, in the caller's transaction, in which nobody else can
        write V1 or change the run's row; or a text, why it is to be done statement by statement:
        nothing is done then. Raises psycopg.Error for what is no row's fault.
        """
        try:
            with self._conn.transaction():
                row = self._conn.execute(_CALL, (False,)).fetchone()
        except BLAMED as failed:
            return str(failed.diag.message_primary or failed)
        except psycopg.Error as failed:
            if failed.sqlstate != LONG_WAY:
                raise
            return str(failed.diag.message_primary)
        assert row is not None
        assert isinstance(row[0], list)
        changes, _scopes, proven = row[0]
        return Done(changes=int(changes), proven=int(proven))


def make(conn: Connection, run_id: int, plan: Plan) -> Tail:
    """Make the function for the way there, and rehearse it: nothing is read or written, but all of
    its statements are planned. In the switch's transaction, before its locks; one side is written.
    """
    temp, names = Temporary(conn), Names(conn, run_id)
    todos = todo.read(conn, run_id, FORWARD)
    captured = capture.read(conn, run_id, FORWARD)
    place = Place(FORWARD, plan.target, names, plan.moves)
    moves = [m for m in parents_first(plan.moves, plan.target) if m.name in todos]
    block = Block()
    block.give_up(_out_of_the_ordinary(conn, run_id), "something else is left to be done")
    block.variable("repot_epoch", "integer")
    block.do(
        sql.SQL("select epoch from repot.run where id = {} into {}").format(
            sql.Literal(run_id), EPOCH
        ),
        sql.SQL(
            "insert into repot.own_transaction values (pg_catalog.pg_current_xact_id())"
            " on conflict do nothing"
        ),
    )
    Applying(conn, temp, run_id, plan).lines(block, place, captured, moves, todos)
    block.do(
        sql.SQL("delete from repot.own_transaction where xid = pg_catalog.pg_current_xact_id()")
    )
    proving(conn, temp, block, plan, names, todos)
    conn.execute(
        sql.SQL(
            # One plan for whatever the tables hold: they are small, and the plan is there already.
            "create or replace function pg_temp.repot_tail({} boolean)"
            " returns bigint[] language plpgsql"
            " set plan_cache_mode = force_generic_plan set jit = off as {}"
        ).format(REHEARSAL, sql.Literal(block.body().as_string(conn)))
    )
    conn.execute(_CALL, (True,))
    return Tail(conn)


def _out_of_the_ordinary(conn: Connection, run_id: int) -> sql.Composed:
    """Condition: rows are poison, or V2's own, V2 was written by others, or whole tables are to be
    proven."""
    run = sql.Literal(run_id)
    written = [
        sql.SQL("select from {} where {}").format(ident(c.log), trusted(OTHERS))
        for c in capture.read(conn, run_id, capture.BACK)
    ]
    return any_row(
        sql.SQL("select from repot.poison where run = {}").format(run),
        sql.SQL("select from repot.uncarried where run = {}").format(run),
        sql.SQL("select from repot.work where run = {} and whole_epoch is not null").format(run),
        *written,
    )
