"""Dropskills V2 as its application uses it, once it stands in public, and its checks."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import LiteralString, cast

import psycopg
import pytest
from psycopg import sql

from repot import service
from repot.embedded import EmbeddedServer
from repot.model.errors import Refused
from support.dropskills import (
    FOLDER,
    PROJECT,
    Connection,
    application,
    digest,
    failing,
    moved_template,
    one,
    rolled_back,
    rows,
    v1_template,
)


@pytest.fixture(scope="module")
def cut_over(server: EmbeddedServer) -> Iterator[str]:
    """A database with V2 in public, its triggers on, and V1 retired: as after a cutover."""
    with (
        v1_template(server, "dropskills_app_v1", 3000, seed=4) as v1,
        moved_template(server, "dropskills_app", v1) as (name, _),
    ):
        with psycopg.connect(server.dsn(name), autocommit=True) as conn:
            _cut_over(conn)
        yield name


@pytest.fixture
def v2(server: EmbeddedServer, cut_over: str) -> Iterator[Connection]:
    """A connection to it, in a transaction that is rolled back."""
    with rolled_back(server.dsn(cut_over)) as conn:
        yield conn


def _cut_over(conn: Connection) -> None:
    conn.execute("alter table public.profiles drop constraint profiles_id_fkey")
    conn.execute("alter schema public rename to dropskills_old")
    conn.execute("alter schema dropskills_v2 rename to public")
    conn.execute("grant usage on schema public to anon, authenticated, service_role")
    conn.execute("drop trigger on_auth_user_created on auth.users")
    conn.execute(
        "create trigger on_auth_user_created after insert on auth.users"
        " for each row execute function public.handle_new_user()"
    )
    conn.execute(cast(LiteralString, PROJECT.outside["account"].text))
    for (table,) in conn.execute("select tablename from pg_tables where schemaname = 'public'"):
        conn.execute(sql.SQL("alter table {} enable trigger user").format(sql.Identifier(table)))


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        ("slugs", "update packs set slug = 'Été ' where id = (select id from packs limit 1)"),
        (
            "nobody_left_behind",
            "delete from users where id = (select user_id from favorites limit 1)",
        ),
        ("emails", "update users set email = 'x' || email where role = 'SUPER_ADMIN'"),
        (
            "money",
            "alter table packs disable trigger packs_is_free;"
            " update packs set is_free = not is_free",
        ),
        ("statistics", "update pack_stats set favorites_count = favorites_count + 1"),
        ("tag_usage", "update tags set usage_count = usage_count + 1"),
        ("sample_types", "update samples set file_type = 'PDF' where file_type = 'VIDEO'"),
        ("ownership", "update user_packs set amount_paid = -1"),
        ("idea_tags", "update trending_ideas set tags = '{\"raw\": 1}'"),
    ],
    ids=lambda value: value if value in PROJECT.checks else "",
)
def test_each_check_passes_until_it_is_broken(v2: Connection, check: str, broken: str) -> None:
    assert failing(v2, check) == []
    v2.execute(cast(LiteralString, broken))
    assert failing(v2, check) != []


def test_no_check_is_untested() -> None:
    marks = test_each_check_passes_until_it_is_broken.pytestmark  # type: ignore[attr-defined]
    assert {case[0] for case in marks[0].args[1]} == set(PROJECT.checks)


def test_sign_up_and_account_changes_reach_users(v2: Connection) -> None:
    ada = application.sign_up(v2, "ada@example.org", "Ada")
    assert application.account(v2, ada) == (ada, "ada@example.org", "USER", "ACTIVE")
    bob = application.sign_up(v2, None)
    account = application.account(v2, bob)
    assert account is not None
    assert account[1] == f"{bob}@no-email.invalid"
    v2.execute(
        "update auth.users set email = 'countess@example.org',"
        " last_sign_in_at = '2025-11-01 10:00+00' where id = %s",
        (ada,),
    )
    (found,) = rows(
        v2,
        "select email, last_login_at = '2025-11-01 10:00+00', first_name from users where id = %s",
        ada,
    )
    assert found == ("countess@example.org", True, "Ada")


def test_the_list_shows_what_v1_showed(v2: Connection) -> None:
    shown = application.list_published_packs(v2, 50)
    newest = rows(
        v2,
        "select id from packs where status = 'PUBLISHED'"
        " order by coalesce(published_at, created_at) desc, id limit 50",
    )
    assert [row[0] for row in shown] == [row[0] for row in newest]
    everything = application.list_published_packs(v2, 100_000)
    assert max(len(row[5]) for row in everything) == 3
    v2.execute("set search_path = dropskills_old")
    v1 = {row[0]: row for row in application.list_published_packs(v2, 100_000)}
    packs = {row[0] for row in rows(v2, "select id from packs")}
    assert {row[0] for row in everything} == {*v1, *packs}
    for row in everything:
        if row[0] in v1:
            assert row[:5] == v1[row[0]][:5]


def test_counts_follow_favorites_purchases_and_tags(v2: Connection) -> None:
    ada = application.sign_up(v2, "ada@example.org")
    pack = application.create(v2, "Neuf", Decimal("12.50"), "neuf")
    tag = one(v2, "select id from tags limit 1")
    used = one(v2, "select usage_count from tags where id = %s", tag)
    application.set_favorite(v2, ada, pack)
    application.buy(v2, ada, pack)
    application.buy(v2, ada, pack)
    v2.execute("insert into pack_tags (pack_id, tag_id) values (%s, %s)", (pack, tag))
    stats = (
        "select favorites_count, purchases_count, revenue_total from pack_stats where pack_id = %s"
    )
    assert rows(v2, stats, pack) == [(1, 1, Decimal("12.50"))]
    assert one(v2, "select usage_count from tags where id = %s", tag) == used + 1
    assert application.owned(v2, ada) == [pack]
    application.set_favorite(v2, ada, pack, liked=False)
    assert rows(v2, stats, pack) == [(0, 1, Decimal("12.50"))]
    application.delete(v2, pack)
    assert one(v2, "select usage_count from tags where id = %s", tag) == used
    assert rows(v2, stats, pack) == []


def test_ai_tools_have_limits_and_ask_for_the_pack(v2: Connection) -> None:
    ada = application.sign_up(v2, "ada@example.org")
    pack = application.create(v2, "Neuf", Decimal(5), "neuf")
    tool = one(
        v2,
        "insert into ai_tools (name, slug, tool_type, requires_pack_access, pack_id, daily_limit,"
        " monthly_limit) values ('T', 't', 'GENERATOR', true, %s, 2, 3) returning id",
        pack,
    )

    def refused(reason: str) -> None:
        with pytest.raises(psycopg.errors.RaiseException, match=reason):
            application.use_ai_tool(v2, ada, tool)

    refused("PACK_REQUIRED")
    application.buy(v2, ada, pack)
    v2.execute("update user_packs set status = 'EXPIRED' where user_id = %s", (ada,))
    refused("PACK_REQUIRED")
    v2.execute("update user_packs set status = 'ACTIVE' where user_id = %s", (ada,))
    for _ in range(2):
        application.use_ai_tool(v2, ada, tool)
    refused("DAILY_LIMIT")
    v2.execute("update ai_tools set daily_limit = null")
    application.use_ai_tool(v2, ada, tool)
    refused("MONTHLY_LIMIT")
    v2.execute("update ai_tools set monthly_limit = null, is_active = false")
    refused("TOOL_NOT_ACTIVE")
    v2.execute("update users set status = 'SUSPENDED' where id = %s", (ada,))
    refused("USER_NOT_ACTIVE")
    refusals = psycopg.errors.RaiseException
    with pytest.raises(refusals, match="UNKNOWN"):
        application.use_ai_tool(v2, ada, uuid.uuid4())


def test_erasing_a_user_keeps_the_trail_and_the_figures(v2: Connection) -> None:
    admin = one(v2, "select id from users where role = 'SUPER_ADMIN'")
    erased = one(
        v2,
        "select l.admin_id from admin_logs l where l.admin_id <> %s limit 1",
        admin,
    )
    tool = one(
        v2,
        "insert into ai_tools (name, slug, tool_type) values ('T', 't', 'ANALYZER') returning id",
    )
    application.use_ai_tool(v2, erased, tool)
    logs, usage = (one(v2, f"select count(*) from {t}") for t in ("admin_logs", "ai_usage"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="administrator"):
        application.erase_user(v2, admin, application.sign_up(v2, "eve@example.org"))
    application.erase_user(v2, erased, admin, "asked by the person")
    assert application.account(v2, erased) is None
    assert one(v2, "select count(*) from auth.users where id = %s", erased) == 0
    assert one(v2, "select count(*) from favorites where user_id = %s", erased) == 0
    assert one(v2, "select count(*) from admin_logs") == logs + 1
    assert rows(v2, "select user_id, input_data from ai_usage") == [(None, None)] * usage
    trail = "select admin_id, resource_id, reason from admin_logs where action = 'USER_ERASED'"
    assert rows(v2, trail) == [(admin, erased, "asked by the person")]
    application.erase_user(v2, admin, admin, "asked by the person")  # of one's own accord
    assert rows(v2, trail) == [
        (None, erased, "asked by the person"),
        (None, admin, "asked by the person"),
    ]
    assert one(v2, "select count(*) from admin_logs where admin_id = %s", admin) == 0


def test_policies_let_everyone_do_what_is_theirs(v2: Connection) -> None:
    admin = one(v2, "select id from users where role = 'SUPER_ADMIN'")
    ada = application.sign_up(v2, "ada@example.org")
    draft = one(v2, "select id from packs where status = 'DRAFT' limit 1")
    listed = one(v2, "select pack_id from favorites limit 1")
    people = one(v2, "select count(*) from users")

    def become(user: uuid.UUID | None) -> None:
        claims = {"sub": str(user), "role": "authenticated"} if user else {"role": "anon"}
        v2.execute("reset role")
        v2.execute("select set_config('request.jwt.claims', %s, false)", (json.dumps(claims),))
        v2.execute("set role authenticated" if user else "set role anon")

    become(ada)
    assert rows(v2, "select id from users") == [(ada,)]
    application.set_favorite(v2, ada, listed)
    assert rows(v2, "select pack_id from favorites") == [(listed,)]
    assert rows(v2, "select id from packs where id = %s", draft) == []
    v2.execute("update users set first_name = 'Ada' where true")
    for forbidden in (
        "update users set role = 'ADMIN'",
        "update auth.users set email = null",
        "select delete_user_gdpr(gen_random_uuid(), gen_random_uuid())",
        "insert into admin_logs (action, resource_type) values ('x', 'y')",
        f"insert into favorites values ('{admin}', '{listed}')",
        f"insert into user_packs (user_id, pack_id) values ('{ada}', '{listed}')",
        f"select use_ai_tool('{admin}', gen_random_uuid())",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), v2.transaction():
            v2.execute(cast(LiteralString, forbidden))
    become(admin)
    assert one(v2, "select count(*) from users") == people
    assert one(v2, "select id from packs where id = %s", draft) == draft
    application.log(v2, admin, "LOOK", "users", ada, {})
    become(None)
    assert rows(v2, "select id from packs where status <> 'PUBLISHED'") == []
    assert len(application.list_published_packs(v2, 5)) == 5
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(v2, "select id from users")


# -------------------------------------------------------------------------- writes and their trace


def test_writes_on_v2_are_missed_in_a_v1_that_does_not_have_them(v2: Connection) -> None:
    writes = application.write_on_v2(v2, seed=11, n=60, erase=True)
    assert {w.kind for w in writes} >= {
        "sign_up", "create", "edit", "favorite", "buy", "log", "delete", "erase"
    }  # fmt: skip
    assert len(writes) > 50
    for check in PROJECT.checks:
        assert failing(v2, check) == [], check
    back = _shown_as_v1(v2)
    assert application.missing_in_v1(v2, writes) == []
    v2.execute("set search_path = dropskills_old")
    missing = application.missing_in_v1(v2, writes)
    assert {w.kind for w in missing} >= {"sign_up", "create", "edit", "log", "delete"}
    assert back


def _shown_as_v1(conn: Connection) -> bool:
    """Let search_path find the ways back under the names of V1's tables."""
    conn.execute(
        "insert into repot_registry.admin_log_id (log_id, value)"
        " select 1000000 + row_number() over (), l.id from public.admin_logs l"
        " where not exists (select from repot_registry.admin_log_id r where r.value = l.id)"
    )
    conn.execute("set search_path = repot_back")
    return True


# ---------------------------------------------------------------------------- through Repot itself


@pytest.fixture(scope="module")
def switched(
    server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, int]]]:
    """A database whose cutover Repot has done, and V1's rows before it."""
    with v1_template(server, "dropskills_switched", 2500, seed=8) as name:
        dsn = server.dsn(name)
        with psycopg.connect(dsn) as conn:
            before = counts(conn)
        runner = service.open_project(FOLDER, dsn)
        proven = service.run_to_proof(runner, tmp_path_factory.mktemp("backups"))
        assert proven.verdict is not None
        assert proven.verdict.passed, proven.verdict.reasons
        runner.cutover()
        yield name, before


def counts(conn: Connection) -> dict[str, int]:
    return {name: n for name, n, _ in digest(conn)}


def test_the_application_works_after_the_cutover(
    switched: tuple[str, dict[str, int]], make_database: Callable[..., str]
) -> None:
    with psycopg.connect(make_database(switched[0]), autocommit=True) as conn:
        ada = application.sign_up(conn, None, "Ada")
        conn.execute("update auth.users set email = 'ada@example.org' where id = %s", (ada,))
        account = application.account(conn, ada)
        assert account == (ada, "ada@example.org", "USER", "ACTIVE")
        admin = one(conn, "select id from users where role = 'SUPER_ADMIN'")
        application.buy(conn, ada, one(conn, "select id from packs limit 1"))
        application.erase_user(conn, ada, admin)
        assert application.account(conn, ada) is None
        conn.execute("set role anon")
        assert len(application.list_published_packs(conn, 5)) == 5
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(conn, "select id from users")


def test_a_day_on_v2_is_in_v1_after_the_rollback(
    switched: tuple[str, dict[str, int]], make_database: Callable[..., str]
) -> None:
    dsn = make_database(switched[0])
    with psycopg.connect(dsn, autocommit=True) as conn:
        writes = application.write_on_v2(conn, seed=21, n=80)
        lonely = one(
            conn,
            "select u.id from users u where not exists"
            " (select from dropskills_old.profiles p where p.id = u.id) limit 1",
        )
        liked = one(conn, "select pack_id from favorites limit 1")
        application.set_favorite(conn, lonely, liked)  # V1 asks for a profile
        conn.execute("update packs set slug = 'neue-adresse' where id = %s", (liked,))
        profiles = {row[0] for row in rows(conn, "select id from dropskills_old.profiles")}
    _, result = service.open_project(FOLDER, dsn).rollback()
    assert result.not_carried_rows == 0
    with psycopg.connect(dsn, autocommit=True) as conn:
        assert application.version(conn) == 1
        assert application.missing_in_v1(conn, writes) == []
        assert one(conn, "select count(*) from favorites where user_id = %s", lonely) == 1
        authors = {w.user for w in writes if w.user} | {lonely}
        assert {row[0] for row in rows(conn, "select id from profiles")} == profiles | authors
        after, before = counts(conn), switched[1]
        assert after["admin_logs"] == before["admin_logs"] + sum(w.kind == "log" for w in writes)
        same = ("categories", "tags", "trending_ideas", "product_requests", "packs")
        assert {t: after[t] for t in same} == {t: before[t] for t in same}
        assert application.account(conn, application.sign_up(conn, "back@example.org"))
    verdict = service.open_project(FOLDER, dsn).verify()
    assert verdict.passed, verdict.reasons


@pytest.mark.parametrize(
    "write",
    [
        "insert into favorites (user_id, pack_id) select (select id from users limit 1), pack_id"
        " from user_packs limit 1",
        "insert into user_packs (user_id, pack_id) select user_id, pack_id from favorites limit 1",
        "update packs set status = 'ARCHIVED' where id in (select pack_id from user_packs)",
        "update trending_ideas set tags = '[[1]]'",
    ],
    ids=["favorite of a pack", "purchase of a product", "pack withdrawn", "nested tags"],
)
def test_what_v1_cannot_hold_stops_the_rollback(
    switched: tuple[str, dict[str, int]], make_database: Callable[..., str], write: str
) -> None:
    dsn = make_database(switched[0])
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(cast(LiteralString, write))
    with pytest.raises(Refused) as refused:
        service.open_project(FOLDER, dsn).rollback()
    assert refused.value.code == "not-carriable"
    with psycopg.connect(dsn, autocommit=True) as conn:
        assert application.version(conn) == 2


def test_who_was_erased_on_v2_is_not_in_v1_after_the_rollback(
    switched: tuple[str, dict[str, int]], make_database: Callable[..., str]
) -> None:
    dsn = make_database(switched[0])
    with psycopg.connect(dsn, autocommit=True) as conn:
        acting = one(conn, "select id from users where role = 'SUPER_ADMIN'")
        admin = one(conn, "select admin_id from admin_logs where admin_id <> %s limit 1", acting)
        fan = one(conn, "select user_id from favorites where user_id <> %s limit 1", acting)
        for person in {admin, fan}:  # V1's own foreign keys would forbid it
            application.erase_user(conn, person, acting)
    _, result = service.open_project(FOLDER, dsn).rollback()
    assert result.not_carried_rows == 0
    with psycopg.connect(dsn, autocommit=True) as conn:
        for person in {admin, fan}:
            assert rows(conn, "select id from profiles where id = %s", person) == []
            assert rows(conn, "select user_id from favorites where user_id = %s", person) == []
            assert rows(conn, "select id from admin_logs where admin_id = %s", person) == []
        assert one(conn, "select count(*) from pg_constraint where not convalidated") == 0
    verdict = service.open_project(FOLDER, dsn).verify()
    assert verdict.passed, verdict.reasons


def test_a_category_that_was_emptied_and_deleted_on_v2_is_gone_from_v1(
    switched: tuple[str, dict[str, int]], make_database: Callable[..., str]
) -> None:
    dsn = make_database(switched[0])
    with psycopg.connect(dsn, autocommit=True) as conn:
        category = one(conn, "select category_id from packs where category_id is not null limit 1")
        conn.execute("update packs set category_id = null where category_id = %s", (category,))
        conn.execute("delete from categories where id = %s", (category,))
    _, result = service.open_project(FOLDER, dsn).rollback()
    assert result.not_carried_rows == 0
    with psycopg.connect(dsn, autocommit=True) as conn:
        assert rows(conn, "select id from categories where id = %s", category) == []
