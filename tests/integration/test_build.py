"""Building V2: everything in one transaction, every definition put back as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from repot.embedded import EmbeddedServer
from repot.engine.build import build, drop_build
from repot.engine.session import Session
from repot.model.catalog import Catalog
from repot.model.errors import Refused, RepotError
from repot.model.state import Phase
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import connection
from repot.stages.copy import copy
from support.moving import make_session
from support.sql import connect, rows, run

V1 = """
create schema auth;
create table auth.users (id int primary key, email text);
create table person (id int primary key, name text, boss int references person);
create table note (id int primary key, person_id int references person, text text);
insert into auth.users select n, n || '@x.test' from generate_series(1, 20) n;
insert into person select n, 'p' || n, case when n > 1 then n / 2 end from generate_series(1, 20) n;
insert into note select n, 1 + n % 20, 'note ' || n from generate_series(1, 50) n;
"""

# One of everything that is taken off and must come back as it was.
TARGET = """
create table people (
  id int primary key,
  name text not null constraint "Name; drop table people --" unique,
  boss int,
  code text constraint code_key unique deferrable initially deferred,
  span int4range, "Größe" int not null default 7 check ("Größe" > 0),
  foreign key (boss) references people deferrable initially deferred,
  exclude using gist (span with &&)
);
create table notes (
  id int, person_id int not null, text text, day date not null default '2024-01-01',
  primary key (id) include (text),
  constraint to_people foreign key (person_id) references people on update cascade
) with (fillfactor = 70);
alter table notes add constraint unchecked foreign key (id) references notes not valid;
create unique index notes_person on notes (person_id, id) with (fillfactor = 60);
create index "Éxpression"  on notes ((lower(text)) text_pattern_ops desc) where id > 3;
alter index "Éxpression" alter column 1 set statistics 321;
create index notes_gin on notes using gin (to_tsvector('simple', text));
alter table notes replica identity using index notes_person;
alter table people cluster on people_pkey;
comment on constraint to_people on notes is 'whose';
comment on constraint people_pkey on people is 'the key; it''s 100% one';
comment on index "Éxpression" is 'folded';
create table parts (id int, kind text, primary key (id, kind)) partition by list (kind);
create table parts_a partition of parts for values in ('a');
create table parts_rest partition of parts default;
create index parts_kind on parts (kind);
create index parts_a_only on parts_a (id desc);
create function bump() returns trigger language plpgsql as 'begin return new; end';
create trigger notes_bump before insert or update of text on notes
  for each row when (new.id > 0) execute function bump();
create trigger notes_quiet before update on notes for each row execute function bump();
alter table notes disable trigger notes_quiet;
create constraint trigger notes_late after insert on notes deferrable initially deferred
  for each row execute function bump();
comment on trigger notes_bump on notes is 'bumps';
create view names as select id, name, count(*) from people group by id;
create table events (id bigint generated always as identity primary key, what text);
"""

FILES = {
    "target.sql": TARGET,
    "moves/people.sql": "select p.id, p.name, p.boss, u.email as code,"
    " int4range(p.id, p.id + 1) as span from person p left join auth.users u on u.id = p.id",
    "moves/notes.sql": "select n.id, n.person_id, n.text from note n",
    "moves/parts.sql": "select p.id, 'a' as kind from person p",
    "repot.toml": """
name = "test"
[source]
schema = "public"
outside = ["auth"]
[target]
schema = "v2"
retired = "old"
new = ["events"]
[cutover]
lock_timeout_ms = 50
retries = 1
""",
}


@pytest.fixture
def session(database: str, tmp_path: Path) -> Session:
    return make_session(database, tmp_path, FILES, V1)


def shape(catalog: Catalog) -> list[dict[str, Any]]:
    """What a catalog says, without what differs from build to build."""
    result = []
    for table in catalog.tables:
        data = table.model_dump(
            exclude={"oid": True, "estimate": True, "bytes": True, "acl": True, "triggers": True}
        )
        for column in data["columns"]:
            column.pop("type_oid")
        result.append(data)
    return result


def details(dsn: str) -> list[tuple[Any, ...]]:
    """What the catalog model does not hold: comments, clustering, statistics, settings of parts."""
    return rows(
        dsn,
        "select 'constraint', conname, obj_description(oid, 'pg_constraint'), convalidated::text"
        " from pg_constraint where connamespace = 'v2'::regnamespace"
        " union all select 'index', indexrelid::regclass::text,"
        " obj_description(indexrelid, 'pg_class'), concat_ws(',', indisclustered, indisreplident,"
        "  indimmediate, (select array_agg(attstattarget order by attnum) from pg_attribute"
        "   where attrelid = indexrelid and attstattarget > 0))"
        " from pg_index where indrelid in (select oid from pg_class"
        "  where relnamespace = 'v2'::regnamespace)"
        " union all select 'trigger', tgname, obj_description(oid, 'pg_trigger'), ''"
        " from pg_trigger where not tgisinternal and tgrelid in (select oid from pg_class"
        "  where relnamespace = 'v2'::regnamespace) order by 1, 2",
    )


def as_target_sql_makes_it(make_database: Callable[..., str]) -> tuple[Catalog, list[Any]]:
    dsn = make_database()
    run(dsn, V1)
    run(dsn, f"create schema v2; set search_path = v2, public; {TARGET}")
    with connection(dsn) as conn:
        return read_catalog(conn, ["v2"]), details(dsn)


def v1_of(dsn: str) -> list[Any]:
    with connection(dsn) as conn:
        tables = read_catalog(conn, ["public", "auth"]).tables
    return [t.model_dump(exclude={"estimate", "bytes"}) for t in tables]


def test_build_takes_off_and_copy_puts_back(
    session: Session, make_database: Callable[..., str]
) -> None:
    """After the copy V2 is, to the last definition, what target.sql would have made by itself."""
    built = build(session)
    assert built.phase is Phase.COPYING
    with connection(session.dsn) as conn:
        bare = read_catalog(conn, ["v2"])
    by_name = {t.name.name: t for t in bare.tables}
    assert not by_name["notes"].indexes
    assert not by_name["notes"].triggers
    assert not any(t.foreign_keys for t in bare.tables)
    # A view groups by it: without the key it could not be.
    assert by_name["people"].primary == ("id",)
    assert [i.name for i in by_name["people"].indexes] == ["people_pkey"]
    assert all(c.not_null for c in by_name["notes"].columns if c.name in ("id", "person_id"))
    assert by_name["people"].checks

    copy(session)
    expected, expected_details = as_target_sql_makes_it(make_database)
    with connection(session.dsn) as conn:
        made = read_catalog(conn, ["v2"])
    for got, wanted in zip(shape(made), shape(expected), strict=True):
        assert got == wanted
    assert details(session.dsn) == expected_details
    triggers = {t.name: t for table in made.tables for t in table.triggers}
    assert set(triggers) == {"notes_bump", "notes_quiet", "notes_late"}
    assert {t.enabled for t in triggers.values()} == {"D"}
    wanted = {t.name: t for table in expected.tables for t in table.triggers}
    assert {n: t.definition for n, t in triggers.items()} == {
        n: t.definition for n, t in wanted.items()
    }
    assert rows(session.dsn, "select count(*) from v2.notes") == [(50,)]


def test_foreign_key_to_a_table_outside(database: str, tmp_path: Path) -> None:
    files = {
        "repot.toml": FILES["repot.toml"].replace('["events"]', "[]"),
        "target.sql": "create table people (id int primary key"
        " references auth.users on delete cascade, name text)",
        "moves/people.sql": "select p.id, p.name from person p",
    }
    made = make_session(database, tmp_path, files, V1)
    build(made)
    assert copy(made).rows == 20
    assert rows(
        database,
        "select pg_get_constraintdef(oid), convalidated from pg_constraint"
        " where contype = 'f' and connamespace = 'v2'::regnamespace",
    ) == [("FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE", True)]


def test_build_remembers_its_tables_and_is_done_once(session: Session) -> None:
    built = build(session)
    remembered = rows(
        session.dsn,
        "select side, schema, name from repot.relation where oid = to_regclass(format('%I.%I',"
        " schema, name)) order by 1, 2, 3",
    )
    assert remembered == [
        ("outside", "auth", "users"),
        ("v1", "public", "note"),
        ("v1", "public", "person"),
        *(("v2", "v2", t) for t in sorted(x.name.name for x in session.plan.target.tables)),
    ]
    before = rows(session.dsn, "select oid from pg_class where relnamespace = 'v2'::regnamespace")
    assert build(session).phase is Phase.COPYING
    assert build(session.at(built)).phase is Phase.COPYING
    after = rows(session.dsn, "select oid from pg_class where relnamespace = 'v2'::regnamespace")
    assert after == before


def test_capture_is_armed_when_the_build_commits(session: Session) -> None:
    build(session)
    run(session.dsn, "update note set text = 'x' where id = 7")
    ((log,),) = rows(session.dsn, "select log from repot.capture where source = 'public.note'")
    assert rows(session.dsn, f"select count(*) from repot.{log}") == [(1,)]


@pytest.mark.parametrize(
    "thing",
    [
        "table stranger (a int)",
        "view stranger as select 1",
        "sequence stranger",
        "type stranger as enum ('a')",
    ],
)
def test_what_the_run_did_not_make_is_not_built_upon(session: Session, thing: str) -> None:
    run(session.dsn, f"create schema v2; set search_path = v2; create {thing}")
    with pytest.raises(Refused) as caught:
        build(session)
    assert caught.value.code == "target-not-empty"
    assert "stranger" in caught.value.evidence
    assert caught.value.hint


def test_an_empty_schema_is_used(session: Session) -> None:
    run(session.dsn, "create schema v2")
    assert build(session).phase is Phase.COPYING


def test_another_move_in_the_same_database(session: Session) -> None:
    run(session.dsn, "create schema repot_view; create view repot_view.other as select 1")
    with pytest.raises(Refused) as caught:
        build(session)
    assert caught.value.code == "schemas-in-use"


def nothing_is_left(session: Session, before: list[Any]) -> None:
    schemas = {s for (s,) in rows(session.dsn, "select nspname from pg_namespace")}
    assert not {"v2", "repot_view", "repot_registry", "repot_quarantine"} & schemas
    assert rows(session.dsn, "select phase from repot.run") == [("planned",)]
    assert rows(session.dsn, "select count(*) from repot.relation") == [(0,)]
    assert v1_of(session.dsn) == before


def test_locked_out_it_gives_up_and_leaves_nothing(session: Session) -> None:
    before = v1_of(session.dsn)
    with connect(session.dsn) as other, other.transaction():
        other.execute("lock table note in row exclusive mode")
        with pytest.raises(Refused) as caught:
            build(session)
    assert caught.value.code == "lock-timeout"
    assert "pid" in caught.value.evidence
    nothing_is_left(session, before)
    assert build(session).phase is Phase.COPYING


def test_target_that_fails_now(session: Session) -> None:
    """V1 or the server is not what it was when the plan was made."""
    before = v1_of(session.dsn)
    text = session.plan.target_sql.text + "\ncreate table more (\n  id nonsense);"
    broken = session.plan.target_sql.model_copy(update={"text": text})
    other = Session(
        session.dsn, session.run, session.plan.model_copy(update={"target_sql": broken})
    )
    with pytest.raises(RepotError) as caught:
        build(other)
    assert caught.value.code == "target-failed"
    assert f"target.sql, line {text.count(chr(10)) + 1}" in caught.value.message
    nothing_is_left(session, before)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("create table more (id int);", "target-differs"),
        ("alter table events set unlogged;", "target-unlogged"),
        ("create rule r as on insert to notes do also notify x;", "target-has-rules"),
    ],
)
def test_targets_that_cannot_be_filled(session: Session, more: str, code: str) -> None:
    before = v1_of(session.dsn)
    text = session.plan.target_sql.text + more
    changed = session.plan.target_sql.model_copy(update={"text": text})
    other = Session(
        session.dsn, session.run, session.plan.model_copy(update={"target_sql": changed})
    )
    with pytest.raises(RepotError) as caught:
        build(other)
    assert caught.value.code == code
    nothing_is_left(session, before)


def test_v1_table_that_went(session: Session) -> None:
    run(session.dsn, "drop table note")
    with pytest.raises(RepotError) as caught:
        build(session)
    assert caught.value.code == "source-table-gone"


def test_v1_column_that_went(session: Session) -> None:
    before = v1_of(session.dsn)
    run(session.dsn, "alter table note rename text to said")
    with pytest.raises(RepotError) as caught:
        build(session)
    assert caught.value.code == "build-failed"
    assert "text" in caught.value.message
    run(session.dsn, "alter table note rename said to text")
    nothing_is_left(session, before)


# ---------------------------------------------------------------- dropping it


def test_drop_gives_back_what_was_before(session: Session) -> None:
    before = v1_of(session.dsn)
    built = build(session)
    run(session.dsn, "update note set text = 'x' where id = 7")
    copy(session)
    dropped = drop_build(session.at(built))
    assert dropped.phase is Phase.PLANNED
    nothing_is_left(session, before)
    assert rows(session.dsn, "select count(*) from repot.chunk") == [(0,)]
    assert rows(session.dsn, "select count(*) from repot.capture") == [(0,)]
    assert drop_build(session.at(dropped)).phase is Phase.PLANNED
    assert build(session).phase is Phase.COPYING
    assert copy(session).rows == 90


def test_drop_refuses_tables_that_are_not_its_own(session: Session) -> None:
    built = build(session)
    run(session.dsn, "create table v2.stranger (a int)")
    with pytest.raises(Refused) as caught:
        drop_build(session.at(built))
    assert caught.value.code == "target-has-other-tables"
    assert caught.value.evidence == "stranger"
    # One of its own, dropped and made anew, is not its own any more.
    run(session.dsn, "drop table v2.stranger, v2.events; create table v2.events (id int)")
    with pytest.raises(Refused):
        drop_build(session.at(built))


@pytest.mark.parametrize(
    "thing",
    [
        "view hanging as select * from v2.events",
        "table hanging (id int references v2.people)",
        "table hanging (id bigint default nextval('v2.events_id_seq'))",
        "function hanging() returns bigint begin atomic select count(*) from v2.events; end",
    ],
)
def test_drop_refuses_while_others_hang_on_v2(session: Session, thing: str) -> None:
    built = build(session)
    run(session.dsn, f"create {thing}")
    with pytest.raises(Refused) as caught:
        drop_build(session.at(built))
    assert caught.value.code == "target-in-use"
    assert "hanging" in caught.value.evidence


def test_drop_refuses_once_v2_serves(session: Session) -> None:
    built = build(session)
    run(session.dsn, "update repot.run set phase = 'cut_over'")
    with pytest.raises(Refused) as caught:
        drop_build(session.at(built))
    assert caught.value.code == "wrong-phase"
    assert rows(session.dsn, "select to_regclass('v2.people') is not null") == [(True,)]


# ---------------------------------------------------------------- owner, grants, comments


def test_tablespaces_are_kept(
    server: EmbeddedServer, make_database: Callable[..., str], tmp_path: Path
) -> None:
    dsn = make_database()
    run(dsn, "alter system set allow_in_place_tablespaces = on")
    run(dsn, "select pg_reload_conf()")
    with connect(dsn) as conn:
        conn.execute("create tablespace repot_test location ''")
    try:
        files = FILES | {
            "target.sql": "create table notes (id int primary key using index tablespace"
            " repot_test, person_id int, text text);"
            " create index notes_text on notes (text) tablespace repot_test;",
            "repot.toml": FILES["repot.toml"].replace('new = ["events"]', ""),
        }
        del files["moves/people.sql"], files["moves/parts.sql"]
        made = make_session(dsn, tmp_path, files, V1)
        build(made)
        copy(made)
        assert rows(
            dsn,
            "select c.relname, s.spcname from pg_class c join pg_tablespace s"
            " on s.oid = c.reltablespace where c.relname like 'notes%' order by 1",
        ) == [("notes_pkey", "repot_test"), ("notes_text", "repot_test")]
    finally:
        server.drop_database(dsn.rpartition("dbname=")[2])
        with connect(server.dsn()) as conn:
            conn.execute("drop tablespace repot_test")
            conn.execute("alter system reset allow_in_place_tablespaces")


RIGHTS_V1 = (
    V1
    + """
alter table person owner to {owner};
alter table note owner to {owner};
grant usage on schema public to {app}, {reader};
grant select, insert on note to {app};
grant select on note to public;
grant update (text) on note to {reader} with grant option;
comment on table note is 'what was said';
comment on column note.text is 'in full';
alter default privileges for role {owner} in schema public grant select on tables to {reader};
"""
)

RIGHTS_TARGET = """
create table note (id serial primary key, person_id int not null, text text, extra text);
create table people (id int primary key, name text);
create table secret (id int primary key); revoke all on secret from public;
create table open (id int primary key); grant select on open to {app};
create table mine (id int primary key, name text); alter table mine owner to {other};
comment on column note.extra is 'new';
create type mood as enum ('good', 'bad');
create function whoami() returns text language sql security definer as 'select current_user::text';
"""


@pytest.fixture
def roles(server: EmbeddedServer) -> Any:
    """Four roles of this test; dropped with what is theirs by the drop of the database before."""
    names = {k: f"repot_test_{k}" for k in ("owner", "app", "reader", "other", "mover")}
    with connect(server.dsn()) as conn:
        for name in names.values():
            conn.execute(
                psycopg.sql.SQL("create role {} login").format(psycopg.sql.Identifier(name))
            )
    yield names
    with connect(server.dsn()) as conn:
        for name in names.values():
            conn.execute(psycopg.sql.SQL("drop role {}").format(psycopg.sql.Identifier(name)))


def rights_session(
    dsn: str, folder: Path, roles: dict[str, str], target: str = RIGHTS_TARGET
) -> Session:
    new = '["secret", "open", "mine"]' if target is RIGHTS_TARGET else "[]"
    files = {
        "repot.toml": FILES["repot.toml"].replace('["events"]', new),
        "target.sql": target.format(**roles),
        "moves/note.sql": "select n.id, n.person_id, n.text from note n",
        "moves/people.sql": "select p.id, p.name from person p",
    }
    return make_session(dsn, folder, files, RIGHTS_V1.format(**roles))


def acl(dsn: str) -> dict[tuple[str, str], str]:
    found = rows(
        dsn,
        "select c.relname, case when x.grantee = 0 then 'public'"
        " else x.grantee::regrole::text end, string_agg(x.privilege_type"
        " || case when x.is_grantable then '*' else '' end, ',' order by x.privilege_type)"
        " from pg_class c, aclexplode(c.relacl) x where c.relnamespace = 'v2'::regnamespace"
        " and x.grantee <> c.relowner group by 1, 2"
        " union all select c.relname || '.' || a.attname, x.grantee::regrole::text,"
        " x.privilege_type || case when x.is_grantable then '*' else '' end"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) x"
        " where c.relnamespace = 'v2'::regnamespace",
    )
    return {(table, grantee): privileges for table, grantee, privileges in found}


def test_owner_grants_and_comments(roles: dict[str, str], database: str, tmp_path: Path) -> None:
    build(rights_session(database, tmp_path, roles))
    owner, app, reader, other = (roles[k] for k in ("owner", "app", "reader", "other"))
    owners = rows(
        database,
        "select relname, relowner::regrole::text from pg_class where relkind in ('r', 'S')"
        " and relnamespace = 'v2'::regnamespace",
    )
    assert dict(owners) == {
        "note": owner,
        "note_id_seq": owner,
        "people": owner,
        "secret": owner,
        "open": owner,
        "mine": other,
    }
    assert acl(database) == {
        ("note", app): "INSERT,SELECT",  # as V1's table of that name
        ("note", "public"): "SELECT",
        ("note.text", reader): "UPDATE*",
        ("note_id_seq", app): "USAGE",  # who may insert must be able to draw a number
        ("people", reader): "SELECT",  # as a new table of V1's owner gets it in V1's schema
        ("open", app): "SELECT",  # as target.sql says, and nothing more
    }
    assert rows(
        database,
        "select obj_description('v2.note'::regclass), col_description('v2.note'::regclass, 3),"
        " col_description('v2.note'::regclass, 4)",
    ) == [("what was said", "in full", "new")]
    assert rows(
        database,
        "select proowner::regrole::text, (select typowner::regrole::text from pg_type"
        " where typname = 'mood') from pg_proc where proname = 'whoami'",
    ) == [(owner, owner)]


def test_a_role_that_is_no_superuser(roles: dict[str, str], database: str, tmp_path: Path) -> None:
    """It owns V1 through a role that it is a member of; V2 gets that owner and can be filled."""
    target = "\n".join(RIGHTS_TARGET.splitlines()[:3])
    target += "alter table note add foreign key (person_id) references people on delete cascade;"
    made = rights_session(database, tmp_path, roles, target)
    name = database.rpartition("=")[2]
    mover, owner = roles["mover"], roles["owner"]
    run(
        database,
        f"grant {owner} to {mover};"
        f" alter schema repot owner to {mover}; grant create on database {name} to {mover};"
        f" grant usage on schema auth to {mover};"
        f" grant all on all tables in schema auth to {mover};"
        f" grant all on all sequences in schema repot to {mover};"
        f" grant all on all tables in schema repot to {mover};"
        f" grant usage on schema repot to {owner}",
    )
    limited = Session(f"{database} user={mover}", made.run, made.plan)
    limited = Session(limited.dsn.replace("user=postgres ", ""), made.run, made.plan)
    build(limited)
    assert copy(limited).rows == 70
    owners = "select distinct tableowner from pg_tables where schemaname = 'v2'"
    assert rows(database, owners) == [(owner,)]
    # Deleting a parent row checks the foreign key as the owner, who must get into the schema.
    run(database, "delete from v2.people where id = 1")
    assert rows(database, "select count(*) from v2.note where person_id = 1") == [(0,)]
