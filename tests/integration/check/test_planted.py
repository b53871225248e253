"""What is wrong in a database is found by its check, and nothing is found where nothing is."""

from __future__ import annotations

import pytest

from support.checking import Check, failed
from support.sql import rows, run


def test_all_is_well_and_nothing_stays(system: str, check: Check) -> None:
    code, document = check(system)
    assert failed(document) == []
    assert (code, document["ok"], document["failed"], document["not_run"]) == (0, True, 0, 0)
    kinds = [c["kind"] for c in document["checks"]]
    assert kinds == [
        *["function"] * 5,
        "trigger",
        "row security",
        *["absent"] * 3,
        "query",
        "feature",
    ]
    assert document["checks"][-1]["expectations"] == 4
    assert rows(system, "select count(*) from auth.users") == [(0,)]
    assert rows(system, "select count(*) from ledger") == [(0,)]


ADD = "add_credits(uuid, int, text)"
PLANTED = {
    "no function": ("drop function both_of()", "function", "there is none of this name"),
    "other types": (
        "drop function both_of(); create function both_of(a int) returns int language sql as 'select 1'",
        "function",
        "it is not there; there is both_of(a integer) returns integer",
    ),
    "an argument's name": (
        f"drop function {ADD}; create function add_credits(p_user uuid, amount int, event text default null) "
        "returns int language sql security definer set search_path = public, pg_temp as 'select 1'; "
        f"revoke execute on function {ADD} from public; grant execute on function {ADD} to check_user",
        "function",
        "argument 1 is called p_user, not user_id",
    ),
    "no default": (
        f"drop function {ADD}; create function add_credits(user_id uuid, amount int, event text) "
        "returns int language plpgsql security definer set search_path = public, pg_temp as 'begin return 1; end'; "
        f"revoke execute on function {ADD} from public; grant execute on function {ADD} to check_user",
        "function",
        "0 of its arguments have a default, not 1",
    ),
    "the result": (
        "drop function both_of(); create function both_of() returns table (a int, c text) "
        "language sql as $$ select 1, 'b' $$",
        "function",
        "argument 2 is called c, not b",
    ),
    "one row": (
        'drop function moods(bigint, mood[]); create function moods(inout n bigint, out "First" mood, '
        "variadic many mood[] default array[]::mood[]) language sql immutable as 'select n, many[1]'",
        "function",
        "it returns one row, not a set",
    ),
    "a function for a procedure": (
        "drop procedure tidy(); create function tidy() returns void language sql as 'select 1'",
        "function",
        "it is a function, not a procedure",
    ),
    "invoker": (f"alter function {ADD} security invoker", "function", "it is SECURITY INVOKER"),
    "definer": (
        "alter function moods(bigint, mood[]) security definer",
        "function",
        "it is SECURITY DEFINER",
    ),
    "no search_path": (
        f"alter function {ADD} reset search_path",
        "function",
        "its search_path is its caller's, not pinned to public, pg_temp",
    ),
    "another search_path": (
        f'alter function {ADD} set search_path = "$user", public',
        "function",
        "its search_path is pinned to $user, public, not pinned to public, pg_temp",
    ),
    "another language": (
        "create or replace function add_credits(user_id uuid, amount int, event text default null) returns int "
        "language sql security definer set search_path = public, pg_temp as 'select 1'",
        "function",
        "its language is sql, not plpgsql",
    ),
    "anybody may execute it": (
        f"grant execute on function {ADD} to public",
        "function",
        "check_anon may execute it",
    ),
    "who should may not": (
        f"revoke execute on function {ADD} from check_user",
        "function",
        "check_user may not execute it",
    ),
    "no way to the schema": (
        "revoke usage on schema public from check_user, public",
        "function",
        "check_user may execute it and has no USAGE on its schema",
    ),
    "a second one": (
        "create function add_credits(text) returns void language sql as ''",
        "function",
        "2 functions have this name, 1 declared",
    ),
    "no trigger": (
        "drop trigger on_auth_user_created on auth.users",
        "trigger",
        "it is not there: nothing on auth.users calls public.handle_new_user",
    ),
    "another name": (
        "alter trigger on_auth_user_created on auth.users rename to late",
        "trigger",
        "there is none of this name; late calls public.handle_new_user",
    ),
    "disabled": (
        "alter table auth.users disable trigger on_auth_user_created",
        "trigger",
        "it is disabled",
    ),
    "for replicas": (
        "alter table auth.users enable replica trigger on_auth_user_created",
        "trigger",
        "it is enabled for replication only",
    ),
    "another function": (
        "create function other() returns trigger language plpgsql as 'begin return new; end'; "
        "create or replace trigger on_auth_user_created after insert on auth.users for each row execute function other()",
        "trigger",
        "it calls public.other, not public.handle_new_user",
    ),
    "another moment": (
        "create or replace trigger on_auth_user_created before insert or update on auth.users "
        "for each row execute function handle_new_user()",
        "trigger",
        "it fires before the event, not after; it fires on insert, update, not on insert",
    ),
    "for the statement": (
        "create or replace trigger on_auth_user_created after insert on auth.users "
        "for each statement execute function handle_new_user()",
        "trigger",
        "it fires for each statement, not for each row",
    ),
    "row security off": (
        "alter table ledger disable row level security",
        "row security",
        "ledger: row security is off",
    ),
    "a new table": ("create table late (id int)", "row security", "late: row security is off"),
    "a partition": (
        "create table parts (id int) partition by range (id); alter table parts enable row level security; "
        "create table part_1 partition of parts for values from (0) to (9)",
        "row security",
        "part_1: row security is off",
    ),
    "no exception": ('drop table "Länder"', "row security", '"Länder" is excepted and not there'),
    "a twin": (
        "create view credits_transactions as select 1",
        "absent",
        "the table is there",
    ),
    "an old function": (
        "create function award_credits(int) returns int language sql as 'select 1'",
        "absent",
        "the function is there",
    ),
    "an old type": ("create type status as enum ('a')", "absent", "the type is there"),
    "a wrong row": (
        "alter table profiles drop constraint profiles_credits_check; "
        "insert into auth.users values (gen_random_uuid(), 'a@b.invalid'); update profiles set credits = -1",
        "query",
        "1 failing row",
    ),
    "errors swallowed": (
        "create or replace function handle_new_user() returns trigger language plpgsql security definer "
        "set search_path = public as $$ begin insert into nowhere values (1); return new; "
        "exception when others then return new; end $$",
        "feature",
        "line 5: a profile with nothing: 1 row",
    ),
    "booked twice": (
        "alter table ledger drop constraint ledger_event_key",
        "feature",
        "line 10: it must fail with 23505 and did not: an event counts once",
    ),
    "open to all": (
        "grant select on ledger to check_user",
        "feature",
        "line 12: it must fail with 42501 and did not",
    ),
    "a balance of its own": (
        "create function twice() returns trigger language plpgsql as 'begin new.credits = 2 * new.credits; return new; end'; "
        "create trigger twice before update on profiles for each row execute function twice()",
        "feature",
        "the balance is the ledger's sum: 1 row",
    ),
    "a deferred constraint": (
        "create function late() returns trigger language plpgsql as $$ begin raise exception 'too late'; end $$; "
        "create constraint trigger late after insert on ledger deferrable initially deferred "
        "for each row execute function late()",
        "feature",
        "a deferred constraint: too late (P0001)",
    ),
    "no right at all": (
        "revoke select on profiles from check_user; drop function add_credits(uuid, int, text)",
        "feature",
        "line 8: function add_credits(uuid, integer, unknown) does not exist (42883); "
        "3 more expectations were not reached",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(system: str, check: Check, name: str) -> None:
    planted, kind, reason = PLANTED[name]
    run(system, planted)
    code, document = check(system)
    found = failed(document)
    assert any(k == kind and reason in why for k, why in found), found
    assert (code, document["ok"]) == (1, False)


def test_rows_that_fail_are_shown(system: str, check: Check) -> None:
    run(system, PLANTED["a wrong row"][0])
    _, document = check(system)
    (query,) = [c for c in document["checks"] if c["kind"] == "query"]
    (account,) = rows(system, "select id::text from profiles")[0]
    assert query["examples"] == [f"({account})"]
