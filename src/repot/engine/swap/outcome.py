"""What became of a transaction whose COMMIT was lost on the wire (trap 7)."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from psycopg import errors, sql

from repot.engine.session import Session
from repot.model.errors import OutcomeUnknown, RepotError
from repot.postgres.connect import Connection

# Asked after the transaction has ended: True where its work is there, False where not.
Truth = Callable[[Connection], bool]

WAIT_S = 60.0  # for the server to come back, and for the transaction to end
_POLL_S = 0.2


def settle(
    session: Session, xid: str, what: str, truth: Truth, why: str, *, wait_s: float | None = None
) -> None:
    """Reconnect, wait until transaction `xid` has ended, and ask for the truth. Returns if it was
    committed.

    The backend may still be working on a COMMIT whose client has gone: its transaction's status is
    looked at first. The status alone does not decide (after a failover the number may be that of
    another): who owns the names does.

    Raises RepotError `connection-lost` (not committed) or OutcomeUnknown.
    """
    until = time.monotonic() + (WAIT_S if wait_s is None else wait_s)
    while True:
        try:
            with session.connect(application=f"repot {what}") as conn:
                if ended(conn, xid):
                    if truth(conn):
                        return
                    raise RepotError(
                        "connection-lost",
                        f"the connection broke at the commit: the {what} was not done",
                        evidence=why,
                        hint=f"nothing was changed; `repot {what}` again",
                    )
        except (psycopg.OperationalError, RepotError) as failed:
            unreachable = isinstance(failed, psycopg.OperationalError)
            if not unreachable and failed.code != "connection-failed":  # type: ignore[union-attr]
                raise
        if time.monotonic() > until:
            raise _unknown(session, xid, what, why)
        time.sleep(_POLL_S)


def ended(conn: Connection, xid: str) -> bool:
    """Whether the transaction is over, either way."""
    try:
        row = conn.execute("select pg_catalog.pg_xact_status(%s::xid8)", (xid,)).fetchone()
    except errors.InvalidParameterValue:
        return True  # in the future: a crash has forgotten it
    return row is None or row[0] != "in progress"


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
