"""The broken folders against PostgreSQL: what lint calls a failure is one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import psycopg
import pytest

from repot.folder.book import open_book
from repot.folder.rules import RULES
from support.books import simple

FOLDERS = Path(__file__).parents[2] / "folders"
FAIL = {rule.id for rule in RULES if rule.fails and not rule.id.startswith("down-")}
FAIL -= {"not-null-without-default"}  # only where the table has rows


def names() -> list[str]:
    found = []
    for file in sorted(FOLDERS.glob("*/expected.toml")):
        expected = tomllib.loads(file.read_text("utf-8")).get("finding", ())
        if {f["code"] for f in expected} & FAIL:
            found.append(file.parent.name)
    return found


@pytest.mark.parametrize("name", names())
def test_the_file_that_lint_names_fails_and_none_before_it(name: str, database: str) -> None:
    text = (FOLDERS / name / "expected.toml").read_text("utf-8")
    wrong = {f["file"] for f in tomllib.loads(text)["finding"]}
    with psycopg.connect(database, autocommit=True) as connection:
        for page in open_book(FOLDERS / name).pages:
            if page.file in wrong:
                with pytest.raises(psycopg.Error):
                    simple(connection, page.up.script.text)
                return
            simple(connection, page.up.script.text)
    raise AssertionError("lint named no file of the folder")
