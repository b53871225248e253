"""Ways back that are worked out: what they give is the schema as it was; what has none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.folder.book import open_book
from repot.folder.fingerprint import listing
from repot.folder.undo.derive import derive
from repot.model.errors import Exit
from repot.postgres.connect import connection
from support.undoing import Folder

BASE = """
create table "Kunde" (id int primary key, name text not null default 'wer', note text, "Größe" int, other int);
create table loose (a int, b text default 'x');
create type mood as enum ('gut', 'schlecht');
create function twice(int) returns int language sql immutable as 'select $1 * 2';
insert into "Kunde" values (1, 'a', 'n', 3, 4);
"""
DERIVABLE = {
    "tables": "create table b (id int primary key, k int); create table a (id int primary key, b int);"
    " alter table a add constraint a_b foreign key (b) references b; insert into b values (1, 2);"
    " create index b_k on b (k); alter table b add column x int; alter table b drop column x;",
    "columns": 'alter table "Kunde" add column x int, add column "Straße" text default \'y\';',
    "constraint": 'alter table "Kunde" add constraint "Größe ok" check ("Größe" > 0);'
    ' alter table "Kunde" add constraint once unique (other);',
    "primary": "alter table loose add constraint loose_pk primary key (a);",
    "nullable": 'alter table "Kunde" alter column name drop not null, alter column note set not null;',
    "defaults": "alter table \"Kunde\" alter column name set default 'niemand', alter column note set default 'q';"
    " alter table loose alter column b drop default;",
    "renames": 'alter table "Kunde" rename to "Person"; alter table "Person" rename column note to "Notiz";'
    " alter type mood rename value 'gut' to 'prima'; alter type mood rename to laune;"
    ' alter index "Kunde_pkey" rename to person_pkey;',
    "objects": "create schema s; create type s.e as enum ('a'); create domain s.d as int; create sequence s.n;"
    " create view s.v as select 1 as x; create materialized view s.m as select 2 as y;"
    " create or replace function s.f(a int, b text[]) returns int language sql as 'select 1';"
    " create table s.t (id int default nextval('s.n'), e s.e, d s.d); alter sequence s.n owned by s.t.id;"
    ' create table "Teil" (id int) partition by list (id); create table "Teil 1" partition of "Teil" for values in (1);'
    " comment on table s.t is 'hier'; comment on column s.t.e is 'dort'; grant select on s.t to public;",
    "policy": 'alter table "Kunde" enable row level security, force row level security;'
    ' create policy "sieht alles" on "Kunde" using (true);',
    "trigger": "create function touch() returns trigger language plpgsql as 'begin return new; end';"
    ' create trigger "bei Änderung" before update on "Kunde" for each row execute function touch();',
}
REFUSED = {
    "update \"Kunde\" set note = 'x'": "which rows",
    'delete from "Kunde"': "which rows",
    "insert into loose values (1)": "which rows",
    "create table t (id int);\nwith x as (delete from loose returning a) insert into t select a from x": "which rows",
    "drop table loose": "dropped",
    'alter table "Kunde" drop column note': "gone",
    'alter table "Kunde" alter column other type bigint': "type",
    "do $$ begin end $$": "DO block",
    "create or replace function twice(int) returns int language sql immutable as 'select 2'": "earlier file",
    "create table if not exists loose (a int)": "earlier file",
    'alter table "Kunde" add column if not exists note text': "before",
    "alter type mood add value 'mittel'": "label",
    'alter table "Kunde" add unique (other)': "name of its own",
    "truncate loose": "rows are gone",
    "select twice(1)": "function",
    'alter table "Unbekannt" alter column x set not null': "cannot be told",
}


@pytest.mark.parametrize("name", DERIVABLE)
def test_the_schema_is_as_before(name: str, tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    folder.add("base", BASE)
    folder.deploy()
    with connection(database) as conn:
        before = listing(conn)
    folder.add(name, DERIVABLE[name])
    folder.deploy()
    with connection(database) as conn:
        assert listing(conn) != before
    shown = folder.undo(show=True)
    assert shown.migrations[0].derived
    assert shown.migrations[0].steps
    result = folder.undo(accept_loss=True)
    assert result.exit is Exit.DONE, result.findings
    with connection(database) as conn:
        assert listing(conn) == before
    folder.deploy()


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_way_back_is_named(text: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path, "")
    folder.add("base", BASE)
    folder.add("change", f"-- a remark\ncreate table fine (id int);\n{text};")
    book = open_book(folder.path)
    steps, refusals = derive(book, book.pages[1])
    assert steps == ()
    (refusal,) = refusals
    assert REFUSED[text] in refusal.why
    assert refusal.line == 3 + text.count("\n")


def test_all_are_named_at_once_and_a_down_file_helps(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    folder.add("base", BASE)
    name = folder.add(
        "change", "update loose set b = 'y';\ncreate table n (id int);\ndrop type mood;"
    )
    folder.deploy()
    result = folder.undo()
    assert result.refused
    assert [(f.code, f.line) for f in result.findings] == [
        ("down-not-derivable", 1),
        ("down-not-derivable", 3),
    ]
    assert f"{name}/down.sql" in result.findings[0].hint
    folder.down(name, "drop table n;\ncreate type mood as enum ('gut', 'schlecht');")
    assert folder.undo().done


def test_an_edited_file_is_not_turned_round(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    name = folder.add("one", "create table a (id int);")
    folder.deploy()
    (folder.path / name / "migration.sql").write_text("create table b (id int);")
    (finding,) = folder.undo().findings
    assert "edited after it was applied" in finding.message
