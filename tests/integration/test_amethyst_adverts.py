"""Amethyst V2: what a watched advert earns, how many a day, and when the day turns."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import errors

from repot.embedded import EmbeddedServer
from support.amethyst import (
    Connection,
    acting,
    blocked,
    connect,
    make_v2,
    one,
    replaced,
    row,
    rows,
    sign_up,
)
from support.servers import until

VIEW = "select * from handle_ad_view('advert', %s, %s, %s)"
AT = "select * from record_ad_view(%s, 'advert', 30, true, %s, 'web', %s)"  # as the owner, at an instant
INTERNAL = "record_ad_view(uuid,text,int,boolean,text,text,timestamptz)"


@pytest.fixture(scope="module")
def v2(server: EmbeddedServer) -> Iterator[str]:
    yield make_v2(server, "amethyst_adverts")
    server.drop_database("amethyst_adverts")


@pytest.fixture
def conn(v2: str) -> Iterator[Connection]:
    with connect(v2) as conn:
        yield conn


def watch(
    conn: Connection, who: uuid.UUID, seconds: int | None, completed: bool | None, view: str
) -> dict[str, Any]:
    with acting(conn, "authenticated", who):
        return row(conn, VIEW, seconds, completed, view)


def watch_at(conn: Connection, who: uuid.UUID, instant: str, n: int = 1) -> list[str]:
    """`n` new views at an instant; their reasons."""
    return [row(conn, AT, who, str(uuid.uuid4()), instant)["reason"] for _ in range(n)]


def earned(conn: Connection, who: uuid.UUID) -> int:
    return int(one(conn, "select credits_balance from profiles where id = %s", who))


@pytest.mark.parametrize(
    ("seconds", "completed", "credits"),
    [
        (0, True, 0),
        (14, True, 0),
        (15, True, 1),
        (15, False, 1),
        (29, True, 1),
        (30, True, 2),
        (30, False, 1),
        (3600, True, 2),
        (30, None, 1),
        (None, True, 0),
        (None, None, 0),
    ],
)
def test_what_a_view_earns(
    conn: Connection, seconds: int | None, completed: bool | None, credits: int
) -> None:
    who = sign_up(conn)
    seen = watch(conn, who, seconds, completed, "v")
    assert seen["credits_earned"] == credits == earned(conn, who) == seen["balance"]
    assert seen["reason"] == ("rewarded" if credits else "too-short")
    kept = row(
        conn,
        "select credits_earned, duration_seconds, completed from ad_views where user_id = %s",
        who,
    )
    assert kept == {
        "credits_earned": credits,
        "duration_seconds": seconds,
        "completed": bool(completed),
    }


@pytest.mark.parametrize(
    ("advert", "seconds", "view", "place", "error"),
    [
        ("", 30, "v", "web", errors.InvalidParameterValue),
        (None, 30, "v", "web", errors.InvalidParameterValue),
        ("a", -1, "v", "web", errors.InvalidParameterValue),
        ("a", 30, "", "web", errors.InvalidParameterValue),
        ("a", 30, None, "web", errors.InvalidParameterValue),
        ("a", 30, "v", "fridge", errors.CheckViolation),
    ],
)
def test_what_is_no_view_earns_nothing(
    conn: Connection,
    advert: str | None,
    seconds: int,
    view: str | None,
    place: str,
    error: type[Exception],
) -> None:
    who = sign_up(conn)
    with pytest.raises(error), acting(conn, "authenticated", who):
        conn.execute("select handle_ad_view(%s, %s, true, %s, %s)", (advert, seconds, view, place))
    assert earned(conn, who) == 0


def test_the_eleventh_earns_nothing_and_says_why(conn: Connection) -> None:
    who = sign_up(conn)
    for n in range(10):
        assert watch(conn, who, 30, True, f"v{n}")["rewarded_today"] == n + 1
    assert watch(conn, who, 14, True, "short")["reason"] == "too-short"
    eleventh = watch(conn, who, 30, True, "eleventh")
    assert (eleventh["credits_earned"], eleventh["reason"]) == (0, "daily-limit")
    assert (eleventh["rewarded_today"], eleventh["daily_limit"], eleventh["balance"]) == (
        10,
        10,
        20,
    )
    assert one(conn, "select count(*) from ad_views where user_id = %s", who) == 12
    with acting(conn, "authenticated", who):
        today = row(conn, "select * from adverts_today()")
    assert (today["rewarded_today"], today["daily_limit"]) == (10, 10)
    paris = today["turns_at"].astimezone(ZoneInfo("Europe/Paris"))
    assert (paris.hour, paris.minute, paris.second) == (0, 0, 0)


def test_views_that_earn_nothing_use_nothing_up(conn: Connection) -> None:
    who = sign_up(conn)
    for n in range(12):
        watch(conn, who, 5, True, f"short{n}")
    assert watch(conn, who, 30, True, "long")["reason"] == "rewarded"


@pytest.mark.parametrize("limit", [0, 3])
def test_a_profile_has_its_own_limit(conn: Connection, limit: int) -> None:
    who = sign_up(conn)
    conn.execute("update profiles set daily_ads_limit = %s where id = %s", (limit, who))
    found = [watch(conn, who, 15, False, f"v{n}")["reason"] for n in range(5)]
    assert found == ["rewarded"] * limit + ["daily-limit"] * (5 - limit)
    with pytest.raises(errors.CheckViolation):
        conn.execute("update profiles set daily_ads_limit = 11 where id = %s", (who,))


def test_a_repeated_view_counts_once(conn: Connection) -> None:
    who, other = sign_up(conn), sign_up(conn)
    first = watch(conn, who, 15, True, "v")
    assert watch(conn, who, 15, True, "v") == first | {"repeated": True}
    assert watch(conn, who, 30, True, "v") == first | {"repeated": True}, (
        "a longer story earns no more"
    )
    with (
        pytest.raises(errors.UniqueViolation, match="another advert"),
        acting(conn, "authenticated", who),
    ):
        conn.execute("select handle_ad_view('other', 15, true, 'v')")
    assert earned(conn, who) == 1
    assert not watch(conn, other, 15, True, "v")["repeated"], "another user's view of that name"


def test_a_refused_view_stays_refused(conn: Connection) -> None:
    """Sent again the next day, it is still yesterday's."""
    who = sign_up(conn)
    watch_at(conn, who, "2026-05-05 12:00 Europe/Paris", 10)
    first = row(conn, AT, who, "late", "2026-05-05 23:59 Europe/Paris")
    again = row(conn, AT, who, "late", "2026-05-06 00:01 Europe/Paris")
    assert (first["reason"], again["reason"], again["repeated"]) == (
        "daily-limit",
        "daily-limit",
        True,
    )
    assert earned(conn, who) == 20


def test_a_view_whose_row_is_gone_is_not_paid_again(conn: Connection) -> None:
    who = sign_up(conn)
    watch(conn, who, 30, True, "v")
    conn.execute("delete from ad_views where user_id = %s", (who,))  # upkeep, one day
    assert watch(conn, who, 30, True, "v")["repeated"]
    assert earned(conn, who) == 2


def test_adverts_are_watched_by_who_is_signed_in(conn: Connection) -> None:
    who = sign_up(conn)
    for role, sub in (("anon", None), ("service_role", None), ("authenticated", None)):
        with pytest.raises(errors.InsufficientPrivilege), acting(conn, role, sub):
            row(conn, VIEW, 30, True, "v")
    conn.execute("update profiles set is_banned = true where id = %s", (who,))
    with pytest.raises(errors.InsufficientPrivilege, match="banned"):
        watch(conn, who, 30, True, "v")


# ----------------------------------------------------------------------------- when the day turns


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2026-05-05 23:59:59.999999 Europe/Paris", "2026-05-06 00:00 Europe/Paris"),
        ("2026-05-05 21:59:59.999999 UTC", "2026-05-05 22:00 UTC"),  # the same, in summer
        ("2026-01-05 22:59:59.999999 UTC", "2026-01-05 23:00 UTC"),  # and in winter
        ("2026-03-28 22:59:59.999999 UTC", "2026-03-28 23:00 UTC"),  # into the day of 23 hours
        ("2026-03-29 21:59:59.999999 UTC", "2026-03-29 22:00 UTC"),  # and out of it
        ("2026-10-24 21:59:59.999999 UTC", "2026-10-24 22:00 UTC"),  # into the day of 25 hours
        ("2026-10-25 22:59:59.999999 UTC", "2026-10-25 23:00 UTC"),  # and out of it
    ],
)
def test_the_day_turns_at_midnight_in_paris(conn: Connection, before: str, after: str) -> None:
    who = sign_up(conn)
    assert watch_at(conn, who, before, 11) == ["rewarded"] * 10 + ["daily-limit"]
    assert watch_at(conn, who, after, 11) == ["rewarded"] * 10 + ["daily-limit"]
    assert earned(conn, who) == 40


@pytest.mark.parametrize(
    "same_day",
    [
        [
            "2026-03-28 23:00 UTC",
            "2026-03-29 00:59:59 UTC",
            "2026-03-29 01:00 UTC",
            "2026-03-29 21:59:59 UTC",
        ],
        # 02:30 is there twice, and the day is no longer over after 24 hours
        [
            "2026-10-24 22:00 UTC",
            "2026-10-25 00:30 UTC",
            "2026-10-25 01:30 UTC",
            "2026-10-25 22:59:59 UTC",
        ],
        [
            "2026-05-05 22:00 UTC",
            "2026-05-05 23:59:59 UTC",
            "2026-05-06 00:00 UTC",
        ],  # UTC's midnight is none
    ],
)
def test_one_day_is_one_day(conn: Connection, same_day: list[str]) -> None:
    who = sign_up(conn)
    found = [reason for instant in same_day for reason in watch_at(conn, who, instant, 4)]
    assert found == (["rewarded"] * 10 + ["daily-limit"] * 6)[: len(found)]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_the_sessions_time_zone_does_not_matter(conn: Connection, zone: str) -> None:
    who = sign_up(conn)
    conn.execute("select set_config('timezone', %s, false)", (zone,))
    try:
        assert watch_at(conn, who, "2026-05-05 23:59:59 Europe/Paris", 11)[-1] == "daily-limit"
        assert watch_at(conn, who, "2026-05-06 00:00:00 Europe/Paris") == ["rewarded"]
    finally:
        conn.execute("reset timezone")


def test_the_way_of_the_clock_is_not_the_clients(conn: Connection) -> None:
    who = sign_up(conn)
    seen = watch(conn, who, 30, True, "v")
    assert seen["reason"] == "rewarded"
    assert one(
        conn,
        "select viewed_at between now() - interval '1 minute' and now() from ad_views where user_id = %s",
        who,
    )
    with pytest.raises(errors.InsufficientPrivilege), acting(conn, "authenticated", who):
        conn.execute(
            "select record_ad_view(%s, 'a', 30, true, 'w', 'web', now() - interval '1 day')", (who,)
        )


# -------------------------------------------------------------------------------- two at once


def two_at_once(dsn: str, views: tuple[str, str], n: int = 9) -> tuple[list[Any], int]:
    """Two views at the same moment of somebody who has `n` behind them: the answers, in the order in
    which they began, and the rewarded views of the day."""
    with connect(dsn) as conn, connect(dsn) as other, connect(dsn) as looking:
        who, noon = sign_up(conn), "2026-05-05 12:00 Europe/Paris"
        watch_at(conn, who, noon, n)
        with ThreadPoolExecutor(1) as pool:
            with conn.transaction():
                first = row(conn, AT, who, views[0], noon)
                waiting = pool.submit(row, other, AT, who, views[1], noon)
                until(lambda: waiting.done() or blocked(looking, other))
            try:
                second: Any = waiting.result(20)
            except errors.Error as error:
                second = error
        count = one(
            conn, "select count(*) from ad_views where user_id = %s and credits_earned > 0", who
        )
        return [first, second], int(count)


def test_two_at_once_are_not_both_the_tenth(v2: str) -> None:
    (first, second), rewarded = two_at_once(v2, ("a", "b"))
    assert (first["reason"], second["reason"], rewarded) == ("rewarded", "daily-limit", 10)


def test_without_the_row_lock_both_are_the_tenth(server: EmbeddedServer) -> None:
    dsn = make_v2(server, "amethyst_unlocked")
    try:
        with connect(dsn) as conn:
            replaced(conn, INTERNAL, ("for no key update", ""))
        (first, second), rewarded = two_at_once(dsn, ("a", "b"))
        assert (first["reason"], second["reason"], rewarded) == ("rewarded", "rewarded", 11)
    finally:
        server.drop_database("amethyst_unlocked")


def test_one_view_twice_at_once_counts_once(v2: str) -> None:
    (first, second), rewarded = two_at_once(v2, ("a", "a"), n=3)
    assert second == first | {"repeated": True}
    assert rewarded == 4


def test_without_lock_and_key_a_view_counts_twice(server: EmbeddedServer) -> None:
    """The lock, the view's unique name and the payment's key each keep it out alone."""
    dsn = make_v2(server, "amethyst_keyless")
    try:
        with connect(dsn) as conn:
            replaced(conn, INTERNAL, ("for no key update", ""))
            (_, second), rewarded = two_at_once(dsn, ("a", "a"), n=3)
            assert (second["repeated"], rewarded) == (True, 4), "the payment's key"
            replaced(
                conn, INTERNAL, ("'ad_view:' || account", "gen_random_uuid()::text || account")
            )
            (_, second), rewarded = two_at_once(dsn, ("a", "a"), n=3)
            assert (isinstance(second, errors.UniqueViolation), rewarded) == (True, 4), (
                "the view's name"
            )
            conn.execute("alter table ad_views drop constraint ad_views_user_id_client_view_id_key")
            _, rewarded = two_at_once(dsn, ("a", "a"), n=3)
            assert rewarded == 5, "nothing is left that keeps it out"
    finally:
        server.drop_database("amethyst_keyless")


def test_a_day_is_counted_by_an_index(conn: Connection) -> None:
    who = sign_up(conn)
    with conn.transaction(force_rollback=True):
        conn.execute("set local enable_seqscan = off")
        plan = rows(
            conn,
            "explain select count(*) from ad_views where user_id = %s and viewed_at >= now()",
            who,
        )
        assert "ad_views_user_idx" in str(plan)
