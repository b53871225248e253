"""Fixtures for the tests of capture from the WAL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psycopg
import pytest

from repot.embedded import EmbeddedServer
from repot.engine.session import Session
from repot.model.names import Name
from support.wal import Make, World, make_world, shop_from_wal


@pytest.fixture
def make(database: str) -> Iterator[Make]:
    """`make(script, {table: columns})`, with the slot; it is dropped afterwards."""
    made: list[World] = []

    def one(script: str, tables: Mapping[Name, Sequence[str]], with_slot: bool = True) -> World:
        made.append(make_world(database, script, tables))
        if with_slot:
            made[-1].create()
        return made[-1]

    yield one
    for world in made:
        world.conn.close()


SERVER = {
    "wal_level": "logical",
    "wal_writer_delay": "10s",  # nothing is flushed by itself
    "bgwriter_delay": "10s",
    "max_replication_slots": 4,
    "max_prepared_transactions": 4,
    "autovacuum": False,
}
_numbers = iter(range(1000))


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    """A server that may be killed and set."""
    with EmbeddedServer(settings=SERVER) as server:
        yield server


@pytest.fixture
def own(own_server: EmbeddedServer) -> Iterator[Make]:
    """As `make`, on the server of one's own."""
    made: list[World] = []

    def one(script: str, tables: Mapping[Name, Sequence[str]], with_slot: bool = True) -> World:
        dsn = own_server.create_database(f"own_{next(_numbers)}")
        made.append(make_world(dsn, script, tables))
        if with_slot:
            made[-1].create()
        return made[-1]

    yield one
    for world in made:
        world.conn.close()
        own_server.drop_database(psycopg.conninfo.conninfo_to_dict(world.dsn)["dbname"])


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Session:
    """Copied; everything is captured from the WAL."""
    return shop_from_wal(database, tmp_path)
