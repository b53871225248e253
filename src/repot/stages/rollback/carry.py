"""Carrying V2's changes into V1 before the switch back, and proving that they arrived."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from repot.engine import capture
from repot.engine.apply import drain
from repot.engine.compare import Counts, compare
from repot.engine.session import Session
from repot.engine.swap.logs import Logs
from repot.model.errors import RepotError
from repot.postgres.connect import Connection
from repot.postgres.relations import now, oid_of

ROUNDS = 5  # of applying before the locks: what comes meanwhile is applied under them


@dataclass
class Carried:
    """What was written into V1, and what could not be (only where loss is accepted)."""

    rows: Counter[str] = field(default_factory=Counter)  # V1 table: rows
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Proof:
    """How V2 and its views compared in one snapshot, with the changes waiting in the same."""

    waiting: dict[str, int]
    outside: dict[str, int]
    counts: dict[str, Counts]

    def still_holds(self, waiting: dict[str, int], outside: dict[str, int]) -> bool:
        """Nothing has been written since: neither on V2 nor on the outside tables."""
        return not self.waiting and not waiting and outside == self.outside

    def differing(self) -> list[str]:
        """Moves whose table is not what their view gives."""
        return [name for name, counts in self.counts.items() if counts.differences]


def forget_dropped(conn: Connection, run: int) -> None:
    """Changes of tables of V2 that somebody has dropped since are nobody's any more."""
    conn.execute(
        "delete from repot.capture c where c.run = %s and c.direction = %s"
        " and not exists (select from pg_catalog.pg_class k where k.oid = c.oid)",
        (run, capture.BACK),
    )


def catch_up(session: Session, carried: Carried, *, accept_loss: bool) -> None:
    """Apply what is logged, while everybody goes on."""
    with session.connect("repot rollback") as conn:
        logs = Logs(conn, session.run.id, capture.BACK)
        for _ in range(ROUNDS):
            if not logs.waiting(conn) or not apply(conn, session, carried, accept_loss=accept_loss):
                return


def apply(conn: Connection, session: Session, carried: Carried, *, accept_loss: bool) -> bool:
    """Apply what is logged now, in the caller's transaction or in one of its own.

    Raises RepotError `apply-failed`; where loss is accepted, notes it and gives False.
    """
    try:
        done = drain(conn, session.run.id, session.plan, capture.BACK)
    except RepotError as failed:
        if not accept_loss:
            raise
        carried.failures.append(f"{failed.message} ({failed.evidence})")
        return False
    carried.rows.update(done.tables)
    return True


def prove_beforehand(session: Session, outside: Logs, *, accept_loss: bool) -> Proof:
    """Compare everything in one snapshot, without a lock."""
    with session.connect("repot rollback") as conn:
        conn.execute("begin transaction isolation level repeatable read read only")
        conn.execute("set local jit = off")
        waiting = Logs(conn, session.run.id, capture.BACK).waiting(conn)
        counts = _compare(conn, session, accept_loss=accept_loss)
        return Proof(waiting, outside.waiting(conn), counts)


def prove(conn: Connection, session: Session, *, accept_loss: bool) -> Proof:
    """The same in the caller's transaction, under its locks, after the last change was applied."""
    return Proof({}, {}, _compare(conn, session, accept_loss=accept_loss))


def _compare(conn: Connection, session: Session, *, accept_loss: bool) -> dict[str, Counts]:
    """Every table of V2 with its view; where loss is accepted, those that are still there."""
    result = {}
    for move in session.plan.moves:
        table = session.plan.target.get(move.table)
        assert table is not None
        try:
            at = now(conn, session.run.id, move.table)
        except RepotError:
            if not accept_loss:
                raise
            continue
        if accept_loss and oid_of(conn, move.view) is None:
            continue
        result[move.name] = compare(conn, move, table, at)
    return result
