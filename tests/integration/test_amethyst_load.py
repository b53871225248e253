"""Amethyst V2 with 50 sessions at once, over midnights and both changes of the clock."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from repot.embedded import EmbeddedServer
from support.amethyst import connect, make_v2, replaced
from support.amethyst_load import judge, prepare, run

LEDGER = "write_ledger(uuid,int,text,text,text,text,jsonb)"
VIEWS = "record_ad_view(uuid,text,int,boolean,text,text,timestamptz)"


@pytest.mark.parametrize("archiving", [False, True])
def test_fifty_sessions_lose_and_double_nothing(
    server: EmbeddedServer, pytestconfig: pytest.Config, archiving: bool
) -> None:
    seed = pytestconfig.getoption("--seed") or random.randrange(10**9)
    print(f"seed {seed}")  # noqa: T201
    dsn = make_v2(server, "amethyst_load")
    try:
        facts = prepare(dsn, seed)
        run(dsn, facts, seed, sessions=50, archiving=archiving)
        assert judge(dsn, facts) == []
    finally:
        server.drop_database("amethyst_load")
    done = Counter(key.split("-")[0] for key, n in facts.added.items() if n == 1)
    assert facts.looks > 5, "somebody looked while it went on"
    assert (facts.archived > 50) is archiving
    assert min(done[kind] for kind in ("purchase", "spend", "view", "refund of spend")) > 20, done
    assert min(facts.refused["CheckViolation"], facts.refused["UniqueViolation"]) > 5, facts.refused


PAUSE = ("select v.* into earlier", "perform pg_sleep(0.005); select v.* into earlier")
LOADS = 6  # whether two calls meet is chance: so many are tried until one has


@pytest.mark.parametrize("taken_out", ["nothing", "row lock", "unique key"])
def test_the_load_notices_what_is_missing(server: EmbeddedServer, taken_out: str) -> None:
    """The same load, on V2 without one of its protections, ends wrong. A pause behind the lock makes
    it likely that views meet there."""
    sign = {"row lock": "rewarded views", "unique key": "was done", "nothing": None}[taken_out]
    wrong: list[str] = []
    for _ in range(1 if sign is None else LOADS):
        wrong = without(server, taken_out, random.randrange(10**9))
        if sign is not None and any(sign in text for text in wrong):
            return
    assert sign is None
    assert wrong == []


def without(server: EmbeddedServer, taken_out: str, seed: int) -> list[str]:
    """What is wrong after a load on V2 without that protection."""
    print(f"seed {seed}")  # noqa: T201
    dsn = make_v2(server, "amethyst_load_broken")
    try:
        with connect(dsn) as conn:
            replaced(conn, VIEWS, PAUSE)
            if taken_out == "row lock":
                replaced(conn, VIEWS, ("for no key update", ""))
            elif taken_out == "unique key":
                table = "credit_transactions"
                conn.execute(
                    f"alter table {table} drop constraint {table}_idempotency_key_key".encode()
                )
                replaced(conn, LEDGER, ("on conflict (idempotency_key) do nothing", ""))
        facts = prepare(dsn, seed, users=2, calls=500)
        run(dsn, facts, seed, sessions=50)
        return judge(dsn, facts)
    finally:
        server.drop_database("amethyst_load_broken")
