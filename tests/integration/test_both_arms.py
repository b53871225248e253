"""Both ways at once, where rows of several arms of a UNION ALL have one number: a change of one of
them is no conflict with a change of another."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from repot.engine.apply import step_both
from repot.engine.session import Session
from repot.model.results import DrainResult
from repot.stages.follow import follow
from repot.stages.verify import verify
from support.pipeline import started
from support.project import write
from support.shop import FOLDER, make_v1
from support.sql import rows, run

V1 = """
create type sort as enum ('pack', 'request');
create table pack (id int primary key, title text);
create table request (id int primary key, title text);
create table vote (pack_id int references pack, by_whom int, primary key (pack_id, by_whom));
insert into pack select n, 'pack ' || n from generate_series(1, 9) n;
insert into request select n, 'request ' || n from generate_series(1, 9) n;
"""
FILES = {
    "target.sql": "create table goods (kind public.sort, id int, title text, votes bigint,"
    " primary key (kind, id));"
    "create table votes (pack_id int, by_whom int, primary key (pack_id, by_whom));",
    "moves/goods.sql": "select 'pack'::sort as kind, p.id, p.title,"
    " (select count(*) from vote v where v.pack_id = p.id) as votes from pack p"
    " union all select 'request', id, title, 0 from request",
    "moves/votes.sql": "select pack_id, by_whom from vote",
    "back/pack.sql": "select id, title from goods where kind = 'pack'",
    "back/request.sql": "select id, title from goods where kind = 'request'",
}
PRODUCT = "(select value from repot_registry.item_key where kind = 'product' and id = {})"


@pytest.fixture
def goods(database: str, tmp_path: Path) -> Session:
    run(database, V1)
    return started(database, write(tmp_path / "p", FILES))


def opened(session: Session, rule: str) -> None:
    follow(session, stop=threading.Event(), once=True, both=rule)


def carry(session: Session, rule: str) -> DrainResult:
    with session.connect() as conn:
        return step_both(conn, session.run.id, session.plan, rule)


def title(session: Session, kind: str, number: int) -> list[str]:
    """Of both sides."""
    one = f"select title from {kind} where id = {number}"
    other = f"select title from v2.goods where kind = '{kind}' and id = {number}"
    return [rows(session.dsn, one)[0][0], rows(session.dsn, other)[0][0]]


@pytest.mark.parametrize("rule", ["last", "v1", "v2"])
@pytest.mark.parametrize("first", ["v1", "v2"])
def test_a_constant_in_the_key_tells_the_arms_rows_apart(
    goods: Session, rule: str, first: str
) -> None:
    opened(goods, rule)
    on_v1 = "update request set title = 'of v1' where id = 5"
    on_v2 = "update v2.goods set title = 'of v2' where kind = 'pack' and id = 5"
    for statement in (on_v1, on_v2) if first == "v1" else (on_v2, on_v1):
        run(goods.dsn, statement)
    assert carry(goods, rule).conflicts == 0
    assert title(goods, "pack", 5) == ["of v2", "of v2"]
    assert title(goods, "request", 5) == ["of v1", "of v1"]
    assert rows(goods.dsn, "select * from repot.conflict") == []
    assert verify(goods).passed


def test_what_is_gone_in_one_arm_is_not_gone_in_the_other(goods: Session) -> None:
    opened(goods, "v1")
    run(goods.dsn, "delete from request where id in (5, 6)")
    run(goods.dsn, "update v2.goods set title = 'of v2' where kind = 'pack' and id = 5")
    run(goods.dsn, "delete from v2.goods where kind = 'pack' and id = 6")
    run(goods.dsn, "insert into request values (77, 'new')")
    run(goods.dsn, "insert into v2.goods values ('pack', 77, 'new', 0)")
    assert carry(goods, "v1").conflicts == 0
    assert title(goods, "pack", 5) == ["of v2", "of v2"]
    assert title(goods, "pack", 77) == title(goods, "request", 77) == ["new", "new"]
    assert rows(goods.dsn, "select from pack where id = 6") == []
    assert verify(goods).passed


@pytest.mark.parametrize(("rule", "wins"), [("v1", "of v1"), ("v2", "of v2"), ("last", "of v2")])
def test_a_conflict_in_one_arm_is_one_still(goods: Session, rule: str, wins: str) -> None:
    opened(goods, rule)
    run(goods.dsn, "update pack set title = 'of v1' where id = 5")
    run(goods.dsn, "update v2.goods set title = 'of v2' where kind = 'pack' and id = 5")
    # Written later, and none of that row's business.
    run(goods.dsn, "update request set title = 'later' where id = 5")
    run(goods.dsn, "update pack set title = 'later' where id = 6")
    assert carry(goods, rule).conflicts == 1
    found = rows(goods.dsn, "select key, v1 ->> 'title', v2 ->> 'title' from repot.conflict")
    assert found == [({"id": 5, "kind": "pack"}, "of v1", "of v2")]
    assert title(goods, "pack", 5) == [wins, wins]
    assert title(goods, "request", 5) == ["later", "later"]
    assert verify(goods).passed


def test_last_is_told_by_the_row_where_a_registry_gives_the_key(database: str) -> None:
    """What V1 writes later to other rows does not make it the last to have written this one."""
    make_v1(database)
    shop = started(database, FOLDER)
    opened(shop, "last")
    run(database, "update product set price = 700 where id = 6")
    run(database, "update shop_v2.items set price = 800 where id = " + PRODUCT.format(6))
    run(database, "update product set price = 1 where id = 10; update bundle set price = 1")
    assert carry(shop, "last").conflicts == 1
    assert rows(database, "select winner from repot.conflict") == [("v2",)]
    assert rows(database, "select price from product where id = 6") == [(800,)]
    assert verify(shop).passed
