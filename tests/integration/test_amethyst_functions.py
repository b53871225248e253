"""Amethyst V2: sign-up, roles, and how its functions are made."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from psycopg import errors

from repot.embedded import EmbeddedServer
from support.amethyst import (
    FOLDER,
    Connection,
    acting,
    connect,
    make_admin,
    make_v2,
    one,
    row,
    rows,
    sign_up,
)


@pytest.fixture(scope="module")
def v2(server: EmbeddedServer) -> Iterator[str]:
    yield make_v2(server, "amethyst_functions")
    server.drop_database("amethyst_functions")


@pytest.fixture
def conn(v2: str) -> Iterator[Connection]:
    with connect(v2) as conn:
        yield conn


# ------------------------------------------------------------------------------------ sign-up


def test_a_sign_up_makes_the_profile(conn: Connection) -> None:
    who = sign_up(
        conn,
        "zoe@example.com",
        user_meta={"name": " Zoé ", "picture": "https://img/z.png", "language": "Français"},
        app_meta={"provider": "google"},
    )
    profile = row(conn, "select * from profiles where id = %s", who)
    assert profile["email"] == "zoe@example.com"
    assert (profile["full_name"], profile["avatar_url"]) == ("Zoé", "https://img/z.png")
    assert (profile["role"], profile["credits_balance"]) == ("user", 0)
    assert (profile["language"], profile["daily_ads_limit"]) == ("fr", 10)
    assert profile["auth_provider"] == "google"


@pytest.mark.parametrize(
    ("said", "language"),
    [("Français", "fr"), ("en-GB", "en"), ("EN", "en"), (None, "fr"), ("中文", "fr"), ("", "fr")],
)
def test_languages_are_two_letters(conn: Connection, said: str | None, language: str) -> None:
    who = sign_up(conn, user_meta={"language": said})
    assert one(conn, "select language from profiles where id = %s", who) == language


def test_a_sign_up_needs_neither_address_nor_words(conn: Connection) -> None:
    who = uuid.uuid4()
    conn.execute("insert into auth.users (id) values (%s)", (who,))
    assert row(conn, "select email, full_name from profiles where id = %s", who) == {
        "email": None,
        "full_name": None,
    }


def test_an_error_in_a_sign_up_is_an_error(conn: Connection) -> None:
    conn.execute("alter table profiles add constraint planted check (email <> 'bad@example.com')")
    try:
        with pytest.raises(errors.CheckViolation, match="planted"):
            sign_up(conn, "bad@example.com")
    finally:
        conn.execute("alter table profiles drop constraint planted")
    assert rows(conn, "select from auth.users where email = 'bad@example.com'") == []


def test_no_function_swallows_errors(conn: Connection) -> None:
    bodies = rows(
        conn, "select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace"
    )
    assert len(bodies) > 20
    assert [b["proname"] for b in bodies if re.search(r"exception\s+when", b["prosrc"], re.I)] == []


def test_a_banned_address_does_not_sign_up(conn: Connection) -> None:
    conn.execute("insert into bans (email) values ('banned@example.com')")
    with pytest.raises(errors.InsufficientPrivilege, match="may not sign up"):
        sign_up(conn, "Banned@Example.com")
    assert (
        one(conn, "select count(*) from auth.users where lower(email) = 'banned@example.com'") == 0
    )


def test_the_profile_follows_its_account(conn: Connection) -> None:
    who = sign_up(conn)
    conn.execute(
        "update auth.users set email = 'new@example.com', email_confirmed_at = now() where id = %s",
        (who,),
    )
    assert row(conn, "select email, email_verified from profiles where id = %s", who) == {
        "email": "new@example.com",
        "email_verified": True,
    }
    before = one(conn, "select updated_at from profiles where id = %s", who)
    conn.execute("update auth.users set last_sign_in_at = now() where id = %s", (who,))
    after = row(conn, "select updated_at, last_sign_in_at from profiles where id = %s", who)
    assert after["last_sign_in_at"] is not None
    assert after["updated_at"] == before, "a sign-in is no change of the profile"
    conn.execute("update profiles set full_name = 'Zoé' where id = %s", (who,))
    assert one(conn, "select updated_at from profiles where id = %s", who) > before


def test_an_account_takes_everything_along(conn: Connection) -> None:
    who = sign_up(conn)
    conn.execute("select add_credits(%s, 5, 'bonus')", (who,))
    with acting(conn, "authenticated", who):
        conn.execute("select handle_ad_view('a', 30, true, 'v')")
    conn.execute("delete from auth.users where id = %s", (who,))
    assert one(conn, "select count(*) from profiles where id = %s", who) == 0
    assert one(conn, "select count(*) from credit_transactions where user_id = %s", who) == 0


def test_support_makes_a_missing_profile(conn: Connection) -> None:
    who = uuid.uuid4()
    conn.execute("alter table auth.users disable trigger on_auth_user_created")
    conn.execute("insert into auth.users (id, email) values (%s, 'lost@example.com')", (who,))
    conn.execute("alter table auth.users enable trigger on_auth_user_created")
    with acting(conn, "service_role"):
        conn.execute("select mend_profile(%s)", (who,))
    assert one(conn, "select email from profiles where id = %s", who) == "lost@example.com"
    with pytest.raises(errors.UniqueViolation):
        conn.execute("select mend_profile(%s)", (who,))
    with pytest.raises(errors.NoDataFound):
        conn.execute("select mend_profile(gen_random_uuid())")


# -------------------------------------------------------------------------------------- roles


def test_roles_are_user_and_admin(conn: Connection) -> None:
    who = sign_up(conn)
    for role in ("moderator", "Admin", ""):
        with pytest.raises(errors.CheckViolation):
            conn.execute("select set_role(%s, %s)", (who, role))
    with pytest.raises(errors.NotNullViolation):
        conn.execute("select set_role(%s, null)", (who,))


def test_is_admin_asks_for_the_caller(conn: Connection) -> None:
    user, admin = sign_up(conn), make_admin(conn)
    for who, expected in ((user, False), (admin, True), (uuid.uuid4(), False), (None, False)):
        with acting(conn, "authenticated", who):
            assert one(conn, "select is_admin()") is expected
    conn.execute("update profiles set is_banned = true where id = %s", (admin,))
    with acting(conn, "authenticated", admin):
        assert one(conn, "select is_admin()") is False, "a banned administrator is none"


def test_only_an_administrator_gives_roles(conn: Connection) -> None:
    user, admin = sign_up(conn), make_admin(conn)
    with pytest.raises(errors.InsufficientPrivilege), acting(conn, "authenticated", user):
        conn.execute("select set_role(%s, 'admin')", (user,))
    with acting(conn, "authenticated", admin):
        conn.execute("select set_role(%s, 'admin')", (user,))
    assert one(conn, "select role from profiles where id = %s", user) == "admin"


def test_a_claim_alone_is_trusted_by_nobody(conn: Connection) -> None:
    """The role is what counts, not what a token says of it."""
    user = sign_up(conn)
    for claims in ('{"role": "service_role"}', ""):
        with acting(conn, "authenticated", user):
            conn.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
            with pytest.raises(errors.InsufficientPrivilege), conn.transaction():
                conn.execute("select add_credits(%s, 5, 'bonus')", (user,))


# ------------------------------------------------------------------- how the functions are made


def test_definer_functions_pin_their_path_and_public_calls_none(conn: Connection) -> None:
    found = rows(
        conn,
        """
        select p.proname as name, p.prosecdef as definer,
               exists (select from unnest(p.proconfig) c where c like 'search\\_path=%%') as pinned,
               has_function_privilege('anon', p.oid, 'execute') as anon,
               exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                       where a.grantee = 0) as everybody
        from pg_proc p where p.pronamespace = 'public'::regnamespace
        """,
    )
    assert len(found) > 20
    assert [f["name"] for f in found if not f["pinned"]] == []
    assert [f["name"] for f in found if f["anon"] or f["everybody"]] == []
    assert sum(f["definer"] for f in found) >= 15


def test_a_shadowing_table_deceives_no_function(conn: Connection) -> None:
    """A caller's temporary table comes after public in the pinned path."""
    user = sign_up(conn)
    with acting(conn, "authenticated", user):
        conn.execute("create temporary table profiles (id uuid, role text, is_banned boolean)")
        conn.execute("insert into pg_temp.profiles values (%s, 'admin', false)", (user,))
        assert one(conn, "select is_admin()") is False
        with pytest.raises(errors.InsufficientPrivilege), conn.transaction():
            conn.execute("select set_role(%s, 'admin')", (user,))
        conn.execute("drop table pg_temp.profiles")


def test_policies_work_their_functions_out_once(conn: Connection) -> None:
    """`(select …)` around auth.uid() and is_admin() makes them one InitPlan, not a call per row."""
    found = rows(
        conn,
        r"""
        select tablename || '.' || policyname as name,
               coalesce(qual, '') || ' ' || coalesce(with_check, '') as text
        from pg_policies where schemaname = 'public'
        """,
    )
    assert len(found) > 20
    for policy in found:
        bare = policy["text"].replace("SELECT auth.uid()", "").replace("SELECT is_admin()", "")
        assert "auth.uid()" not in bare, policy["name"]
        assert "is_admin()" not in bare, policy["name"]


def test_every_table_has_row_security_and_a_policy(conn: Connection) -> None:
    bare = rows(
        conn,
        """
        select c.relname from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and (not c.relrowsecurity or not exists (select from pg_policy p where p.polrelid = c.oid))
        """,
    )
    assert bare == []
    assert one(conn, "select count(*) from pg_tables where schemaname = 'public'") == 15


def test_the_owner_may_be_no_superuser(server: EmbeddedServer) -> None:
    """V2 belongs to whoever Repot runs as; its functions work as that role."""
    dsn = server.create_supabase("amethyst_owner")
    try:
        with connect(dsn) as conn:
            conn.execute(
                "create role amethyst_owner nologin in role anon, authenticated, service_role"
            )
            conn.execute("grant create on schema public to amethyst_owner")
            conn.execute("grant usage on schema auth to amethyst_owner")
            conn.execute("grant all on auth.users to amethyst_owner")
            conn.execute("grant usage on schema extensions to amethyst_owner")
            conn.execute("set role amethyst_owner")
            text = (FOLDER / "target.sql").read_text(encoding="utf-8")
            text += (
                (FOLDER / "outside" / "account.sql")
                .read_text(encoding="utf-8")
                .replace("drop trigger if exists on_auth_user_created on auth.users;", "")
            )
            with conn.transaction():
                conn.execute("set local search_path = public")
                conn.execute(text.encode())
            who = sign_up(conn)
            conn.execute("select add_credits(%s, 5, 'bonus')", (who,))
            conn.execute("reset role")
            with acting(conn, "service_role"):
                assert one(conn, "select (add_credits(%s, 5, 'bonus')).balance", who) == 10
            with acting(conn, "authenticated", who):
                assert one(conn, "select (handle_ad_view('a', 30, true, 'v')).balance") == 12
            with pytest.raises(errors.InsufficientPrivilege), acting(conn, "authenticated", who):
                conn.execute("select add_credits(%s, 5, 'bonus')", (who,))
    finally:
        server.drop_database("amethyst_owner")
        with connect(server.dsn()) as conn:
            conn.execute("drop role amethyst_owner")
