"""verify: bring V2 up to V1, then prove that nothing is missing or differs, while V1 is written.

Every row is compared in one snapshot, but for the scopes that wait in it (engine.prove). These, and
whatever is written meanwhile, are proven in further snapshots; what is left when that has become
little is proven by the cutover, under its locks.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from repot.engine import drift, quarantine
from repot.engine.access import Place, check_roles, try_access
from repot.engine.apply import catch_up, retry_poison
from repot.engine.arming import arm
from repot.engine.outward import outward_checks
from repot.engine.prove import (
    Aside,
    TouchedProof,
    forget_touched,
    prove_touched,
    raise_epoch,
    touched_count,
)
from repot.engine.session import Session
from repot.model.access import Access
from repot.model.results import Account, CheckResult, Verdict
from repot.model.schemas import REGISTRY
from repot.postgres.patience import patiently
from repot.postgres.relations import now
from repot.postgres.state import record_evidence
from repot.stages.verify.accounts import account
from repot.stages.verify.checks import Failing, both, look, run_check
from repot.stages.verify.reasons import poison, reasons, settled
from repot.stages.verify.rows import compare_rows
from repot.stages.verify.snapshot import Snapshot
from repot.stages.verify.trips import round_trips

ROUNDS = 8  # of proving what was written during the proof
FEW = 200  # scopes that may be left to the cutover without another round
Checked = tuple[CheckResult, Failing]
LOOKS = 5  # at accounts and checks that V1's writers may have disturbed


@dataclass
class _Later:
    """What the rounds after the first snapshot gave."""

    rows: int = 0
    left: int = 0
    wrong: tuple[TouchedProof, ...] = ()


def verify(session: Session, workers: int | None = None) -> Verdict:
    """Prove the run; the verdict is kept as evidence, passed or not.

    Passed only if rows were compared, none differs, every V1 row is accounted for, every check is
    empty, and every captured change could be applied. V1 may be written all the time.

    Raises Refused `schema-changed`, `access-role`, `access-rows-hidden`; RepotError
    `apply-failed`.
    """
    start = time.monotonic()
    plan = session.plan
    with session.connect("repot verify") as conn:
        drift.check(conn, session.run.id, plan, None)
        if plan.access is not None:
            check_roles(conn, plan.access)
        arm(session, conn)  # what others write to V2 from here on is compared again
        retry_poison(conn, session.run.id)  # whatever was wrong may have been mended
    session.progress.start("up", "Applying V1's changes", None, "changes")
    _catch_up(session)
    session.progress.finish("up")
    with session.connect("repot verify") as conn:
        epoch = raise_epoch(conn, session.run.id)
    with Snapshot(session, workers or plan.copying.workers) as snapshot:
        at = datetime.now(UTC)
        set_aside = snapshot.ask(lambda conn: _set_aside(session, snapshot.aside(conn)))
        tables = compare_rows(session, snapshot)
        accounts = account(session, snapshot)
        trips = round_trips(session, snapshot)
        looked = _checks(session, snapshot)
        moment = snapshot.id
    accounts, checks = _look_again(session, accounts, looked, busy=bool(set_aside))
    later = _Later()
    if not any(t.differences for t in tables):
        with session.connect("repot verify") as conn:
            forget_touched(conn, session.run.id, epoch)
        later = _prove_later(session)
    access = _access(session)
    with session.connect("repot verify") as conn:
        aside = poison(conn, session.run.id)
    why = reasons(tables, accounts, checks, later.wrong, aside, access, later.rows)
    verdict = Verdict(
        passed=not why,
        at=at,
        snapshot=moment,
        plan_digest=plan.digest,
        tables=tables,
        accounts=accounts,
        trips=trips,
        checks=checks,
        access=access,
        rows_compared=sum(t.rows_compared for t in tables),
        differences=sum(t.differences for t in tables)
        + sum(p.counts.differences for p in later.wrong),
        reasons=why,
        set_aside=set_aside,
        proven_later=later.rows,
        left=later.left,
        ms=round((time.monotonic() - start) * 1000),
    )
    with session.connect("repot verify") as conn:
        record_evidence(
            conn,
            session.run.id,
            "verify",
            "proof",
            plan.digest,
            "is every row of V2 what its move gives, and where is every row of V1?",
            verdict.model_dump(mode="json"),
            moment,
        )
    return verdict


def _access(session: Session) -> Access | None:
    """Who may reach which rows of V2, tried where it stands before the cutover."""
    rules = session.plan.access
    if rules is None:
        return None
    place = Place(session.plan.target_schema, "v2", usage=True)
    return try_access(session.dsn, rules, place, session.progress)[0].brief()


def _catch_up(session: Session) -> None:
    """Apply what was captured, and keep the rows that are left out now."""
    progress = session.progress
    with session.connect("repot verify") as conn:
        catch_up(conn, session.run.id, session.plan, advance=lambda n: progress.advance("up", n))
        patiently(
            conn,
            lambda: quarantine.fill(conn, session.run.id, session.plan),
            "keeping the rows that are left out",
        )


def _set_aside(session: Session, aside: Aside) -> int:
    """Scopes that wait in the snapshot; a whole table counts as one."""
    found = [aside.of(move) for move in session.plan.moves]
    return sum(1 if scope.all else scope.count for scope in found if scope is not None)


def _prove_later(session: Session) -> _Later:
    """Rounds of applying and proving, until little is left, or something is wrong."""
    later = _Later()
    session.progress.start("later", "Proving what was written meanwhile", None, "rows")
    for _ in range(ROUNDS):
        _catch_up(session)
        with session.connect("repot verify") as conn:
            proofs = prove_touched(conn, session.run.id, session.plan)
        rows = sum(p.rows for p in proofs)
        later.rows += rows
        later.wrong = tuple(p for p in proofs if p.counts.differences)
        session.progress.advance("later", rows)
        with session.connect("repot verify") as conn:
            later.left = touched_count(conn, session.run.id)
        if later.wrong or later.left <= FEW:
            break
    session.progress.finish("later")
    return later


def _look_again(
    session: Session, accounts: tuple[Account, ...], checks: Sequence[Checked], *, busy: bool
) -> tuple[tuple[Account, ...], tuple[CheckResult, ...]]:
    """What V1's writers may have disturbed is asked again, at another moment: the quarantine is
    filled before a snapshot and not in it, and V2 is a little behind. A check's row fails if it
    fails in each look."""
    for _ in range(LOOKS if busy else 0):
        odd = {a.table for a in accounts if not settled(a)}
        failing = {c.file for c, _ in checks if c.failing_rows}
        if not odd and not failing:
            break
        _catch_up(session)
        with Snapshot(session, 1) as snapshot:
            anew = {a.table: a for a in account(session, snapshot, odd)} if odd else {}
            answers = {c[0].file: c for c in _checks(session, snapshot, failing)}
        accounts = tuple(anew.get(a.table, a) for a in accounts)
        checks = [both(c, answers[c[0].file]) if c[0].file in answers else c for c in checks]
    return accounts, tuple(result for result, _ in checks)


def _checks(
    session: Session, snapshot: Snapshot, only: Collection[str] | None = None
) -> list[Checked]:
    plan = session.plan
    outward = [c for c in outward_checks(plan) if only is None or c.name in only]
    found = snapshot.map(lambda conn, one: look(conn, one.name, one.query), outward)
    wanted = [c for c in plan.checks if only is None or c.path in only]
    if not wanted or not plan.moves:
        return found
    schema = snapshot.ask(lambda conn: now(conn, session.run.id, plan.moves[0].table).schema_)
    path = (schema, REGISTRY)
    return found + snapshot.map(lambda conn, file: run_check(conn, file, path), wanted)
