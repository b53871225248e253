"""Trap 13, on: rows that change hands, and rows that go, while others refer to them. What a foreign
key does by itself must not be done to rows that stay."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import sql

from repot.engine.apply import deleting, derive, park, step
from repot.engine.apply.exchange import Exchange
from repot.engine.apply.work import Work
from repot.engine.capture import BACK
from repot.engine.session import Session
from repot.model.catalog import Unique
from repot.model.names import Name
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from support.sql import rows, run
from traps.scene import Scenes, applied, followed, stale, waiting

# What refers to the rows: the key of the other table, in V2.
NOTHING, NO_ACTION, CASCADE = "", "references {}", "references {} on delete cascade"
SET_NULL, RESTRICT = "references {} on delete set null", "references {} on delete restrict"

# Column, its type and constraints, its value as an expression over `id`, an index.
SWAPS = {
    "numbers": ("no", "integer not null unique", "id", ""),
    "checked": ("no", "integer not null unique check (no > 0)", "id", ""),
    "negative": ("no", "smallint not null unique check (no < 0)", "id - 20", ""),
    "signs": ("no", "integer not null unique", "id - 2", ""),
    "largest": (
        "no",
        "bigint not null unique",
        "9223372036854775804 + case when id > 3 then - id else id end",
        "",
    ),
    "numerics": ("no", "numeric(6,2) not null unique", "id + 0.5", ""),
    "floats": (
        "no",
        "double precision not null unique",
        "case id when 1 then 'NaN'::float8 else id end",
        "",
    ),
    "dates": ("day", "date not null unique", "date '2024-01-01' + id", ""),
    "endless": (
        "day",
        "date not null unique",
        "case id when 1 then 'infinity' else date '2024-01-01' + id end",
        "",
    ),
    "moments": (
        "at",
        "timestamptz not null unique",
        "'epoch'::timestamptz + id * '1 s'::interval",
        "",
    ),
    "short": ("code", "varchar(3) not null unique", "'c' || id", ""),
    "letter": ("code", "char(1) not null unique", "chr(64 + id)", ""),
    "codes": (
        "code",
        "char(2) not null unique check (code ~ '^[A-Z]{2}$')",
        "'A' || chr(64 + id)",
        "",
    ),
    "slugs": ("slug", "text not null unique check (slug ~ '^[a-z0-9-]+$')", "'a-' || id", ""),
    "mails": ("mail", "text not null unique check (mail like '%@x.net')", "id || '@x.net'", ""),
    "uuids": ("key", "uuid not null unique", "lpad(id::text, 32, '0')::uuid", ""),
    "nullable": ("no", "integer unique check (no < 20)", "id", ""),
    "n": ("n", "integer not null unique", "id", ""),
    "repot_n": ("repot_n", "integer not null unique", "id", ""),
    "pairs": (
        "no",
        "integer not null, kind text not null default 'a', unique (kind, no)",
        "id",
        "",
    ),
    "folded": ("mail", "text not null", "'M' || id", "create unique index on folded (lower(mail))"),
    "few": ("no", "integer not null", "id", "create unique index on few (no) where no < 100"),
}
# No value to park is known: rows can only be deleted and inserted anew.
EXCHANGED = {
    "ranges": ("span", "int4range not null unique", "int4range(id, id + 1)", ""),
    "apart": (
        "span",
        "int4range not null, exclude using gist (span with &&)",
        "int4range(10 * id, 10 * id + 10)",
        "",
    ),
    "hours": ("at", "time not null unique", "'00:00'::time + id * '1 h'::interval", ""),
    "enums": (
        "day",
        "weekday not null unique",
        "('{a,b,c,d,e,f}'::weekday[])[id % 10 + 3 * (id / 10)]",
        "",
    ),
    "dense": ("no", "integer not null unique check (no in (1, 2, 3) or no > 10)", "id", ""),
}
Swaps = dict[str, tuple[str, str, str, str]]


def swapped(scenes: Scenes, swaps: Swaps, refers: str) -> Session:
    """Tables whose values V1 has given round, the other way; each row is referred to by two."""
    weekday = "create type weekday as enum ('a', 'b', 'c', 'd', 'e', 'f');"
    made, given, moved, files = "", "", "", {}
    for name, (column, type_, value, index) in swaps.items():
        made += f"create table {name} (id integer primary key, {column} {type_}); {index};"
        made += (
            f"create table of_{name} (id integer primary key, who integer {refers.format(name)});"
        )
        given += (
            f"insert into {name} (id, {column}) select id, {value} from generate_series(1, 3) id;"
        )
        given += f"insert into of_{name} select id, 1 + id % 3 from generate_series(1, 6) id;"
        for there in ("10 + id", "4 - id"):
            now = f"select {value} from (select {there} as id) as moved"
            moved += f"update {name} set {column} = ({now});"
        files[f"moves/{name}.sql"] = f"select id, {column} from {name}"
        files[f"moves/of_{name}.sql"] = f"select id, who from of_{name}"
    if "pairs" in swaps:
        files["leave.toml"] = (
            '[[column]]\ntable = "pairs"\ncolumn = "kind"\nreason = "a constant"\n'
        )
    session = scenes.copied(weekday + made + given, {"target.sql": made} | files)
    run(session.dsn, moved)
    return session


@pytest.mark.parametrize("refers", [NOTHING, CASCADE, SET_NULL, RESTRICT])
def test_rows_that_change_hands(scenes: Scenes, refers: str) -> None:
    session = swapped(scenes, SWAPS, refers)
    result = followed(session)
    assert rows(session.dsn, "select name, error from repot.poison") == []
    assert (result.poison, result.pending, result.written) == (0, 0, 2 * len(SWAPS))
    assert stale(session) == []


def test_exchanged_rows_are_all_gone_before_the_first_is_back(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the server joins them, and in whatever order they come."""
    shelf = "create table shelf (id integer primary key, no integer not null unique);"
    session = scenes.copied(
        shelf + "insert into shelf select n, n from generate_series(1, 40) n;",
        {"target.sql": shelf, "moves/shelf.sql": "select id, no from shelf"},
    )
    for there in ("100 + id", "id * 7 % 41"):
        run(session.dsn, f"update shelf set no = {there}")
    name = session.dsn.rpartition("dbname=")[2]
    for way in ("hashjoin", "mergejoin", "material", "sort"):
        run(session.dsn, f"alter database {name} set enable_{way} = off")

    def as_they_lie(_work: Work, _unique: Unique, among: Name) -> sql.Composed:
        return sql.SQL("select id from {}").format(ident(among))

    monkeypatch.setattr(park, "_holders", as_they_lie)
    applied(session)
    assert stale(session) == []


@pytest.mark.parametrize("refers", [NOTHING, NO_ACTION])
def test_rows_that_change_hands_with_values_of_any_type(scenes: Scenes, refers: str) -> None:
    session = swapped(scenes, EXCHANGED, refers)
    assert followed(session).poison == 0
    assert rows(session.dsn, "select name, error from repot.poison") == []
    assert stale(session) == []


def test_what_cannot_change_hands_is_set_aside_whole(scenes: Scenes) -> None:
    """No value to park, and rows that a cascade would take along."""
    session = swapped(scenes, EXCHANGED, CASCADE)
    assert followed(session).poison == 2 * len(EXCHANGED)
    errors = rows(session.dsn, "select distinct sqlstate from repot.poison order by 1")
    assert errors == [("23505",), ("23P01",)]
    assert {line.partition("(")[0].lstrip("+-") for line in stale(session)} == set(EXCHANGED)


def test_exchanged_rows_bite_where_a_key_cascades(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = {"numbers": SWAPS["numbers"]}

    def always(_conn: Connection, _work: Work, holders: sql.Composable) -> Exchange:
        return Exchange(("id", "no"), holders)

    monkeypatch.setattr(park, "exchange", always)
    session = swapped(scenes, one, CASCADE)
    assert followed(session).poison == 0
    assert [line for line in stale(session) if "of_numbers" in line] != []


# ---------------------------------------------------------------- what is not derived

TWO_NAMES = """
create table shelf (id integer primary key, no integer not null unique, remark text {more});
"""
SHELVES = """
insert into shelf (id, no, remark) select n, n, 'remark ' || n from generate_series(1, 3) n;
"""


def test_an_exchanged_row_keeps_what_v2_does_not_know(scenes: Scenes) -> None:
    """The way back: V1 has a remark, a generated column and one that was added meanwhile."""
    files = {
        "target.sql": "create table shelf (id integer primary key, no integer not null unique);",
        "moves/shelf.sql": "select id, no from shelf",
        "back/shelf.sql": "select id, no from shelf",
        "leave.toml": '[[column]]\ntable = "shelf"\ncolumn = "remark"\nreason = "nobody reads it"\n'
        '[[column]]\ntable = "shelf"\ncolumn = "twice"\nreason = "it is made of no"\n',
    }
    twice = ", twice integer generated always as (no * 2) stored"
    session = scenes.cut_over(TWO_NAMES.format(more=twice) + SHELVES, files)
    run(session.dsn, "alter table v1_old.shelf add column later text default 'later'")
    run(session.dsn, "update v1_old.shelf set later = 'now' where id = 3")
    for there in ("10 + id", "4 - id"):
        run(session.dsn, f"update public.shelf set no = {there}")
    applied(session, BACK)
    assert rows(session.dsn, "select * from v1_old.shelf order by id") == [
        (1, 3, "remark 1", 6, "later"),
        (2, 2, "remark 2", 4, "later"),
        (3, 1, "remark 3", 2, "now"),
    ]


# ---------------------------------------------------------------- rows that go

CHAIN = """
create table boss (id integer primary key, name text not null unique);
create table hand (id integer primary key, boss_id integer {0});
create table tool (id integer primary key, hand_id integer {1});
"""
PEOPLE = """
insert into boss select n, 'boss ' || n from generate_series(1, 3) n;
insert into hand select n, 1 + n % 3 from generate_series(1, 9) n;
insert into tool select n, 1 + n % 9 from generate_series(1, 18) n;
"""


def chain(scenes: Scenes, refers: str) -> Session:
    """Bosses, their hands, the hands' tools; V1 has no keys, V2 has these."""
    return scenes.copied(
        CHAIN.format("", "") + PEOPLE,
        {
            "target.sql": CHAIN.format(refers.format("boss"), refers.format("hand")),
            "moves/boss.sql": "select id, name from boss",
            "moves/hand.sql": "select id, boss_id from hand",
            "moves/tool.sql": "select id, hand_id from tool",
        },
    )


# The boss's name goes to somebody else, his hands to another boss.
REPLACED = """
begin;
update hand set boss_id = 2 where boss_id = 1;
delete from boss where id = 1;
insert into boss values (4, 'boss 1');
update hand set boss_id = 4 where id = 9;
commit
"""


@pytest.mark.parametrize("refers", [NO_ACTION, CASCADE, SET_NULL, RESTRICT])
def test_what_hangs_on_a_row_that_goes_is_moved_first(scenes: Scenes, refers: str) -> None:
    session = chain(scenes, refers)
    run(session.dsn, REPLACED)
    assert followed(session).poison == 0
    assert stale(session) == []


@pytest.mark.parametrize("refers", [CASCADE, SET_NULL])
def test_a_row_that_v1_still_refers_to_stays(scenes: Scenes, refers: str) -> None:
    """V2's key would delete, or empty, rows that V1 has as they are; no change tells of them."""
    session = chain(scenes, refers)
    run(session.dsn, "delete from boss where id = 1")
    assert followed(session).poison == 1
    assert rows(session.dsn, "select sqlstate, error from repot.poison") == [
        (
            "23503",
            "rows of hand stay and refer, by hand_boss_id_fkey, to rows of boss that are to be"
            " deleted",
        )
    ]
    assert stale(session) == ["+boss(1, 'boss 1')"]
    run(
        session.dsn,
        "delete from tool where hand_id in (3, 6, 9); delete from hand where boss_id = 1",
    )
    run(session.dsn, "update boss set name = name where id = 2")
    assert followed(session).poison == 0
    assert stale(session) == []


@pytest.mark.parametrize(
    ("refers", "change"), [(CASCADE, REPLACED), (SET_NULL, "delete from boss where id = 1")]
)
def test_rows_that_go_bite_without_their_protection(
    scenes: Scenes, refers: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_it_comes(conn: Any, work: Any, _works: Any) -> int:
        return int(conn.execute(deleting.deleting(work)).rowcount)

    monkeypatch.setattr(derive, "delete_first", as_it_comes)
    monkeypatch.setattr(derive, "delete_rest", as_it_comes)
    session = chain(scenes, refers)
    run(session.dsn, change)
    assert followed(session).poison == 0
    assert stale(session) != []


TREE = "create table node (id integer primary key, parent integer {}, at time not null unique);"


@pytest.mark.parametrize("refers", [NO_ACTION, CASCADE])
def test_a_branch_goes_and_another_takes_its_name(scenes: Scenes, refers: str) -> None:
    """From its leaves on; a node that stays is hung up elsewhere first."""
    session = scenes.copied(
        TREE.format("") + "insert into node select n, nullif(n / 2, 0), make_time(n, 0, 0)"
        " from generate_series(1, 15) n;",
        {
            "target.sql": TREE.format(refers.format("node")),
            "moves/node.sql": "select id, parent, at from node",
        },
    )
    run(
        session.dsn,
        "begin; update node set parent = 3 where id = 9; delete from node where id in (2, 4, 5, 8,"
        " 10, 11); insert into node values (16, 9, '5:00'), (17, 16, '11:00'); commit",
    )
    assert followed(session).poison == 0
    assert stale(session) == []


@pytest.mark.parametrize("refers", [NO_ACTION, CASCADE])
def test_rows_that_go_in_several_batches(scenes: Scenes, refers: str) -> None:
    """What still refers to a row that goes, and waits for a later batch, goes with it."""
    session = chain(scenes, refers)
    run(
        session.dsn,
        "begin; delete from tool where hand_id = 3; delete from hand where id = 3;"
        " update tool set hand_id = 1 where hand_id in (6, 9); delete from hand where boss_id = 1;"
        " delete from boss where id = 1; commit",
    )
    batches = 0
    with session.connect() as conn:
        while waiting(session):
            done = step(conn, session.run.id, session.plan, limit=1)
            assert done.poison == ()
            batches += 1
    assert batches > 3
    assert stale(session) == []
