"""A hand-made V1 and V2 for tests of the swap alone: no moves run, no capture, only the switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from repot.engine.build import build
from repot.engine.session import Session
from repot.engine.swap.attempts import Clock, Done, in_one_transaction
from repot.engine.swap.evidence import read_run
from repot.engine.swap.memory import do_afterwards, ensure_memory
from repot.engine.swap.switch import Switch, open_switch
from repot.model.names import Name, name
from repot.model.plan import Derivation, Output, Plan
from repot.model.project import CopySetting, CutoverSetting, Leave, SqlFile
from repot.model.results import TestedBackup, Verdict
from repot.model.state import Phase
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import Connection, connection
from repot.postgres.state import create_run, ensure_state, set_phase
from repot.stages.copy import copy
from repot.stages.verify import verify
from support.shop import make_shop
from support.sql import run

EMPTY = SqlFile(path="empty.sql", text="")


def copy_of(v1: tuple[Name, str], v2: tuple[Name, str]) -> Derivation:
    """A move of which only one thing is known: the V2 column is a copy of the V1 column."""
    return Derivation(
        name=v2[0].name,
        table=v2[0],
        user_view=name("repot_sql", v2[0].name),
        view=name("repot_view", v2[0].name),
        columns=(v2[1],),
        key=(v2[1],),
        scope=(v2[1],),
        outputs=(Output(name=v2[1], type="integer", direct=(v1,)),),
        uses=(),
        sql=EMPTY,
    )


def make_plan(
    dsn: str,
    *,
    v1: str = "public",
    v2: str = "app_v2",
    old: str = "app_old",
    swap: str = "tables",
    outside: Sequence[str] = ("auth",),
    outside_sql: Sequence[tuple[str, str]] = (),
    moves: Sequence[Derivation] = (),
    lock_timeout_ms: int = 300,
    retries: int = 5,
) -> Plan:
    """A plan over schemas that stand already."""
    with connection(dsn) as conn:
        source, target = read_catalog(conn, [v1, *outside]), read_catalog(conn, [v2])
    return Plan(
        project="test",
        digest="d",
        project_digest="p",
        server_version=15,
        source_schema=v1,
        outside_schemas=tuple(outside),
        target_schema=v2,
        retired_schema=old,
        cutover=CutoverSetting(swap=swap, lock_timeout_ms=lock_timeout_ms, retries=retries),
        copying=CopySetting(),
        leave=Leave(),
        source=source,
        target=target,
        target_sql=EMPTY,
        registries=(),
        moves=tuple(moves),
        backs=(),
        new_tables=(),
        checks=(),
        outside_sql=tuple(SqlFile(path=f"outside/{p}.sql", text=t) for p, t in outside_sql),
        not_carried=(),
        findings=(),
    )


def make_session(dsn: str, script: str = "", **plan: Any) -> Session:
    """The database made by `script`, its plan, and a run that is `copied`."""
    if script:
        run(dsn, script)
    made = make_plan(dsn, **plan)
    with connection(dsn) as conn:
        ensure_state(conn)
        ensure_memory(conn)
        started = set_phase(conn, create_run(conn, made), Phase.COPIED)
    return Session(dsn, started, made)


def switch_over(
    session: Session,
    to: str = "v2",
    *,
    under_lock: Callable[[Connection], None] | None = None,
    **options: Any,
) -> Done[Switch]:
    """The swap to v2 or v1, with its phase, and what is due after the commit."""
    phase = Phase.CUT_OVER if to == "v2" else Phase.ROLLED_BACK

    def body(conn: Connection, clock: Clock, _: None) -> Switch:
        plan = session.plan
        switch = open_switch(conn, plan, session.run.id, clock, to=to, kind=plan.cutover.swap)
        switch.prepare_v2() if to == "v2" else switch.prepare_v1()
        switch.hold_still()
        switch.stop_writers()
        if under_lock:
            under_lock(conn)
        if to == "v2":
            switch.to_v2()
        else:
            switch.to_v1()
        set_phase(conn, session.run, phase)
        return switch

    def truth(conn: Connection) -> bool:
        row = conn.execute("select phase from repot.run where id = %s", (session.run.id,))
        return row.fetchall()[0][0] == phase.value

    done = in_one_transaction(session, lambda _: None, body, what="cutover", truth=truth, **options)
    with session.connect() as conn:
        assert do_afterwards(conn, session.run.id) == []
    return done


def copied(session: Session) -> Session:
    """A planned session built and copied."""
    session = session.at(build(session))
    copy(session)
    with session.connect() as conn:
        return session.at(read_run(conn, session.run))


def proven_shop(dsn: str) -> tuple[Session, Verdict]:
    """The small project of `support.shop`, copied and proven, in the database."""
    session = copied(make_shop(dsn))
    verdict = verify(session)
    assert verdict.passed, verdict.reasons
    return session, verdict


def whole_backup() -> TestedBackup:
    """A backup that came back whole."""
    return TestedBackup(
        path="b", at=datetime.now(UTC), bytes=1, rows={"t": 1}, restored={"t": 1}, server_version=15
    )


def now_proven(session: Session) -> tuple[Session, Verdict]:
    """The session with its run as it is, and a new proof."""
    with session.connect() as conn:
        session = session.at(read_run(conn, session.run))
    return session, verify(session)
