"""Each broken folder is refused before its first statement runs; the database stays as it was."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from repot import migrations
from repot.folder.deploy import Options
from support.migrating import errors, whole
from support.sql import run

FOLDERS = Path(__file__).parents[2] / "folders"
ENOUGH = 40
SOMETHING = """
create schema kept;
create table kept.notes (id int primary key, text text);
insert into kept.notes values (1, 'here before');
"""


def refused() -> list[str]:
    """Those with an error; advice alone stops nobody."""
    found = []
    for file in sorted(FOLDERS.glob("*/expected.toml")):
        seen = migrations.lint(file.parent, locks=False)
        if any(f.severity == "error" for f in seen.findings):
            found.append(file.parent.name)
    return found


NAMES = refused()


def test_they_are_enough() -> None:
    assert len(NAMES) >= ENOUGH


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_it_runs(name: str, database: str) -> None:
    run(database, SOMETHING)
    expected = tomllib.loads((FOLDERS / name / "expected.toml").read_text("utf-8"))["finding"]
    before = whole(database)
    result = migrations.deploy(FOLDERS / name, database, Options())
    assert whole(database) == before
    assert (result.exit, result.refused, result.applied) == (3, True, ())
    wrong = set(errors(result))
    assert wrong
    assert wrong <= {f["code"] for f in expected}
