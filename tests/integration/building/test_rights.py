"""Owner, grants, comments, tablespaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from repot.embedded import EmbeddedServer
from repot.engine.build import build
from repot.engine.session import Session
from repot.stages.copy import copy
from support.building import (
    FILES,
    V1,
)
from support.moving import make_session
from support.sql import connect, rows, run


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
