"""Each rule against its own bad and good folders, and PostgreSQL's word on both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from repot.folder.rules import RULES, Rule
from support.books import codes, found, prisma, run_as_prisma

IDS = [rule.id for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_bad_folder_gives_exactly_that_rule(rule: Rule, tmp_path: Path) -> None:
    findings = found(prisma(tmp_path, rule.bad))
    assert codes(findings) == [rule.id]
    (finding,) = findings
    assert finding.severity is rule.severity
    assert finding.hint
    assert finding.line


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_good_folder_gives_nothing(rule: Rule, tmp_path: Path) -> None:
    assert found(prisma(tmp_path, rule.good)) == ()


@pytest.mark.parametrize("rule", [r for r in RULES if r.fails], ids=lambda r: r.id)
def test_postgresql_refuses_the_bad_folder(rule: Rule, database: str) -> None:
    with pytest.raises(psycopg.Error):
        run_as_prisma(database, rule.bad)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_postgresql_runs_the_good_folder(rule: Rule, make_database: Callable[..., str]) -> None:
    run_as_prisma(make_database(), rule.good)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    assert rule.condition.endswith((".", ".)"))
    assert rule.effect.endswith(".")
    assert not rule.remedy.endswith(".")


def test_ids_are_told_apart() -> None:
    assert len(set(IDS)) == len(IDS)
