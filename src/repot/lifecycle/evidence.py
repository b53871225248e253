"""Evidence read back as the typed results that open gates."""

from __future__ import annotations

from datetime import datetime

from repot.model.results import TestedBackup, Verdict
from repot.model.state import Run
from repot.postgres.connect import Connection
from repot.postgres.state import last_evidence, record_evidence


def last_verdict(conn: Connection, run: Run) -> Verdict | None:
    """The newest proof of the run, passed or not."""
    found = last_evidence(conn, run.id, "proof")
    return found.read(Verdict) if found else None


def last_backup(conn: Connection) -> TestedBackup | None:
    """The newest backup that was restored and counted."""
    found = last_evidence(conn, None, "backup")
    return found.read(TestedBackup) if found else None


def proof_counts(verdict: Verdict | None, run: Run, last_change: datetime | None) -> str | None:
    """Why the newest proof does not open the cutover; None if it does."""
    if verdict is None:
        return "nothing has been proven yet: `repot verify`"
    if not verdict.passed:
        return f"the last proof failed ({'; '.join(verdict.reasons)}): `repot verify` after mending"
    if verdict.plan_digest != run.plan_digest:
        return "the last proof was of another plan: `repot verify`"
    if last_change is not None and verdict.at < last_change:
        return "the last proof is older than the last copy or rollback: `repot verify`"
    return None


def last_change(conn: Connection, run: Run) -> datetime | None:
    """When rows of V2 were last written as a whole: the newest copy or rollback."""
    times = [
        found.at
        for kind in ("copy", "rollback")
        if (found := last_evidence(conn, run.id, kind)) is not None
    ]
    return max(times, default=None)


def keep_where_allowed(
    conn: Connection, run: int, kind: str, question: str, answer: dict[str, object]
) -> None:
    """An answer as evidence of the run, where this role may write it: who only looks needs no more
    than the right to read."""
    row = conn.execute(
        "select pg_catalog.has_table_privilege('repot.evidence', 'INSERT')"
        " and not pg_catalog.pg_is_in_recovery()"
    ).fetchone()
    if row and row[0]:
        record_evidence(conn, run, kind, kind, "", question, answer)
