"""What became of a COMMIT that was lost on the wire, or cut short by the user."""

from __future__ import annotations

import psycopg

from repot.folder.book import Page
from repot.folder.deploy.job import Job
from repot.folder.deploy.result import Ran
from repot.folder.session import open_session
from repot.model.errors import OutcomeUnknown, RepotError
from repot.postgres.connect import without_password
from repot.postgres.outcome import WAIT_S, Truth, committed


class Committed(Exception):
    """The connection was lost, and the transaction was not: go on with a new one."""

    ran: Ran | None = None  # what it completed


def commit(job: Job, page: Page, truth: Truth, wait_s: float | None = None) -> None:
    """COMMIT; where its answer is lost, look.

    Raises Committed, RepotError `connection-lost` (rolled back), OutcomeUnknown; what the server
    itself refuses (a deferred constraint) is raised as it is.
    """
    row = job.conn.execute("select pg_catalog.pg_current_xact_id()::text").fetchone()
    xid = str(row[0]) if row else ""
    try:
        status = job.conn.execute(b"commit").statusmessage
    except psycopg.OperationalError as failed:
        if not job.conn.closed:
            raise
        settle(job.dsn, xid, page, truth, without_password(str(failed), job.dsn), wait_s)
        raise Committed from failed
    if status != "COMMIT":
        raise RepotError("not-committed", f"{page.name} was rolled back: {status}")


def settle(
    dsn: str, xid: str, page: Page, truth: Truth, why: str, wait_s: float | None = None
) -> None:
    """Returns where the work is there. Raises RepotError `connection-lost`, OutcomeUnknown."""
    there = committed(lambda: open_session(dsn), xid, truth, WAIT_S if wait_s is None else wait_s)
    if there is None:
        raise OutcomeUnknown(
            "outcome-unknown",
            f"the connection broke at the commit of {page.name}, and the server cannot be asked",
            evidence=why,
            hint="when it can be reached, `repot migrate status` says whether it is applied, and "
            "`repot migrate deploy` goes on from there",
        )
    if not there:
        raise broken(page, why)


def broken(page: Page, why: str) -> RepotError:
    """The connection is gone, and with it what was not committed."""
    return RepotError(
        "connection-lost",
        f"the connection broke while {page.name} ran: its open transaction was rolled back",
        evidence=why,
        hint="`repot migrate status` says where it stands; `repot migrate deploy` goes on",
    )
