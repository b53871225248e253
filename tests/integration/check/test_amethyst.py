"""Amethyst's own checks: all pass on its V2, and some things that went wrong with V1 are found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from repot.embedded import EmbeddedServer
from support.amethyst import FOLDER, make_v2
from support.checking import failed
from support.project import repot
from support.sql import rows, run

NAME = "check_amethyst"


@pytest.fixture(scope="module")
def v2(server: EmbeddedServer) -> Iterator[str]:
    """A database with V2 in its schema public; each test leaves it as it was."""
    yield make_v2(server, NAME)
    server.drop_database(NAME)


def test_v2_is_as_it_must_be_and_stays_so(v2: str) -> None:
    code, document = repot("check", "--project", FOLDER, "--schema", "public", dsn=v2)
    assert failed(document) == []
    assert (code, document["not_run"]) == (0, 0)
    features = [c for c in document["checks"] if c["kind"] == "feature"]
    assert len(features) >= 4
    assert all(c["expectations"] for c in features)
    assert rows(v2, "select count(*) from auth.users") == [(0,)]


SPOILED = {
    "the sign-up trigger is off": (
        "alter table auth.users disable trigger on_auth_user_created",
        "alter table auth.users enable trigger on_auth_user_created",
        {"trigger", "feature"},
    ),
    "everybody may give credits": (
        "grant execute on function add_credits to anon",
        "revoke execute on function add_credits from anon",
        {"function"},
    ),
    "row security is off": (
        "alter table bans disable row level security",
        "alter table bans enable row level security",
        {"row security"},
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_spoiled_is_found(v2: str, name: str) -> None:
    spoil, mend, kinds = SPOILED[name]
    run(v2, spoil)
    try:
        code, document = repot("check", "--project", FOLDER, "--schema", "public", dsn=v2)
    finally:
        run(v2, mend)
    assert code == 1
    assert {kind for kind, _ in failed(document)} >= kinds
