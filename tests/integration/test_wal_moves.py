"""A whole move with tables whose changes are read from the WAL, while V1 is written."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from repot.engine.session import Session
from repot.model.errors import RepotError
from repot.model.results import FollowResult, Verdict
from repot.model.state import Phase
from repot.stages.cutover import cutover
from repot.stages.follow import follow
from repot.stages.rollback import rollback
from support.sql import connect, rows
from support.swapping import now_proven, whole_backup
from support.wal import EVERY, shop_from_wal, slots

sys.setswitchinterval(0.0005)  # see test_follow.py

Write = Callable[[psycopg.Connection, random.Random], None]


@contextmanager
def writing(dsn: str, *writes: Write) -> Iterator[list[int]]:
    """A thread per function, 40 calls a second at most; how often they were called."""
    stop, counts, errors = threading.Event(), list[int](), list[str]()

    def work(number: int) -> None:
        rng = random.Random(number)
        with connect(dsn) as conn:
            while not stop.wait(0.025):
                try:
                    writes[number](conn, rng)
                    counts.append(number)
                except (
                    psycopg.errors.DeadlockDetected,
                    psycopg.errors.UndefinedTable,
                    psycopg.errors.UndefinedColumn,
                    psycopg.errors.ForeignKeyViolation,
                ):
                    stop.wait(0.01)
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


@contextmanager
def following(session: Session) -> Iterator[list[FollowResult]]:
    stop, results, errors = threading.Event(), list[FollowResult](), list[BaseException]()

    def work() -> None:
        try:
            results.append(follow(session, stop=stop))
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


def buys(conn: psycopg.Connection, rng: random.Random) -> None:
    """A new customer and what he buys, in one transaction: V2's rows refer to each other."""
    with conn.transaction():
        customer = rng.randrange(1000, 10**6)
        conn.execute(
            "insert into customer (id, email) values (%s, 'n') on conflict do nothing", (customer,)
        )
        for _ in range(rng.randrange(1, 3)):
            conn.execute(
                "insert into purchase (customer_id, product_id, amount) values (%s, %s, 1.5)",
                (customer, rng.randrange(1, 400)),
            )
        if rng.random() < 0.2:
            conn.execute("delete from customer where id = %s", (rng.randrange(1, 100),))
        if rng.random() < 0.2:
            conn.execute("update purchase set amount = 2 where id %% 89 = %s", (rng.randrange(89),))


def sells(conn: psycopg.Connection, rng: random.Random) -> None:
    some = rng.randrange(1, 400)
    statement, values = rng.choice(
        [
            ("update product set price = price + 1 where id = %s", (some,)),
            (
                "update product set category_id = %s where id = %s",
                (rng.randrange(1, 6), some),
            ),
            (
                "insert into product (id, name, category_id) values (%s, 'New', 1)"
                " on conflict (id) do update set name = 'Newer'",
                (10_000 + some,),
            ),
            ("delete from product where id = %s", (10_000 + some,)),
            ("update bundle set label = %s where id = %s", (f"L{rng.random()}", some % 60)),
        ]
    )
    conn.execute(statement, values)


def new_customers(conn: psycopg.Connection, rng: random.Random) -> None:
    """On V2."""
    with conn.transaction():
        customer = rng.randrange(10**6, 10**7)
        conn.execute(
            "insert into customers (id, email, spent) values (%s, 'v2', 0) on conflict do nothing",
            (customer,),
        )
        conn.execute(
            "update items set price = price + 1 where id ="
            " (select id from items where kind = 'product' limit 1 offset %s)",
            (rng.randrange(300),),
        )


def passed(verdict: Verdict) -> Verdict:
    examples = [t.examples for t in verdict.tables if t.examples]
    assert verdict.passed, (verdict.reasons, examples)
    return verdict


def triggers(dsn: str) -> set[str]:
    """V1's tables with triggers of Repot's at work."""
    found = rows(
        dsn,
        "select distinct c.relname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('public', 'shop_old') and t.tgname like 'repot_%'",
    )
    return {name for (name,) in found}


def same_counts(session: Session) -> None:
    """As many rows in each table of V2 as its view gives."""
    for move in session.plan.moves:
        ours = rows(session.dsn, f'select count(*) from repot_view."{move.view.name}"')
        theirs = rows(session.dsn, f'select count(*) from public."{move.table.name}"')
        assert ours == theirs, move.name


@pytest.mark.parametrize("tables", [("purchase",), EVERY], ids=["one", "all"])
def test_there_and_back_and_there_again(
    database: str, tmp_path: Path, tables: tuple[str, ...]
) -> None:
    session = shop_from_wal(database, tmp_path, tables)
    plain = {t.rpartition(".")[2] for t in tables}
    assert triggers(database) == {"category", "product", "bundle", "customer", "purchase"} - plain
    assert len(slots(database)) == 1
    with following(session) as followed:
        with writing(database, buys, sells) as writes:
            while len(writes) < 40:
                time.sleep(0.01)
            session, verdict = now_proven(session)
            passed(verdict)
            run_now, _ = cutover(session, verdict, whole_backup())
        assert run_now.phase is Phase.CUT_OVER
        same_counts(session)
        session = session.at(run_now)
        with writing(database, new_customers) as writes:
            while len(writes) < 30:
                time.sleep(0.01)
        session = session.at(rollback(session)[0])
    assert followed[0].changes > 0
    assert rows(database, "select count(*) > 20 from customer where email = 'v2'") == [(True,)]
    assert not plain & triggers(database)
    with writing(database, buys, sells) as writes:
        session, verdict = now_proven(session)
        passed(verdict)
        while len(writes) < 30:
            time.sleep(0.01)
        done, _ = cutover(session, verdict, whole_backup())
    session = session.at(done)
    same_counts(session)
