"""cleanup: after the grace period V1 is dropped; or, before, V2 is given up."""

from __future__ import annotations

from collections.abc import Callable

from repot.engine import wal
from repot.engine.build import drop_build
from repot.engine.session import Session
from repot.engine.swap.evidence import read_run
from repot.engine.swap.memory import ensure_memory
from repot.model.errors import Refused
from repot.model.state import Phase, Run
from repot.postgres.connect import Connection
from repot.postgres.relations import now
from repot.postgres.retry import with_lock_retries
from repot.postgres.state import record_evidence, set_phase
from repot.stages.cleanup import gates
from repot.stages.cleanup.dropping import drop_own_schemas, drop_v1, rows_of

STAGE = "cleanup"


def cleanup(session: Session, *, force_name: str | None = None, abandon: bool = False) -> Run:
    """End the move; the run is `cleaned`. Evidence, events and quarantine stay.

    After a cutover: drops the retired V1 (what the cutover moved there, known by identity) and
    Repot's views, registries and capture. Without one, only with `abandon`: drops V2 instead.
    force_name: the retired schema's name, typed: do not wait for the grace period; with `abandon`,
    the target schema's name: drop V2 although it holds rows that V1 never had.

    Raises Refused `no-proof`, `no-backup`, `grace-period`, `wrong-name`, `still-in-use`,
    `needs-abandon`, `abandon-loses-rows`, `lock-timeout`, and what `drop_build` raises.
    """
    with session.connect("repot cleanup") as conn:
        run = read_run(conn, session.run)
        session = session.at(run)
        if run.phase is Phase.CLEANED:
            wal.drop(conn, run.id)  # an earlier call may have been broken off before it
            return run
        if run.phase is Phase.CUT_OVER:
            if abandon:
                raise Refused(
                    "wrong-phase",
                    "V2 serves: it cannot be given up",
                    hint="`repot rollback` goes back to V1 first",
                )
            return _finish(conn, session, force_name)
        if not abandon:
            raise Refused(
                "needs-abandon",
                f"run {run.id} has not been cut over: there is no V1 to drop",
                hint="`repot cleanup --abandon` gives V2 up and removes it",
            )
        return _abandon(conn, session, force_name)


def _finish(conn: Connection, session: Session, force_name: str | None) -> Run:
    ensure_memory(conn)
    gates.check(conn, session, session.run, force_name)

    def body(_attempt: int) -> Run:
        run = read_run(conn, session.run, lock=True)
        if run.phase is not Phase.CUT_OVER:
            raise Refused("wrong-phase", f"run {run.id} is {run.phase.value} by now")
        conn.execute("set local jit = off")
        dropped = drop_v1(conn, session)
        _record(
            conn,
            session,
            "which of V1's objects were dropped?",
            {
                "tables": dropped.tables,
                "things": dropped.things,
                "left": dropped.left,
                "forced": force_name is not None,
            },
        )
        return set_phase(conn, run, Phase.CLEANED)

    run = _with_locks(conn, session, body)
    wal.drop(conn, run.id)  # cannot be part of a transaction
    return run


def _abandon(conn: Connection, session: Session, force_name: str | None) -> Run:
    plan, run = session.plan, session.run
    own = _own_rows(conn, session) if run.phase is Phase.ROLLED_BACK else {}
    if own and force_name != plan.target_schema:
        raise Refused(
            "abandon-loses-rows",
            "tables that only V2 has hold rows",
            evidence=", ".join(f"{table}: {n}" for table, n in own.items()),
            hint=f"save them, or type the name: --abandon --force {plan.target_schema}",
        )
    if run.phase is not Phase.PLANNED:
        run = drop_build(session)

    def body(_attempt: int) -> Run:
        drop_own_schemas(conn)
        _record(conn, session, "was V2 given up?", {"abandoned": True, "own_rows": own})
        return set_phase(conn, run, Phase.CLEANED)

    return _with_locks(conn, session, body)


def _own_rows(conn: Connection, session: Session) -> dict[str, int]:
    """Rows of tables that no move fills: nobody else has them."""
    moved = {m.table for m in session.plan.moves}
    counts = {
        t.name.name: rows_of(conn, now(conn, session.run.id, t.name))
        for t in session.plan.target.tables
        if t.name not in moved and t.parent is None
    }
    return {table: n for table, n in counts.items() if n}


def _record(conn: Connection, session: Session, question: str, answer: dict[str, object]) -> None:
    record_evidence(conn, session.run.id, STAGE, STAGE, session.plan.digest, question, answer)


def _with_locks(conn: Connection, session: Session, body: Callable[[int], Run]) -> Run:
    setting = session.plan.cutover
    return with_lock_retries(
        conn,
        body,
        lock_timeout_ms=setting.lock_timeout_ms,
        retries=setting.retries,
        what="the tables that are to be dropped",
    )
