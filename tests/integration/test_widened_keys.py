"""A key that V2 has in a wider integer than V1: either side's index finds the rows of a scope."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import sql

from repot.engine import todo
from repot.engine.apply import drain
from repot.engine.apply.derive import _within
from repot.engine.apply.locating import Keys
from repot.engine.apply.scope import add, empty
from repot.engine.apply.temporary import Temporary
from repot.engine.capture import BACK, FORWARD, install_back
from repot.engine.compare import comparing
from repot.engine.prove.touched import _where
from repot.engine.session import Session
from repot.stages.verify import verify
from support.pipeline import started
from support.project import write
from support.sql import rows, run

V1 = """
create table product (id int primary key, title text);
create table line (order_id int, no smallint, amount int, primary key (order_id, no));
insert into product select n, 'p' || n from generate_series(1, 20000) n;
insert into line select n / 4, n % 4, n from generate_series(1, 20000) n;
"""
FILES = {
    "target.sql": "create table packs (id bigint primary key, title text);"
    "create table lines (order_id bigint, no int, amount int, primary key (order_id, no));",
    "moves/packs.sql": "select id, title from product",
    "moves/lines.sql": "select order_id, no, amount from line",
}
KEYS = {"packs": "(5), (6)", "product": "(5), (6)", "lines": "(5, 1)", "line": "(5, 1)"}


@pytest.fixture
def widened(database: str, tmp_path: Path) -> Session:
    run(database, V1)
    session = started(database, write(tmp_path / "p", FILES))
    with session.connect() as conn, conn.transaction():
        install_back(conn, session.run.id, session.plan)
    run(database, "analyze")
    return session


@pytest.mark.parametrize(
    ("direction", "name"),
    [(FORWARD, "packs"), (FORWARD, "lines"), (BACK, "product"), (BACK, "line")],
)
def test_an_index_finds_the_rows_of_a_scope(widened: Session, direction: str, name: str) -> None:
    plan = widened.plan
    d = next(d for d in todo.derivations(plan, direction) if d.name == name)
    with widened.connect() as conn, conn.transaction():
        mine = todo.read(conn, widened.run.id, direction)[name]
        temp = Temporary(conn)
        values = sql.SQL("values " + KEYS[name])
        scope = add(conn, temp, empty(temp, d, mine), values)
        keys = Keys(conn, scope.table, mine.fields)
        asked = [_within(keys, scope, *d.asked_by, d.columns)]
        if direction == FORWARD:
            table = plan.target.get(d.table)
            assert table is not None
            where = _where(conn, scope, {}, None)
            asked.append(comparing(conn, d, table, d.table, where))
        for query in asked:
            lines = conn.execute(sql.SQL("explain ") + query).fetchall()
            text = "\n".join(str(line[0]) for line in lines)
            assert "Index" in text, text
            assert "Seq Scan on " + name.rstrip("s") not in text, text
            assert "Seq Scan on product" not in text, text


def test_what_only_the_wider_one_holds_goes_nowhere_and_hinders_nothing(widened: Session) -> None:
    dsn = widened.dsn
    run(dsn, "update product set title = 'x' where id = 5; delete from line where order_id = 7")
    run(dsn, "insert into line values (2147483647, 32767, 1)")
    with widened.connect() as conn:
        drain(conn, widened.run.id, widened.plan)
    assert verify(widened).passed
    run(
        dsn,
        "insert into v2.packs values (3000000000, 'too much'); update v2.packs set title = 'y'"
        " where id = 6; insert into v2.lines values (8, 70000, 1), (3000000000, 1, 1);"
        " delete from v2.lines where order_id = 9; update v2.lines set amount = -1 where no = 1"
        " and order_id = 10",
    )
    with widened.connect() as conn:
        drain(conn, widened.run.id, widened.plan, BACK)
    assert rows(dsn, "select id, title from product where id in (5, 6) order by id") == [
        (5, "x"),
        (6, "y"),
    ]
    assert rows(dsn, "select count(*) from product") == [(20000,)]
    assert rows(dsn, "select count(*) from line where order_id = 9") == [(0,)]
    assert rows(dsn, "select amount from line where order_id = 10 and no = 1") == [(-1,)]
    assert rows(dsn, "select count(*) from line where order_id = 8") == [(4,)]
