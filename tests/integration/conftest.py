"""The small project at its stages, made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from repot.embedded import EmbeddedServer
from support.shops import OwnShops, Shops


@pytest.fixture(scope="session")
def shop_templates(server: EmbeddedServer) -> Iterator[Shops]:
    made = Shops(server)
    yield made
    made.drop()


@pytest.fixture
def shops(shop_templates: Shops, make_database: Callable[..., str]) -> OwnShops:
    """`shops.proven()`, for instance, is a session, and its verdict, in a database of the test's."""
    return OwnShops(shop_templates, make_database)
