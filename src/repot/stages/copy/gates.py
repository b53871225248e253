"""What must hold before a row is copied."""

from __future__ import annotations

from repot.engine import capture, wal
from repot.engine.build import begin_reading
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.model.state import Phase
from repot.postgres.connect import Connection
from repot.postgres.relations import current, relation_oid
from repot.postgres.turn import take_turn
from repot.stages.copy.sql import load


def hold(conn: Connection, run: int) -> None:
    """One copy of a run at a time, whoever calls it. The lock goes with the connection.

    Raises Refused `run-busy`.
    """
    if not take_turn(conn, "repot.copy", run):
        raise Refused(
            "run-busy",
            f"another Repot is copying run {run}",
            hint="wait for it, or look for `application_name like 'repot%'` in pg_stat_activity",
        )


def check_phase(conn: Connection, session: Session) -> Phase:
    """The run's phase now: `copying`, or `copied` where there is nothing left to do.

    Raises Refused `not-built` or `wrong-phase`.
    """
    row = conn.execute("select phase from repot.run where id = %s", (session.run.id,)).fetchone()
    phase = Phase(str(row[0])) if row else session.run.phase
    if phase not in (Phase.COPYING, Phase.COPIED):
        raise Refused(
            "not-built" if phase is Phase.PLANNED else "wrong-phase",
            f"run {session.run.id} is {phase.value.replace('_', ' ')}: there is nothing to copy",
            hint="`repot status` shows what may come next",
        )
    return phase


def check_captured(conn: Connection, session: Session) -> None:
    """A row written after a chunk has read it is found again only if it was written down.

    Raises Refused `not-captured`, and, for what is captured from the WAL, what `wal.create` raises.
    """
    plan, run = session.plan, session.run.id
    uses = [use for move in plan.moves for use in move.uses]
    uses += [use for registry in plan.registries for use in registry.uses]
    sources = {use.source for use in uses if use.link and plan.source.get(use.source)}
    _check_read(conn, session)
    oids = [relation_oid(conn, run, name) for name in sources - capture.from_wal(plan)]
    rows = conn.execute(load("copy_uncaptured.sql").encode(), {"run": run, "oids": oids}).fetchall()
    if rows:
        missing = sorted(str(current(conn, int(str(r[0])))) for r in rows)
        raise Refused(
            "not-captured",
            f"writes to {', '.join(missing)} are not captured: the copy would lose them",
            hint="somebody dropped or disabled Repot's triggers; `repot copy --restart` "
            "builds V2 anew",
        )


def _check_read(conn: Connection, session: Session) -> None:
    """The slot is there; or it is made now, if a crash came before that."""
    run, from_wal = session.run.id, wal.sources(conn, session.run.id, session.plan)
    if from_wal and begun(conn, run):
        wal.check(wal.standing(conn, run), conn, run)
    elif from_wal:
        begin_reading(session)


def begun(conn: Connection, run: int) -> bool:
    """Whether an earlier copy got anywhere."""
    row = conn.execute(
        "select exists (select from repot.chunk where run = %(run)s) or exists"
        " (select from repot.deferred where run = %(run)s and done_at is not null)",
        {"run": run},
    ).fetchone()
    return bool(row and row[0])
