"""What must have been shown before the cutover may begin."""

from __future__ import annotations

from repot.engine.session import Session
from repot.model.errors import Refused
from repot.model.results import TestedBackup, Verdict
from repot.model.state import Phase, Run
from repot.postgres.connect import Connection
from repot.postgres.state import last_evidence

MAY = (Phase.COPIED, Phase.ROLLED_BACK)


def check(
    conn: Connection, session: Session, run: Run, verdict: Verdict, backup: TestedBackup
) -> None:
    """Raises Refused `wrong-phase`, `no-proof`, `proof-stale` or `no-backup`."""
    if run.phase not in MAY:
        raise Refused(
            "wrong-phase",
            f"run {run.id} is {run.phase.value.replace('_', ' ')}: there is nothing to switch to",
            hint="`repot status` shows what comes next",
        )
    if not verdict.passed or verdict.differences or not verdict.rows_compared:
        raise Refused(
            "no-proof",
            "the last proof did not pass",
            evidence="; ".join(verdict.reasons),
            hint="`repot verify` shows what differs",
        )
    if verdict.plan_digest != run.plan_digest or session.plan.digest != run.plan_digest:
        raise Refused(
            "no-proof", "the last proof was of another plan", hint="`repot verify` proves this one"
        )
    if backup.rows != backup.restored:
        raise Refused(
            "no-backup",
            "the backup did not come back whole when it was restored",
            hint="`repot backup` makes another one",
        )
    _fresh(conn, run, verdict)


def _fresh(conn: Connection, run: Run, verdict: Verdict) -> None:
    """The proof must be the last thing that was done; by the order in which the database noted it,
    not by anybody's clock."""
    proof = last_evidence(conn, run.id, "proof")
    if proof is not None and proof.snapshot != verdict.snapshot:
        raise Refused(
            "proof-stale",
            "there is a newer proof than the one that was given",
            hint="`repot cutover` takes the newest",
        )
    if proof is None:
        return
    for kind in ("copy", "rollback"):
        done = last_evidence(conn, run.id, kind)
        if done is not None and done.id > proof.id:
            raise Refused(
                "proof-stale",
                f"the last proof is older than the last {kind}",
                hint="`repot verify`",
            )
    row = conn.execute(
        "select at from repot.event where run = %s and at > %s"
        " and stage = 'copy' and what = 'started' order by id desc limit 1",
        (run.id, proof.at),
    ).fetchone()
    if row is not None:
        raise Refused(
            "proof-stale",
            "`repot copy` was started after the last proof and may have written to V2",
            evidence=f"started at {row[0]}",
            hint="`repot verify` proves it anew",
        )
