"""verify: bring V2 up to V1, then prove in one snapshot that nothing is missing or differs."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from repot.engine import quarantine
from repot.engine.apply import drain
from repot.engine.capture import FORWARD, pending
from repot.engine.session import Session
from repot.model.results import Account, CheckResult, TableProof, Verdict
from repot.model.schemas import REGISTRY
from repot.postgres.connect import Connection
from repot.postgres.relations import now
from repot.postgres.state import record_evidence
from repot.stages.verify.accounts import account
from repot.stages.verify.checks import run_check
from repot.stages.verify.rows import compare_rows
from repot.stages.verify.snapshot import Snapshot
from repot.stages.verify.trips import round_trips

ROUNDS = 20  # of applying changes, before it is said that V1 is not idle


def verify(session: Session, workers: int | None = None) -> Verdict:
    """Prove the run; the verdict is kept as evidence, passed or not.

    Passed only if rows were compared, none differs, every V1 row is accounted for, every check is
    empty, and no change of V1 was waiting to be applied in the snapshot of the proof.
    """
    start = time.monotonic()
    plan = session.plan
    _catch_up(session)
    with Snapshot(session, workers or plan.copying.workers) as snapshot:
        at = datetime.now(UTC)
        waiting = snapshot.ask(lambda conn: _waiting(conn, session))
        tables = compare_rows(session, snapshot)
        accounts = account(session, snapshot)
        trips = round_trips(session, snapshot)
        checks = _checks(session, snapshot)
        moment = snapshot.id
    reasons = _reasons(tables, accounts, checks, waiting)
    verdict = Verdict(
        passed=not reasons,
        at=at,
        snapshot=moment,
        plan_digest=plan.digest,
        tables=tables,
        accounts=accounts,
        trips=trips,
        checks=checks,
        rows_compared=sum(t.rows_compared for t in tables),
        differences=sum(t.differences for t in tables),
        reasons=reasons,
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


def _catch_up(session: Session) -> None:
    """Apply what was captured since the copy, and keep the rows that are left out now."""
    with session.connect("repot verify") as conn:
        for _ in range(ROUNDS):
            if not drain(conn, session.run.id, session.plan, FORWARD).changes:
                break
        quarantine.fill(conn, session.run.id, session.plan)


def _waiting(conn: Connection, session: Session) -> dict[str, int]:
    return {k: n for k, n in pending(conn, session.run.id, FORWARD).items() if n}


def _checks(session: Session, snapshot: Snapshot) -> tuple[CheckResult, ...]:
    plan = session.plan
    if not plan.checks or not plan.moves:
        return ()
    schema = snapshot.ask(lambda conn: now(conn, session.run.id, plan.moves[0].table).schema_)
    path = (schema, REGISTRY)
    return tuple(snapshot.map(lambda conn, file: run_check(conn, file, path), plan.checks))


def _reasons(
    tables: tuple[TableProof, ...],
    accounts: tuple[Account, ...],
    checks: tuple[CheckResult, ...],
    waiting: dict[str, int],
) -> tuple[str, ...]:
    """Everything that keeps the proof from passing."""
    reasons = []
    if not sum(t.rows_compared for t in tables):
        reasons.append("no row was compared: an empty proof proves nothing")
    for t in tables:
        if t.differences:
            reasons.append(
                f"{t.table}: {t.missing} missing, {t.extra} extra, {t.changed} changed, "
                f"{t.duplicates} duplicate rows"
            )
    for a in accounts:
        if a.unaccounted:
            reasons.append(f"{a.table}: {a.unaccounted} rows are not accounted for")
        if a.quarantined != a.left and not a.whole:
            reasons.append(
                f"{a.table}: {a.left} rows are left out and {a.quarantined} of them in quarantine"
            )
    reasons += [f"{c.file}: {c.failing_rows} failing rows" for c in checks if c.failing_rows]
    if waiting:
        total = sum(waiting.values())
        reasons.append(
            f"{total} changes of V1 were not applied in the snapshot of the proof "
            f"({', '.join(waiting)}): V1 is being written"
        )
    return tuple(reasons)
