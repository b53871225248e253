"""Carrying V2's changes into V1 before the switch back."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from repot.engine import capture
from repot.engine.apply import drain, retry_poison, step
from repot.engine.apply.taking import ALL
from repot.engine.lag import few_wait
from repot.engine.session import Session
from repot.engine.swap.logs import Logs
from repot.model.errors import Refused, RepotError
from repot.model.results import PoisonRow
from repot.postgres.connect import Connection

ROUNDS = 5  # of applying before the locks: what comes meanwhile is applied under them
TRIES = 4  # at what could not be applied
SHOWN = 5


@dataclass
class Carried:
    """What was written into V1, and what could not be (only where loss is accepted)."""

    rows: Counter[str] = field(default_factory=Counter)  # V1 table: rows
    failures: list[str] = field(default_factory=list)


def forget_dropped(conn: Connection, run: int) -> None:
    """Changes of tables of V2 that somebody has dropped since are nobody's any more."""
    conn.execute(
        "delete from repot.capture c where c.run = %s and c.direction = %s"
        " and not exists (select from pg_catalog.pg_class k where k.oid = c.oid)",
        (run, capture.BACK),
    )


def catch_up(session: Session, carried: Carried, *, accept_loss: bool) -> None:
    """Apply what is logged, while everybody goes on. Raises Refused `not-applied`."""
    run = session.run.id
    with session.connect("repot rollback") as conn:
        retry_poison(conn, run, capture.BACK)
        logs = Logs(conn, run, capture.BACK)
        for number in range(ROUNDS):
            if number and not logs.waiting(conn):
                break
            _step(conn, session, carried)
        # What could not be applied may have come from a row that was just being deleted.
        for attempt in range(TRIES):
            if not retry_poison(conn, run, capture.BACK):
                return
            time.sleep(0.05 * attempt)
            _step(conn, session, carried)
        poison = _poison(conn, run)
        if poison and not accept_loss:
            raise _refused(poison)
        lines = [f"not carried back: {_line(row)}" for row in poison]
        carried.failures += [line for line in lines if line not in carried.failures]


def _step(conn: Connection, session: Session, carried: Carried) -> None:
    done = step(conn, session.run.id, session.plan, capture.BACK, limit=ALL, switching=True)
    carried.rows.update(done.tables)


def carry_at_once(session: Session, carried: Carried) -> None:
    """The same once more, while the switch holds locks that a TRUNCATE of the application's may be
    waiting for, and others behind it: what cannot be had at once is left to be done under the
    switch's locks, and so are few changes."""
    run = session.run.id
    with session.connect("repot rollback") as conn:
        if few_wait(conn, run, capture.BACK):
            return
        try:
            done = step(conn, run, session.plan, capture.BACK, switching=True, tries=1)
        except RepotError as failed:
            if failed.code not in ("lock-timeout", "apply-failed"):
                raise
        else:
            carried.rows.update(done.tables)


def apply(conn: Connection, session: Session, carried: Carried, *, accept_loss: bool) -> None:
    """Apply all that waits now, in the caller's transaction.

    Where loss is accepted, what cannot be applied is set aside and noted. Raises RepotError
    `apply-failed`, Refused `not-applied`.
    """
    run = session.run.id
    done = drain(conn, run, session.plan, capture.BACK, set_aside=accept_loss)
    carried.rows.update(done.tables)
    poison = _poison(conn, run)
    if poison and not accept_loss:
        raise _refused(poison)
    for row in done.poison:
        carried.failures.append(f"not carried back: {_line(row)}")


def _refused(poison: list[PoisonRow]) -> Refused:
    return Refused(
        "not-applied",
        f"{len(poison)} changes of V2 could not be applied to V1",
        evidence="\n".join(_line(row) for row in poison[:SHOWN]),
        hint="mend the rows of V2 that are named here; or `repot rollback --accept-loss`",
    )


def _poison(conn: Connection, run: int) -> list[PoisonRow]:
    rows = conn.execute(
        "select name, scope, error, coalesce(sqlstate, '') from repot.poison"
        " where run = %s and direction = %s order by at",
        (run, capture.BACK),
    ).fetchall()
    names = ("name", "scope", "error", "sqlstate")
    return [PoisonRow.model_validate(dict(zip(names, row, strict=True))) for row in rows]


def _line(row: PoisonRow) -> str:
    return f"{row.name} ({', '.join(row.scope) or 'all of it'}): {row.error}"
