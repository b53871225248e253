"""Each folder in tests/folders is broken in one way: lint says which, where, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from repot import migrations

FOLDERS = Path(__file__).parents[2] / "folders"
NAMES = sorted(f.name for f in FOLDERS.iterdir() if (f / "expected.toml").is_file())


@pytest.mark.parametrize("name", NAMES)
def test_lint_says_exactly_what_is_wrong(name: str) -> None:
    expected = tomllib.loads((FOLDERS / name / "expected.toml").read_text("utf-8"))
    if expected.get("needs") == "history":
        pytest.skip("only a database's history shows what is wrong with it")
    findings = migrations.lint(FOLDERS / name, locks=False).findings
    assert [(f.code, f.file, f.line) for f in findings] == [
        (f["code"], f["file"], f.get("line")) for f in expected["finding"]
    ]
    assert all(f.message and f.hint for f in findings)


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 40
