"""What became of a transaction whose COMMIT was lost on the wire (trap 7)."""

from __future__ import annotations

from psycopg import sql

from repot.engine.session import Session
from repot.model.errors import OutcomeUnknown, RepotError
from repot.postgres.outcome import WAIT_S, Truth, committed


def settle(
    session: Session, xid: str, what: str, truth: Truth, why: str, *, wait_s: float | None = None
) -> None:
    """Reconnect, wait until transaction `xid` has ended, and ask for the truth. Returns if it was
    committed.

    Raises RepotError `connection-lost` (not committed) or OutcomeUnknown.
    """
    done = committed(
        lambda: session.connect(application=f"repot {what}"),
        xid,
        truth,
        WAIT_S if wait_s is None else wait_s,
    )
    if done is None:
        raise _unknown(session, xid, what, why)
    if not done:
        raise RepotError(
            "connection-lost",
            f"the connection broke at the commit: the {what} was not done",
            evidence=why,
            hint=f"nothing was changed; `repot {what}` again",
        )


def _unknown(session: Session, xid: str, what: str, why: str) -> OutcomeUnknown:
    plan = session.plan
    question = (
        sql.SQL("select phase, pg_catalog.pg_xact_status({}::xid8) from repot.run where id = {}")
        .format(sql.Literal(xid), sql.Literal(session.run.id))
        .as_string(None)
    )
    return OutcomeUnknown(
        "outcome-unknown",
        f"the connection broke at the commit of the {what}, and the server cannot be asked",
        evidence=why,
        hint=f"when it can be reached, run: {question}; the phase 'cut_over' means that V2 serves "
        f"in schema {plan.source_schema}, any other that V1 does. `repot {what}` again finds out "
        "by itself and goes on from there",
    )
