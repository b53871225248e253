"""How it is tried: nothing stays, nothing spreads, nobody waits, and what cannot be tried is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread, Timer

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from repot.engine.access import Place, try_access
from repot.model.access import Access, AccessRules, Cell, Operation, Outcome
from repot.model.errors import Refused
from repot.project.access import load_access
from support.project import repot
from support.sql import connect, rows, run

from .conftest import CLEAN, with_one_user

HERE = Place("public", "schema")
STATE = """
select (select jsonb_agg(n order by id) from notes n), (select jsonb_agg(p order by id) from people p),
  (select jsonb_agg(l order by l.folder_id) from labels l), (select jsonb_agg(l) from ledger l),
  (select count(*) from audit_trail), (select jsonb_agg(f order by id) from "Folders" f)
"""


def cell(access: Access, table: str, who: str, operation: Operation, person: int = 1) -> Cell:
    return next(
        c
        for c in access.cells
        if (c.table, c.identity, c.operation, c.person) == (table, who, operation, person)
    )


def written(folder: Path, text: str) -> AccessRules:
    (folder / "access.toml").write_text(text, encoding="utf-8")
    return load_access(folder)


SIMPLE = """
[identity.user]
role = "authenticated"
claims = {{ sub = "{sub}" }}
"""
ME, YOU = "00000000-0000-0000-0000-000000000002", "00000000-0000-0000-0000-000000000003"


def test_nothing_stays_and_nothing_spreads(clean: str, rules: AccessRules) -> None:
    before = rows(clean, STATE)
    grants = rows(clean, "select relname, relacl::text from pg_class where relnamespace = 2200")
    # Whatever an AFTER trigger does is not undone where it happens elsewhere: here it would be seen.
    run(
        clean,
        "create sequence fired; grant usage on fired to public;"
        "create or replace function noted() returns trigger language plpgsql as"
        " 'begin perform nextval(''public.fired''); return null; end'",
    )
    with connect(clean) as listening:
        listening.execute("listen noted")
        access = try_access(clean, rules, HERE)[0]
        assert list(listening.notifies(timeout=0.2)) == []
    assert access.passed
    assert rows(clean, STATE) == before
    assert rows(clean, "select is_called from fired") == [(False,)]
    after = rows(
        clean,
        "select relname, relacl::text from pg_class where relnamespace = 2200"
        " and relname <> 'fired'",
    )
    assert sorted(after) == sorted(grants)


def test_keys_and_constraints_do_not_spoil_an_answer(clean: str, rules: AccessRules) -> None:
    # notes refer to folders that may not be deleted; people's e-mails are unique; checks hold
    access = try_access(clean, rules, HERE)[0]
    assert cell(access, "Folders", "user", Operation.DELETE).found == "own"
    assert cell(access, "Folders", "user", Operation.INSERT).found == "own"  # unique (user, name)
    assert cell(access, "people", "service", Operation.INSERT).found == "all"
    assert cell(access, "labels", "user", Operation.INSERT).found == "own"
    assert cell(access, "people", "service", Operation.DELETE).found == "all"
    run(
        clean,
        "alter table notes alter title drop default, add constraint odd check (false) not valid",
    )
    again = try_access(clean, rules, HERE, only={"notes"})[0]
    assert again.passed
    assert cell(again, "notes", "user", Operation.INSERT).found == "own"


def test_denied_hidden_refused_and_failing_are_told_apart(clean: str, rules: AccessRules) -> None:
    run(
        clean,
        "create function guard() returns trigger language plpgsql as $$ begin"
        " if tg_op = 'UPDATE' and current_user = 'authenticated' then"
        "   raise exception 'not you' using errcode = '42501'; end if; return new; end $$;"
        "create trigger guard before update on labels for each row execute function guard();"
        "create policy broken on ledger for select to anon using ((select count(*) from people) > 0);"
        "grant select on ledger to anon",
    )
    access = try_access(clean, rules, HERE)[0]
    grant = cell(access, "ledger", "user", Operation.INSERT)
    assert {t.outcome for t in grant.tries} == {Outcome.DENIED}
    hidden = next(
        t
        for t in cell(access, "Folders", "user", Operation.UPDATE).tries
        if t.what == "others' rows"
    )
    assert (hidden.outcome, hidden.reached) == (Outcome.HIDDEN, 0)
    new = next(
        t
        for t in cell(access, "notes", "user", Operation.INSERT).tries
        if t.what == "a row in another's name"
    )
    assert new.outcome is Outcome.HIDDEN
    by_code = next(
        t for t in cell(access, "labels", "user", Operation.UPDATE).tries if t.what == "own rows"
    )
    assert by_code.outcome is Outcome.REFUSED
    assert "not you" in by_code.why
    failing = cell(access, "ledger", "anon", Operation.SELECT)
    assert failing.found == "error"  # anon may not read people, which the policy asks
    assert {f.code for f in access.findings} == {"access-less", "access-error"}


def test_a_write_without_where_is_not_protected_by_what_is_seen(
    clean: str, rules: AccessRules
) -> None:
    run(clean, "update notes set is_public = false; alter policy own_remove on notes using (true)")
    access = try_access(clean, rules, HERE, only={"notes"})[0]
    tries = {t.what: t for t in cell(access, "notes", "user", Operation.DELETE).tries}
    assert tries["others' rows"].outcome is Outcome.HIDDEN  # so an application would never notice
    blind = tries["rows without a WHERE"]
    assert (blind.outcome, blind.reached, blind.of) == (Outcome.ALLOWED, 4, 3)
    assert not access.passed


def test_a_row_that_no_sample_holds_is_found(clean: str, rules: AccessRules) -> None:
    run(
        clean,
        "set search_path = public; insert into notes (folder_id, user_id, title)"
        f" select 1, '{YOU}', 'n' from generate_series(1, 3000);"
        "insert into notes (folder_id, user_id, title)"
        f" select 1, '{YOU}', 'leaks' from generate_series(1, 2);"
        "create policy leak on notes for select to authenticated using (title = 'leaks')",
    )
    access = try_access(clean, rules, HERE, only={"notes"})[0]
    found = cell(access, "notes", "user", Operation.SELECT)
    assert any(p.startswith("more: all rows: more than the") for p in found.problems)


def test_where_the_session_may_not_act_as_others(clean: str, rules: AccessRules) -> None:
    run(clean, "create role access_me login; grant usage on schema public to access_me")
    try:
        me = make_conninfo(clean, user="access_me")
        with pytest.raises(Refused) as refused:
            try_access(me, rules, HERE)
        assert refused.value.code == "access-role"
        assert "access_me may not SET ROLE service_role" in refused.value.evidence
        assert "GRANT anon, authenticated, service_role TO access_me;" in refused.value.hint
        run(clean, "grant anon, authenticated, service_role to access_me")
        with pytest.raises(Refused) as hidden:
            try_access(me, rules, HERE)
        assert hidden.value.code == "access-rows-hidden"
        assert "public.notes" in hidden.value.evidence
        assert "BYPASSRLS" in hidden.value.hint
    finally:
        run(clean, "revoke all on schema public from access_me; drop role access_me")


def test_nobody_waits_for_it_and_it_for_nobody(clean: str, rules: AccessRules) -> None:
    run(clean, "set search_path = public")
    with connect(clean) as other:
        other.execute("begin")
        other.execute("set local search_path = public")
        other.execute(f"update notes set title = 'mine' where user_id = '{ME}'")
        began = time.monotonic()
        access = try_access(clean, replace_people(rules, ME), HERE, only={"notes"})[0]
        assert time.monotonic() - began < 30
        found = cell(access, "notes", "user", Operation.UPDATE)
        assert found.found == "?"
        assert found.tries[0].why == "others hold locks on it"
        assert {f.code for f in access.findings} == {"access-untried"}
        other.execute("rollback")
    assert try_access(clean, replace_people(rules, ME), HERE, only={"notes"})[0].findings == ()


def replace_people(rules: AccessRules, sub: str) -> AccessRules:
    """Only one user."""
    (user,) = (i for i in rules.identities if i.name == "user")
    one = user.model_copy(update={"sub": f"select '{sub}'"})
    return rules.model_copy(update={"identities": (one,)})


def test_a_short_wait_is_waited_for(clean: str, rules: AccessRules) -> None:
    with connect(clean) as other:
        other.execute("begin")
        other.execute(f"update public.notes set title = 'mine' where user_id = '{ME}'")
        release = Timer(0.5, lambda: other.execute("rollback"))
        release.start()
        access = try_access(clean, replace_people(rules, ME), HERE, only={"notes"})[0]
        release.join()
    assert access.findings == ()
    assert cell(access, "notes", "user", Operation.UPDATE).found == "own"


def test_rows_that_come_and_go_meanwhile(clean: str, rules: AccessRules) -> None:
    """Each table and caller sees one moment: a row that is gone is not taken for a hidden one."""
    stop = Event()

    def write() -> None:
        with connect(clean) as conn:
            conn.execute("set search_path = public")
            while not stop.wait(0.01):
                conn.execute(
                    "with gone as (delete from notes returning *) insert into notes"
                    " select gen_random_uuid(), folder_id, user_id, title, tags, is_public, now()"
                    " from gone"
                )

    writer = Thread(target=write)
    writer.start()
    try:
        found = [try_access(clean, with_one_user(rules), HERE, only={"notes"})[0] for _ in range(2)]
    finally:
        stop.set()
        writer.join()
    assert [f.message for access in found for f in access.errors] == []


def test_odd_names_no_key_partitions_and_other_schemas(
    make_database: Callable[..., str], template: str, tmp_path: Path
) -> None:
    dsn = make_database(template)
    long = "é" * 31 + "x"
    run(
        dsn,
        f"""
create schema "Sch éma"; set search_path = "Sch éma";
create table "Order" ("select" text primary key, "Ow""ner" uuid, "%s" int);
insert into "Order" values ('it''s %s', '{ME}', 1), ('b', '{YOU}', 2);
create table "{long}" (owner uuid, what text);
insert into "{long}" values ('{ME}', 'a'), ('{ME}', 'a'), ('{YOU}', 'b');
create table parts (id int, owner uuid, day date) partition by range (day);
create table parts_1 partition of parts for values from ('2024-01-01') to ('2025-01-01');
insert into parts values (1, '{ME}', '2024-02-02'), (2, '{YOU}', '2024-02-02');
create table "a.b" (owner uuid primary key); insert into "a.b" values ('{ME}'), ('{YOU}');
alter table "Order" enable row level security; alter table "{long}" enable row level security;
alter table parts enable row level security; alter table "a.b" enable row level security;
create policy own on "Order" using ("Ow""ner" = auth.uid());
create policy own on "{long}" using (owner = auth.uid());
create policy own on parts using (owner = auth.uid());
create policy own on "a.b" using (owner = auth.uid());
grant usage on schema "Sch éma" to authenticated;
grant select, insert, update, delete on "Order", "{long}", parts, "a.b" to authenticated;
""",
    )
    rules = written(
        tmp_path,
        SIMPLE.format(sub=ME)
        + f"""
[default]
user = "own"
[table.Order]
owner = 'Ow"ner'
[table.{long!r}]
owner = "owner"
[table.parts]
owner = "owner"
[table."a.b"]
owner = "owner"
[table."public.notes"]
owner = "user_id"
user = {{ select = "user_id = auth.uid() or is_public", write = "own" }}
""",
    )
    place = Place("Sch éma", "schema")
    access = try_access(dsn, rules, place)[0]
    assert access.findings == ()
    for table in ("Order", long, "parts", "a.b"):
        for operation in (Operation.SELECT, Operation.UPDATE, Operation.DELETE, Operation.INSERT):
            assert cell(access, table, "user", operation).found == "own", (table, operation)
    run(dsn, 'grant select on "Sch éma".parts_1 to authenticated')
    (leak,) = try_access(dsn, rules, place)[0].findings
    assert (leak.code, leak.object) == ("access-more", "parts_1")
    run(dsn, "alter table public.notes disable row level security")
    found = try_access(dsn, rules, place)[0].findings
    assert any(f.object == "public.notes" and f.code == "access-more" for f in found)


def test_columns_that_are_not_to_be_read_or_changed(clean: str, tmp_path: Path) -> None:
    run(
        clean,
        "revoke select on people from authenticated;"
        "grant select (id, full_name) on people to authenticated;"
        "grant update (full_name, email, role) on people to authenticated;"
        "create function keep() returns trigger language plpgsql as"
        " 'begin new.email := old.email; return new; end';"
        "create trigger keep before update on people for each row execute function keep()",
    )
    text = SIMPLE.format(sub=ME) + "[table.people]\nowner = 'id'\n"
    kept = written(
        tmp_path,
        text + "user = { select = 'own', update = 'own', columns = ['full_name', 'role'],"
        " read = ['id', 'full_name'] }",
    )
    run(clean, "grant select (email) on people to authenticated")
    findings = try_access(clean, kept, HERE, only={"people"})[0].findings
    (seen,) = findings  # the e-mail can be read; it cannot be changed, as the trigger puts it back
    assert "column email, which is not to be read" in seen.message
    narrow = written(
        tmp_path,
        text + "user = { select = 'own', update = 'own', columns = ['full_name', 'credits'] }",
    )
    said = " ".join(f.message for f in try_access(clean, narrow, HERE, only={"people"})[0].findings)
    assert "column role, which is not to be changed" in said
    assert "column credits, which may be changed: denied by grant" in said


def test_what_cannot_be_tried_is_said(clean: str, rules: AccessRules) -> None:
    run(clean, "truncate public.ledger")
    access = try_access(clean, rules, HERE, only={"ledger"})[0]
    assert access.passed
    (open_,) = access.findings
    assert open_.code == "access-untried"
    assert "there is no such row" in open_.message or "there is no row" in open_.message
    # a grant is missing even where there is no row
    run(
        clean, "revoke select on ledger from authenticated; delete from people where role = 'admin'"
    )
    found = {f.code for f in try_access(clean, rules, HERE, only={"ledger"})[0].findings}
    assert "access-nobody" in found


def test_conditions_and_selects_that_fail(clean: str, rules: AccessRules, tmp_path: Path) -> None:
    wrong = written(
        tmp_path,
        """
[identity.user]
role = "authenticated"
sub = "select id from nowhere"
[identity.anon]
role = "anon"
[table.notes]
owner = "nobody"
anon = { select = "is_pub", write = "1 / 0 = 1" }
""",
    )
    found = try_access(clean, wrong, HERE, only={"notes"})[0].findings
    assert {f.code for f in found} == {"access-sub", "access-unknown"}
    right = written(tmp_path, (tmp_path / "access.toml").read_text().replace("nobody", "user_id"))
    found = try_access(clean, right, HERE, only={"notes"})[0].findings
    assert any('column "is_pub" does not exist' in f.message for f in found)


def test_somebody_who_has_a_row_stands_in(clean: str, rules: AccessRules) -> None:
    # of the users, only the fourth, who is not among the three that are tried, has any of these
    run(
        clean,
        "delete from ledger where user_id::text !~ '5$'; delete from labels;"
        "insert into labels select id, 'red' from \"Folders\" where user_id::text ~ '5$'",
    )
    access = try_access(clean, rules, HERE, only={"ledger", "labels", "notes"})[0]
    # the only administrator has no label, and says so
    assert [(f.code, f.object) for f in access.findings] == [("access-untried", "labels")]
    assert "user" not in access.findings[0].message
    for table in ("ledger", "labels"):
        assert cell(access, table, "user", Operation.SELECT, 4).found == "own"
    assert {c.person for c in access.cells if c.table == "notes"} == {1, 2, 3}
    run(clean, "drop policy own on ledger; alter policy own on labels using (false)")
    again = {f.object for f in try_access(clean, rules, HERE, only={"ledger", "labels"})[0].errors}
    assert again == {"ledger", "labels"}


def test_a_large_table_without_an_index_is_given_up(clean: str, tmp_path: Path) -> None:
    run(
        clean,
        "set search_path = public; create function slow(text) returns boolean language plpgsql as"
        " 'begin perform pg_sleep(0.01); return false; end';"
        "insert into audit_trail (what) select 'x' from generate_series(1, 500)",
    )
    rules = written(
        tmp_path,
        "[identity.anon]\nrole = 'anon'\n[table.audit_trail]\nanon = { select = 'slow(what)' }\n",
    )
    began = time.monotonic()
    access = try_access(clean, rules, HERE, only={"audit_trail"})[0]
    assert time.monotonic() - began < 30
    assert access.passed
    (left,) = access.findings
    assert left.code == "access-untried"
    assert "took too long" in left.message


def test_the_command_on_a_folder_without_a_project(clean: str) -> None:
    code, said = repot("access", "--project", CLEAN, dsn=clean)
    assert code == 0
    assert said["ok"]
    assert said["findings"] == []
    run(clean, "create policy hole on public.ledger for select using (true)")
    code, said = repot("access", "--project", CLEAN, "--table", "ledger", dsn=clean)
    assert code == 1
    assert said["tables"] == ["ledger"]
    assert said["findings"][0]["code"] == "access-more"
    code, said = repot("access", "--project", CLEAN, "--schema", "nothing", dsn=clean)
    assert code == 3
    assert said["error"]["code"] == "access-empty"
    code, said = repot("access", "--project", CLEAN.parent, dsn=clean)
    assert code == 2
    assert said["error"]["code"] == "no-access"


def test_a_caller_s_claims_are_never_shown(clean: str, tmp_path: Path) -> None:
    rules = written(
        tmp_path,
        "[identity.user]\nrole = 'authenticated'\nclaims = { sub = '" + ME + "', jti = 's3cret' }\n"
        "[table.ledger]\nowner = 'user_id'\nuser = { select = 'own' }\n",
    )
    access, people = try_access(clean, rules, HERE, only={"ledger"})
    assert "s3cret" not in access.model_dump_json()
    assert "s3cret" not in repr(people)


def test_a_lost_connection_is_an_error(clean: str, rules: AccessRules) -> None:
    with pytest.raises(psycopg.OperationalError):
        try_access(
            clean,
            rules,
            HERE,
            Cutting(clean),
        )


class Cutting:
    """Ends Repot's session once some tables are tried."""

    def __init__(self, dsn: str) -> None:
        self.dsn, self.seen = dsn, 0

    def start(self, key: str, title: str, total: int | None, unit: str) -> None: ...

    def advance(self, key: str, by: int) -> None:
        self.seen += by
        if self.seen == 5:
            run(
                self.dsn,
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'repot access' and datname = current_database()",
            )

    def note(self, key: str, text: str) -> None: ...

    def finish(self, key: str, note: str = "") -> None: ...

    def say(self, text: str) -> None: ...
