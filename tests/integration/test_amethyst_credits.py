"""Amethyst V2: the ledger and the balance."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from psycopg import errors

from repot.embedded import EmbeddedServer
from support.amethyst import (
    Connection,
    acting,
    connect,
    make_admin,
    make_v2,
    one,
    row,
    sign_up,
)
from support.amethyst_credits import add, archive, balance, unequal


@pytest.fixture(scope="module")
def v2(server: EmbeddedServer) -> Iterator[str]:
    yield make_v2(server, "amethyst_credits")
    server.drop_database("amethyst_credits")


@pytest.fixture
def conn(v2: str) -> Iterator[Connection]:
    with connect(v2) as conn:
        yield conn
        assert unequal(conn) == [], "a balance is not the ledger's sum"


# --------------------------------------------------------------------------------------- alone


def test_credits_are_a_movement_and_a_balance(conn: Connection) -> None:
    who = sign_up(conn)
    added = row(conn, "select * from add_credits(%s, 100, 'stripe', 'a pack', 'evt_1')", who)
    assert (added["balance"], added["repeated"]) == (100, False)
    movement = row(conn, "select * from credit_transactions where id = %s", added["transaction_id"])
    assert (movement["amount"], movement["kind"], movement["source"]) == (100, "purchase", "stripe")
    assert (movement["description"], movement["idempotency_key"]) == ("a pack", "evt_1")
    assert add(conn, who, -30)["balance"] == 70 == balance(conn, who)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("stripe", "purchase"),
        ("usage", "generation"),
        ("refund", "refund"),
        ("Reward", "bonus"),
        ("admin", "adjustment"),
    ],
)
def test_the_source_says_the_kind(conn: Connection, source: str, kind: str) -> None:
    made = one(conn, "select (add_credits(%s, 5, %s)).transaction_id", sign_up(conn), source)
    assert one(conn, "select kind from credit_transactions where id = %s", made) == kind


@pytest.mark.parametrize(
    ("amount", "source", "key", "error"),
    [
        (0, "stripe", None, errors.InvalidParameterValue),
        (None, "stripe", None, errors.InvalidParameterValue),
        (5, "lottery", None, errors.InvalidParameterValue),
        (5, None, None, errors.InvalidParameterValue),
        (5, "stripe", "", errors.InvalidParameterValue),
        (5, "stripe", "refund-of:x", errors.InvalidParameterValue),
        (-1, "stripe", None, errors.CheckViolation),
        (2**31 - 1, "stripe", None, errors.NumericValueOutOfRange),
    ],
)
def test_what_is_no_movement_changes_nothing(
    conn: Connection,
    amount: int | None,
    source: str | None,
    key: str | None,
    error: type[Exception],
) -> None:
    who = sign_up(conn)
    if error is errors.NumericValueOutOfRange:
        add(conn, who, 1)
    before = balance(conn, who)
    with pytest.raises(error):
        conn.execute("select add_credits(%s, %s, %s, 'd', %s)", (who, amount, source, key))
    assert balance(conn, who) == before
    assert (
        one(
            conn, "select coalesce(sum(amount), 0) from credit_transactions where user_id = %s", who
        )
        == before
    )


def test_nobody_has_no_credits(conn: Connection) -> None:
    with pytest.raises(errors.NoDataFound, match="no profile"):
        add(conn, uuid.uuid4(), 5)


def test_a_repeated_event_adds_once(conn: Connection) -> None:
    who, other = sign_up(conn), sign_up(conn)
    first = add(conn, who, 100, f"evt:{who}")
    again = add(conn, who, 100, f"evt:{who}")
    assert again == first | {"repeated": True}
    for account, amount in ((who, 200), (who, -100), (other, 100)):
        with pytest.raises(errors.UniqueViolation, match="another movement"):
            add(conn, account, amount, f"evt:{who}")
    with pytest.raises(errors.UniqueViolation):
        conn.execute("select add_credits(%s, 100, 'bonus', 'd', %s)", (who, f"evt:{who}"))
    assert (balance(conn, who), balance(conn, other)) == (100, 0)


def test_a_repeated_spend_is_no_want_of_credits(conn: Connection) -> None:
    """The balance no longer takes it, but it was taken the first time."""
    who = sign_up(conn)
    add(conn, who, 10)
    with acting(conn, "authenticated", who):
        first = row(conn, "select * from spend_credits(10, 'an image', 'k')")
        assert row(conn, "select * from spend_credits(10, 'an image', 'k')") == first | {
            "repeated": True
        }
        with pytest.raises(errors.CheckViolation), conn.transaction():
            conn.execute("select spend_credits(1, 'an image', 'l')")
    assert balance(conn, who) == 0


@pytest.mark.parametrize("amount", [0, -5, None])
def test_nothing_is_earned_by_spending(conn: Connection, amount: int | None) -> None:
    who = sign_up(conn)
    with pytest.raises(errors.InvalidParameterValue), acting(conn, "authenticated", who):
        conn.execute("select spend_credits(%s, 'mine')", (amount,))


def test_keys_of_users_stand_in_nobodys_way(conn: Connection) -> None:
    one_user, other_user = sign_up(conn), sign_up(conn)
    for who in (one_user, other_user):
        add(conn, who, 10)
        with acting(conn, "authenticated", who):
            assert not one(conn, "select (spend_credits(1, 'an image', 'evt_next')).repeated")
    assert not add(conn, one_user, 5, "evt_next")["repeated"]


def test_a_banned_profile_spends_nothing(conn: Connection) -> None:
    who = sign_up(conn)
    add(conn, who, 10)
    conn.execute("update profiles set is_banned = true where id = %s", (who,))
    with (
        pytest.raises(errors.InsufficientPrivilege, match="banned"),
        acting(conn, "authenticated", who),
    ):
        conn.execute("select spend_credits(1, 'an image')")


def test_a_generation_is_refunded_once(conn: Connection) -> None:
    who = sign_up(conn)
    bought = add(conn, who, 10)["transaction_id"]
    with acting(conn, "authenticated", who):
        spent = one(conn, "select (spend_credits(4, 'an image')).transaction_id")
    with pytest.raises(errors.InsufficientPrivilege), acting(conn, "authenticated", who):
        conn.execute("select refund_credits(%s)", (spent,))
    with acting(conn, "service_role"):
        assert row(conn, "select repeated, balance from refund_credits(%s)", spent) == {
            "repeated": False,
            "balance": 10,
        }
        assert row(conn, "select repeated, balance from refund_credits(%s)", spent) == {
            "repeated": True,
            "balance": 10,
        }
    for movement in (bought, uuid.uuid4()):
        with pytest.raises(errors.NoDataFound):
            conn.execute("select refund_credits(%s)", (movement,))


def test_who_may_add(conn: Connection) -> None:
    user, admin = sign_up(conn), make_admin(conn)
    for role, sub in (("service_role", None), ("authenticated", admin)):
        with acting(conn, role, sub):
            add(conn, user, 5)
    for role, sub in (("anon", None), ("authenticated", user), ("authenticated", None)):
        with pytest.raises(errors.InsufficientPrivilege), acting(conn, role, sub):
            add(conn, user, 5)
    assert balance(conn, user) == 10


# -------------------------------------------------------------------- the ledger is what it was


def test_the_ledger_is_only_added_to(conn: Connection) -> None:
    who = sign_up(conn)
    added = add(conn, who, 5)["transaction_id"]
    for change in (
        "update credit_transactions set amount = 6 where id = %s",
        "delete from credit_transactions where id = %s",
    ):
        with pytest.raises(errors.InsufficientPrivilege, match="only added to"):
            conn.execute(change.encode(), (added,))
    with pytest.raises(errors.InsufficientPrivilege, match="only added to"):
        conn.execute("truncate credit_transactions")
    assert balance(conn, who) == 5


def test_a_row_by_hand_moves_the_balance(conn: Connection) -> None:
    who = sign_up(conn)
    conn.execute(
        "insert into credit_transactions (user_id, amount, kind) values (%s, 7, 'adjustment')",
        (who,),
    )
    assert balance(conn, who) == 7
    with pytest.raises(errors.CheckViolation, match="not enough"):
        conn.execute(
            "insert into credit_transactions (user_id, amount, kind) values (%s, -8, 'adjustment')",
            (who,),
        )


def test_a_balance_by_hand_is_refused(conn: Connection) -> None:
    who = sign_up(conn)
    add(conn, who, 5)
    with pytest.raises(errors.InsufficientPrivilege, match="sum of the ledger"):
        conn.execute("update profiles set credits_balance = 6 where id = %s", (who,))
    conn.execute("update profiles set credits_balance = 5 where id = %s", (who,))


@pytest.mark.parametrize(("planted", "ledger", "mended"), [(9, 5, 5), (0, 5, 5), (3, -5, 0)])
def test_support_mends_a_balance(conn: Connection, planted: int, ledger: int, mended: int) -> None:
    who = sign_up(conn)
    with conn.transaction():
        conn.execute("set local session_replication_role = replica")
        conn.execute(
            "insert into credit_transactions (user_id, amount, kind) values (%s, %s, 'adjustment')",
            (who, ledger),
        )
        conn.execute("update profiles set credits_balance = %s where id = %s", (planted, who))
    with acting(conn, "service_role"):
        assert one(conn, "select mend_balance(%s)", who) == mended - planted
    assert balance(conn, who) == mended


def test_archived_movements_go_on_counting(conn: Connection) -> None:
    who = sign_up(conn)
    bought = add(conn, who, 100, f"evt:{who}")
    with acting(conn, "authenticated", who):
        spent = one(conn, "select (spend_credits(40, 'an image', 'k')).transaction_id")
    assert archive(conn, who) == 2
    assert add(conn, who, 100, f"evt:{who}") == bought | {"repeated": True, "balance": 60}
    with pytest.raises(errors.UniqueViolation):
        add(conn, who, 99, f"evt:{who}")
    with acting(conn, "authenticated", who):
        assert one(conn, "select (spend_credits(40, 'an image', 'k')).repeated")
    assert one(conn, "select (refund_credits(%s)).balance", spent) == 100
    assert one(conn, "select mend_balance(%s)", who) == 0
    with pytest.raises(errors.InsufficientPrivilege, match="only added to"):
        conn.execute("delete from credit_transactions_archive where user_id = %s", (who,))
    conn.execute("delete from auth.users where id = %s", (who,))
