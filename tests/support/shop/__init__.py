"""A small project for tests: V1 in v1.sql, everything else as a user would write it."""

from __future__ import annotations

import shutil
from pathlib import Path

from repot.engine.session import Session
from support.pipeline import planned
from support.sql import run

FOLDER = Path(__file__).parent


def copy_project(to: Path) -> Path:
    """A copy of the project folder that a test may change."""
    folder = to / "shop"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__*", "v1.sql"))
    return folder


def make_v1(dsn: str) -> None:
    """V1 with its rows, in schema public."""
    run(dsn, (FOLDER / "v1.sql").read_text())


def make_shop(dsn: str, folder: Path = FOLDER) -> Session:
    """V1, a plan without errors and a run in phase `planned`."""
    make_v1(dsn)
    return planned(dsn, folder)
