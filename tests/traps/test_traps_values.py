"""Traps 11 and 13: NULL, and constraints that are in the way of rows that are right together."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from repot.engine.apply import keep, write
from repot.engine.apply import rows as statements
from repot.engine.apply.work import Work
from repot.engine.capture import BACK
from repot.engine.compare import count
from repot.engine.session import Session
from repot.model.errors import Refused, RepotError
from repot.postgres.compose import ident, idents
from repot.stages.cutover import cutover
from support.sql import rows, run
from support.swapping import whole_backup
from traps.scene import (
    FILES,
    V1,
    Scenes,
    applied,
    followed,
    proven,
    rewriting,
    stale,
    waiting,
)


def unequal(left: sql.Composable, right: sql.Composable, _column: object) -> sql.Composable:
    """What one writes without thinking: NULL where one of them is NULL."""
    return sql.SQL("({} <> {})").format(left, right)


def any_unequal(columns: Any, left: str, right: str) -> sql.Composable:
    parts = [unequal(*(sql.Identifier(s, c.name) for s in (left, right)), c) for c in columns]
    return sql.SQL(" or ").join(parts)


# ---------------------------------------------------------------- 11


def test_trap_11_update_to_null(scenes: Scenes) -> None:
    session = scenes.copied()
    run(session.dsn, "update thing set name = null, cat_id = null where id = 1")
    applied(session)
    assert stale(session) == []
    assert rows(session.dsn, "select name, cat_id, cat from v2.thing where id = 1") == [
        (None, None, None)
    ]
    run(session.dsn, "update thing set name = 'again', cat_id = 2 where id = 1")
    applied(session)
    assert stale(session) == []


def test_trap_11_update_to_null_on_the_way_back(scenes: Scenes) -> None:
    session = scenes.cut_over()
    run(session.dsn, "update public.thing set name = null where id = 1")
    applied(session, BACK)
    assert rows(session.dsn, "select name from v1_old.thing where id = 1") == [(None,)]


@pytest.mark.parametrize("way", ["there", "back"])
def test_trap_11_bites_without_its_protection(
    scenes: Scenes, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "differs", unequal)
    monkeypatch.setattr(keep, "differs", unequal)
    session = scenes.copied() if way == "there" else scenes.cut_over()
    run(session.dsn, "update public.thing set name = null where id = 1")
    applied(session, "forward" if way == "there" else BACK)
    other = "v2" if way == "there" else "v1_old"
    assert rows(session.dsn, f"select name from {other}.thing where id = 1") == [("thing 1",)]
    assert waiting(session) == 0


def test_trap_11_the_proof_sees_it(scenes: Scenes) -> None:
    session = scenes.copied()
    run(session.dsn, "update v2.thing set name = null where id = 1")
    assert not proven(session)


def test_trap_11_bites_when_the_proof_compares_without_nulls(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count, "any_differs", any_unequal)
    session = scenes.copied()
    run(session.dsn, "update v2.thing set name = null where id = 1")
    assert proven(session)


# ---------------------------------------------------------------- 13

EXCHANGE = """
begin;
update cat set name = 'parked' where id = 1;
update cat set name = 'cat 1' where id = 2;
update cat set name = 'cat 2' where id = 1;
commit
"""


def test_trap_13_unique_value_swaps(scenes: Scenes) -> None:
    session = scenes.copied()
    run(session.dsn, EXCHANGE)
    applied(session)
    assert stale(session) == []
    assert rows(session.dsn, "select name from v2.cat where id < 3 order by id") == [
        ("cat 2",),
        ("cat 1",),
    ]


def test_trap_13_unique_value_swaps_bite_without_its_protection(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "make_way", lambda *_: None)
    session = scenes.copied()
    run(session.dsn, EXCHANGE)
    with pytest.raises(RepotError, match="cat_name_key"):
        applied(session)
    result = followed(session)
    assert (result.poison, result.pending) == (2, 0)  # it is set aside, and never becomes right


PLACES = "create table place (id integer primary key, {column} {type} not null unique {check});"
SWAPS = {  # column, type, check, the value of row 1 … 3 as an expression over `id`
    "numbers": ("no", "integer", "", "id"),
    "numbers and a check": ("no", "integer", "check (no > 0)", "id"),
    "numbers of both signs": ("no", "integer", "", "id - 2"),
    "dates": ("day", "date", "", "date '2024-01-01' + id"),
    "short texts": ("code", "varchar(3)", "", "'c' || id"),
    "a column called n": ("n", "integer", "", "id"),
}


@pytest.mark.parametrize("what", SWAPS)
def test_trap_13_unique_value_swaps_of(scenes: Scenes, what: str) -> None:
    """V1 renumbers its rows the other way around, by way of values far away."""
    column, type_, check, value = SWAPS[what]
    table = PLACES.format(column=column, type=type_, check=check)
    session = scenes.copied(
        f"{table} insert into place select id, {value} from generate_series(1, 3) id;",
        {
            "target.sql": table,
            "moves/place.sql": f"select id, {column} from place",
            "back/place.sql": f"select id, {column} from place",
        },
    )
    for there in ("10 + id", "4 - id"):
        given = f"select {value} from (select {there} as id) as moved"
        run(session.dsn, f"update place set {column} = ({given})")
    assert followed(session).poison == 0
    assert stale(session) == []


RING = """
create table person (id integer primary key, friend integer not null);
insert into person select n, 1 + n % 5 from generate_series(1, 5) n;
"""
CYCLE = {
    "target.sql": "create table person (id integer primary key, first_letter integer not null);"
    " create table letter (id integer primary key, writer integer not null references person"
    "  deferrable initially immediate);"
    " alter table person add foreign key (first_letter) references letter"
    "  deferrable initially immediate;",
    "moves/person.sql": "select id, friend as first_letter from person",
    "moves/letter.sql": "select id, friend as writer from person",
}


def test_trap_13_foreign_key_cycles(scenes: Scenes) -> None:
    session = scenes.copied(RING, CYCLE)
    run(
        session.dsn,
        "insert into person values (6, 7), (7, 6); update person set friend = 6 where id = 1",
    )
    applied(session)
    assert stale(session) == []
    run(session.dsn, "update person set friend = 2 where id = 1; delete from person where id > 5")
    applied(session)
    assert stale(session) == []


def test_trap_13_foreign_key_cycles_bite_without_its_protection(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = scenes.copied(RING, CYCLE)
    run(session.dsn, "insert into person values (6, 7), (7, 6)")
    deferring = "set constraints all deferred"
    rewriting(monkeypatch, lambda text: "select" if text == deferring else text)
    with pytest.raises(RepotError, match="foreign key constraint"):
        applied(session)


DEFERRABLE = V1.replace("name text not null unique", "name text not null unique deferrable")
DEFERRABLE_FILES = FILES | {
    "target.sql": FILES["target.sql"].replace(
        "name text not null unique", "name text not null unique deferrable"
    )
}
AROUND = "update cat set name = 'cat ' || 1 + id % 3"


def test_trap_13_deferrable_keys(scenes: Scenes) -> None:
    session = scenes.copied(DEFERRABLE, DEFERRABLE_FILES)
    run(session.dsn, AROUND)
    applied(session)
    assert stale(session) == []
    assert rows(session.dsn, "select name from v2.cat where id = 3") == [("cat 1",)]


def upserting(conflict: str, action: str) -> Any:
    """The insert as many tools have it."""

    def insert(work: Work) -> sql.Composed:
        columns = [c for c in work.columns if c not in work.derivation.key]
        given = sql.SQL(", ").join(
            sql.SQL("{c} = excluded.{c}").format(c=sql.Identifier(c)) for c in columns
        )
        return sql.SQL(
            "insert into {t} as t ({c}) select {c} from {w} as w on conflict {on}"
        ).format(
            t=ident(work.table),
            c=idents(work.columns),
            w=ident(work.wanted),
            on=sql.SQL(f"{conflict} do {action}").format(given=given),  # type: ignore[arg-type]
        )

    return insert


def test_trap_13_deferrable_keys_bite_an_upsert(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ON CONFLICT cannot use such a key; Repot's statements need none."""
    session = scenes.copied(DEFERRABLE, DEFERRABLE_FILES)
    run(session.dsn, AROUND)
    monkeypatch.setattr(write, "insert", upserting("(name)", "update set {given}"))
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="deferrable"):
        applied(session)


STRICTER = FILES | {
    "target.sql": FILES["target.sql"].replace("name text, qty", "name text unique, qty"),
}


def a_collision(session: Session) -> int:
    """V1 allows two things of one name, V2 does not; gives how many changes were set aside."""
    run(session.dsn, "insert into thing (name, qty) values ('thing 3', 77)")
    return followed(session).poison


def test_trap_13_upserts_do_not_ignore_collisions(scenes: Scenes) -> None:
    session, verdict = scenes.proven(V1, STRICTER)
    assert a_collision(session) == 1
    with pytest.raises(Refused) as refused:
        cutover(session, verdict, whole_backup())
    assert refused.value.code == "not-applied"
    assert rows(session.dsn, "select id, qty from v2.thing where name = 'thing 3'") == [(3, 3)]


def test_trap_13_bites_when_collisions_are_ignored(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = scenes.proven(V1, STRICTER)
    monkeypatch.setattr(write, "insert", upserting("", "nothing"))
    assert a_collision(session) == 0
    assert stale(session) == ["-thing(10, 'thing 3', 77, None, None)"]


def test_trap_13_bites_when_an_upsert_takes_the_other_row(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = scenes.proven(V1, STRICTER)
    monkeypatch.setattr(write, "insert", upserting("(name)", "update set {given}"))
    assert a_collision(session) == 0
    assert len(stale(session)) == 3  # the new one is not there, and thing 3 has its values
