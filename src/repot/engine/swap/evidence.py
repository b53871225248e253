"""What cutover and rollback note in the transaction, ask afterwards, and do after the commit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg

from repot.engine.session import Session
from repot.engine.swap.attempts import Done, lost
from repot.engine.swap.memory import do_afterwards
from repot.engine.swap.switch import Switch
from repot.model.errors import OutcomeUnknown, RepotError
from repot.model.state import Phase, Run
from repot.postgres.connect import Connection, without_password
from repot.postgres.state import record_event, record_evidence

T = TypeVar("T")

# Whoever has waited for the switch has the processors first, for so many seconds: the pause is as
# long as it is to him.
AFTER_YOU_S = 0.1


@contextmanager
def asking(session: Session, stage: str) -> Iterator[Connection]:
    """A connection for what comes before the switch; RepotError `connection-lost` if it breaks."""
    conn = session.connect(f"repot {stage}")
    try:
        yield conn
    except psycopg.OperationalError as failed:
        if not lost(conn, failed):
            raise
        raise RepotError(
            "connection-lost",
            f"the connection broke before the {stage} began: nothing was changed",
            evidence=without_password(str(failed), session.dsn),
            hint=f"`repot {stage}` again",
        ) from None
    finally:
        conn.close()


def read_run(conn: Connection, run: Run, *, lock: bool = False) -> Run:
    """The run as it is now; with `lock`, nobody else changes it until the transaction ends."""
    if lock:
        conn.execute("select from repot.run where id = %s for no key update", (run.id,))
    row = conn.execute(
        "select phase, plan_digest, updated_at from repot.run where id = %s", (run.id,)
    ).fetchone()
    if row is None:
        raise RepotError("run-gone", f"run {run.id} is not in this database any more")
    return run.model_copy(
        update={"phase": Phase(str(row[0])), "plan_digest": row[1], "updated_at": row[2]}
    )


def took_place(conn: Connection, session: Session, phase: Phase) -> bool:
    """Whether the switch to `phase` is there: by the run's phase and by who bears V1's names.

    Raises OutcomeUnknown `names-disagree` where the two do not agree.
    """
    side = "v2" if phase is Phase.CUT_OVER else "v1"
    row = conn.execute(
        "select r.phase, coalesce(bool_and(n.nspname = %(front)s), true)"
        " from repot.run r"
        " left join repot.relation x on x.run = r.id and x.side = %(side)s"
        " left join pg_catalog.pg_class c on c.oid = x.oid"
        " left join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where r.id = %(run)s group by r.phase",
        {"front": session.plan.source_schema, "side": side, "run": session.run.id},
    ).fetchone()
    if row is None:
        raise RepotError("run-gone", f"run {session.run.id} is not in this database any more")
    done, bears = row[0] == phase.value, bool(row[1])
    if done != bears:
        raise OutcomeUnknown(
            "names-disagree",
            f"the run is {row[0]}, and {side} {'bears' if bears else 'does not bear'} the names in "
            f"{session.plan.source_schema}",
            hint="somebody renamed or moved tables by hand: look at both schemas before anything "
            "else",
        )
    return done


def note(conn: Connection, session: Session, stage: str, switch: Switch) -> None:
    """Evidence of what was moved, set and made anew."""
    swap = switch.swap
    record_evidence(
        conn,
        session.run.id,
        stage,
        "swap",
        session.plan.digest,
        f"what goes to {swap.direction.aside}, what comes to {swap.direction.front}, and what "
        "outside was led over?",
        {
            "kind": swap.kind,
            "gone": [str(t.full_name) for t in swap.outgoing if t.is_relation],
            "come": [str(t.full_name) for t in swap.incoming if t.is_relation],
            "other_things": [str(t) for t in (*swap.outgoing, *swap.incoming) if not t.is_relation],
            "outside": sorted(switch.outside),
            "left": switch.left,
            "sequences": switch.set_sequences,
        },
    )


def after_the_commit(session: Session, stage: str, done: Done[T] | None, run: Run) -> Run:
    """Note the pause as it was, and do what was put off; gives the run as it is now.

    The switch has been made: what fails here is said and noted, and can be done again by calling
    the stage again.
    """
    if done is not None:
        time.sleep(AFTER_YOU_S)
    try:
        with session.connect(f"repot {stage}") as conn:
            if done is not None:
                record_evidence(
                    conn,
                    run.id,
                    stage,
                    "pause",
                    session.plan.digest,
                    "how long were the locks held, until the COMMIT was acknowledged?",
                    {
                        "pause_ms": done.pause_ms,
                        "locked_ms": done.locked_ms,
                        "attempts": done.attempts,
                        "pushed_aside": list(done.pushed),
                    },
                )
            for what, why in do_afterwards(conn, run.id):
                session.progress.say(f"not finished: {what}: {why}")
                record_event(conn, run.id, stage, "not finished", {"what": what, "why": why})
            return read_run(conn, run)
    except (psycopg.OperationalError, RepotError):
        session.progress.say(
            f"the {stage} is done; the database cannot be asked now: `repot {stage}` again "
            "finishes what comes after it"
        )
        return run
