"""Tables that refer to themselves: rows that stay come to refer to new ones, in one batch."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.service import open_project
from support.project import write
from support.sql import rows, run

V1 = """
create table member (id int primary key, up int references member on delete cascade, tag text unique);
insert into member values (1, null, 'a'), (2, 1, 'b'), (3, 2, 'c');
"""
FILES = {
    "target.sql": "create table people (id int primary key, up int references people"
    " on delete cascade, tag text unique);",
    "moves/people.sql": "select id, up, tag from member",
}


@pytest.mark.parametrize(
    "writes",
    [
        "insert into member values (4, null, 'd'); update member set up = 4 where id = 1",
        "insert into member values (4, 1, 'd'); update member set up = 4 where id = 1",
        "update member set id = 9 where id = 3; update member set up = 9 where id = 1",
        # The new row takes a value that the row which refers to it gives up.
        "update member set tag = 'x' where id = 1; insert into member values (4, 1, 'a');"
        " update member set up = 4 where id = 1",
        "update member set up = null; delete from member where id = 1;"
        " insert into member values (4, 2, 'a'); update member set up = 4 where id = 3",
    ],
)
def test_a_row_that_stays_may_refer_to_a_new_one(
    database: str, tmp_path: Path, writes: str
) -> None:
    run(database, V1)
    runner = open_project(write(tmp_path / "p", FILES), database)
    runner.copy()
    run(database, writes)
    result = runner.follow(once=True)
    assert (result.poison, result.pending) == (0, 0)
    query = "select id, up, tag from {} order by id"
    assert rows(database, query.format("member")) == rows(database, query.format("v2.people"))
