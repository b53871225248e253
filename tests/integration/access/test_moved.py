"""In a project: planned, held to at verify, tried where V2 stands, compared with V1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repot.embedded import EmbeddedServer
from repot.lifecycle.runner import Runner
from repot.model.access import Operation
from repot.model.errors import Refused, UsageError
from repot.project import load_project
from support.project import repot, write
from support.sql import rows, run

from .moved import FILES, V1

SETTINGS = """
name = "moved"
[source]
schema = "public"
outside = ["auth"]
[target]
schema = "Über v2"
retired = "old one"
"""


@pytest.fixture(scope="module")
def v1(server: EmbeddedServer) -> Iterator[str]:
    run(server.create_supabase("access_moved"), V1)
    yield "access_moved"
    server.drop_database("access_moved")


@pytest.fixture
def dsn(v1: str, make_database: Callable[..., str]) -> str:
    return make_database(v1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "moved", {**FILES, "repot.toml": SETTINGS})


def runner(dsn: str, folder: Path) -> Runner:
    return Runner(dsn, load_project(folder))


def test_verify_holds_v2_to_it_and_the_cutover_asks_for_that(dsn: str, folder: Path) -> None:
    work = runner(dsn, folder)
    assert [f for f in work.plan().findings if f.code.startswith("access")] == []
    work.copy()
    verdict = work.verify()
    assert verdict.passed, verdict.reasons
    assert verdict.access is not None
    assert verdict.access.passed
    assert verdict.access.schema_ == "Über v2"
    assert verdict.access.tries > 100
    # nothing of the tries is left, and no trigger of V2 has fired
    assert rows(dsn, 'select count(*), sum(id) from "Über v2".posts') == [(12, 78)]
    assert not any(
        held for (held,) in rows(dsn, "select has_schema_privilege('anon', 'Über v2', 'usage')")
    )

    run(dsn, 'create policy hole on "Über v2".members for select using (true)')
    failed = work.verify()
    assert not failed.passed
    assert failed.differences == 0
    assert [r for r in failed.reasons if not r.startswith("access: ")] == []
    assert any("user may see rows of members" in r for r in failed.reasons)
    with pytest.raises(Refused, match="passed proof"):
        work.cutover()
    code, said = repot("verify", "--project", folder, dsn=dsn)
    assert code == 1
    assert said["access"]["findings"][0]["code"] == "access-more"


def test_shown_where_v2_stands_and_beside_v1(dsn: str, folder: Path) -> None:
    work = runner(dsn, folder)
    with pytest.raises(Refused, match="not there yet") as refused:
        work.access()
    assert refused.value.code == "access-no-v2"
    before = work.access("public")
    assert before.side == "v1"
    assert before.passed
    # its SELECTs are about V2: nobody in particular is tried then
    assert {f.code for f in before.findings} == {"access-sub"}
    work.copy()
    both = work.compare_access()
    assert both.after.passed
    changes = {(c.table, c.identity, c.operation): (c.before, c.after) for c in both.changes}
    assert changes[("members", "anon", Operation.SELECT)] == ("all", "none")
    assert changes[("members", "user", Operation.SELECT)] == ("all", "own")
    assert changes[("members", "user", Operation.TRUNCATE)] == ("all", "none")
    assert changes[("likes", "user", Operation.SELECT)] == ("all", "own")
    assert changes[("likes", "user", Operation.INSERT)] == ("none", "own")
    assert changes[("Posts", "anon", Operation.DELETE)] == ("all", "-")
    assert changes[("posts", "anon", Operation.SELECT)] == ("-", "as declared")
    assert ("likes", "anon", Operation.SELECT) not in changes
    code, said = repot("access", "--compare", "--project", folder, dsn=dsn)
    assert code == 0
    assert len(said["changes"]) == len(both.changes)


def test_what_the_plan_says_before_a_row_is_copied(
    dsn: str, folder: Path, make_database: Callable[..., str]
) -> None:
    text = FILES["access.toml"].replace("[table.likes]", "[table.liked]")
    text = text.replace('columns = ["mail"]', 'columns = ["email"]').replace(
        'role = "anon"', 'role = "nobody at all"'
    )
    write(folder, {"access.toml": text, "repot.toml": SETTINGS})
    found = {(f.code, f.object) for f in runner(dsn, folder).plan().errors}
    assert found == {
        ("access-undeclared", "likes"),
        ("access-unknown", "liked"),
        ("access-unknown", "members"),
        ("access-role", None),
    }


def test_all_that_is_wrong_with_the_file_at_once(folder: Path) -> None:
    write(
        folder,
        {
            "repot.toml": SETTINGS,
            "access.toml": """
colour = "red"
[identity.user]
role = "authenticated"
sub = "select 1"
claims = { sub = "2", role = "anon" }
[identity.anon]
[default]
user = "own"
somebody = "all"
[table.posts]
user = { select = "own", remove = "all", truncate = "own", columns = "mail" }
[table.likes]
anon = 3
[old.posts]
owner = 3
user = "all"
[functions]
x = []
""".replace('colour = "red"', ""),
        },
    )
    with pytest.raises(UsageError) as wrong:
        load_project(folder)
    said = wrong.value.evidence
    for part in (
        "identity.user: the claim sub is given twice",
        "identity.user: claims.role",
        "identity.anon.role",
        "default.somebody: there is no such identity",
        "table.posts.user.remove: there is no such right",
        "table.posts.user.truncate",
        "table.posts.user.columns must be a list",
        "table.likes.anon must be",
        'table.posts: user may reach "own" rows',
        'table.likes: user may reach "own" rows',
        "old.posts.owner must be a text",
        "old.posts takes owner and own alone",
        "functions.x",
    ):
        assert f"access.toml: {part}" in said, (part, said)
