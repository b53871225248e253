"""Amethyst V2: the ledger and the balance with two callers at once, with and without V2's protections."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import errors

from repot.embedded import EmbeddedServer
from support.amethyst import (
    Connection,
    blocked,
    connect,
    make_v2,
    replaced,
    row,
    sign_up,
)
from support.amethyst_credits import add, archive, balance, unequal
from support.servers import until


@pytest.fixture(scope="module")
def v2(server: EmbeddedServer) -> Iterator[str]:
    yield make_v2(server, "amethyst_credits_at_once")
    server.drop_database("amethyst_credits_at_once")


@pytest.fixture
def conn(v2: str) -> Iterator[Connection]:
    with connect(v2) as conn:
        yield conn
        assert unequal(conn) == [], "a balance is not the ledger's sum"


@pytest.fixture
def other(v2: str) -> Iterator[Connection]:
    with connect(v2) as conn:
        yield conn


def at_once(
    conn: Connection,
    other: Connection,
    watch: Connection,
    first: tuple[str, tuple[Any, ...]],
    second: tuple[str, tuple[Any, ...]],
) -> tuple[Any, Any]:
    """`second` begins while `first` has not committed, which it does once `second` has to wait.
    Gives the answer or the error of each."""
    with ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            one_answer = row(conn, first[0], *first[1])
            waiting = pool.submit(row, other, second[0], *second[1])
            until(lambda: waiting.done() or blocked(watch, other))
        try:
            return one_answer, waiting.result(20)
        except errors.Error as error:
            return one_answer, error


ADD = "select * from add_credits(%s, %s, 'stripe', 'credits', %s)"


@pytest.fixture
def watch(v2: str) -> Iterator[Connection]:
    with connect(v2) as conn:
        yield conn


def test_two_at_once_both_count(conn: Connection, other: Connection, watch: Connection) -> None:
    who = sign_up(conn)
    answers = at_once(conn, other, watch, (ADD, (who, 5, None)), (ADD, (who, 7, None)))
    assert [a["balance"] for a in answers] == [5, 12]


def test_the_last_credit_is_spent_once(
    conn: Connection, other: Connection, watch: Connection
) -> None:
    who = sign_up(conn)
    add(conn, who, 10)
    _, second = at_once(conn, other, watch, (ADD, (who, -10, None)), (ADD, (who, -10, None)))
    assert isinstance(second, errors.CheckViolation)
    assert balance(conn, who) == 0


def test_one_event_twice_at_once_adds_once(
    conn: Connection, other: Connection, watch: Connection
) -> None:
    who, else_ = sign_up(conn), sign_up(conn)
    first, second = at_once(
        conn, other, watch, (ADD, (who, 5, f"e:{who}")), (ADD, (who, 5, f"e:{who}"))
    )
    assert second == first | {"repeated": True}
    _, third = at_once(
        conn, other, watch, (ADD, (who, 5, f"f:{who}")), (ADD, (else_, 5, f"f:{who}"))
    )
    assert isinstance(third, errors.UniqueViolation)
    assert (balance(conn, who), balance(conn, else_)) == (10, 0)


def test_an_event_on_its_way_to_the_archive_adds_once(
    conn: Connection, other: Connection, watch: Connection
) -> None:
    """Its key is in the archive only once the retry, which looked there, waits for the old row."""
    who = sign_up(conn)
    add(conn, who, 5, f"g:{who}")
    with ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            archive(conn, who)
            waiting = pool.submit(add, other, who, 5, f"g:{who}")
            assert until(lambda: blocked(watch, other))
        with pytest.raises(errors.SerializationFailure, match="archive"):
            waiting.result(20)
    assert add(conn, who, 5, f"g:{who}")["repeated"]
    assert balance(conn, who) == 5


# ----------------------------------------------------- what happens without the protections

LEDGER = "write_ledger(uuid,int,text,text,text,text,jsonb)"
NAIVE = """
create or replace function keep_balance() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare was int;
begin
  select credits_balance into was from profiles where id = new.user_id;
  update profiles set credits_balance = was + new.amount where id = new.user_id;
  return null;
end $$
"""


@pytest.fixture
def broken(server: EmbeddedServer) -> Iterator[str]:
    yield make_v2(server, "amethyst_broken")
    server.drop_database("amethyst_broken")


def test_without_the_unique_key_an_event_adds_twice(broken: str) -> None:
    with connect(broken) as conn:
        conn.execute(
            "alter table credit_transactions drop constraint credit_transactions_idempotency_key_key"
        )
        who = sign_up(conn)
        with pytest.raises(errors.InvalidColumnReference):
            add(conn, who, 5, "evt")
        replaced(conn, LEDGER, ("on conflict (idempotency_key) do nothing", ""))
        add(conn, who, 5, "evt")
        assert add(conn, who, 5, "evt")["balance"] == 10, "the key is what kept it out"


@pytest.mark.parametrize("locked", [True, False])
def test_the_row_lock_saves_even_a_careless_balance(broken: str, locked: bool) -> None:
    """A trigger that reads the balance and then writes it is right behind the lock, and only there."""
    with connect(broken) as conn, connect(broken) as other, connect(broken) as watch:
        conn.execute(NAIVE.encode())
        if not locked:
            replaced(conn, LEDGER, ("for no key update", ""))
        who = sign_up(conn)
        at_once(conn, other, watch, (ADD, (who, 5, None)), (ADD, (who, 7, None)))
        assert balance(conn, who) == (12 if locked else 7)
        assert bool(unequal(conn)) is not locked
