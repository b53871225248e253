"""A project taken through the stages, for tests that begin where others end."""

from __future__ import annotations

from pathlib import Path

from repot.engine.build import build
from repot.engine.session import Session
from repot.model.plan import Plan
from repot.model.progress import Silent
from repot.postgres.connect import connection
from repot.postgres.state import create_run, ensure_state
from repot.project import load_project
from repot.stages.copy import copy
from repot.stages.plan import make_plan


def planned(dsn: str, folder: Path) -> Session:
    """A run in phase `planned`; the plan must be without errors."""
    plan: Plan = make_plan(dsn, load_project(folder), Silent())
    assert plan.errors == (), plan.errors
    with connection(dsn) as conn:
        ensure_state(conn)
        created = create_run(conn, plan)
    return Session(dsn, created, plan)


def started(dsn: str, folder: Path) -> Session:
    """The same, built and copied."""
    session = planned(dsn, folder)
    session = session.at(build(session))
    copy(session)
    with connection(dsn) as conn:
        row = conn.execute(
            "select phase from repot.run where id = %s", (session.run.id,)
        ).fetchone()
    assert row == ("copied",)
    return session
