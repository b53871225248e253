"""The shop, copied; one for all that leave it as it is, and one to be changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from repot.embedded import EmbeddedServer
from repot.engine.drift import unwatch
from repot.engine.session import Session
from support.drift import MORE, mark, project
from support.pipeline import started
from support.shop import make_v1
from support.sql import run


@pytest.fixture(scope="session")
def shop(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The project, copied and not watched. Tests change nothing in it for good."""
    dsn = server.create_database("drift_template")
    make_v1(dsn)
    run(dsn, MORE)
    session = started(dsn, project(tmp_path_factory.mktemp("drift")))
    with session.connect() as conn:
        unwatch(conn, session.run.id)
    yield session
    server.drop_database("drift_template")


@pytest.fixture
def own(shop: Session, make_database: Callable[..., str]) -> Session:
    """A copy of it, to be changed."""
    return replace(shop, dsn=make_database("drift_template"))


@pytest.fixture(scope="session")
def before(shop: Session) -> str:
    """The fingerprint of the template."""
    return mark(shop)
