"""A small Supabase project in good order, to plant holes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repot.embedded import EmbeddedServer
from repot.model.access import AccessRules
from repot.project.access import load_access
from support.sql import run

CLEAN = Path(__file__).parent / "clean"


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> Iterator[str]:
    """The name of a database with the clean project in it, to be copied."""
    dsn = server.create_supabase("access_clean")
    run(dsn, (CLEAN / "schema.sql").read_text(encoding="utf-8"))
    yield "access_clean"
    server.drop_database("access_clean")


@pytest.fixture
def clean(template: str, make_database: Callable[..., str]) -> str:
    """A fresh copy of the clean project."""
    return make_database(template)


@pytest.fixture(scope="session")
def rules() -> AccessRules:
    """Its access.toml."""
    return load_access(CLEAN)


def with_one_user(rules: AccessRules) -> AccessRules:
    """The same with one person of each kind, for tests in which more would say nothing."""
    one = [
        i.model_copy(update={"sub": f"select * from ({i.sub}) as people limit 1"} if i.sub else {})
        for i in rules.identities
    ]
    return rules.model_copy(update={"identities": tuple(one)})
