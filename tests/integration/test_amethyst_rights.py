"""Amethyst V2: what may be written and seen by whom."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from repot.embedded import EmbeddedServer
from support.amethyst import (
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
    yield make_v2(server, "amethyst_rights")
    server.drop_database("amethyst_rights")


@pytest.fixture
def conn(v2: str) -> Iterator[Connection]:
    with connect(v2) as conn:
        yield conn


GUARDED = [
    "update profiles set credits_balance = 1000 where id = %s",
    "update profiles set role = 'admin' where id = %s",
    "insert into profiles (id, role) values (%s, 'admin')",
    "delete from profiles where id = %s",
    "insert into credit_transactions (user_id, amount, kind) values (%s, 5, 'bonus')",
    "update credit_transactions set amount = 500 where user_id = %s",
    "delete from credit_transactions where user_id = %s",
    "delete from credit_transactions_archive where user_id = %s",
    "insert into ad_views (user_id, ad_id, credits_earned) values (%s, 'a', 2)",
    "update ad_views set credits_earned = 2 where user_id = %s",
    "delete from ad_views where user_id = %s",
    "insert into credit_sources (user_id, kind, amount) values (%s, 'reward', 5)",
    "select write_ledger(%s, 5, 'bonus', 's', 'd', 'k')",
    "select record_ad_view(%s, 'a', 30, true, 'v', 'web', '2020-01-01')",
    "select create_profile(%s)",
    "select ledger_sum(%s)",
]


@pytest.mark.parametrize("statement", GUARDED)
def test_nobody_writes_these_directly(conn: Connection, statement: str) -> None:
    user, admin = sign_up(conn), make_admin(conn)
    conn.execute("select add_credits(%s, 5, 'bonus')", (user,))
    callers = (
        ("anon", None),
        ("authenticated", user),
        ("authenticated", admin),
        ("service_role", None),
    )
    for role, sub in callers:
        with pytest.raises(errors.InsufficientPrivilege), acting(conn, role, sub):
            conn.execute(statement.encode(), (user,))


def test_what_an_administrator_may_change_a_user_may_not(conn: Connection) -> None:
    user, other, admin = sign_up(conn), sign_up(conn), make_admin(conn)
    change = "select change_profile(%s, %s)"
    for column, value in (("is_banned", False), ("daily_ads_limit", 9), ("subscription_end", None)):
        given = (user, Jsonb({column: value}))
        with pytest.raises(errors.InsufficientPrivilege), acting(conn, "authenticated", user):
            conn.execute(change, given)
        for sub in (user, admin):
            text = f"update profiles set {column} = {column} where id = %s".encode()
            with pytest.raises(errors.InsufficientPrivilege), acting(conn, "authenticated", sub):
                conn.execute(text, (user,))
        for role, sub in (("authenticated", admin), ("service_role", None)):
            with acting(conn, role, sub):
                conn.execute(change, given)
        assert one(conn, f"select {column} from profiles where id = %s", user) == value
    with acting(conn, "authenticated", user):
        name = b"update profiles set full_name = 'Me' where id = %s"
        assert conn.execute(name, (user,)).rowcount == 1
        assert conn.execute(name, (other,)).rowcount == 0


def test_a_change_of_a_profile_keeps_the_rest(conn: Connection) -> None:
    who = sign_up(conn)
    conn.execute("select add_credits(%s, 5, 'bonus')", (who,))
    before = row(conn, "select * from profiles where id = %s", who)
    conn.execute("select change_profile(%s, %s)", (who, Jsonb({"is_banned": True})))
    after = row(conn, "select * from profiles where id = %s", who)
    assert after == before | {"is_banned": True, "updated_at": after["updated_at"]}
    for wrong in ({"role": "admin"}, {"credits_balance": 1}, {"id": None}, [], None):
        with pytest.raises(errors.InvalidParameterValue):
            conn.execute("select change_profile(%s, %s)", (who, Jsonb(wrong)))
    with pytest.raises(errors.CheckViolation):
        conn.execute("select change_profile(%s, %s)", (who, Jsonb({"daily_ads_limit": 11})))
    with pytest.raises(errors.NoDataFound):
        conn.execute("select change_profile(%s, '{}')", (uuid.uuid4(),))


def test_rows_are_seen_by_their_owner_and_administrators(conn: Connection) -> None:
    one_user, other, admin = sign_up(conn), sign_up(conn), make_admin(conn)
    for who in (one_user, other):
        conn.execute("select add_credits(%s, 5, 'bonus')", (who,))
    mine = "select distinct user_id from credit_transactions where user_id = any(%s)"
    both = [one_user, other]
    for sub, seen in (
        (one_user, {one_user}),
        (other, {other}),
        (admin, set(both)),
        (uuid.uuid4(), set()),
    ):
        with acting(conn, "authenticated", sub):
            assert {r["user_id"] for r in rows(conn, mine, both)} == seen
    with pytest.raises(errors.InsufficientPrivilege), acting(conn, "anon"):
        rows(conn, mine, both)


def test_tokens_are_not_read_by_their_owner(conn: Connection) -> None:
    who = sign_up(conn)
    conn.execute(
        "insert into oauth_tokens (user_id, provider, access_token) values (%s, 'google', 'secret')",
        (who,),
    )
    with acting(conn, "authenticated", who):
        assert rows(conn, "select provider from oauth_tokens") == [{"provider": "google"}]
    with pytest.raises(errors.InsufficientPrivilege), acting(conn, "authenticated", who):
        rows(conn, "select access_token from oauth_tokens")


def test_a_file_is_not_seen_by_referring_to_it(conn: Connection) -> None:
    owner, thief = sign_up(conn), sign_up(conn)
    image = one(
        conn,
        "insert into images (hash, storage_path, width, height, format, file_size_bytes)"
        " values (gen_random_uuid(), 'p', 1, 1, 'png', 1) returning id",
    )
    made = one(
        conn,
        "insert into generated_images (user_id, image_id, prompt) values (%s, %s, 'a cat') returning id",
        owner,
        image,
    )
    with acting(conn, "authenticated", owner):
        assert len(rows(conn, "select from images where id = %s", image)) == 1
    for grab in (
        "insert into reference_images (user_id, image_id) values (%(thief)s, %(image)s)",
        "insert into generated_images (user_id, image_id, prompt) values (%(thief)s, %(image)s, 'mine')",
        "update generated_images set image_id = %(image)s where user_id = %(thief)s",
        "update generated_images set user_id = %(thief)s where id = %(made)s",
    ):
        with pytest.raises(errors.InsufficientPrivilege), acting(conn, "authenticated", thief):
            conn.execute(grab.encode(), {"thief": thief, "image": image, "made": made})
    with acting(conn, "authenticated", thief):
        assert rows(conn, "select from images where id = %s", image) == []
        album = one(
            conn,
            "insert into image_collections (user_id, name) values (%s, 'x') returning id",
            thief,
        )
        with pytest.raises(errors.InsufficientPrivilege), conn.transaction():
            conn.execute(
                "insert into collection_images (collection_id, image_id) values (%s, %s)",
                (album, made),
            )
