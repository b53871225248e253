"""What speaks against archiving is looked at first, and said by name."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from support.caring import Care, codes, install
from support.sql import connect, run

GIVEN = {"table": "public.parent", "column": "at", "older_than": "1 day"}


@pytest.fixture
def parents(care: Care) -> Care:
    care.run(
        "create table owner (id int primary key); insert into owner select generate_series(1, 5);"
        "create table parent (id int primary key, owner int references owner on delete cascade, at timestamptz);"
        "create index on parent (at);"
        "insert into parent select n, 1 + n % 5, now() - interval '2 days' from generate_series(1, 50) n"
    )
    return care


@pytest.mark.parametrize(
    ("action", "column"),
    [("cascade", "int"), ("set null", "int"), ("set default", "int default 50")],
)
def test_rows_that_would_take_others_with_them(parents: Care, action: str, column: str) -> None:
    parents.run(
        f'create schema "S"; create table "S"."Child" (id int, parent {column} references parent on delete {action});'
        'insert into "S"."Child" values (1, 7), (2, 8), (3, null)'
    )
    result = parents.call("archive", **GIVEN)
    assert not result["ok"]
    assert codes(result) == ["rows-cascade"]
    finding = result["findings"][0]
    assert '"S"."Child" (Child_parent_fkey) points to 2 rows of public.parent' in finding["message"]
    assert finding["examples"] == ["7", "8"]
    assert parents.rows("select count(*), to_regclass('archive.parent') from parent") == [
        (50, None)
    ]
    assert parents.one('select count(*) from "S"."Child" where parent in (7, 8)') == 2
    parents.run('delete from "S"."Child"')
    assert parents.call("archive", **GIVEN)["figures"]["moved"] == 50


def test_a_reference_made_at_the_last_moment(parents: Care) -> None:
    """Between the first look and the lock: the chunk is given up, nothing cascades."""
    parents.run(
        "create table child (parent int references parent on delete cascade); insert into child values (3)"
    )
    parents.run(  # the first look sees nothing of it
        "create or replace function repot_upkeep.pointed_at(of_table regclass, condition text, allowed boolean, counted boolean,"
        " out kept text, out findings jsonb) language sql as $$ select 'true', '[]'::jsonb $$"
    )
    with pytest.raises(
        psycopg.errors.RestrictViolation,
        match=r"public.child \(child_parent_fkey\) points to 1 rows",
    ):
        parents.call("archive", **GIVEN)
    assert parents.rows("select (select count(*) from parent), (select count(*) from child)") == [
        (50, 1)
    ]


def test_rows_that_are_held_back_stay(parents: Care) -> None:
    parents.run(
        "create table child (parent int references parent); insert into child values (3), (4)"
    )
    result = parents.call("archive", **GIVEN, chunk=7)
    assert result["ok"]
    assert (result["figures"]["moved"], result["figures"]["left"]) == (48, 2)
    assert codes(result) == ["rows-referenced"]
    assert parents.rows("select id from parent order by id") == [(3,), (4,)]


def test_what_the_rows_belong_to_takes_archived_ones_with_it(parents: Care) -> None:
    parents.call("archive", **GIVEN)
    parents.run("delete from owner where id = 2")
    assert parents.one("select count(*) from archive.parent") == 40


def test_triggers_are_named_and_may_be_allowed(parents: Care) -> None:
    parents.run(
        "create table log (id int);"
        "create function noted() returns trigger language plpgsql as $$ begin insert into public.log values (old.id); return old; end $$;"
        'create trigger "Noted" after delete on parent for each row execute function noted()'
    )
    result = parents.call("archive", **GIVEN)
    assert codes(result) == ["archive-trigger"]
    assert 'triggers = ["Noted"]' in result["findings"][0]["hint"]
    assert parents.one("select count(*) from log") == 0
    assert parents.call("archive", **GIVEN, triggers=["Noted"])["figures"]["moved"] == 50
    assert parents.one("select count(*) from log") == 50


def test_a_trigger_that_keeps_rows_stops_it(parents: Care) -> None:
    parents.run(
        "create function keep() returns trigger language plpgsql as $$ begin if old.id = 9 then return null; end if; return old; end $$;"
        "create trigger keep before delete on parent for each row execute function keep()"
    )
    with pytest.raises(psycopg.errors.DataException, match="would not arrive"):
        parents.call("archive", **GIVEN, triggers=["keep"])
    assert parents.one("select count(*) from parent") == 50


def test_rows_that_arrive_otherwise_stop_it(parents: Care) -> None:
    """Something on the archive changes what is put in."""
    parents.call("archive", **GIVEN, max_rows=1)
    parents.run(
        "create function change() returns trigger language plpgsql as $$ begin new.owner := 1; return new; end $$;"
        "create trigger change before insert on archive.parent for each row execute function change()"
    )
    with pytest.raises(psycopg.errors.DataException, match="would not arrive"):
        parents.call("archive", **GIVEN)
    assert parents.one("select count(*) from parent") == 49


def test_rules_are_named(parents: Care) -> None:
    parents.run("create rule kept as on delete to parent do instead nothing")
    assert codes(parents.call("archive", **GIVEN)) == ["archive-rule"]


def test_the_archive_is_for_no_api(parents: Care) -> None:
    parents.run(
        "create schema archive; alter default privileges in schema archive grant all on tables to anon, authenticated;"
        "alter default privileges in schema archive grant select on tables to public"
    )
    parents.call("archive", **GIVEN, max_rows=5)
    assert parents.rows(
        "select relrowsecurity, (select count(*) from aclexplode(relacl) where grantee <> relowner)"
        " from pg_class where oid = 'archive.parent'::regclass"
    ) == [(True, 0)]
    parents.run(
        "alter table archive.parent disable row level security; grant select on archive.parent to anon"
    )
    result = parents.call("archive", **GIVEN)
    assert codes(result) == ["archive-open"]
    assert parents.one("select count(*) from archive.parent") == 5


def test_an_archive_that_a_crash_empties(parents: Care) -> None:
    parents.run("create schema archive; create unlogged table archive.parent (like parent)")
    assert codes(parents.call("archive", **GIVEN)) == ["archive-unlogged"]
    parents.run("alter table archive.parent set logged")
    assert parents.call("archive", **GIVEN)["figures"]["moved"] == 50


def test_two_tables_of_one_name(parents: Care) -> None:
    parents.run(
        "create schema other; create table other.parent (like parent); insert into other.parent select * from parent"
    )
    parents.call("archive", **GIVEN)
    result = parents.call("archive", **GIVEN | {"table": "other.parent"})
    assert not result["ok"]
    assert "archive-shared" in codes(result)
    given = GIVEN | {"table": "other.parent", "into": "archive.other"}
    assert parents.call("archive", **given)["figures"]["moved"] == 50


def test_an_archive_that_is_no_table(parents: Care) -> None:
    parents.run("create view shown as select * from parent")
    with pytest.raises(psycopg.errors.WrongObjectType, match="not a table"):
        parents.call("archive", **GIVEN, into="public.shown")


def test_rows_that_a_policy_hides_are_an_error(parents: Care, keeper: str) -> None:
    parents.run(
        "alter table parent enable row level security; alter table parent force row level security;"
        "create policy few on parent using (id < 5)"
    )
    run(parents.admin, f"alter role {keeper} nobypassrls")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            parents.call("archive", **GIVEN)
    finally:
        run(parents.admin, f"alter role {keeper} bypassrls")
    assert parents.call("archive", **GIVEN)["figures"]["moved"] == 50


def test_missing_rights_are_named(parents: Care) -> None:
    run(
        parents.admin,
        "do $$ begin create role care_guest login; exception when duplicate_object then null; end $$",
    )
    name = parents.one("select current_database()")
    run(
        parents.admin,
        f"grant usage on schema repot_upkeep, public to care_guest; grant select on parent to care_guest;"
        f"grant connect on database {name} to care_guest; revoke create on database {name} from care_guest",
    )
    with connect(make_conninfo(parents.admin, user="care_guest")) as conn:
        row = conn.execute(
            "select repot_upkeep.archive(%s)",
            ('{"table": "public.parent", "column": "at", "older_than": "1 day"}',),
        ).fetchone()
    assert row is not None
    assert codes(row[0]) == ["archive-rights", "archive-rights"]
    assert "may not update, delete rows of public.parent" in row[0]["findings"][0]["message"]


def test_the_scripts_may_run_again(parents: Care) -> None:
    parents.call("archive", **GIVEN)
    install(parents.dsn)
    assert parents.one("select sum(rows) from repot_upkeep.archived") == 50
