"""The bundled project systems/personalization: V1 with rows, and the folder deployed on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repot.demo.systems import find_system
from repot.embedded import EmbeddedServer
from repot.folder.deploy import deploy, resolve
from repot.model.errors import Exit

SYSTEM = find_system("personalization")
FOLDER = SYSTEM.folder / "migrations"
INIT = "20250301090000_init"
generator = SYSTEM.module("generate")


def make_v1(dsn: str, rows: int, seed: int) -> dict[str, int]:
    """V1 with messy rows in an empty database; rows by table."""
    generator.create_v1(dsn)
    made: dict[str, int] = generator.generate(dsn, rows, seed)
    return made


@contextmanager
def template(server: EmbeddedServer, name: str, rows: int, seed: int) -> Iterator[str]:
    """A database called `name` with V1 and its rows, for copies."""
    make_v1(server.create_database(name), rows, seed)
    yield name
    server.drop_database(name)


def deploy_all(dsn: str, folder: Path = FOLDER) -> tuple[str, ...]:
    """The first migration is what is there; the others run. Gives their names."""
    resolve(dsn, folder, applied=(INIT,))
    done = deploy(dsn, folder)
    assert done.exit is Exit.DONE, (done.failure, done.findings)
    return tuple(ran.name for ran in done.applied)
