"""Whole projects for tests of build and copy, written from strings, in phase `planned`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from repot.engine.session import Session
from repot.model.plan import Plan
from repot.model.progress import Progress, Silent
from repot.moves.compile import compile_project
from repot.postgres.connect import connection
from repot.postgres.state import create_run, ensure_state
from repot.project import load_project
from support.sql import run

TOML = """
name = "test"
[source]
schema = "public"
outside = ["auth"]
[target]
schema = "v2"
retired = "old"
"""


def write_project(folder: Path, files: Mapping[str, str]) -> Path:
    """The files, `repot.toml` among them unless it is given: `TOML`."""
    for path, text in {"repot.toml": TOML, **files}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def compile_folder(dsn: str, folder: Path) -> Plan:
    """The plan, without an error (V1 may hold more than the moves read)."""
    with connection(dsn) as conn, conn.transaction(force_rollback=True):
        plan = compile_project(conn, load_project(folder))
    errors = [e for e in plan.errors if e.code not in ("table-not-covered", "column-not-covered")]
    assert not errors, errors
    return plan


def make_session(
    dsn: str,
    folder: Path,
    files: Mapping[str, str],
    v1: str = "",
    progress: Progress | None = None,
) -> Session:
    """V1 made by the script `v1`, the project's plan, and a run in phase `planned`."""
    if v1:
        run(dsn, v1)
    plan = compile_folder(dsn, write_project(folder, files))
    with connection(dsn) as conn:
        ensure_state(conn)
        created = create_run(conn, plan)
    return Session(dsn, created, plan, progress or Silent())
