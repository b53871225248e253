"""The folder against the database, object by object."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from repot.cli.main import main
from repot.folder.diff import diff, diff_databases
from repot.folder.objects import differences, read_objects
from repot.model.diff import Side
from repot.model.errors import Exit, RepotError
from repot.postgres.connect import connection
from support.undoing import Folder, run

BASE = """
create extension if not exists pg_trgm;
create schema "Büro";
create type mood as enum ('gut', 'schlecht');
create domain kurz as varchar(5) check (value <> '');
create table "Kunde" (id serial primary key, "Größe" numeric(8,2) not null default 1, m mood, k kurz);
create unique index "je Größe" on "Kunde" ("Größe") where m = 'gut';
create table "Büro".akte (id int primary key, kunde int references "Kunde" on delete cascade);
create view "Büro".v as select id from "Kunde" where m = 'gut';
create materialized view mv as select count(*) as n from "Kunde";
create function f(a int, b text default 'x') returns int language sql as 'select 1';
create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger t before update on "Kunde" for each row execute function touch();
alter table "Kunde" enable row level security;
create policy p on "Kunde" for select using (id > 0);
grant select on "Kunde" to public;
comment on column "Kunde".m is 'Laune';
"""
LATER = 'create index concurrently "Büro idx" on "Büro".akte (kunde);'


@pytest.fixture
def folder(tmp_path: Path, database: str) -> Folder:
    made = Folder(tmp_path, database)
    made.add("base", BASE)
    made.add("later", LATER)
    made.deploy()
    return made


def test_the_same(folder: Folder) -> None:
    result = diff(folder.dsn, folder.path)
    assert result.differences == ()
    assert result.exit is Exit.DONE
    assert result.compared > 50


CHANGES = {
    'alter table "Kunde" add column x int': ("column", 'public."Kunde".x', Side.FOUND),
    'alter table "Kunde" drop column k': ("column", 'public."Kunde".k', Side.EXPECTED),
    'alter table "Kunde" alter "Größe" type numeric(9,2)': (
        "column",
        'public."Kunde"."Größe"',
        "type",
    ),
    'alter table "Kunde" alter "Größe" drop not null': ("column", 'public."Kunde"."Größe"', "null"),
    'alter table "Kunde" alter "Größe" set default 2': (
        "column",
        'public."Kunde"."Größe"',
        "default",
    ),
    "comment on column \"Kunde\".m is 'x'": ("column", 'public."Kunde".m', "comment"),
    'alter table "Kunde" add constraint c check (id > 0)': (
        "constraint",
        'public."Kunde".c',
        Side.FOUND,
    ),
    'alter table "Büro".akte drop constraint akte_kunde_fkey': (
        "constraint",
        '"Büro".akte.akte_kunde_fkey',
        Side.EXPECTED,
    ),
    'drop index "je Größe"': ("index", 'public."je Größe"', Side.EXPECTED),
    "alter type mood add value 'neu'": ("enum", "public.mood", "labels"),
    "alter domain kurz set not null": ("domain", "public.kurz", "null"),
    "create or replace function f(a int, b text default 'x') returns int language sql as 'select 2'": (
        "function",
        "public.f(integer,text)",
        "definition",
    ),
    'drop trigger t on "Kunde"': ("trigger", 'public."Kunde".t', Side.EXPECTED),
    'alter table "Kunde" disable trigger t': ("trigger", 'public."Kunde".t', "enabled"),
    'alter policy p on "Kunde" using (true)': ("policy", 'public."Kunde".p', "using"),
    'alter table "Kunde" disable row level security': (
        "table",
        'public."Kunde"',
        "row level security",
    ),
    'create or replace view "Büro".v as select id from "Kunde"': ("view", '"Büro".v', "definition"),
    'revoke select on "Kunde" from public': ("table", 'public."Kunde"', "rights"),
    'grant update (m) on "Kunde" to public': ("column", 'public."Kunde".m', "rights"),
    "drop extension pg_trgm": ("extension", "pg_trgm", Side.EXPECTED),
    'alter sequence "Kunde_id_seq" increment 5': ("sequence", 'public."Kunde_id_seq"', "step"),
    'create statistics st on id, m from "Kunde"': ("statistics", "public.st", Side.FOUND),
    "create table neu (id int primary key, t text); create index on neu (t)": (
        "table",
        "public.neu",
        Side.FOUND,
    ),
    "create schema leer": ("schema", "leer", Side.FOUND),
    'alter table "Büro".akte replica identity full': ("table", '"Büro".akte', "replica identity"),
}


def test_every_kind_of_difference_is_told(folder: Folder) -> None:
    with connection(folder.dsn) as conn:
        before = read_objects(conn)
        for change, (kind, name, what) in CHANGES.items():
            with conn.transaction(force_rollback=True):
                conn.execute("set local search_path = public")
                conn.execute(change.encode())
                (found,) = differences(before, read_objects(conn))
            assert (found.kind, found.name) == (kind, name), change
            if isinstance(what, Side):
                assert found.side is what, change
            else:
                assert list(found.changes) == [what], change
            if name == "public.neu":
                assert found.parts == {"column": 2, "constraint": 1, "index": 1}


def test_two_databases(folder: Folder, make_database: Callable[..., str]) -> None:
    other = make_database()
    run(other, BASE)
    result = diff_databases(folder.dsn, other)
    assert [(d.kind, d.name, d.side) for d in result.differences] == [
        ("index", '"Büro"."Büro idx"', Side.EXPECTED)
    ]
    assert result.exit is Exit.FAILED


def test_through_the_command(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["migrate", "diff", str(folder.path), "--database", folder.dsn]
    with pytest.raises(SystemExit) as left:
        main([*words, "--json"])
    assert left.value.code == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    run(folder.dsn, 'alter table "Kunde" alter "Größe" set default 2')
    folder.add("pending", "create table kommt (id int);")
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 1
    out = capsys.readouterr().out
    assert 'differs  column public."Kunde"."Größe"' in out
    assert "the folder: 1" in out
    assert "the database: 2" in out
    assert "only in the folder  table public.kommt (1 column)" in out
    assert "2 differences" in out
    assert "diff-pending" in out


def test_a_folder_that_builds_on_something(tmp_path: Path, database: str) -> None:
    run(database, "create table old (id int primary key)")
    made = Folder(tmp_path, database)
    made.add("more", "\nalter table old add column x int;")
    with pytest.raises(RepotError) as failed:
        diff(database, made.path)
    assert failed.value.code == "diff-folder-fails"
    assert failed.value.evidence.endswith("migration.sql:2")
    assert "--baseline" in failed.value.hint
    baseline = tmp_path / "before.sql"
    baseline.write_text("create table public.old (id int primary key);")
    run(database, "alter table old add column x int")
    assert diff(database, made.path, baseline=baseline).differences == ()
