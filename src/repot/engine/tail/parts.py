"""The functions: one for each part, and one that calls them.

A rehearsal looks at V1's tables, and as long as its transaction lasts a TRUNCATE waits for it, and
behind that everybody else: so each part is rehearsed in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from repot.engine.tail.words import REHEARSAL, Block, State
from repot.postgres.connect import Connection

WHOLE = "repot_tail"


class Parts:
    """Made one after the other, in the order in which they will be called."""

    def __init__(self, conn: Connection) -> None:
        self.state = State()
        self._conn = conn
        self._made: list[tuple[sql.Identifier, sql.Composable]] = []

    def add(self, block: Block, condition: sql.Composable | None = None) -> None:
        """One more part, called where the condition on the state is true."""
        if not block:
            return
        name = sql.Identifier("pg_temp", f"{WHOLE}_{len(self._made) + 1}")
        self._conn.execute(
            sql.SQL(
                "create or replace function {}"
                " ({} boolean, inout repot_n bigint[], inout repot_at timestamptz[])"
                " language plpgsql as {}"
            ).format(name, REHEARSAL, sql.Literal(block.part().as_string(self._conn)))
        )
        self._made.append((name, condition or sql.SQL("true")))

    def rehearse(self, before: Sequence[sql.Composed]) -> None:
        """Make the function that runs the statements `before` and calls the parts, and rehearse
        them, then it."""
        whole = Block()
        whole.do(*before)
        for name, condition in self._made:
            call = Block()
            call.do(
                sql.SQL("select * from {} ({}, repot_n, repot_at) into repot_n, repot_at").format(
                    name, REHEARSAL
                )
            )
            whole.when(condition, call)
        self._conn.execute(
            sql.SQL(
                "create or replace function {} ({} boolean) returns bigint[] language plpgsql as {}"
            ).format(
                sql.Identifier("pg_temp", WHOLE),
                REHEARSAL,
                sql.Literal(whole.whole(self.state).as_string(self._conn)),
            )
        )
        state = sql.SQL("{}, {}").format(*self.state.begun())
        for name, _ in self._made:
            self._rehearse(sql.SQL("select from {} (true, {})").format(name, state))
        self._rehearse(sql.SQL("select {} (true)").format(sql.Identifier("pg_temp", WHOLE)))

    def _rehearse(self, call: sql.Composed) -> None:
        """Plans outlive a rollback; if anything had been done, it would be undone by it."""
        with self._conn.transaction(force_rollback=True):
            self._conn.execute(call)
