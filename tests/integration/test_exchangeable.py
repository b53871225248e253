"""Of which tables rows may be deleted and inserted anew by one statement without anybody noticing."""

from __future__ import annotations

import pytest

from repot.engine.sql import load
from support.sql import connect, run

TABLE = "create table t (id int primary key, code text unique, twice int generated always as (2) stored);"
CASES = {
    "nothing": ("", True),
    "a key to its key that carries updates on": (
        "create table o (t int references t on update cascade)",
        True,
    ),
    "a key to another value": ("create table o (code text references t (code))", True),
    "such a key that carries updates on": (
        "create table o (code text references t (code) on update cascade)",
        False,
    ),
    "such a key that sets NULL": (
        "create table o (code text references t (code) on update set null)",
        False,
    ),
    "the same in a table that is derived": (
        "create table derived (code text references t (code) on update cascade)",
        True,
    ),
    "a key that acts when a row goes": (
        "create table o (t int references t on delete cascade)",
        False,
    ),
    "the same in a table that is derived, too": (
        "create table derived (t int references t on delete set null)",
        False,
    ),
    "an heir": ("create table heir (more text) inherits (t)", False),
    "a trigger on deletions": (
        "create function f() returns trigger language plpgsql as 'begin return old; end';"
        " create trigger x before delete on t for each row execute function f()",
        False,
    ),
    "a rule": ("create rule r as on insert to t do also select 1", False),
}


@pytest.mark.parametrize("what", CASES)
def test_what_else_there_is(database: str, what: str) -> None:
    more, exchangeable = CASES[what]
    if "derived" not in more:
        more += "; create table derived ()"
    run(database, TABLE + more)
    with connect(database) as conn:
        row = conn.execute(
            load("exchangeable.sql").encode(),
            {"table": "t", "key": ["id"], "derived": ["derived"]},
        ).fetchone()
    assert (row[0] if row else None) == (["id", "code"] if exchangeable else None)
