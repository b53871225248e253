"""Replica identities, partitions and children of tables that are captured from the WAL."""

from __future__ import annotations

import pytest

from repot.engine import wal
from repot.model.names import name
from support.sql import rows, run
from support.wal import ITEM_AND_SHOP, ITEMS, Log, Make

IDENTITIES = [  # table, captured, replica identity before and while it is captured
    ("id int primary key, v int", ("id",), "d", "d"),
    ("id int primary key, v int", ("v",), "d", "f"),
    ("id int, v int", ("v",), "d", "f"),
    ("id int primary key deferrable, v int", ("id",), "d", "f"),
    ("id int primary key, v int not null unique", ("v", "id"), "i", "f"),
    ("id int, v int not null unique", ("v",), "i", "i"),
    ("id int primary key, v int", ("id",), "n", "f"),
    ("id int primary key, v int", ("v",), "f", "f"),
]


def test_replica_identities_are_widened_only_where_they_must_be(make: Make) -> None:
    script, columns_of = "", {}
    for n, (columns, captured, before, _) in enumerate(IDENTITIES):
        words = {"d": "default", "f": "full", "n": "nothing", "i": f"using index t{n}_v_key"}
        script += f"""
            create table public.t{n} ({columns}); insert into public.t{n} values (1, 1), (2, 2);
            alter table public.t{n} replica identity {words[before]};"""
        columns_of[name("public", f"t{n}")] = captured
    world = make(script, columns_of)
    asked = "select relreplident::text from pg_class where relname ~ '^t[0-9]$' order by relname"
    assert [i for (i,) in rows(world.dsn, asked)] == [after for *_, after in IDENTITIES]
    for n in range(len(IDENTITIES)):
        run(world.dsn, f"update t{n} set v = 3 where id = 1; update t{n} set id = 7 where id = 2")
        run(world.dsn, f"delete from t{n} where id = 7; update t{n} set v = v")
    world.pump()
    assert "T" not in {op for op, *_ in world.same()}
    wal.drop(world.conn, world.run)
    assert [i for (i,) in rows(world.dsn, asked)] == [before for _, _, before, _ in IDENTITIES]
    index = "select indexrelid::regclass::text from pg_index where indisreplident order by 1"
    assert rows(world.dsn, index) == [("t4_v_key",), ("t5_v_key",)]


def test_an_identity_that_somebody_narrows_counts_as_everything_changed(make: Make) -> None:
    world = make(ITEMS, ITEM_AND_SHOP)
    run(world.dsn, "insert into item values (1, 1), (2, 2)")
    run(world.dsn, "alter table item replica identity default")
    run(world.dsn, "update item set shop = 3 where id = 1; update item set shop = 4")
    run(world.dsn, "delete from item where id = 2")
    world.pump()
    assert [op for op, *_ in world.logged()] == ["I", "I", "T", "T"]  # once per transaction
    wal.drop(world.conn, world.run)
    assert rows(world.dsn, "select relreplident::text from pg_class where relname = 'item'") == [
        ("d",)
    ]


PARTITIONED = """
create table public.item (id int, shop int, title text, primary key (id, shop))
  partition by range (shop);
create table public.item_a partition of public.item for values from (0) to (10);
create table public.item_b (title text, shop int not null, gone int, id int not null);
alter table public.item_b drop column gone;
alter table public.item attach partition public.item_b for values from (10) to (100);
"""


def split(log: Log) -> Log:
    """A row that moves to another partition is an UPDATE to triggers, and two changes in the WAL."""
    return {("U" if op in "ID" else op, *values) for op, *values in log}


@pytest.mark.parametrize("columns", [("id", "shop"), ("title",)])
def test_partitioned_tables(make: Make, columns: tuple[str, ...]) -> None:
    world = make(PARTITIONED, {name("public", "item"): columns})
    run(world.dsn, "insert into item select n, n * 10, n from generate_series(0, 9) n")
    run(world.dsn, "insert into item_b values ('direct', 50, 100)")
    run(world.dsn, "update item set shop = 11 where id = 0; update item_b set title = 'u'")
    run(world.dsn, "delete from item where id = 5")
    world.pump()
    found = split(set(world.logged()))
    assert found == split(set(world.logged(by_triggers=True)))
    assert len(found) >= 12
    for truncated in ("item_a", "item"):
        before = len(world.logged())
        run(world.dsn, f"truncate {truncated}")
        world.pump()
        assert "T" in {op for op, *_ in world.logged()}
        assert len(world.logged()) == before + 1
    run(world.dsn, "create table item_c partition of item for values from (100) to (200)")
    run(world.dsn, "insert into item values (1, 150, 'new')")
    world.pump()
    assert split(set(world.logged())) == split(set(world.logged(by_triggers=True)))
    before = [op for op, *_ in world.logged()].count("T")
    run(world.dsn, "update item set title = 'newer' where shop = 150")
    world.pump()
    after = [op for op, *_ in world.logged()].count("T")
    # New partitions have the key as identity: where more is captured, all counts as changed.
    assert after - before == (0 if columns == ("id", "shop") else 1)


def test_a_partition_that_comes_and_goes_between_two_pumps(make: Make) -> None:
    world = make(PARTITIONED, {name("public", "item"): ("id", "shop")})
    run(world.dsn, "create table item_c partition of item for values from (100) to (200)")
    run(world.dsn, "insert into item values (1, 150)")
    run(world.dsn, "drop table item_c")
    world.pump()
    assert world.logged() == [("T", None, None)]
    run(world.dsn, "insert into item values (1, 15)")
    run(world.dsn, "alter table item detach partition item_b")
    world.pump()
    assert ("I", "1", "15") in world.logged()  # it had been seen


def test_inheritance(make: Make) -> None:
    world = make(
        "create table public.item (id int primary key, v int);"
        "create table public.special (more text, primary key (id)) inherits (public.item)",
        {name("public", "item"): ("v",)},
    )
    run(world.dsn, "insert into item values (1, 1); insert into special values (2, 2, 'x')")
    run(world.dsn, "update item set v = 3; truncate only special; delete from item")
    world.pump()
    assert {op for op, *_ in world.same()} == set("IUTD")
