"""Derived ways back give a row its own values: of keys that V2 has in a wider type, and of tables
that a move joins to themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.lifecycle.runner import Runner
from repot.model.errors import Refused
from repot.postgres.connect import connection
from repot.postgres.state import record_evidence
from repot.service import open_project
from support.project import SETTINGS, write
from support.sql import rows, run
from support.swapping import whole_backup


def cut_over(database: str, folder: Path, v1: str, files: dict[str, str]) -> Runner:
    run(database, v1)
    runner = open_project(write(folder, files), database)
    runner.copy()
    with connection(database) as conn:
        kept = whole_backup().model_dump(mode="json")
        record_evidence(conn, None, "backup", "backup", "", "whole?", kept)
    assert runner.verify().passed
    runner.cutover()
    return runner


def test_a_key_in_a_wider_type_comes_back(database: str, tmp_path: Path) -> None:
    files = {
        "target.sql": "create table packs (id bigint primary key, title text);",
        "moves/packs.sql": "select id, title from product",
    }
    v1 = (
        "create table product (id int primary key, title text);"
        " insert into product select n, 'p' || n from generate_series(1, 9) n"
    )
    runner = cut_over(database, tmp_path / "p", v1, files)
    run(
        database,
        "insert into packs values (30, 'new'), (3000000000, 'too much for V1');"
        " update packs set title = 'x' where id = 5; delete from packs where id = 6;"
        " update packs set id = 40 where id = 7",
    )
    # The row that V1 has no number for keeps no other from coming back.
    runner.follow(once=True)
    come_back = "select id, title from {}.product where id in (5, 6, 7, 30, 40) order by id"
    expected = [(5, "x"), (30, "new"), (40, "p7")]
    assert rows(database, come_back.format("v1_old")) == expected
    with pytest.raises(Refused) as refused:
        runner.rollback()
    assert refused.value.code == "not-carriable"
    assert "3000000000" in refused.value.evidence
    run(database, "delete from packs where id > 100")
    runner.rollback()
    assert rows(database, come_back.format("public")) == expected
    assert runner.verify().passed


def test_what_another_row_of_the_table_holds_is_not_the_rows_own(
    database: str, tmp_path: Path
) -> None:
    """The parent's name stands first in the move: it must not be taken for the row's."""
    files = {
        "target.sql": "create table people (id int primary key, boss text, name text, up int);",
        "moves/people.sql": "select m.id, b.name as boss, m.name, m.up from member m"
        " left join member b on b.id = m.up",
    }
    v1 = (
        "create table member (id int primary key, up int, name text);"
        " insert into member values (1, null, 'Ada'), (2, 1, 'Bea'), (3, 1, 'Cid')"
    )
    runner = cut_over(database, tmp_path / "p", v1, files)
    run(
        database,
        "update people set name = 'Bo' where id = 2; insert into people values (4, 'x', 'Dan', 2);"
        " update people set boss = 'Zoe' where id = 3",
    )
    runner.rollback()
    assert rows(database, "select id, up, name from member order by id") == [
        (1, None, "Ada"),
        (2, 1, "Bo"),
        (3, 1, "Cid"),
        (4, 2, "Dan"),
    ]


def test_a_table_of_v1_without_a_way_back_excuses_no_namesake_in_v2(
    database: str, tmp_path: Path
) -> None:
    """What was foreseen of V1's table is not foreseen of another table of V2 of the same name."""
    files = {
        "target.sql": "create table member (id bigint primary key, name text);"
        " create table cities (city text primary key, number bigint);",
        "moves/member.sql": "select id, name from person",
        "moves/cities.sql": "select city, count(*) as number from member group by city",
        "leave.toml": "[[column]]\ntable = 'member'\ncolumn = 'id'\nreason = 'counted'\n",
    }
    v1 = (
        "create table person (id int primary key, name text); insert into person values (1, 'a');"
        " create table member (id int primary key, city text not null);"
        " insert into member values (1, 'Ys')"
    )
    runner = cut_over(database, tmp_path / "p", v1, files)
    run(database, "insert into member values (3000000000, 'too much for V1')")
    with pytest.raises(Refused) as refused:
        runner.rollback()
    assert refused.value.code == "not-carriable"


def test_a_value_that_does_not_come_back_may_be_referred_to(database: str, tmp_path: Path) -> None:
    """By a key of V1 that would carry a change of it on: it is never changed."""
    files = {
        "target.sql": "create table people (id int primary key, name text);"
        " create table notes (id int primary key, code text, body text);",
        "moves/people.sql": "select id, name from person",
        "moves/notes.sql": "select id, code, body from note",
        "leave.toml": "[[column]]\ntable = 'person'\ncolumn = 'code'\nreason = 'not needed'\n",
    }
    v1 = (
        "create table person (id int primary key, name text, code text unique);"
        " create table note (id int primary key, body text,"
        "  code text references person (code) on update cascade);"
        " insert into person values (1, 'Ada', 'a'); insert into note values (1, 'x', 'a')"
    )
    runner = cut_over(database, tmp_path / "p", v1, files)
    run(database, "update people set name = 'Bea'; update notes set body = 'y'")
    runner.rollback()
    assert rows(database, "select * from person") == [(1, "Bea", "a")]
    assert rows(database, "select id, body, code from note") == [(1, "y", "a")]


@pytest.mark.parametrize("checked", ["", " deferrable", " deferrable initially deferred"])
def test_rows_that_need_each_other_and_have_no_place_in_v1(
    database: str, tmp_path: Path, checked: str
) -> None:
    """V2 is without them after the rollback, and they are kept."""
    teams = "create table {team} (id {type} primary key, lead {type} not null);"
    players = (
        "create table {player} (id {type} primary key, team {type} not null"
        " references {team}{checked});"
    )
    lead = "alter table {team} add foreign key (lead) references {player}{checked};"
    waits = " deferrable initially deferred"
    here = {"team": "team", "player": "player", "type": "int", "checked": waits}
    there = {"team": "teams", "player": "players", "type": "bigint", "checked": checked}
    circle = teams + players + lead
    runner = cut_over(
        database,
        tmp_path / "p",
        circle.format(**here) + " begin; insert into team values (1, 1);"
        " insert into player values (1, 1); commit",
        {
            "target.sql": circle.format(**there),
            "moves/teams.sql": "select id, lead from team",
            "moves/players.sql": "select id, team from player",
        },
    )
    too_much = 3_000_000_000
    run(
        database,
        f"with team as (insert into teams values ({too_much}, {too_much}))"
        f" insert into players values ({too_much}, {too_much})",
    )
    _, result = runner.rollback(accept_loss=True)
    assert result.not_carried_rows == 2
    for table in ("teams", "players"):
        assert rows(database, f"select id from v2.{table}") == [(1,)]
        kept = f'select id, repot_kind from repot_quarantine."{table}.v2.1"'
        assert rows(database, kept) == [(too_much, "extra")]
    assert runner.verify().passed


def test_what_v2s_own_tables_have_hanging_on_such_a_row_is_kept(
    database: str, tmp_path: Path
) -> None:
    """Also what hangs on that in turn."""
    runner = cut_over(
        database,
        tmp_path / "p",
        "create table pack (id int primary key); insert into pack values (1)",
        {
            "target.sql": "create table packs (id bigint primary key);"
            "create table notes (id int primary key, pack bigint references packs on delete cascade);"
            "create table stars (id int primary key, note int references notes on delete cascade);",
            "moves/packs.sql": "select id from pack",
            "repot.toml": SETTINGS.format(name="p") + 'new = ["notes", "stars"]',
        },
    )
    too_much = 3_000_000_000
    run(
        database,
        f"insert into packs values ({too_much}); insert into notes values (1, {too_much}), (2, 1);"
        " insert into stars values (7, 1), (8, 2)",
    )
    runner.rollback(accept_loss=True)
    assert rows(database, "select id from v2.stars") == [(8,)]
    for table, ids in (("notes", [(1,), (2,)]), ("stars", [(7,), (8,)])):
        kept = f'select id from repot_quarantine."{table}.v2.1" order by id'
        assert rows(database, kept) == ids
    assert runner.verify().passed


@pytest.mark.parametrize("own", [" on update cascade", " on update cascade deferrable"])
def test_an_own_table_of_v1_follows_a_value_that_changes_hands(
    database: str, tmp_path: Path, own: str
) -> None:
    """Its rows refer to persons by a code, and nothing derives them: the key itself carries a change
    of the code on, to the right ones."""
    files = {
        "target.sql": "create table people (id int primary key, code text not null unique);",
        "moves/people.sql": "select id, code from person",
        "leave.toml": "[[table]]\nname = 'note'\nreason = 'V1 keeps them'\n",
    }
    v1 = (
        "create table person (id int primary key, code text not null unique);"
        f" create table note (id int primary key, code text references person (code){own});"
        " insert into person values (1, 'a'), (2, 'b'); insert into note values (1, 'a'), (2, 'b')"
    )
    runner = cut_over(database, tmp_path / "p", v1, files)
    run(
        database,
        "update people set code = 'x' where id = 2; update people set code = 'b' where id = 1",
    )
    runner.rollback()
    assert rows(database, "select id, code from person order by id") == [(1, "b"), (2, "x")]
    assert rows(database, "select id, code from note order by id") == [(1, "b"), (2, "x")]
