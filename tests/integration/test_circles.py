"""Rows that need each other: tables whose foreign keys go in a circle, none of them deferrable, and
keys to a unique value that is not the table's own key. No order of statements writes them; one
statement does, as its keys are checked at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from repot.engine.apply import drain, unit
from repot.engine.apply.work import Work
from repot.lifecycle.runner import Runner
from repot.service import open_project
from support.pipeline import started
from support.project import repot, write
from support.sql import rows, run

V1 = """
create table team (id int primary key, name text, lead int);
create table player (id int primary key, nick text, team int);
create table badge (id int primary key, player int);
"""
AS_IT_WAS = """
delete from badge; delete from team; delete from player;
insert into team values (1, 'reds', 1), (2, 'blues', 2);
insert into player values (1, 'ann', 1), (2, 'bob', 2), (3, 'cid', 2);
insert into badge values (1, 1);
"""
TABLES = """
create table teams (id int primary key, name text unique, lead int {lead});
create table players (id int primary key, nick text unique, team int not null);
create table badges (id int primary key, player int not null references players);
alter table teams add constraint lead foreign key (lead) references players{action};
alter table players add constraint team foreign key (team) references teams{action};
"""
MOVES = {
    "moves/teams.sql": "select id, name, lead from team",
    "moves/players.sql": "select id, nick, team from player",
    "moves/badges.sql": "select id, player from badge",
}
KEYS = {
    "nullable": {"lead": "", "action": ""},
    "not null": {"lead": "not null", "action": ""},
    "restrict": {"lead": "", "action": " on delete restrict on update restrict"},
    "cascade": {"lead": "", "action": " on delete cascade on update cascade"},
    "set null": {"lead": "", "action": " on delete cascade on update set null"},
    "deferrable": {"lead": "not null", "action": " deferrable"},
}
BOTH_NEW = "insert into team values (9, 'greens', 9); insert into player values (9, 'zoe', 9);"
WRITES = {
    "both new": BOTH_NEW + " insert into badge values (9, 9)",
    "both gone": "delete from team where id = 2; delete from player where team = 2",
    "all anew": "delete from badge; delete from team; delete from player; " + BOTH_NEW,
    "key of one": "update team set id = 7 where id = 2; update player set team = 7 where team = 2",
    "keys of both": "update team set id = 7, lead = 8 where id = 2;"
    " update player set team = 7 where team = 2; update player set id = 8 where id = 2",
    "leads change hands": BOTH_NEW
    + " update team set lead = 9 where id = 2; update team set lead = 2 where id = 9",
    "names change hands": BOTH_NEW + " update team set name = case id when 1 then 'blues' else"
    " 'reds' end, lead = 9 where id in (1, 2)",
    "a new one takes a name": BOTH_NEW + " update team set name = 'old' where id = 1;"
    " update team set name = 'reds' where id = 9; update player set team = 9 where id = 1",
}


def copied(dsn: str, folder: Path, v1: str, files: Mapping[str, str]) -> Runner:
    run(dsn, v1)
    runner = open_project(write(folder, files), dsn)
    runner.copy()
    return runner


def followed(runner: Runner, dsn: str, writes: str) -> list[tuple[object, ...]]:
    """The writes in one transaction, and what is set aside."""
    run(dsn, f"begin; {writes}; commit")
    result = runner.follow(once=True)
    assert result.pending == 0
    return rows(dsn, "select name, scope, sqlstate, error from repot.poison")


def applied(dsn: str, folder: Path, files: Mapping[str, str]) -> Callable[[str], None]:
    """V2 copied; and what applies writes with nothing set aside, as under the switch's locks."""
    session = started(dsn, write(folder, files))

    def apply(writes: str) -> None:
        run(dsn, f"begin; {writes}; commit")
        with session.connect() as conn:
            drain(conn, session.run.id, session.plan)

    return apply


def differ(dsn: str, tables: Mapping[str, str]) -> dict[str, object]:
    """What V2 says of its tables where V1's say another thing."""
    query = "select * from {} order by id"
    sides = {
        there: (rows(dsn, query.format(here)), rows(dsn, query.format("v2." + there)))
        for here, there in tables.items()
    }
    return {name: both for name, both in sides.items() if both[0] != both[1]}


TEAMS = {"team": "teams", "player": "players", "badge": "badges"}


@pytest.mark.parametrize("keys", list(KEYS))
def test_rows_in_a_circle_of_keys(database: str, tmp_path: Path, keys: str) -> None:
    files = {"target.sql": TABLES.format(**KEYS[keys]), **MOVES}
    run(database, V1 + AS_IT_WAS)
    apply = applied(database, tmp_path / "p", files)
    for name, writes in WRITES.items():
        apply(AS_IT_WAS)
        apply(writes)
        assert differ(database, TEAMS) == {}, name


def test_without_the_one_statement_they_are_set_aside(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit, "_needs", lambda works: {w.derivation.name: set() for w in works})
    files = {"target.sql": TABLES.format(**KEYS["nullable"]), **MOVES}
    runner = copied(database, tmp_path / "p", V1 + AS_IT_WAS, files)
    assert followed(runner, database, WRITES["both new"]) != []


V1_CODES = """
create table land (id int primary key, code text, name text);
create table town (id int primary key, land text, nation int);
"""
CODES_AS_THEY_WERE = """
delete from town; delete from land;
insert into land values (1, 'de', 'Germany'), (2, 'fr', 'France'), (3, 'it', 'Italy');
insert into town values (1, 'de', null), (2, 'fr', null), (3, 'de', null), (4, 'it', 1);
"""
CODES = """
create table lands (id int primary key, code text not null unique, name text unique);
create table towns (id int primary key, land text not null references lands (code){action},
  nation int references lands (id));
"""
CODE_MOVES = {
    "moves/lands.sql": "select id, code, name from land",
    "moves/towns.sql": "select id, land, nation from town",
}
CODE_WRITES = {
    "the value": "update land set code = 'dd' where id = 1; update town set land = 'dd'"
    " where land = 'de'",
    "the key": "update land set id = 9 where id = 2",
    "the key, and what refers to both": "update land set id = 9 where id = 1;"
    " update town set nation = 9",
    "key and value": "update land set id = 9, code = 'dd' where id = 1; update town set land ="
    " 'dd' where land = 'de'; update town set nation = 9",
}
CHANGE_HANDS = {
    "values": "update land set code = case code when 'fr' then 'it' else 'fr' end"
    " where id in (2, 3); update town set land = case land when 'fr' then 'it' else 'fr' end"
    " where land in ('fr', 'it')",
    "keys": "update land set id = -id; update land set id = 2 where id = -3;"
    " update land set id = 3 where id = -2; update land set id = 1 where id = -1",
}
ACTIONS = {
    "no action": "",
    "restrict": " on delete restrict on update restrict",
    "cascade": " on delete cascade on update cascade",
    "set default": " on delete set default on update set default",
}


LANDS = {"land": "lands", "town": "towns"}


@pytest.mark.parametrize("action", list(ACTIONS))
def test_rows_that_are_referred_to_by_another_value_than_their_key(
    database: str, tmp_path: Path, action: str
) -> None:
    files = {"target.sql": CODES.format(action=ACTIONS[action]), **CODE_MOVES}
    run(database, V1_CODES + CODES_AS_THEY_WERE)
    apply = applied(database, tmp_path / "p", files)
    for name, writes in {**CODE_WRITES, **(CHANGE_HANDS if action == "no action" else {})}.items():
        apply(CODES_AS_THEY_WERE)
        apply(writes)
        assert differ(database, LANDS) == {}, name


@pytest.mark.parametrize("action", [a for a in ACTIONS if a != "no action"])
def test_values_that_change_hands_under_a_key_that_acts_are_foreseen(
    database: str, tmp_path: Path, action: str
) -> None:
    """The plan says it; the rows are set aside, and no other."""
    files = {"target.sql": CODES.format(action=ACTIONS[action]), **CODE_MOVES}
    runner = copied(database, tmp_path / "p", V1_CODES + CODES_AS_THEY_WERE, files)
    _, plan = repot("plan", "--project", tmp_path / "p", dsn=database)
    found = [f for f in plan["findings"] if f["code"] == "values-cannot-change-hands"]
    assert [(f["severity"], f["object"]) for f in found] == [("warning", "towns.towns_land_fkey")]
    aside = followed(runner, database, CHANGE_HANDS["keys"])
    assert sorted(row[:2] for row in aside) == [("lands", ["2"]), ("lands", ["3"])]


def test_without_their_parents_statement_such_values_are_set_aside(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(work: Work) -> list[tuple[str, ...]]:
        return []

    monkeypatch.setattr(unit, "watched", none)
    files = {"target.sql": CODES.format(action=""), **CODE_MOVES}
    runner = copied(database, tmp_path / "p", V1_CODES + CODES_AS_THEY_WERE, files)
    assert followed(runner, database, CODE_WRITES["the value"]) != []


def test_a_key_that_acts_finds_no_row_to_take_along(database: str, tmp_path: Path) -> None:
    """A key that cannot be updated: the row is set aside, and the towns stay."""
    target = CODES.format(action=ACTIONS["cascade"])
    target = target.replace("id int primary key, code", "id int generated always as identity, code")
    target = target.replace("name text unique", "name text unique, primary key (id)")
    files = {"target.sql": target, **CODE_MOVES}
    runner = copied(database, tmp_path / "p", V1_CODES + CODES_AS_THEY_WERE, files)
    aside = followed(runner, database, CODE_WRITES["the key"])
    assert sorted(row[:2] for row in aside) == [("lands", ["2"]), ("lands", ["9"])]
    assert rows(database, "select count(*) from v2.towns") == [(4,)]


def test_a_table_of_a_circle_may_have_nothing_to_do(database: str, tmp_path: Path) -> None:
    """All of a player's team is derived anew, and nothing of it is there."""
    run(database, V1 + AS_IT_WAS)
    files = {"target.sql": TABLES.format(**KEYS["nullable"]), **MOVES}
    apply = applied(database, tmp_path / "p", files)
    apply(
        "insert into team values (5, 'gone', null); delete from team where id = 5;"
        " update player set nick = 'eve' where id = 1"
    )
    assert differ(database, TEAMS) == {}
