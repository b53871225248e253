"""A database with Amethyst's V2, and the doctor called on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repot.embedded import EmbeddedServer
from support.amethyst import make_v2
from support.doctoring import CALM, Doctor
from support.project import repot

NAME = "doctor_amethyst"

PEOPLE = """
insert into auth.users (id, email, email_confirmed_at, created_at)
  select md5('user ' || g)::uuid, 'user' || g || '@example.com', now(), now() from generate_series(1, 5) g;
select add_credits(id, 10, 'bonus', 'welcome', 'welcome ' || id) from auth.users;
"""


@pytest.fixture(scope="session")
def healthy(server: EmbeddedServer) -> Iterator[str]:
    """The name of a database in which all is well: a template for others."""
    from support.sql import run

    run(make_v2(server, NAME), PEOPLE)
    yield NAME
    server.drop_database(NAME)


@pytest.fixture
def v2(healthy: str, make_database: Callable[..., str]) -> str:
    """The connection string of a copy of it."""
    return make_database(healthy)


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """`doctor(dsn, *words, toml="…")` examines with this doctor.toml; gives the exit code and the
    document."""

    def call(dsn: str, *words: object, toml: str = CALM) -> tuple[int, dict[str, Any]]:
        (tmp_path / "doctor.toml").write_text(toml, encoding="utf-8")
        return repot("doctor", "--project", tmp_path, *words, dsn=dsn)

    return call
