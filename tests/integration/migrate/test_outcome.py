"""COMMIT lost on the wire: looked at, and then known."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repot.folder.deploy import outcome
from repot.model.errors import Exit, RepotError
from support.migrating import Folder, deploy, deployed, history, states, whole
from support.sql import rows
from support.wire import Wire

A = "20260101000000_first"
B = "20260102000000_steps"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write(A, "create table a (id int);\ninsert into a values (1);\n")
    made.write(
        B, "-- repot: no-transaction\ninsert into a values (2);\ninsert into a values (3);\n"
    )
    return made


@pytest.fixture
def short() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="w") as raw:
        yield Path(raw)


def test_it_was_committed(folder: Folder, database: str, short: Path) -> None:
    """Both files are applied once, by one call, on two connections."""
    with Wire(database, short, "after") as wire:
        result = deploy(wire.dsn, folder)
        assert wire.cuts == 1
    assert result.exit == 0
    assert [r.name for r in result.applied] == [A, B]
    assert rows(database, "select id from a order by id") == [(1,), (2,), (3,)]
    assert [(r[0], r[2], r[5]) for r in history(database)] == [(A, True, 1), (B, True, 1)]


def test_a_step_was_committed(folder: Folder, database: str, short: Path) -> None:
    steps = (folder.path / B / "migration.sql").read_text()
    folder.remove(B)
    deployed(database, folder)
    folder.write(B, steps)
    with Wire(database, short, "after") as wire:
        result = deploy(wire.dsn, folder)
        assert wire.cuts == 1
    assert result.exit == 0
    assert [r.name for r in result.applied] == [B]
    assert rows(database, "select id from a order by id") == [(1,), (2,), (3,)]


def test_it_was_not_committed(folder: Folder, database: str, short: Path) -> None:
    with Wire(database, short, "before") as wire:
        with pytest.raises(RepotError) as lost:
            deploy(wire.dsn, folder)
        assert wire.cuts == 1
    assert (lost.value.code, lost.value.exit) == ("connection-lost", Exit.FAILED)
    assert states(database, folder)[A] == "interrupted"
    assert rows(database, "select to_regclass('a')") == [(None,)]
    assert deployed(database, folder) == (A, B)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_it_cannot_be_told(
    folder: Folder, database: str, short: Path, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "WAIT_S", 0.5)
    with Wire(database, short, cut, dead=True) as wire, pytest.raises(RepotError) as unknown:
        deploy(wire.dsn, folder)
    assert (unknown.value.code, unknown.value.exit) == ("outcome-unknown", Exit.UNKNOWN)
    assert states(database, folder)[A] == ("applied" if cut == "after" else "interrupted")
    assert deploy(database, folder).exit == 0
    assert rows(database, "select id from a order by id") == [(1,), (2,), (3,)]


def test_the_same_end(folder: Folder, make_database: Callable[..., str], short: Path) -> None:
    dsn, undisturbed = make_database(), make_database()
    deployed(undisturbed, folder)
    with Wire(dsn, short, "after") as wire:
        deploy(wire.dsn, folder)
    assert whole(dsn) == whole(undisturbed)
