"""What must be so at the end of a schedule, at the moments between its steps, and at a switch."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from interleavings.checks import Checks
from interleavings.ledger import Ledger
from interleavings.world import World


def equal(world: World) -> int:
    """Views and tables are equal; gives the rows compared."""
    differences = world.checks.differences(world.conn)
    assert not differences, f"view and table differ: {differences}"
    return world.checks.compared(world.conn)


def returned(world: World) -> int:
    """V1 is what V2 says; gives the rows compared."""
    odd = world.checks.not_returned(world.conn)
    assert not odd, f"V1, as V2 remembers it, is not what V2 says: {odd}"
    return world.checks.compared_returned(world.conn)


def kept(world: World, ledger: Ledger, table: str) -> None:
    """No acknowledged write is lost, and none is there that was not."""
    found = {row[0] for row in world.conn.execute(f"select token from {table}".encode())}
    assert ledger.committed <= found, f"lost: {ledger.committed - found}"
    assert not ledger.given_up & found, f"never committed: {ledger.given_up & found}"


def unexplained(world: World) -> None:
    """Every row that differs is touched by something that waits, seen in one snapshot."""
    try:
        with world.conn.transaction():
            world.conn.execute("set transaction isolation level repeatable read")
            world.conn.execute("set local lock_timeout = 1")
            stale = world.checks.unexplained(world.conn)
    except psycopg.errors.LockNotAvailable:
        return  # a TRUNCATE that is not committed: nobody can look
    assert not stale, f"stale rows that nothing waiting touches: {stale}"


class Switches:
    """Looks at the very moment at which a switch was committed, before anybody else commits."""

    def __init__(self, world: World, ledgers: Sequence[Ledger]) -> None:
        self._world, self._ledgers = world, ledgers
        self._phase = ""
        self.rows = 0  # compared

    def look(self) -> None:
        """After each commit: where the phase is another, all rows are compared."""
        conn = self._world.conn
        row = conn.execute("select phase from repot.run").fetchone()
        assert row is not None
        before, self._phase = self._phase, str(row[0])
        if self._phase == before or self._phase not in ("cut_over", "rolled_back") or not before:
            return
        try:
            with conn.transaction():
                conn.execute("set transaction isolation level repeatable read")
                conn.execute("set local lock_timeout = 1")
                self._compare()
        except psycopg.errors.LockNotAvailable:
            return  # whoever waited for the switch truncates a table now

    def _compare(self) -> None:
        world = self._world
        for ledger in self._ledgers:
            kept(world, ledger, "public.journal")
        checks = Checks(world.conn, world.plan, world.run_id)  # the names have changed
        if self._phase == "cut_over":
            wrong = checks.differences(world.conn)
            assert not wrong, f"at the cutover V2 is not what V1 was: {wrong}"
            self.rows += checks.compared(world.conn)
        else:
            wrong = checks.not_returned(world.conn)
            assert not wrong, f"at the rollback V1 is not what V2 was: {wrong}"
            self.rows += checks.compared_returned(world.conn)
