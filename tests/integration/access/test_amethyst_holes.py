"""The same kinds of holes in Amethyst's V2: each is found, and nothing on the clean V2."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from repot.embedded import EmbeddedServer
from repot.engine.access import Place, try_access
from repot.model.access import AccessRules
from repot.project.access import load_access
from repot.stages.audit import audit
from support.amethyst import FOLDER, fill_v2, make_v2
from support.sql import run

from .conftest import with_one_user
from .holes import Hole
from .test_holes import SECURITY, names

HOLES = (
    Hole(
        "row security off",
        "alter table credit_transactions disable row level security",
        ("access-more credit_transactions user see others'",),
        ("rls-off-open public.credit_transactions",),
    ),
    Hole(
        "everything to everybody, as in V1",
        "create policy everybody on profiles for all using (true)",
        ("access-more profiles user see others'", "access-more profiles user change others'"),
        ("policy-everybody public.profiles",),
    ),
    Hole(
        "a policy that recurses, as in V1",
        "create policy admins on profiles for select to authenticated"
        " using (exists (select from profiles p where p.id = auth.uid() and p.role = 'admin'))",
        ("access-error profiles user see recursion",),
        ("rls-recursion public.profiles",),
    ),
    Hole(
        "a column too many: everybody an administrator",
        "grant update (role) on profiles to authenticated; drop trigger if exists guard_profile on"
        " profiles",
        ("access-more profiles user change role",),
        (),
    ),
    Hole(
        "collections can be given away",
        "alter policy image_collections_change on image_collections with check (true)",
        ("access-more image_collections user change giving",),
        ("policy-check-wider public.image_collections",),
    ),
    Hole(
        "images in another's name",
        "alter policy generated_images_add on generated_images with check (true)",
        ("access-more generated_images user add another's",),
        ("policy-check-open public.generated_images",),
    ),
    Hole(
        "deleted without a WHERE",
        "alter policy prompts_own on prompts using (true);"
        "create policy seen on prompts as restrictive for select to authenticated"
        " using (user_id = auth.uid())",
        ("access-more prompts user delete WHERE",),
        ("policy-everybody public.prompts",),
    ),
    Hole(
        "tokens can be read",
        "grant select on oauth_tokens to authenticated",
        ("access-more oauth_tokens user see access_token",),
        (),
    ),
    Hole(
        "the ledger can be emptied",
        "grant truncate on credit_transactions to authenticated",
        ("access-more credit_transactions user empty",),
        ("grant-truncate public.credit_transactions",),
    ),
    Hole(
        "anon reads the bans",
        "grant select on bans to anon; create policy bans_read on bans for select using (true)",
        ("access-more bans anon see",),
        (),
    ),
    Hole(
        "a view that bypasses",
        "create view rich as select id, email, credits_balance from profiles;"
        "grant select on rich to anon, authenticated",
        ("access-undeclared rich",),
        ("view-bypasses-rls public.rich",),
    ),
    Hole(
        "credits for anybody",
        "grant execute on function add_credits(uuid, int, text, text, text) to public",
        ("access-function add_credits(uuid anon owner",),
        (),
    ),
    Hole(
        "definer function without search_path",
        "create function richest() returns int language sql security definer"
        " as 'select max(credits_balance) from public.profiles'",
        ("access-function richest() user",),
        ("definer-search-path public.richest()", "definer-open public.richest()"),
    ),
    Hole(
        "a grant that is missing",
        "revoke insert on prompts from authenticated",
        ("access-less prompts user add grant",),
        (),
    ),
    Hole(
        "row security without a policy",
        "drop policy ad_views_read on ad_views",
        ("access-less ad_views user see policy",),
        ("rls-no-policy public.ad_views",),
    ),
    Hole(
        "a table of somebody's, quickly made",
        "create table notes (id int primary key, user_id uuid, note text)",
        ("access-undeclared notes",),
        (),
    ),
)


@pytest.fixture(scope="module")
def v2(server: EmbeddedServer) -> Iterator[str]:
    """A database with the clean V2 and some rows in it, to be copied."""
    fill_v2(make_v2(server, "access_amethyst"))
    yield "access_amethyst"
    server.drop_database("access_amethyst")


@pytest.fixture(scope="module")
def declared() -> AccessRules:
    return load_access(FOLDER)


HERE = Place("public", "v2")


def test_the_clean_v2_is_as_declared(
    v2: str, make_database: Callable[..., str], declared: AccessRules
) -> None:
    dsn = make_database(v2)
    access = try_access(dsn, declared, HERE)[0]
    assert access.findings == ()
    assert access.tries > 1000
    assert access.untried == 0
    read = audit(dsn, ["public"]).findings
    assert [f for f in read if f.code.startswith(SECURITY)] == []


@pytest.mark.parametrize("hole", HOLES, ids=lambda h: h.name)
def test_a_hole_planted_in_v2_is_found(
    v2: str, make_database: Callable[..., str], declared: AccessRules, hole: Hole
) -> None:
    dsn = make_database(v2)
    run(dsn, "set search_path = public, extensions;" + hole.plant)
    tables = {w.split(" ")[1] for w in hole.matrix if not w.startswith("access-function")}
    access = try_access(dsn, with_one_user(declared), HERE, only=tables or {"bans"})[0]
    for wanted in hole.matrix:
        assert names(access.findings, wanted), (wanted, access.findings)
    read = audit(dsn, ["public"]).findings if hole.audit else ()
    for wanted in hole.audit:
        code, object_ = wanted.split(" ", 1)
        assert any(f.code == code and f.object == object_ for f in read), (wanted, read)
