"""When two rows of Amethyst's V1 are one of its V2, and what becomes of balances and bans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from repot.embedded import EmbeddedServer
from support.amethyst_project import (
    FOLDER,
    Connection,
    Person,
    rolled_back,
    rows,
    v1_template,
    with_views,
)


@pytest.fixture(scope="module")
def viewed(server: EmbeddedServer) -> Iterator[str]:
    """V1 and what the moves give of it, as views."""
    with v1_template(server, "amethyst_viewed", 800, seed=3) as name:
        with_views(server.dsn(name))
        yield server.dsn(name)


@pytest.fixture
def moves(viewed: str) -> Iterator[Connection]:
    with rolled_back(viewed) as conn:
        yield conn


# Of credit_transactions (amount, type, time, metadata), of credits_transactions, what V2 has
# (amount, kind, where it comes from, idempotency key).
PI = {"payment_intent": "pi_1"}
CASES = {
    "one reference, hours apart": (
        [(50, "purchase", "10:00", PI)], [(50, "purchase", "14:00", PI)],
        [(50, "purchase", "both", "pi_1")],
    ),
    "one reference, other amounts": (
        [(50, "purchase", "10:00", PI)], [(55, "purchase", "10:00", PI)],
        [(50, "purchase", "both", "pi_1")],
    ),
    "one reference, other meanings": (
        [(50, "purchase", "10:00", PI)], [(-50, "refund", "10:01", PI)],
        [(50, "purchase", "credit_transactions", "pi_1"),
         (-50, "refund", "credits_transactions", "refund:pi_1")],
    ),
    "the webhook came twice to one ledger": (
        [(50, "purchase", "10:00", PI), (50, "purchase", "10:40", PI)],
        [(50, "purchase", "10:01", PI)],
        [(50, "purchase", "both", "pi_1"), (50, "purchase", "credit_transactions", None)],
    ),
    "two minutes apart": (
        [(2, "ad_reward", "10:00", {})], [(2, "reward", "10:02", {})],
        [(2, "ad_reward", "both", None)],
    ),
    "more than two minutes apart": (
        [(2, "ad_reward", "10:00", {})], [(2, "reward", "10:02:01", {})],
        [(2, "ad_reward", "credit_transactions", None),
         (2, "ad_reward", "credits_transactions", None)],
    ),
    "the other one first": (
        [(2, "ad_reward", "10:01", {})], [(2, "reward", "10:00", {})],
        [(2, "ad_reward", "both", None)],
    ),
    "two references are two movements": (
        [(50, "purchase", "10:00", PI)], [(50, "purchase", "10:00", {"payment_intent": "pi_2"})],
        [(50, "purchase", "credit_transactions", "pi_1"),
         (50, "purchase", "credits_transactions", "pi_2")],
    ),
    "only the other one knows the reference": (
        [(2, "ad_reward", "10:00", {})], [(2, "reward", "10:00", {"ad_view_id": "v1"})],
        [(2, "ad_reward", "both", "ad_reward:v1")],
    ),
    "usage takes, whatever its sign": (
        [(-4, "generation", "10:00", {})], [(4, "usage", "10:00", {}), (3, "usage", "11:00", {})],
        [(-4, "generation", "both", None), (-3, "generation", "credits_transactions", None)],
    ),
    "one to one, by rank": (
        [(-1, "generation", "10:00", {}), (-1, "generation", "10:01", {}),
         (-1, "generation", "10:02", {})],
        [(1, "usage", "10:00:10", {}), (1, "usage", "10:01:10", {})],
        [(-1, "generation", "both", None), (-1, "generation", "both", None),
         (-1, "generation", "credit_transactions", None)],
    ),
    "a movement of nothing": ([(0, "purchase", "10:00", PI)], [(0, "refund", "10:00", {})], []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_two_rows_are_one_movement(moves: Connection, case: str) -> None:
    credit, credits_, wanted = CASES[case]
    person = Person(moves, shown=1000)
    for amount, kind, at, metadata in credit:
        person.credit(amount, kind, at, **metadata)
    for amount, kind, at, metadata in credits_:
        person.credits(amount, kind, at, **metadata)
    total = sum(row[0] for row in wanted)
    found = person.ledger()
    if total < 0:
        assert found.pop()[:3] == (-total, "adjustment", "adjustment")
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert person.balance() == max(total, 0)


def test_nobody_s_rows_are_paired_with_another_s(moves: Connection) -> None:
    one_, other = Person(moves), Person(moves)
    one_.credit(2, "ad_reward", "10:00")
    other.credits(2, "reward", "10:00")
    assert one_.ledger() == [(2, "ad_reward", "credit_transactions", None)]
    assert other.ledger() == [(2, "ad_reward", "credits_transactions", None)]


def test_what_was_written_on_v2_has_no_twin(moves: Connection) -> None:
    person = Person(moves)
    was = {"kind": "bonus", "source": "bonus", "idempotency_key": "k", "metadata": {"a": 1.0}}
    person.credit(5, "refund", "10:00", a=1.0, v2=was)
    person.credits(5, "refund", "10:00")
    assert person.ledger()[0][:2] in ((5, "bonus"), (5, "refund"))
    assert {row[1:] for row in person.ledger()} == {
        ("bonus", "us", "k"),
        ("refund", "credits_transactions", None),
    }


def test_bans_are_one_for_each_address(moves: Connection) -> None:
    wanted = rows(
        moves,
        "select lower(email), min(at) from (select email, banned_at as at from banned_emails"
        " union all select email, banned_at at time zone 'UTC' from banned_users) b"
        ' group by 1 order by lower(email) collate "C"',
    )
    found = rows(moves, 'select email, banned_at from repot_sql.bans order by email collate "C"')
    assert found == wanted


def test_the_ledgers_are_merged_by_the_same_words_everywhere() -> None:
    texts = {
        file.name: (text.partition("with movement")[2]).partition("\n)\nselect")[0]
        for folder in ("moves", "listings")
        for file in sorted((FOLDER / folder).glob("*.sql"))
        if "with movement" in (text := file.read_text(encoding="utf-8"))
        and file.name != "duplicates.sql"
    }
    assert len(texts) == 6
    assert len(set(texts.values())) == 1
    (shared,) = set(texts.values())
    assert shared in (FOLDER / "listings" / "duplicates.sql").read_text(encoding="utf-8")
