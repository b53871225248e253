"""Old rows go to the archive, each once, as they were."""

from __future__ import annotations

import psycopg
import pytest

from support.caring import Care, called, codes
from support.sql import connect, run

OLD = {"column": "at", "older_than": "1 year"}


@pytest.fixture
def events(care: Care) -> Care:
    care.run(
        "create table event (id int generated always as identity primary key, note text not null,"
        " amount numeric(10, 2) not null default 0, twice numeric generated always as (amount * 2) stored,"
        " at timestamptz not null);"
        "create index on event (at);"
        "insert into event (note, amount, at) select 'n' || n, n + 0.10, now() - n * interval '1 day'"
        " from generate_series(1, 1000) n"
    )
    return care


def test_old_rows_leave_and_arrive(events: Care) -> None:
    before = events.rows("select * from event order by id")
    result = events.call("archive", table="public.event", chunk=100, **OLD)
    assert result["ok"], result
    assert result["figures"]["moved"] == 636
    assert result["figures"]["left"] == 0
    assert result["figures"]["chunks"] == 7
    assert events.one("select count(*) from event") == 364
    assert (
        events.rows("select * from event union all select * from archive.event order by id")
        == before
    )
    assert events.rows(
        "select count(*), sum(rows), count(distinct xid) from repot_upkeep.archived"
    ) == [(7, 636, 7)]
    again = events.call("archive", table="public.event", chunk=100, **OLD)
    assert (again["figures"]["moved"], again["ok"], again["findings"]) == (0, True, [])


def test_a_condition_and_a_limit(events: Care) -> None:
    given = {"table": "public.event", "where": "id % 2 = 0 -- the even ones", **OLD}
    result = events.call("archive", max_rows=25, chunk=10, **given)
    assert result["figures"] | {"before": 0} == {
        "moved": 25,
        "chunks": 3,
        "busy": 0,
        "left": 293,
        "before": 0,
    }
    assert events.one("select count(*) filter (where id % 2 = 1) from archive.event") == 0
    # The oldest go first.
    assert events.one("select max(at) from archive.event") < events.one(
        "select min(at) from event where id % 2 = 0"
    )


def test_two_conditions_in_one_are_none(events: Care) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no condition"):
        events.call("archive", table="public.event", where="false) or (true", **OLD)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no condition"):
        events.call("archive", table="public.event", where="colour = 1", **OLD)
    assert events.one("select count(*) from event") == 1000


def test_rows_of_every_kind(care: Care) -> None:
    """No key, dropped columns, values that print alike or not at all like others, names that need quotes."""
    long = "ü" * 31 + "x"
    care.run(
        "create schema \"Büro\"; create type mood as enum ('so', 'la'); create domain small as int check (value < 10);"
        f'create table "Büro"."{long}" ("Order" numeric, gone int, "select" real, "a""b" jsonb[], j json, b bytea,'
        ' m mood, d small, "ts" timestamp, r int4range, "x y" text collate "C", n text);'
        f'alter table "Büro"."{long}" drop column gone;'
        f'insert into "Büro"."{long}" select * from (values'
        " (1.0, 'NaN'::real, array['{\"a\": 1}', null]::jsonb[], '{\"b\":  2, \"b\": 3}'::json, '\\x00ff'::bytea, 'so'::mood, 3::small,"
        "  now()::timestamp - interval '2 years', '[1,5)'::int4range, 'a ', null::text),"
        " (1.00, '-0', null, null, '', null, null, now()::timestamp - interval '2 years', 'empty', '', ''),"
        " (1.00, '-0', null, null, '', null, null, now()::timestamp - interval '2 years', 'empty', '', '')) v"
    )
    before = care.rows(f'select t::text from "Büro"."{long}" t order by 1')
    result = care.call("archive", table=f'"Büro"."{long}"', column="ts", older_than="1 year")
    assert result["figures"]["moved"] == 3, result
    assert care.rows(f'select t::text from archive."{long}" t order by 1') == before


def test_a_day_in_its_time_zone(care: Care) -> None:
    care.run(
        "create table visit (id int primary key, at timestamp);"
        "insert into visit values (1, (now() at time zone 'Asia/Tokyo') - interval '61 minutes'),"
        " (2, (now() at time zone 'Asia/Tokyo') - interval '59 minutes'), (3, null)"
    )
    given = {"table": "public.visit", "column": "at", "older_than": "1 hour"}
    assert care.call("archive", time_zone="Asia/Tokyo", **given)["figures"]["moved"] == 1
    assert care.rows("select id from visit order by id") == [(2,), (3,)]


def test_the_archive_keeps_up_with_the_table(events: Care) -> None:
    given = {"table": "public.event", **OLD}
    events.call("archive", max_rows=5, **given)
    events.run(
        "alter table event add column colour text default 'red'; alter table event alter column note drop not null;"
        "update event set note = null, colour = 'blue' where id = 900"
    )
    result = events.call("archive", max_rows=500, **given)
    assert result["ok"]
    assert codes(result) == ["archive-column-added"]
    assert events.rows("select note, colour from archive.event where id = 900") == [(None, "blue")]
    events.run(
        "alter table event drop column colour; alter table event alter column note type varchar(80)"
    )
    refused = events.call("archive", **given)
    assert not refused["ok"]
    assert codes(refused) == ["archive-type"]
    assert "character varying(80)" in refused["findings"][0]["hint"]
    assert (
        events.one("select count(*) from event") + events.one("select count(*) from archive.event")
        == 1000
    )


def test_rows_that_others_hold_are_taken_next_time(events: Care) -> None:
    given = {"table": "public.event", "chunk": 50, **OLD}
    with connect(events.dsn) as other, other.transaction():
        other.execute("update event set note = 'mine' where id = 1000")
        other.execute("select from event where id = 999 for key share")
        result = events.call("archive", **given)
    assert result["ok"]
    assert (result["figures"]["moved"], result["figures"]["left"]) == (634, 2)
    assert events.call("archive", **given)["figures"]["moved"] == 2
    assert events.rows("select note from archive.event where id = 1000") == [("mine",)]


def test_an_end_in_the_middle_leaves_no_half(events: Care) -> None:
    """Ended inside a chunk's transaction, nothing of it is there."""
    conn = connect(events.dsn)
    conn.autocommit = False
    conn.execute(
        "select repot_upkeep.archive(%s)",
        ('{"table": "public.event", "column": "at", "older_than": "1 year", "chunk": 30}',),
    )
    assert conn.execute("select count(*) from archive.event").fetchone() == (30,)
    run(events.admin, f"select pg_terminate_backend({conn.info.backend_pid})")
    with pytest.raises(psycopg.OperationalError):
        conn.execute("select 1")
    assert events.one("select count(*) from event") == 1000
    assert events.one("select count(*) from repot_upkeep.archived") == 0
    assert events.call("archive", table="public.event", **OLD)["figures"]["moved"] == 636


def test_only_committed_reading(events: Care) -> None:
    with connect(events.dsn) as conn:
        conn.execute("set default_transaction_isolation = 'repeatable read'")
        with pytest.raises(psycopg.errors.InvalidTransactionState):
            called(conn, "archive", {"table": "public.event", **OLD})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"table": "public.nothing"}, "there is no table"),
        ({"table": "event"}, "there is no table event"),
        ({"column": "note"}, "is text, not a time"),
        ({"column": "nothing"}, "has no column"),
        ({"into": "public.event"}, "the table itself"),
        ({"into": "elsewhere"}, "a schema and a table"),
        ({"session": {"role": "postgres"}}, "only names with a dot"),
        ({"colour": "red"}, "has no setting colour"),
        ({"partitions": "detach"}, "cannot be archived by partition"),
    ],
)
def test_wrong_settings_are_named(events: Care, wrong: dict[str, object], says: str) -> None:
    with pytest.raises(psycopg.Error, match=says):
        events.call("archive", **{"table": "public.event", **OLD, **wrong})
    assert events.one("select count(*) from event") == 1000
