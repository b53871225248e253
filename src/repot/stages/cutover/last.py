"""What is left to be carried over and proven: as much as can be before the locks, the rest in them.

With the last proof and this, every row of V2 has been proven at the instant of the switch: those
that were not written since in the proof's snapshot, the others here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.engine import drift, tail, wal
from repot.engine.apply import PATIENCE, both_now, both_ways, catch_up, retry_poison
from repot.engine.apply.batch import Batch, hold_lane, lay_out, touch_others
from repot.engine.apply.names import Names
from repot.engine.apply.taking import ALL
from repot.engine.apply.temporary import make_schema
from repot.engine.capture import FORWARD
from repot.engine.compare import sides
from repot.engine.drift.fingerprint import fingerprint
from repot.engine.failing import failing
from repot.engine.lag import few_wait
from repot.engine.outward import outward_checks
from repot.engine.prove import (
    TouchedProof,
    prove_touched,
    prove_touched_now,
    touch_own,
    touched_count,
)
from repot.engine.session import Session
from repot.engine.swap.switch import Switch
from repot.engine.tail import Tail
from repot.model.errors import Refused, RepotError
from repot.model.plan import Plan
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection
from repot.postgres.patience import IN_THE_WAY, give_way, patiently_apart
from repot.postgres.plans import plan_anew, plan_once

ROUNDS = 12
TRIES = 4
QUICK = 4  # rounds of carrying over, before the locks
CALLS = 3  # of the rehearsed functions, after them
CALM = 12  # changes in a round after which another one would not be worth it
FEW = 100  # scopes that are left to be proven under the locks
SHOWN = 5
WAIT_S, LOOK_S = 3.0, 0.01  # for who is in the way; and between two looks


def bring_up(session: Session) -> int:
    """Apply and prove while everybody goes on, until little is left; gives the rows proven.

    Raises Refused `not-equal` or `not-applied`.
    """
    rows = 0
    session.progress.start("bring up", "Proving what was written since the proof", None, "rows")
    with session.connect("repot cutover") as conn:
        retry_poison(conn, session.run.id)
        for _ in range(ROUNDS):
            _carry(conn, session)
            _without_poison(conn, session)
            proofs = prove_touched(conn, session.run.id, session.plan)
            refuse_differences(proofs)
            rows += sum(p.rows for p in proofs)
            session.progress.advance("bring up", sum(p.rows for p in proofs))
            if touched_count(conn, session.run.id) <= FEW:
                break
        refuse_orphans(conn, session.plan)
    session.progress.finish("bring up")
    return rows


@dataclass(frozen=True)
class Ready:
    """What was prepared in the switch's session; `quick` None where both sides are written."""

    quick: Tail | None


def get_ready(conn: Connection, session: Session) -> Ready:
    """In the switch's session, before its transaction: what would take time under its locks.

    Nothing is kept locked: a TRUNCATE of the application's would wait for that, and others for it.
    """
    run, plan = session.run.id, session.plan
    names = Names(conn, run)
    for move in plan.moves:
        sides(conn, move, names[move.table])  # asked now, so that it is known under the locks
    both = both_ways(conn, run) is not None
    lay_out(conn, run, plan, only_given=both)
    quick = None if both else tail.make(conn, run, plan)
    fingerprint(conn, run, plan)  # planned now; the last, as a rollback forgets it
    return Ready(quick)


@dataclass(frozen=True)
class Beside:
    """A connection beside the switch's, and what was prepared in it; `quick` None as in Ready."""

    conn: Connection
    quick: Tail | None


def get_beside(conn: Connection, session: Session) -> Beside:
    """Before the first try. Raises Refused `lock-timeout`.

    Who empties tables may have one that a rehearsal wants and want another that it has: so it gives
    way, and is done again.
    """
    run, plan = session.run.id, session.plan
    make_schema(conn)  # or the switch's plans would be forgotten when it is
    if both_ways(conn, run) is not None:
        return Beside(conn, None)
    plan_once(conn)
    quick = patiently_apart(
        conn, lambda: tail.make(conn, run, plan, live=True), "the rehearsal of the switch"
    )
    plan_anew(conn)
    return Beside(conn, quick)


def carry_over(beside: Beside, session: Session, shape_of: str, switch: Switch | None) -> None:
    """What was written while the switch was prepared, beside its transaction (rows that it writes
    would be locked until its end); shape_of: drift's fingerprint.

    switch: it comes at once, and nobody should be in its way for long: that is waited for, as long
    as it makes sense. Raises Refused `not-equal`, `schema-changed`.
    """
    conn, run, plan = beside.conn, session.run.id, session.plan
    for _ in range(QUICK):
        changes = _carry(conn, session, switching=True)
        refuse_differences(prove_touched(conn, run, plan))
        if changes <= CALM:
            break
    for _ in range(CALLS if beside.quick is not None else 0):
        _call(beside, session, shape_of)
    began, waited = time.monotonic(), 0.0
    while switch is not None and waited < WAIT_S and switch.in_the_way(conn, waited):
        time.sleep(LOOK_S)
        _call(beside, session, shape_of)
        waited = time.monotonic() - began


def _call(beside: Beside, session: Session, shape_of: str) -> None:
    """Carry over and prove by the rehearsed functions: a round that takes little time."""
    conn, run, plan = beside.conn, session.run.id, session.plan
    if beside.quick is None:
        _carry(conn, session, switching=True)
        return
    if plan.capture.wal:
        wal.catch_up(conn, run, plan)
    try:
        with conn.transaction():
            give_way(conn)
            plan_once(conn, local=True)
            hold_lane(conn, run, FORWARD)
            conn.execute("select from repot.run where id = %s for share", (run,))
            done = beside.quick.run()
            drift.check(conn, run, plan, shape_of)
    except IN_THE_WAY:
        return
    if not isinstance(done, tail.Done):
        _carry(conn, session, switching=True)


def carry_over_at_once(beside: Beside, session: Session, ready: Ready) -> None:
    """The same once, while the switch holds locks that a TRUNCATE of the application's may be
    waiting for, and others behind it, and this connection would wait behind that: where a lock is
    not to be had it is left for later, and so are few changes. Raises Refused `not-equal`."""
    conn, run, plan = beside.conn, session.run.id, session.plan
    wal_waits = bool(plan.capture.wal)  # nobody has counted that
    if ready.quick is not None and not wal_waits and few_wait(conn, run, FORWARD):
        return
    try:
        _carry(conn, session, switching=True, tries=1)
        proofs = prove_touched(conn, run, plan, seconds=0)
    except RepotError as failed:
        if failed.code not in ("lock-timeout", "apply-failed"):
            raise
    else:
        refuse_differences(proofs)


def _carry(
    conn: Connection, session: Session, *, switching: bool = False, tries: int = PATIENCE
) -> int:
    run, plan = session.run.id, session.plan
    if both_ways(conn, run) is None:
        touch_others(conn, run, plan)
    return catch_up(conn, run, plan, switching=switching, tries=tries)


def _without_poison(conn: Connection, session: Session) -> None:
    """What could not be applied may have come from a row that was just being deleted."""
    for attempt in range(TRIES):
        if not retry_poison(conn, session.run.id):
            return
        time.sleep(0.05 * attempt)
        catch_up(conn, session.run.id, session.plan)
    refuse_poison(conn, session.run.id)


def stop_v2(conn: Connection, session: Session) -> None:
    """Both ways at once: V2's writers wait, too. Raises psycopg.errors.LockNotAvailable."""
    names = Names(conn, session.run.id)
    tables = sorted((names[m.table] for m in session.plan.moves), key=str)
    conn.execute(
        sql.SQL("lock table {} in exclusive mode").format(joined(ident(t) for t in tables))
    )


def finish(
    conn: Connection, session: Session, other: Connection | None, ready: Ready
) -> tuple[int, int]:
    """Under the locks: apply all that waits and prove all that is touched; gives the changes and
    the rows.

    other: reads the WAL (wal.reader); that needs none of the locks that are held here. Raises what
    `empty` and `prove` raise.
    """
    if other is not None:
        wal.catch_up(other, session.run.id, session.plan, advance=False)
    done = ready.quick.run() if ready.quick is not None else "both sides are written"
    if isinstance(done, tail.Done):
        return done.changes, done.proven
    return empty(conn, session), prove(conn, session)


def empty(conn: Connection, session: Session) -> int:
    """Under the locks: apply what is logged until nothing waits (trap 6: one drained batch is not a
    drained queue); gives the changes.

    Raises RepotError `not-drained`, `wal-slot-lost`; psycopg.Error where V2's constraints do not
    allow a row.
    """
    run, plan = session.run.id, session.plan
    rule, changes = both_ways(conn, run), 0
    for _ in range(ROUNDS if rule is not None else 0):
        done = both_now(conn, run, plan, rule or "")
        changes += done.changes
        if not done.changes and not done.keys:
            break
    batch = Batch(conn, run, plan, FORWARD, only_given=rule is not None)
    if rule is None:
        touch_others(conn, run, plan)
    for _ in range(ROUNDS):
        batch.locate(ALL)
        batch.apply(ALL, set_aside=False)
        if not batch.waits():
            refuse_poison(conn, run)
            return changes + batch.end().changes
    raise RepotError(
        "not-drained",
        "changes of V1 are still waiting although nobody can write",
        hint="nothing was changed; `repot cutover` again, and please report it",
    )


def prove(conn: Connection, session: Session) -> int:
    """Under the locks: compare all that is touched and not proven; gives the rows.

    Raises Refused `not-equal`.
    """
    proofs = prove_touched_now(conn, session.run.id, session.plan)
    refuse_differences(proofs)
    touch_own(conn, session.run.id, session.plan)
    return sum(p.rows for p in proofs)


def refuse_differences(proofs: Sequence[TouchedProof]) -> None:
    """Raises Refused `not-equal` where a row of V2 is not what its view gives."""
    wrong = [p for p in proofs if p.counts.differences]
    if not wrong:
        return
    found = sum(p.counts.differences for p in wrong)
    examples = [e for p in wrong for e in p.examples][:SHOWN]
    raise Refused(
        "not-equal",
        f"{found} rows of V2 that were written since the proof are not what V1 gives",
        evidence="\n".join(
            f"{e.table} ({', '.join(f'{k} = {v}' for k, v in e.key.items())}): {e.kind}"
            for e in examples
        ),
        hint="nothing was changed; `repot verify` shows every difference",
    )


def refuse_orphans(conn: Connection, plan: Plan) -> None:
    """V2's foreign keys to tables that stay come with the switch. Raises Refused `no-such-parent`
    where rows would break them."""
    lines = []
    for check in outward_checks(plan):
        found = failing(conn, check.query, SHOWN, width=80)
        if found.count:
            lines.append(f"{check.name}: {found.count} rows: {', '.join(found.texts)}")
    if lines:
        raise Refused(
            "no-such-parent",
            f"rows of V1 break {len(lines)} of V2's foreign keys to tables that stay",
            evidence="\n".join(lines),
            hint="mend these rows in V1, or let the move leave them out (leave.toml)",
        )


def refuse_poison(conn: Connection, run_id: int) -> None:
    """Raises Refused `not-applied` where a change could not be applied."""
    rows = conn.execute(
        "select name, scope, error from repot.poison where run = %s order by at limit %s",
        (run_id, SHOWN),
    ).fetchall()
    if not rows:
        return
    count = conn.execute("select count(*) from repot.poison where run = %s", (run_id,)).fetchone()
    lines = []
    for name, scope, error in rows:
        assert isinstance(scope, list)
        lines.append(f"{name} ({', '.join(str(s) for s in scope) or 'all of it'}): {error}")
    raise Refused(
        "not-applied",
        f"{count[0] if count else len(rows)} changes of V1 could not be applied to V2",
        evidence="\n".join(lines),
        hint="mend the rows of V1 that are named here, or the move; they are tried again by "
        "`repot follow`, `repot verify` and `repot cutover`",
    )
