"""A small system, and `repot check` run on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repot.embedded import EmbeddedServer
from support.checking import CLEAN, FILES, Check
from support.project import repot, write
from support.sql import run

NAME = "check_small"


@pytest.fixture(scope="session")
def _small(server: EmbeddedServer) -> Iterator[str]:
    """One database for all of these tests: making the schema anew is quicker than a database."""
    yield server.create_database(NAME)
    server.drop_database(NAME)


@pytest.fixture
def system(_small: str) -> str:
    """The connection string of a database in which everything is as it must be."""
    run(
        _small,
        'drop schema if exists auth, "Vé 2" cascade; drop schema public cascade; '
        "create schema public; grant usage on schema public to public; " + CLEAN,
    )
    return _small


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """`check(dsn, checks="…", feature="…", **files)` runs the folder with these files changed; gives
    the exit code and the document."""

    def call(dsn: str, *words: str, **changed: str) -> tuple[int, Any]:
        places = {"checks": "checks.toml", "feature": "features/credits.sql"}
        files = FILES | {places.get(k, k): v for k, v in changed.items()} | {"repot.toml": ""}
        write(tmp_path, files)
        (tmp_path / "repot.toml").unlink()
        return repot("check", "--project", tmp_path, *words, dsn=dsn)

    return call
