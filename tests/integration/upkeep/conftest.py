"""A database with a table in which tasks leave their mark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from support.upkeeping import folder_with

MARKS = "create table public.mark (id bigserial, task text, due date default current_date, at timestamptz default clock_timestamp())"


@pytest.fixture
def marked(database: str) -> str:
    """The connection string of a database with the table `mark`."""
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(MARKS)
    return database


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., Path]:
    """`keep(tasks, sql={name: text})` writes a folder with an upkeep.toml."""

    def make(tasks: str, sql: dict[str, str] | None = None, top: str = "") -> Path:
        return folder_with(tmp_path / "kept", tasks, sql, top)

    return make
