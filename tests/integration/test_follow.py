"""V1 is written all the time: V2 keeps step, is proven and takes over; then V1 keeps step with it."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from repot.engine import capture
from repot.engine.apply import Bucket, apply_share, drain, locate, step
from repot.engine.lag import lag
from repot.engine.session import Session
from repot.model.errors import Refused, RepotError
from repot.model.results import FollowResult, Verdict
from repot.model.state import Phase
from repot.stages.cutover import cutover
from repot.stages.follow import follow
from repot.stages.rollback import rollback
from repot.stages.verify import verify
from support.shops import OwnShops
from support.sql import connect, rows, run
from support.swapping import whole_backup

# Writers, the follower and the prover are threads of one process here; by default each of them would
# wait up to 5 ms for the interpreter after every answer of the server.
sys.setswitchinterval(0.0005)


@pytest.fixture
def shop(shops: OwnShops) -> Session:
    return shops.copied()


@contextmanager
def following(session: Session, workers: int = 1) -> Iterator[list[FollowResult]]:
    """A follower in a thread; its result afterwards."""
    stop, results, errors = threading.Event(), list[FollowResult](), list[BaseException]()

    def work() -> None:
        try:
            results.append(follow(session, stop=stop, workers=workers))
        except (RepotError, psycopg.Error, AssertionError) as failed:
            errors.append(failed)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield results
    finally:
        stop.set()
        thread.join()
    assert errors == []


@contextmanager
def writing(
    dsn: str, *writes: Callable[[psycopg.Connection, random.Random], None]
) -> Iterator[list[int]]:
    """A thread per function, each calling it again and again; how often, in all."""
    stop, counts, errors = threading.Event(), list[int](), list[str]()

    def work(number: int) -> None:
        rng = random.Random(number)
        with connect(dsn) as conn:
            while not stop.is_set():
                try:
                    writes[number](conn, rng)
                    counts.append(number)
                    time.sleep(0.003)
                except (psycopg.errors.DeadlockDetected, psycopg.errors.UndefinedTable):
                    time.sleep(0.01)
                except psycopg.Error as failed:
                    errors.append(str(failed))
                    return

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(writes))]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert counts


def products(conn: psycopg.Connection, rng: random.Random) -> None:
    some = rng.randrange(1, 400)
    rng.choice(
        [
            lambda: conn.execute("update product set price = price + 1 where id = %s", (some,)),
            lambda: conn.execute(
                "update product set category_id = %s where id = %s", (rng.randrange(1, 6), some)
            ),
            lambda: conn.execute(
                "insert into product (id, name, price, category_id) values (%s, 'New', 1, 1)"
                " on conflict (id) do update set name = 'Newer'",
                (10_000 + some,),
            ),
            lambda: conn.execute("delete from product where id = %s", (10_000 + some,)),
            lambda: conn.execute(
                "update category set name = %s where id = %s",
                (f"Category {rng.random()}", rng.randrange(1, 6)),
            ),
        ]
    )()


def purchases(conn: psycopg.Connection, rng: random.Random) -> None:
    with conn.transaction():
        customer = rng.randrange(1, 101)
        conn.execute("insert into purchase (customer_id, amount) values (%s, 1.5)", (customer,))
        conn.execute("update customer set email = email where id = %s", (customer,))
        if rng.random() < 0.1:
            conn.execute("delete from purchase where id %% 97 = %s", (rng.randrange(97),))


def passed(verdict: Verdict) -> Verdict:
    examples = [t.examples for t in verdict.tables if t.examples]
    assert verdict.passed, (verdict.reasons, examples)
    return verdict


def test_v2_keeps_step_and_the_proof_passes_while_v1_is_written(shop: Session) -> None:
    with writing(shop.dsn, products, purchases) as writes, following(shop) as results:
        verdicts = [passed(verify(shop)) for _ in range(4)]
        while len(writes) < 50:
            time.sleep(0.01)
    assert results[0].changes > 0
    assert any(v.set_aside or v.proven_later for v in verdicts)
    follow(shop, stop=threading.Event(), once=True)
    idle = passed(verify(shop))
    assert (idle.set_aside, idle.left) == (0, 0)


def test_the_switch_while_v1_is_written(shop: Session) -> None:
    with writing(shop.dsn, products, purchases), following(shop):
        verdict = passed(verify(shop))
        done, result = cutover(shop, verdict, whole_backup())
    assert done.phase is Phase.CUT_OVER
    assert result.pause_ms > 0
    # Everything that was acknowledged on V1 is in V2, at this very moment.
    for move in shop.plan.moves:
        ours = rows(shop.dsn, f'select count(*) from "{move.view.schema_}"."{move.view.name}"')
        theirs = rows(shop.dsn, f'select count(*) from public."{move.table.name}"')
        assert ours == theirs


def test_a_change_that_cannot_be_applied_is_set_aside_and_stops_the_cutover(shop: Session) -> None:
    verdict = passed(verify(shop))
    run(shop.dsn, "alter table shop_v2.items add constraint cheap check (price < 5000)")
    run(shop.dsn, "update product set price = 9000 where id in (7, 8)")
    run(shop.dsn, "update product set price = 11 where id between 20 and 60")
    result = follow(shop, stop=threading.Event(), once=True)
    assert (result.poison, result.pending) == (2, 0)
    assert rows(shop.dsn, "select count(*) from shop_v2.items where price = 11")[0][0] >= 41
    noted = rows(shop.dsn, "select name, sqlstate, error from repot.poison")
    assert [(n, s) for n, s, _ in noted] == [("items", "23514")] * 2
    assert "cheap" in noted[0][2]
    with pytest.raises(Refused) as refused:
        cutover(shop, verdict, whole_backup())
    assert refused.value.code == "not-applied"
    assert not verify(shop).passed
    run(shop.dsn, "update product set price = 10 where id = 7")
    run(shop.dsn, "alter table shop_v2.items drop constraint cheap")
    assert follow(shop, stop=threading.Event(), once=True).poison == 0
    passed(verify(shop))


def test_a_row_that_was_written_since_the_proof_is_proven_under_the_locks(shop: Session) -> None:
    """Taking the proof of the touched rows out would let this one pass."""
    verdict = passed(verify(shop))
    run(shop.dsn, "update product set price = 12 where id = 9")
    follow(shop, stop=threading.Event(), once=True)
    run(shop.dsn, "update shop_v2.items set price = 13 where price = 12")  # by hand
    with pytest.raises(Refused) as refused:
        cutover(shop, verdict, whole_backup())
    assert refused.value.code == "not-equal"
    assert "items" in refused.value.evidence
    assert rows(shop.dsn, "select phase from repot.run") == [("copied",)]


def test_a_row_of_v2_that_somebody_else_wrote_since_the_proof_is_found(shop: Session) -> None:
    verdict = passed(verify(shop))
    run(
        shop.dsn,
        "update shop_v2.items set title = 'By hand' where id = (select min(id::text)::uuid"
        " from shop_v2.items)",
    )
    with pytest.raises(Refused) as refused:
        cutover(shop, verdict, whole_backup())
    assert refused.value.code == "not-equal"
    run(
        shop.dsn, "update product set price = price where id < 500; update bundle set price = price"
    )
    follow(shop, stop=threading.Event(), once=True)
    passed(verify(shop))


def test_lag_counts_what_waits_and_since_when(shop: Session) -> None:
    run(shop.dsn, "update product set price = 12 where id < 10")
    time.sleep(0.2)
    with shop.connect() as conn:
        behind = lag(conn, shop.run.id, capture.FORWARD)
        assert behind.tables == {"public.product": 9}
        assert behind.seconds >= 0.2
        drain(conn, shop.run.id, shop.plan)
        assert lag(conn, shop.run.id, capture.FORWARD).waiting == 0


def test_several_workers_share_a_backlog(shop: Session) -> None:
    """Each scope is in one worker's share; together they do all of it, once."""
    run(shop.dsn, "update product set price = price + 3")
    run(shop.dsn, "update customer set email = 'x' || email")
    with shop.connect() as one, shop.connect() as other:
        locate(one, shop.run.id, shop.plan)
        waiting = lag(one, shop.run.id, capture.FORWARD).scopes
        assert waiting > 300
        done = [
            apply_share(conn, shop.run.id, shop.plan, capture.FORWARD, Bucket(n, 2))
            for n, conn in enumerate((one, other))
        ]
        assert all(d.keys > waiting / 4 for d in done)
        assert lag(one, shop.run.id, capture.FORWARD).waiting == 0
    passed(verify(shop))


def test_a_unique_value_that_crosses_shares_is_left_to_one_applier(shop: Session) -> None:
    run(
        shop.dsn,
        "begin; update category set name = 'parked' || id;"
        " update category set name = 'Category ' || ((id % 5) + 1); commit",
    )
    with shop.connect() as conn:
        locate(conn, shop.run.id, shop.plan)
        for number in range(2):
            try:
                apply_share(conn, shop.run.id, shop.plan, capture.FORWARD, Bucket(number, 2))
            except psycopg.IntegrityError:
                assert step(conn, shop.run.id, shop.plan).keys
    follow(shop, stop=threading.Event(), once=True)
    passed(verify(shop))


def test_a_second_follower_is_refused(shop: Session) -> None:
    with following(shop):
        time.sleep(0.3)
        with pytest.raises(Refused) as refused:
            follow(shop, stop=threading.Event(), once=True)
    assert refused.value.code == "follow-busy"


def test_after_the_switch_v1_keeps_step_with_v2(shop: Session) -> None:
    verdict = passed(verify(shop))
    with following(shop) as results:
        cutover(shop, verdict, whole_backup())
        run(shop.dsn, "update public.items set price = 4321 where title = 'Pack 1'")
        for _ in range(100):
            found = rows(shop.dsn, "select count(*) from shop_old.product where price = 4321")
            if found[0][0]:
                break
            time.sleep(0.05)
        assert found[0][0]
    assert results[0].direction == "back"
    done, _ = rollback(shop)
    assert done.phase is Phase.ROLLED_BACK
    passed(verify(shop))
