"""Each trouble is planted, found, and told with its evidence; nothing is found where all is well."""

from __future__ import annotations

import pytest

from repot.doctor.probes import access, server
from support.doctoring import Doctor, found
from support.sql import connect, rows, run

ONE = "(select min(id::text)::uuid from profiles)"


def test_nothing_is_found_where_all_is_well(v2: str, doctor: Doctor) -> None:
    code, document = doctor(v2)
    assert document["troubles"] == []
    assert (code, document["ok"]) == (0, True)
    assert document["areas"]["access"] == 4


def test_an_empty_database_is_well(database: str, doctor: Doctor) -> None:
    code, document = doctor(database)
    assert (code, document["troubles"]) == (0, [])


# code: what plants it, part of the message, part of the next command, severity
PLANTED = {
    "trigger-disabled": (
        "alter table auth.users disable trigger on_auth_user_created",
        "the trigger on_auth_user_created of auth.users is disabled: nothing happens when",
        "ALTER TABLE auth.users ENABLE TRIGGER on_auth_user_created;",
        "error",
    ),
    "sign-up-not-attached": (
        "drop trigger on_auth_user_created on auth.users",
        "public.handle_new_user() is there, and no enabled trigger on auth.users calls one",
        "EXECUTE FUNCTION public.handle_new_user();",
        "error",
    ),
    "errors-swallowed": (
        "create or replace function handle_new_user() returns trigger language plpgsql security definer "
        "set search_path = public as $$ declare n int; begin perform create_profile(new.id); "
        "new.email := lower(new.email); return new; "
        "exception when unique_violation then raise; when others then raise warning '%', sqlerrm; return new; end $$",
        "public.handle_new_user(), a trigger of auth.users, catches every error",
        "pg_get_functiondef",
        "error",
    ),
    "accounts-twins": (
        "insert into auth.users (id, email, email_confirmed_at) values (gen_random_uuid(), 'USER1@example.com ', now())",
        "1 e-mails belong to 2 accounts",
        "having count(*) > 1",
        "error",
    ),
    "accounts-unconfirmed": (
        "update auth.users set email_confirmed_at = null where email = 'user1@example.com'",
        "1 accounts have never confirmed",
        "email_confirmed_at is null",
        "info",
    ),
    "accounts-banned": (
        "alter table auth.users add banned_until timestamptz; "
        "update auth.users set banned_until = now() + interval '1 day' where email = 'user1@example.com'",
        "1 accounts are banned",
        "banned_until > now()",
        "info",
    ),
    "accounts-nameless": (
        "update auth.users set email = null where email = 'user1@example.com'",
        "1 accounts have neither e-mail nor phone",
        "email is null",
        "warning",
    ),
    "accounts-without-identity": (
        "create table auth.identities (user_id uuid); "
        "insert into auth.identities select id from auth.users where email <> 'user1@example.com'",
        "1 accounts have no row in auth.identities",
        "auth.identities",
        "error",
    ),
    "schema-not-usable": (
        "revoke usage on schema public from public, authenticated",
        "authenticated has rights on",
        "GRANT USAGE ON SCHEMA public TO authenticated;",
        "error",
    ),
    "rows-hidden": (
        "drop policy bans_admin on bans",
        "public.bans has row security and no policy: authenticated",
        "CREATE POLICY … ON public.bans",
        "warning",
    ),
    "policies-idle": (
        "alter table prompts disable row level security",
        "public.prompts has policies, and row security is off",
        "ALTER TABLE public.prompts ENABLE ROW LEVEL SECURITY;",
        "warning",
    ),
    "policy-no-grant": (
        "revoke all on prompts from authenticated",
        "the policy prompts_own of public.prompts is for authenticated, who has no right to ALL",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON public.prompts TO authenticated;",
        "error",
    ),
    "policy-recursion": (
        "create policy circle on profiles for select to authenticated "
        "using (exists (select from profiles p where p.id = auth.uid() and p.role = 'admin'))",
        'infinite recursion detected in policy for relation "profiles"',
        "from pg_policies where tablename = 'profiles'",
        "error",
    ),
    "policy-fails": (
        "drop policy bans_admin on bans; "
        "create policy late on bans for select to authenticated using (exists (select from oauth_tokens where access_token = email))",
        'whatever authenticated asks of public.bans fails with "permission denied for table oauth_tokens"',
        "from pg_policies where tablename = 'bans'",
        "error",
    ),
    "constraint-unvalidated": (
        "alter table bans add constraint late check (reason <> '') not valid",
        "the check late of public.bans was never validated",
        "ALTER TABLE public.bans VALIDATE CONSTRAINT late;",
        "warning",
    ),
    "foreign-key-off": (
        "alter table ad_views disable trigger all",
        "foreign keys of public.ad_views are not kept",
        "ALTER TABLE public.ad_views ENABLE TRIGGER ALL;",
        "error",
    ),
    "sequence-behind-table": (
        'create table "Séq" (id serial primary key, "Of" int generated by default as identity unique); '
        'insert into "Séq" (id, "Of") values (1, 1), (2, 2)',
        'the sequence public."Séq_Of_seq" gives 1 next, and public."Séq"."Of" is at 2 already',
        """select setval('public."Séq_Of_seq"', (select max("Of") from "public"."Séq"));""",
        "error",
    ),
    "migration-unfinished": (
        'create schema "Œuvre"; create table "Œuvre"._prisma_migrations (id text, migration_name text, '
        "started_at timestamptz, finished_at timestamptz, rolled_back_at timestamptz, logs text); "
        "insert into \"Œuvre\"._prisma_migrations values ('1', '20250101_one', now(), now(), null, null), "
        "('2', '20250102_two', now(), null, now(), null), "
        "('3', '20250103_three', now(), null, null, E'Migration name: x\\nDatabase error:\\nERROR: no such thing\\n')",
        "the migration 20250103_three was begun on",
        "repot migrate resolve --rolled-back 20250103_three",
        "error",
    ),
}


# Those of a round do not get into each other's way; they are planted in this order.
ROUNDS = (
    (
        *("trigger-disabled", "errors-swallowed", "accounts-twins", "accounts-banned"),
        *("schema-not-usable", "policies-idle", "rows-hidden", "constraint-unvalidated"),
        *("foreign-key-off", "sequence-behind-table"),
    ),
    (
        *("sign-up-not-attached", "accounts-without-identity", "accounts-unconfirmed"),
        *("accounts-nameless", "policy-no-grant", "policy-recursion", "policy-fails"),
        "migration-unfinished",
    ),
)
# The next command of these mends them at once.
MENDS = {
    *("trigger-disabled", "schema-not-usable", "policies-idle", "policy-no-grant"),
    *("constraint-unvalidated", "foreign-key-off", "sign-up-not-attached"),
}


def test_every_round_is_planted() -> None:
    assert sorted(code for one in ROUNDS for code in one) == sorted(PLANTED)


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_what_is_planted_is_found_and_the_next_command_mends_it(
    v2: str, doctor: Doctor, number: int
) -> None:
    for code in ROUNDS[number]:
        run(v2, PLANTED[code][0])
    left, document = doctor(v2)
    assert left == 1
    troubles = found(document)
    for code in ROUNDS[number]:
        _, message, next_, severity = PLANTED[code]
        trouble = troubles[code]
        assert message in trouble["message"]
        assert next_ in trouble["next"]
        assert (trouble["severity"], bool(trouble["hint"])) == (severity, True)
        if code in MENDS:
            run(v2, trouble["next"])
    assert not MENDS & set(found(doctor(v2)[1]))


def test_an_info_is_no_failure(v2: str, doctor: Doctor) -> None:
    run(v2, PLANTED["accounts-unconfirmed"][0])
    code, document = doctor(v2)
    assert (code, document["ok"], len(document["troubles"])) == (0, True, 1)


def test_an_invalid_index(v2: str, doctor: Doctor) -> None:
    run(v2, "insert into bans (email, reason) values ('a@b.c', 'same'), ('d@e.f', 'same')")
    with connect(v2) as conn, pytest.raises(Exception, match="could not create unique index"):
        conn.execute('create unique index concurrently "Einmal" on bans (reason)')
    code, document = doctor(v2)
    trouble = found(document)["index-invalid"]
    assert 'the index public."Einmal" on public.bans is invalid' in trouble["message"]
    assert "keeps nothing unique" in trouble["message"]
    assert 'DROP INDEX CONCURRENTLY public."Einmal";' in trouble["next"]
    assert code == 1


def test_recursion_through_a_function(v2: str, doctor: Doctor) -> None:
    run(
        v2,
        "create function admin_here() returns boolean language plpgsql as "
        "$$ begin return (select count(*) > 0 from profiles); end $$; "
        "create policy circle on profiles for select to authenticated using (admin_here())",
    )
    assert "stack depth limit" in found(doctor(v2)[1])["policy-recursion"]["message"]


def test_errors_that_are_raised_are_not_swallowed(v2: str, doctor: Doctor) -> None:
    run(
        v2,
        "create or replace function handle_new_user() returns trigger language plpgsql security definer "
        "set search_path = public as $$ begin begin perform create_profile(new.id); "
        "exception when unique_violation then null; end; return new; "
        "exception when others then raise exception 'no profile: %', sqlerrm; end $$",
    )
    assert doctor(v2)[1]["troubles"] == []


def test_roles_that_requests_need(v2: str, doctor: Doctor) -> None:
    run(v2, "revoke authenticated from authenticator; alter role anon rename to anon_elsewhere")
    try:
        code, document = doctor(v2)
    finally:
        run(v2, "grant authenticated to authenticator; alter role anon_elsewhere rename to anon")
    assert code == 1
    assert found(document)["role-missing"]["object"] == "anon"
    assert found(document)["role-not-taken"]["next"] == "GRANT authenticated TO authenticator;"


def test_the_doctor_changes_nothing_and_is_not_let_to(v2: str, doctor: Doctor) -> None:
    run(
        v2,
        "create table seen (n int); create function note() returns int language sql as "
        "'insert into seen values (1) returning n'",
    )
    toml = 'schema = "public"\n[[trouble]]\ncode = "writes"\ntitle = "t"\nremedy = "r"\n'
    toml += 'evidence = "select note()"'
    code, document = doctor(v2, toml=toml)
    assert (
        "cannot execute INSERT in a read-only transaction"
        in found(document)["doctor-question-fails"]["message"]
    )
    assert rows(v2, "select count(*) from seen") == [(0,)]
    assert code == 1


def test_many_tables_of_one_kind_are_one_trouble(v2: str, doctor: Doctor) -> None:
    run(
        v2,
        "create table one (id int); create table two (id int); alter table one enable row level security; "
        "alter table two enable row level security; grant select on one, two to anon, authenticated",
    )
    (trouble,) = doctor(v2)[1]["troubles"]
    assert trouble["message"].startswith(
        "2 tables have row security and no policy: anon, authenticated"
    )
    assert trouble["examples"] == ["public.one", "public.two"]


def test_a_policy_that_takes_long(v2: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_TRY_MS", 100)
    run(
        v2,
        "create policy late on prompts for select to authenticated using (pg_sleep(60) is null); "
        f"insert into prompts (user_id, text) values ({ONE}, 'a cat')",
    )
    trouble = found(doctor(v2)[1])["policy-slow"]
    assert (
        trouble["message"] == "authenticated was not shown one row of public.prompts within 0.1 s"
    )


def test_transaction_numbers_that_run_out(
    database: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_WRAPAROUND", 0)
    code, document = doctor(database)
    assert (code, set(found(document))) == (1, {"wraparound-near"})
