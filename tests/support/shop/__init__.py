"""A small project for tests: V1 in v1.sql, everything else as a user would write it."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.sql import run

from repot.engine.session import Session
from repot.model.finding import Severity
from repot.model.plan import Plan
from repot.model.progress import Silent
from repot.postgres.connect import connection
from repot.postgres.state import create_run, ensure_state
from repot.project import load_project
from repot.stages.plan import make_plan

FOLDER = Path(__file__).parent


def copy_project(to: Path) -> Path:
    """A copy of the project folder that a test may change."""
    folder = to / "shop"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__*", "v1.sql"))
    return folder


def make_v1(dsn: str) -> None:
    """V1 with its rows, in schema public."""
    run(dsn, (FOLDER / "v1.sql").read_text())


def plan_shop(dsn: str, folder: Path = FOLDER) -> Plan:
    return make_plan(dsn, load_project(folder), Silent())


def make_shop(dsn: str, folder: Path = FOLDER) -> Session:
    """V1, a plan without errors and a run in phase `planned`."""
    make_v1(dsn)
    plan = plan_shop(dsn, folder)
    errors = [f for f in plan.findings if f.severity is Severity.ERROR]
    assert not errors, errors
    with connection(dsn) as conn:
        ensure_state(conn)
        created = create_run(conn, plan)
    return Session(dsn, created, plan)
