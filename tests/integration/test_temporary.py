"""Temporary tables: the session keeps them, and each is empty when it is asked for."""

from __future__ import annotations

import threading
import time

import pytest
from psycopg import sql

from repot.engine.apply.temporary import Temporary, forget_tables
from repot.model.names import Name
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.stages.cutover import cutover
from repot.stages.rollback import rollback
from repot.stages.verify import verify
from support.shops import OwnShops
from support.sql import connect, rows, run
from support.swapping import whole_backup
from traps.scene import in_thread, module, until

COLUMNS = sql.SQL("n integer, word text")


def held(conn: Connection, table: Name) -> int:
    row = conn.execute(sql.SQL("select count(*) from {}").format(ident(table))).fetchone()
    assert row is not None
    return int(row[0])


def fill(temp: Temporary, table: Name, count: int = 3) -> None:
    query = sql.SQL("select n, repeat('x', 300) from generate_series(1, {}) as n")
    assert temp.fill(table, query.format(count)) == count


def bytes_of(conn: Connection, table: Name) -> int:
    row = conn.execute("select pg_relation_size(%s::regclass)", (str(table),)).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("together", [False, True])
def test_a_table_is_empty_when_it_is_asked_for(database: str, together: bool) -> None:
    def asked(temp: Temporary) -> list[Name]:
        like = sql.SQL("select 1 as n, ''::text as word")
        if not together:
            return [temp.table("one", COLUMNS), temp.like("two", like)]
        with temp.at_once():
            return [temp.table("one", COLUMNS), temp.like("two", like)]

    with connect(database) as conn:
        for _ in range(3):
            with conn.transaction():
                temp = Temporary(conn)
                for table in asked(temp):
                    assert held(conn, table) == 0
                    fill(temp, table)
                for table in asked(temp):  # in the same transaction, too
                    assert held(conn, table) == 0
                    fill(temp, table)
        with conn.transaction(force_rollback=True):
            asked(Temporary(conn))
        with conn.transaction():
            assert [held(conn, table) for table in asked(Temporary(conn))] == [0, 0]


def test_the_commit_empties_none_of_them(database: str) -> None:
    """ON COMMIT DELETE ROWS makes the server touch all of them, whichever were used."""
    with connect(database) as conn:
        with conn.transaction():
            temp = Temporary(conn)
            table = temp.table("one", COLUMNS)
            fill(temp, table)
        assert held(conn, table) == 3


def test_what_has_grown_large_is_cut_off(database: str) -> None:
    with connect(database) as conn:
        sizes = []
        for _ in range(4):
            with conn.transaction():
                temp = Temporary(conn)
                table = temp.table("one", COLUMNS)
                sizes.append(bytes_of(conn, table))
                fill(temp, table, 2_000)
        assert sizes == [0, 0, 0, 0]
        sizes = []
        for _ in range(200):  # little by little
            with conn.transaction():
                temp = Temporary(conn)
                table = temp.table("two", COLUMNS)
                fill(temp, table, 20)
                sizes.append(bytes_of(conn, table))
        assert max(sizes) < 300_000


def test_a_large_value_is_gone_with_its_row(database: str) -> None:
    size = "select pg_total_relation_size('pg_temp.one')"
    with connect(database) as conn:
        for _ in range(5):
            with conn.transaction():
                temp = Temporary(conn)
                table = temp.table("one", COLUMNS)
                temp.fill(
                    table,
                    sql.SQL(
                        "select 1, string_agg(random()::text, '') from generate_series(1, 30000)"
                    ),
                )
        row = conn.execute(size).fetchone()
    assert row is not None
    assert int(row[0]) < 1_500_000


def test_they_can_be_forgotten(database: str) -> None:
    with connect(database) as conn:
        with conn.transaction():
            temp = Temporary(conn)
            fill(temp, temp.table("one", COLUMNS))
        forget_tables(conn)
        with conn.transaction():
            temp = Temporary(conn)
            assert held(conn, temp.table("one", sql.SQL("other text"))) == 0


def tables_of_the_follower(dsn: str) -> int:
    others = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and application_name <> 'repot follow'"
    )
    until(lambda: rows(dsn, others) == [(0,)])
    found = rows(
        dsn,
        "select count(*) from pg_class where relpersistence = 't' and relkind = 'r'",
    )
    return int(found[0][0])


def test_a_follower_makes_no_more_of_them_with_each_switch(shops: OwnShops) -> None:
    """Each way back has tables of its own, by the numbers of its logs."""
    shop = shops.copied()
    stop, counts = threading.Event(), []
    follow = module("repot.stages.follow.stage").follow
    thread, outcome = in_thread(lambda: follow(shop, stop=stop, workers=2))
    for price in (4321, 4322, 4323):
        cutover(shop, verify(shop), whole_backup())
        run(shop.dsn, f"update public.items set price = {price} where title = 'Pack 1'")
        carried = f"select count(*) from shop_old.product where price = {price}"
        until(lambda carried=carried: rows(shop.dsn, carried) != [(0,)])
        counts.append(tables_of_the_follower(shop.dsn))
        rollback(shop)
    stop.set()
    thread.join()
    assert [type(o).__name__ for o in outcome] == ["FollowResult"]
    assert counts[0] > 5
    assert len(set(counts)) == 1, counts


def test_they_are_made_anew_now_and_then(shops: OwnShops, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody vacuums keeps the server from forgetting the numbers of transactions."""
    shop, stop = shops.copied(), threading.Event()
    stage = module("repot.stages.follow.stage")
    monkeypatch.setattr(stage, "RENEW", 0.2)
    oldest = "select min(oid::bigint) from pg_class where relname like 'repot!_scope!_%' escape '!'"
    thread, outcome = in_thread(lambda: stage.follow(shop, stop=stop))
    seen = set()
    for n in range(20):
        run(shop.dsn, f"update product set price = {100 + n} where id = 1")
        time.sleep(0.1)
        seen |= {row[0] for row in rows(shop.dsn, oldest)} - {None}
    stop.set()
    thread.join()
    assert [type(o).__name__ for o in outcome] == ["FollowResult"]
    assert len(seen) > 1
