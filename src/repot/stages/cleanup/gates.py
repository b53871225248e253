"""What must be so before anything is dropped for good."""

from __future__ import annotations

from repot.engine.session import Session
from repot.model.errors import Refused
from repot.model.names import quoted
from repot.model.state import Run
from repot.postgres.connect import Connection
from repot.postgres.state import last_evidence


def check(conn: Connection, session: Session, run: Run, force_name: str | None) -> None:
    """A passed proof, a tested backup, and the grace period over or the schema's name typed.

    Raises Refused `no-proof`, `no-backup`, `wrong-name`, `grace-period`.
    """
    proof = last_evidence(conn, run.id, "proof")
    if proof is None or not proof.answer.get("passed"):
        raise Refused("no-proof", "no proof of this run has passed", hint="V1 stays as it is")
    backup = last_evidence(conn, None, "backup")
    if backup is None or backup.answer.get("rows") != backup.answer.get("restored"):
        raise Refused(
            "no-backup",
            "V1 is dropped only with a backup that was restored and counted",
            hint="`repot backup` makes one",
        )
    retired = session.plan.retired_schema
    if force_name is not None:
        if force_name != retired:
            raise Refused(
                "wrong-name",
                f"{quoted(force_name)} is not the retired schema",
                hint=f"to drop it now, type its name: --force {retired}",
            )
        return
    days = session.plan.cutover.grace_days
    row = conn.execute(
        "select greatest(0, extract(epoch from at + make_interval(secs => %s) - clock_timestamp()))"
        " from repot.evidence where run = %s and kind = 'cutover' order by id desc limit 1",
        (days * 86400, run.id),
    ).fetchone()
    left = float(str(row[0])) if row else days * 86400
    if left > 0:
        raise Refused(
            "grace-period",
            f"V1 is kept for {days:g} days after the cutover; {_words(left)} are left",
            hint=f"wait, or drop it now: `repot cleanup --force {retired}`",
        )


def _words(seconds: float) -> str:
    if seconds > 86400:
        return f"{seconds / 86400:.1f} days"
    return f"{seconds / 3600:.1f} hours" if seconds > 3600 else f"{seconds:.0f} seconds"
