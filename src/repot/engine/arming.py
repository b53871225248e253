"""Capture on V2: from the proof on, nothing that others write there goes unnoticed.

Before the switch nobody should write V2 but Repot; a foreign key to a table outside may, as it
cascades, and a person. Such rows are compared again under the switch's locks. From the switch on it
is what V1 must be given.
"""

from __future__ import annotations

from repot.engine import capture
from repot.engine.session import Session
from repot.model.state import Phase
from repot.postgres.connect import Connection
from repot.postgres.retry import with_lock_retries


def arm(session: Session, conn: Connection) -> None:
    """Have V2's tables captured, unless they are; committed on its own.

    Raises Refused `lock-timeout`.
    """
    run, plan = session.run.id, session.plan

    def install(_attempt: int) -> None:
        phase, rule = hold_run(conn, run)
        # Another stage may have been quicker: what is logged then must not be thrown away.
        if phase is not Phase.CUT_OVER and rule is None and not _awake(conn, run):
            capture.renew_back(conn, run, plan)

    with_lock_retries(
        conn,
        install,
        lock_timeout_ms=plan.cutover.lock_timeout_ms,
        retries=plan.cutover.retries,
        what="V2's tables, for the triggers that capture writes,",
    )


def disarm(conn: Connection, run: int) -> None:
    """After a rollback: have V2's tables captured no more, unless somebody has armed them since; in
    the caller's transaction. Sets no lock_timeout."""
    phase, rule = hold_run(conn, run)
    if phase is Phase.ROLLED_BACK and rule is None and not _awake(conn, run):
        capture.put_to_sleep(conn, run, capture.BACK)


def hold_run(conn: Connection, run: int) -> tuple[Phase, str | None]:
    """The run's phase, and the rule of conflicts where both sides are written: as they stay until
    the caller's transaction ends."""
    row = conn.execute(
        "select phase, both_ways from repot.run where id = %s for no key update", (run,)
    ).fetchone()
    assert row is not None
    return Phase(str(row[0])), str(row[1]) if row[1] else None


def _awake(conn: Connection, run: int) -> bool:
    """Whether it is there, and none of its triggers is gone or has been put to sleep."""
    row = conn.execute(
        "select count(*) > 0 and bool_and(found.triggers = 4) from (select"
        "  (select count(*) from pg_catalog.pg_trigger t where t.tgrelid = c.oid"
        "   and t.tgenabled = 'A' and t.tgname like 'repot\\_capture\\_%%') as triggers"
        "  from repot.capture c where c.run = %s and c.direction = %s) as found",
        (run, capture.BACK),
    ).fetchone()
    return bool(row and row[0])
