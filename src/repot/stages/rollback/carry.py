"""Carrying V2's changes into V1 before the switch back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from repot.engine import capture
from repot.engine.apply import drain, retry_poison
from repot.engine.session import Session
from repot.engine.swap.logs import Logs
from repot.model.errors import Refused
from repot.model.results import PoisonRow
from repot.postgres.connect import Connection

ROUNDS = 5  # of applying before the locks: what comes meanwhile is applied under them
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
    """Apply what is logged, while everybody goes on."""
    with session.connect("repot rollback") as conn:
        retry_poison(conn, session.run.id, capture.BACK)
        logs = Logs(conn, session.run.id, capture.BACK)
        for number in range(ROUNDS):
            if number and not logs.waiting(conn):
                break
            apply(conn, session, carried, accept_loss=accept_loss)


def apply(conn: Connection, session: Session, carried: Carried, *, accept_loss: bool) -> None:
    """Apply all that waits now, in the caller's transaction or in one of its own.

    Where loss is accepted, what cannot be applied is set aside and noted. Raises RepotError
    `apply-failed`, Refused `not-applied`.
    """
    run = session.run.id
    done = drain(conn, run, session.plan, capture.BACK, set_aside=accept_loss)
    carried.rows.update(done.tables)
    poison = _poison(conn, run)
    if poison and not accept_loss:
        raise Refused(
            "not-applied",
            f"{len(poison)} changes of V2 could not be applied to V1",
            evidence="\n".join(_line(row) for row in poison[:SHOWN]),
            hint="mend the rows of V2 that are named here; or `repot rollback --accept-loss`",
        )
    for row in done.poison:
        carried.failures.append(f"not carried back: {_line(row)}")


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
