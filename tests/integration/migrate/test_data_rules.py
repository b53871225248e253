"""Each data rule over its own bad and good files, on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.folder.data import RULES, DataRule
from repot.model.finding import Severity
from support.folders import examined, load, run, write

# Rows concerned, and how many examples are named, in the rule's own bad case.
EXPECTED = {
    "not-null-holds-nulls": (2, 2),
    "add-column-without-default": (2, 0),
    "unique-duplicates": (2, 1),
    "slug-collides": (2, 1),
    "unique-over-null-rows": (2, 0),
    "index-repeats": (None, 0),
    "check-breaks": (1, 1),
    "foreign-key-breaks": (1, 1),
    "set-null-on-not-null": (None, 0),
    "type-change-fails": (1, 1),
    "type-change-loses": (2, 2),
    "enum-value-in-use": (2, 2),
    "dropped-column-holds-values": (2, 2),
    "dropped-table-holds-rows": (2, 2),
    "cascade-reaches-kept": (2, 0),
    "extension-not-there": (None, 0),
    "down-loses-rows": (3, 3),
    "down-fails": (1, 1),
}


def _prepare(
    dsn: str, folder: Path, rule: DataRule, files: tuple[str, ...], down: str
) -> list[str]:
    """The database and the folder; returns what is pending."""
    load(dsn, rule.data)
    if not down:
        return write(folder, files)
    write(folder, ["select 1;"], downs={1: down})
    return []


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_bad(database: str, tmp_path: Path, rule: DataRule) -> None:
    pending = _prepare(database, tmp_path / "m", rule, rule.bad, rule.bad_down)
    found = examined(database, tmp_path / "m", pending, keep=rule.keep)
    told = [f for f in found if f.severity is not Severity.INFO]
    assert [f.code for f in told] == [rule.id], told
    count, examples = EXPECTED[rule.id]
    assert (told[0].count, len(told[0].examples)) == (count, examples), told[0]
    assert told[0].file
    assert told[0].line
    assert told[0].hint
    script = "\n".join([*rule.bad, rule.bad_down])
    assert run(database, script) == rule.refused


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_good(database: str, tmp_path: Path, rule: DataRule) -> None:
    pending = _prepare(database, tmp_path / "m", rule, rule.good, rule.good_down)
    assert examined(database, tmp_path / "m", pending, keep=rule.keep) == ()
    assert run(database, "\n".join([*rule.good, rule.good_down])) == ""


def test_every_rule_is_told(database: str) -> None:
    assert set(EXPECTED) == {r.id for r in RULES}
    for rule in RULES:
        assert rule.condition.endswith(".")
        assert rule.effect.endswith(".")
        assert rule.remedy
