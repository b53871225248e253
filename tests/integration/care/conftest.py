"""A database with upkeep's built-ins, looked after by a role that is no superuser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from psycopg.conninfo import make_conninfo

from repot.embedded import EmbeddedServer
from support.caring import Care, install
from support.sql import rows, run


@pytest.fixture(scope="session")
def keeper(server: EmbeddedServer) -> str:
    for role in ("care_keeper login createdb bypassrls", "anon", "authenticated"):
        # the server is shared by the modules, and so are its roles
        run(
            server.dsn(),
            f"do $$ begin create role {role}; exception when duplicate_object then null; end $$",
        )
    return "care_keeper"


@pytest.fixture(scope="session")
def template(server: EmbeddedServer, keeper: str) -> Iterator[str]:
    """The name of a database that is the keeper's and has the built-ins."""
    name = "care_template"
    dsn = server.create_database(name)
    run(dsn, f"alter database {name} owner to {keeper}; alter schema public owner to {keeper}")
    install(make_conninfo(dsn, user=keeper))
    yield name
    server.drop_database(name)


@pytest.fixture
def care(make_database: Callable[..., str], template: str, keeper: str) -> Care:
    dsn = make_database(template)
    run(dsn, f"alter database {rows(dsn, 'select current_database()')[0][0]} owner to {keeper}")
    return Care(make_conninfo(dsn, user=keeper), dsn)
