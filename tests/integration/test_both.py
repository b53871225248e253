"""Both ways at once: endpoints move one at a time, some write V1 and some V2."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import psycopg
import pytest

from repot.engine.apply import step, step_both
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.model.results import DrainResult
from repot.model.state import Phase
from repot.postgres.connect import Connection
from repot.stages.cutover import cutover
from repot.stages.follow import follow
from repot.stages.rollback import rollback
from repot.stages.verify import verify
from support.shops import OwnShops
from support.sql import connect, rows, run
from support.swapping import whole_backup

ITEM = "(select value from repot_registry.item_key where kind = 'product' and id = {})"


@pytest.fixture
def shop(shops: OwnShops) -> Session:
    return shops.copied()


def opened(session: Session, rule: str = "last") -> Session:
    follow(session, stop=threading.Event(), once=True, both=rule)
    return session


def carry(session: Session, rule: str = "last") -> DrainResult:
    with session.connect() as conn:
        return step_both(conn, session.run.id, session.plan, rule)


def v2(session: Session, statement: str) -> None:
    run(session.dsn, "set search_path = shop_v2; " + statement)


def item(session: Session, number: int, columns: str = "title, price") -> Any:
    query = f"select {columns} from shop_v2.items where id = " + ITEM.format(number)
    return rows(session.dsn, query)[0]


def product(session: Session, number: int, columns: str = "name, price") -> Any:
    return rows(session.dsn, f"select {columns} from product where id = {number}")[0]


def conflicts(session: Session) -> list[Any]:
    return rows(
        session.dsn,
        "select name, rule, winner, v1 ->> 'price', v2 ->> 'price' from repot.conflict order by id",
    )


def test_each_side_gets_what_the_other_wrote_and_nothing_comes_back(shop: Session) -> None:
    """Without telling Repot's own writes apart they would go round for ever (trap 12)."""
    opened(shop)
    run(shop.dsn, "update product set price = 500 where id = 6")
    v2(shop, "update items set price = 600 where id = " + ITEM.format(10))
    done = carry(shop)
    assert done.conflicts == 0
    assert product(shop, 10)[1] == 600
    assert item(shop, 6)[1] == 500
    again = carry(shop)
    assert (again.changes, again.written) == (0, 0)
    assert verify(shop).passed


@pytest.mark.parametrize(("rule", "winner"), [("v1", 700), ("v2", 800), ("last", 800)])
def test_a_conflict_is_settled_by_the_rule_and_both_versions_are_kept(
    shop: Session, rule: str, winner: int
) -> None:
    opened(shop, rule)
    run(shop.dsn, "update product set price = 700 where id = 6")
    v2(shop, "update items set price = 800 where id = " + ITEM.format(6))
    assert carry(shop, rule).conflicts == 1
    who = "v1" if winner == 700 else "v2"
    assert conflicts(shop) == [("items", rule, who, "700.00", "800.00")]
    assert item(shop, 6)[1] == product(shop, 6)[1] == winner
    assert verify(shop).passed


def test_last_is_who_wrote_last(shop: Session) -> None:
    opened(shop)
    v2(shop, "update items set price = 800 where id = " + ITEM.format(6))
    run(shop.dsn, "update product set price = 700 where id = 6")
    carry(shop)
    assert [c[2] for c in conflicts(shop)] == ["v1"]
    assert item(shop, 6)[1] == product(shop, 6)[1] == 700


def test_the_same_change_on_both_sides_is_no_conflict(shop: Session) -> None:
    opened(shop)
    run(shop.dsn, "update product set price = 700 where id = 6")
    v2(shop, "update items set price = 700 where id = " + ITEM.format(6))
    assert carry(shop).conflicts == 0
    assert verify(shop).passed


def test_a_delete_against_an_update(shop: Session) -> None:
    opened(shop, "v2")
    run(shop.dsn, "update product set price = 700 where id = 6")
    v2(shop, "update purchases set item_id = null where item_id = " + ITEM.format(6))
    v2(shop, "delete from items where id = " + ITEM.format(6))
    assert carry(shop, "v2").conflicts >= 1
    assert rows(shop.dsn, "select count(*) from product where id = 6") == [(0,)]
    gone = "select count(*) from shop_v2.items where id = " + ITEM.format(6)
    assert rows(shop.dsn, gone) == [(0,)]
    noted = rows(
        shop.dsn, "select v2 is null, v1 ->> 'price' from repot.conflict where name = 'items'"
    )
    assert noted == [(True, "700.00")]


def test_what_v1_changes_beside_reaches_a_row_that_v2_wrote(shop: Session) -> None:
    """A purchase on V1 changes the sum of a customer whose e-mail V2 changes: both stay."""
    opened(shop)
    before = rows(shop.dsn, "select spent from shop_v2.customers where id = 20")[0][0]
    run(shop.dsn, "insert into purchase (customer_id, amount) values (20, 5)")
    v2(shop, "update customers set email = 'of v2' where id = 20")
    carry(shop)
    assert rows(shop.dsn, "select email from customer where id = 20") == [("of v2",)]
    now = rows(shop.dsn, "select email, spent from shop_v2.customers where id = 20")
    assert now == [("of v2", before + 5)]
    assert verify(shop).passed


def test_new_numbers_of_both_sides_do_not_meet(shop: Session) -> None:
    opened(shop)
    run(shop.dsn, "insert into purchase (customer_id, amount) values (1, 1), (1, 2)")
    v2(shop, "insert into purchases (customer_id, amount) values (1, 3), (1, 4)")
    assert carry(shop).conflicts == 0
    assert rows(shop.dsn, "select count(*) from purchase where id > 900") == [(4,)]
    assert rows(shop.dsn, "select count(*) from shop_v2.purchases where id > 900") == [(4,)]


def test_random_writes_on_both_sides_of_different_rows_all_arrive(shop: Session) -> None:
    seed = random.randrange(10**6)
    rng = random.Random(seed)
    opened(shop)
    expected: dict[int, int] = {}
    with connect(shop.dsn) as one, connect(shop.dsn) as other:
        other.execute("set search_path = shop_v2")
        for turn in range(120):
            number = rng.randrange(1, 200)
            price = 1000 + turn
            if number % 2:
                one.execute("update product set price = %s where id = %s", (price, number))
            else:
                other.execute(
                    f"update items set price = {price} where id = {ITEM.format(number)}".encode()
                )
            expected[number] = price
            if rng.random() < 0.2:
                assert carry(shop).conflicts == 0
    carry(shop)
    carry(shop)
    found = dict(rows(shop.dsn, "select id, price from product where price >= 1000"))
    assert found == expected, f"seed {seed}"
    assert verify(shop).passed, f"seed {seed}"


def test_the_cutover_and_the_rollback_while_both_are_written(shop: Session) -> None:
    opened(shop)
    verdict = verify(shop)
    run(shop.dsn, "update product set price = 501 where id = 6")
    v2(shop, "update items set price = 601 where id = " + ITEM.format(10))
    done, _ = cutover(shop, verdict, whole_backup())
    assert done.phase is Phase.CUT_OVER
    find = "select price from public.items where id = "
    assert rows(shop.dsn, find + ITEM.format(6)) == [(501,)]
    assert rows(shop.dsn, find + ITEM.format(10)) == [(601,)]
    # An old endpoint still writes V1, a new one V2.
    run(shop.dsn, "update shop_old.product set price = 502 where id = 14")
    run(shop.dsn, "update public.items set price = 602 where id = " + ITEM.format(18))
    carry(shop)
    assert rows(shop.dsn, find + ITEM.format(14)) == [(502,)]
    assert rows(shop.dsn, "select price from shop_old.product where id = 18") == [(602,)]
    done, _ = rollback(shop)
    assert done.phase is Phase.ROLLED_BACK
    prices = "select id, price from product where id in (6, 10, 14, 18) order by id"
    assert rows(shop.dsn, prices) == [(6, 501), (10, 601), (14, 502), (18, 602)]
    assert verify(shop).passed


def test_triggers_that_would_fire_again_stop_it(shop: Session) -> None:
    run(
        shop.dsn,
        "create function noise() returns trigger language plpgsql as 'begin return new; end';"
        " create trigger noisy before update on product for each row execute function noise()",
    )
    with pytest.raises(Refused) as refused:
        opened(shop)
    assert refused.value.code == "triggers-would-fire"
    assert "public.product: noisy" in refused.value.evidence


def test_what_v1_has_no_place_for_stays_in_v2_and_is_counted(shop: Session) -> None:
    opened(shop)
    v2(shop, "update items set note = 'only here', state = 'LIVE' where id = " + ITEM.format(7))
    carry(shop)
    run(shop.dsn, "update product set price = 44 where id = 7")
    carry(shop)
    assert item(shop, 7, "note, price") == ("only here", 44)


def test_a_change_of_another_arms_row_of_the_same_number_is_no_conflict(shop: Session) -> None:
    """A bundle and a product of one number: two rows of items, told apart by a constant alone."""
    opened(shop)
    v2(shop, "update items set price = 600 where id = " + ITEM.format(6))
    run(shop.dsn, "update bundle set price = 700 where id = 6")
    assert carry(shop).conflicts == 0
    assert conflicts(shop) == []
    assert product(shop, 6)[1] == item(shop, 6)[1] == 600
    bundle = ITEM.format(6).replace("product", "bundle")
    assert rows(shop.dsn, "select price from shop_v2.items where id = " + bundle) == [(700,)]
    assert verify(shop).passed


@pytest.mark.parametrize(
    ("failure", "one_way"),
    [
        (psycopg.errors.LockNotAvailable, {"repeatable read"}),
        (psycopg.errors.SerializationFailure, {"repeatable read", "read committed"}),
    ],
)
def test_a_batch_of_both_stays_in_its_snapshot(
    shop: Session, failure: type[psycopg.Error], one_way: set[str]
) -> None:
    """However often it is tried: what V1 writes after its changes were taken would be overwritten by
    V2's, and no conflict told of it. A batch of one way leaves it where rows spoil it, not where
    somebody holds a lock."""
    seen: list[str] = []

    def guard(conn: Connection) -> None:
        row = conn.execute("show transaction_isolation").fetchone()
        seen.append(str(row[0]) if row else "")
        if len(seen) <= 6:
            raise failure

    with shop.connect() as conn:
        step(conn, shop.run.id, shop.plan, guard=guard)
        assert set(seen) == one_way
        seen.clear()
        opened(shop)
        step_both(conn, shop.run.id, shop.plan, "last", guard=guard)
    assert seen == ["repeatable read"] * 7


def test_who_waits_for_a_row_finds_it(shop: Session) -> None:
    """Two titles change hands on V2. V1's rows get them by way of values that nobody has: if they
    were deleted and inserted anew, as where nobody else writes, who waits for one would find none."""
    opened(shop)
    swapped = "title = case id when 1 then 'two' else 'one' end where id in (1, 2)"
    v2(shop, "update categories set title = 'c' || id where id in (1, 2)")
    v2(shop, "update categories set title = case id when 1 then 'one' else 'two' end where id < 3")
    carry(shop)
    v2(
        shop,
        f"update categories set title = 'x' || id where id < 3; update categories set {swapped}",
    )
    written: list[int] = []

    def write() -> None:
        with connect(shop.dsn) as application:
            written.append(
                application.execute("update category set id = id where id in (1, 2)").rowcount
            )

    application = threading.Thread(target=write)

    def guard(conn: Connection) -> None:
        application.start()
        waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
        while not rows(shop.dsn, waiting):
            time.sleep(0.01)

    with shop.connect() as conn:
        step_both(conn, shop.run.id, shop.plan, "last", guard=guard)
    application.join()
    assert rows(shop.dsn, "select id, name from category where id < 3 order by id") == [
        (1, "two"),
        (2, "one"),
    ]
    assert written == [2]
