"""Counters reset, rows that stand failed, temporary rows: each where there is something and where not."""

from __future__ import annotations

import psycopg
import pytest

from support.caring import Care, codes
from support.sql import connect


@pytest.fixture
def people(care: Care) -> Care:
    care.run(
        'create table person (id int primary key, "Watched today" int not null default 0, note text, day date);'
        "insert into person select n, n % 5, 'x', current_date - n % 2 from generate_series(1, 2500) n"
    )
    return care


RESET = {
    "table": "public.person",
    "set": {"Watched today": 0, "note": "reset"},
    "where": "day < current_date",
}


def test_counters_are_set(people: Care) -> None:
    result = people.call("counters", **RESET)
    assert (result["ok"], result["figures"]["set"], result["findings"]) == (True, 1250, [])
    assert result["rounds"] >= 2
    assert people.rows(
        "select count(*) from person where \"Watched today\" <> 0 or note = 'reset' group by day order by day"
    ) == [(1250,), (1000,)]
    # Nothing is written where nothing is to be set.
    before = people.one("select xmin::text from person where id = 1")
    assert people.call("counters", **RESET)["figures"]["set"] == 0
    assert people.one("select xmin::text from person where id = 1") == before


def test_counters_wait_for_rows_that_others_hold(people: Care) -> None:
    people.run("create or replace function shorter() returns void language sql as 'select 1'")
    with connect(people.dsn) as other, other.transaction():
        other.execute("update person set note = 'mine' where id = 1")
        people.run("alter function repot_upkeep.counters set lock_timeout = '100ms'")
        result = people.call("counters", **RESET)
        assert codes(result) == ["counters-locked"]
        assert result["ok"]
    assert people.call("counters", **RESET)["figures"]["set"] == 1


def test_counters_that_do_not_stay(people: Care) -> None:
    people.run(
        'create function again() returns trigger language plpgsql as $$ begin new."Watched today" := 9; return new; end $$;'
        "create trigger again before update on person for each row execute function again()"
    )
    result = people.call("counters", **RESET | {"chunk": 500})
    assert codes(result) == ["counters-undone"]
    assert not result["ok"]


def test_counters_of_a_column_that_is_not_there(people: Care) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn, match="has no column"):
        people.call("counters", table="public.person", set={"watched": 0})


@pytest.fixture
def payments(care: Care) -> Care:
    care.run(
        "create table payment (id int primary key, state text, checked bool not null default false, at timestamptz);"
        "insert into payment select n, case when n % 100 = 0 then 'failed' else 'done' end, false, now() - n * interval '1 minute'"
        " from generate_series(1, 1000) n"
    )
    return care


FAILED = {
    "table": "public.payment",
    "where": "state = 'failed'",
    "column": "at",
    "older_than": "150 minutes",
}


def test_failed_rows_are_counted_and_named(payments: Care) -> None:
    result = payments.call("failed", **FAILED)
    assert result["ok"]
    assert result["figures"]["found"] == 9
    finding = result["findings"][0]
    assert (finding["code"], finding["count"], finding["examples"]) == (
        "failed-rows",
        9,
        ["1000", "900", "800", "700", "600"],
    )
    assert not payments.call("failed", **FAILED, severity="error")["ok"]
    assert payments.one("select count(*) from payment where checked") == 0


def test_failed_rows_are_marked(payments: Care) -> None:
    result = payments.call(
        "failed",
        **FAILED | {"where": "state = 'failed' and not checked"},
        mark={"checked": True},
        chunk=2,
    )
    assert (result["figures"]["found"], result["figures"]["marked"]) == (9, 9)
    assert payments.one("select count(*) from payment where checked") == 9


def test_no_failed_rows(payments: Care) -> None:
    result = payments.call("failed", **FAILED | {"where": "state = 'lost'"})
    assert (result["ok"], result["findings"], result["figures"]["found"]) == (True, [], 0)


def test_keys_that_are_private_are_not_shown(care: Care) -> None:
    care.run(
        "create table login (email text primary key, at timestamptz); insert into login values ('a@example.com', now() - interval '1 day')"
    )
    result = care.call("failed", table="public.login", where="true", column="at")
    assert result["findings"][0]["examples"] == ["(email not shown)"]


TEMPORARY = {"table": "public.draft", "column": "at", "older_than": "1 day", "chunk": 100}


@pytest.fixture
def drafts(care: Care) -> Care:
    care.run(
        "create table draft (id int primary key, kept bool, at timestamptz);"
        "insert into draft select n, n % 10 = 0, now() - n * interval '1 hour' from generate_series(1, 1000) n"
    )
    return care


def test_temporary_rows_go(drafts: Care) -> None:
    result = drafts.call("temporary", **TEMPORARY, where="not kept")
    assert result["ok"]
    assert (result["figures"]["deleted"], result["figures"]["left"]) == (879, 0)
    assert drafts.rows("select count(*), count(*) filter (where kept) from draft") == [(121, 100)]
    assert drafts.call("temporary", **TEMPORARY, where="not kept")["figures"]["deleted"] == 0


def test_temporary_rows_up_to_a_number(drafts: Care) -> None:
    result = drafts.call("temporary", **TEMPORARY, max_rows=150)
    assert (result["figures"]["deleted"], result["figures"]["left"]) == (150, 827)


def test_temporary_rows_take_others_only_when_asked(drafts: Care) -> None:
    drafts.run(
        "create table page (draft int references draft on delete cascade); insert into page values (500), (501)"
    )
    result = drafts.call("temporary", **TEMPORARY)
    assert codes(result) == ["rows-cascade"]
    assert drafts.rows("select (select count(*) from draft), (select count(*) from page)") == [
        (1000, 2)
    ]
    assert drafts.call("temporary", **TEMPORARY, cascade=True)["figures"]["deleted"] == 977
    assert drafts.one("select count(*) from page") == 0


def test_an_age_below_zero(drafts: Care) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="below zero"):
        drafts.call("temporary", **TEMPORARY | {"older_than": "-1 day"})


def test_statistics_are_renewed(drafts: Care) -> None:
    drafts.run("analyze draft; create table part (n int) partition by list (n)")
    result = drafts.call("analyze", schemas=["public"])
    assert (result["ok"], result["figures"], result["rounds"]) == (
        True,
        {"analyzed": 2, "busy": 0},
        2,
    )
    drafts.run("create table fresh (n int); insert into fresh select generate_series(1, 100)")
    assert (
        drafts.call("analyze", schemas=["public"], changed_percent=1000)["figures"]["analyzed"] >= 1
    )
    assert drafts.one("select reltuples::int from pg_class where oid = 'fresh'::regclass") == 100
    with pytest.raises(psycopg.errors.InvalidSchemaName, match="there is no schema nowhere"):
        drafts.call("analyze", schemas=["nowhere"])


def test_tables_that_are_locked_or_of_others_are_told(drafts: Care) -> None:
    drafts.run("alter function repot_upkeep.analyze set lock_timeout = '100ms'")
    with connect(drafts.dsn) as other, other.transaction():
        other.execute("lock table draft in access exclusive mode")
        result = drafts.call("analyze", schemas=["public"])
    assert codes(result) == ["analyze-busy"]
