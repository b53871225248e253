"""Each planted hole is found, by the matrix, the audit or both; on the clean project nothing is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from repot.engine.access import Place, try_access
from repot.model.access import Access, AccessRules
from repot.model.finding import Finding
from repot.stages.audit import audit
from support.sql import run

from .conftest import with_one_user
from .holes import HOLES, Hole

HERE = Place("public", "schema")
# Codes of the audit that are about who may do what.
SECURITY = ("rls-", "policy-", "grant-", "view-", "matview-", "definer-", "function-", "role-")
SECURITY += ("schema-create", "partition-")


def tried(dsn: str, rules: AccessRules, *only: str) -> Access:
    return try_access(dsn, rules, HERE, only=only)[0]


def security(dsn: str) -> tuple[Finding, ...]:
    return tuple(f for f in audit(dsn, ["public"]).findings if f.code.startswith(SECURITY))


def names(findings: Sequence[Finding], wanted: str) -> bool:
    """Whether a finding has the code and object, and each of the words in its text."""
    code, object_, *words = wanted.split(" ")
    return any(
        f.code == code
        and (f.object or "").startswith(object_)
        and all(word in f.message for word in words)
        for f in findings
    )


def test_the_clean_project_has_no_hole(clean: str, rules: AccessRules) -> None:
    access = tried(clean, rules)
    assert access.findings == ()
    assert security(clean) == ()
    assert access.tries > 300
    known = [c for c in access.cells if c.found != "?"]
    assert len(known) > 0.9 * len([c for c in access.cells if c.table not in ("note_counts",)]) - 12


@pytest.mark.parametrize("hole", HOLES, ids=lambda h: h.name)
def test_a_planted_hole_is_found(clean: str, rules: AccessRules, hole: Hole) -> None:
    run(clean, "set search_path = public;" + hole.plant)
    tables = {w.split(" ")[1] for w in hole.matrix if not w.startswith("access-function")}
    access = tried(clean, with_one_user(rules), *(tables or {"labels"}))
    for wanted in hole.matrix:
        assert names(access.findings, wanted), (wanted, access.findings)
    read = security(clean) if hole.audit else ()
    for wanted in hole.audit:
        code, object_ = wanted.split(" ", 1)
        assert any(f.code == code and f.object == object_ for f in read), (wanted, read)
    assert hole.matrix or hole.audit
    assert access.passed == (not hole.matrix)


def test_a_role_that_no_policy_holds_for(clean: str, rules: AccessRules) -> None:
    run(clean, "create role access_bypass login bypassrls")
    try:
        assert names(security(clean), "role-bypassrls access_bypass log in")
    finally:
        run(clean, "drop role access_bypass")
    run(clean, "alter role authenticated bypassrls")
    try:
        assert names(tried(clean, rules, "notes").findings, "access-more notes user see other")
    finally:
        run(clean, "alter role authenticated nobypassrls")
    assert security(clean) == ()


def test_two_dozen_holes() -> None:
    """The issue wants twelve."""
    by_matrix = [h for h in HOLES if h.matrix]
    assert len(by_matrix) >= 20
    assert len(HOLES) >= 28
    assert len({h.name for h in HOLES}) == len(HOLES)
