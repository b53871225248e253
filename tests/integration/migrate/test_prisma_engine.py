"""Repot's history is Prisma's: asked of Prisma's own schema engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from repot import migrations
from repot.model.errors import RepotError
from support.migrating import Folder, deploy, deployed, errors, history, states, whole
from support.prisma import Engine
from support.sql import connect, rows, run

A = "20260101000000_first"
B = "20260102000000_second"
C = "20260103000000_third"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write(
        A,
        'create table "Shop" (id int primary key, "größe" text not null);\n'
        "create function one() returns int language plpgsql as $$ begin return 1; end $$;\n",
    )
    made.write(
        B, "create type mood as enum ('ok', 'sad');\ninsert into \"Shop\" values (1, 'a;b');\n"
    )
    return made


@pytest.fixture
def twins(make_database: Callable[..., str]) -> tuple[str, str]:
    """Repot's database and Prisma's."""
    return make_database(), make_database()


def without_texts(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Errors are told in each tool's own words: only whether there is one."""
    return [(*r[:3], r[3] if not r[3] else "an error", *r[4:]) for r in found]


def test_rows_after_a_deploy_are_prismas(folder: Folder, twins: tuple[str, str]) -> None:
    ours, theirs = twins
    assert deployed(ours, folder) == (A, B)
    assert Engine(theirs, folder).apply() == [A, B]
    assert history(ours) == history(theirs)
    assert len(history(ours)) == 2
    assert whole(ours) == whole(theirs)
    assert Engine(ours, folder).agrees()


def test_the_table_is_prismas(folder: Folder, twins: tuple[str, str]) -> None:
    shape = """select attname, format_type(atttypid, atttypmod), attnotnull,
                      pg_get_expr(adbin, adrelid)
                 from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
                where attrelid = '_prisma_migrations'::regclass and attnum > 0 order by attnum"""
    keys = "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = '_prisma_migrations'::regclass order by 1"
    ours, theirs = twins
    deployed(ours, folder)
    Engine(theirs, folder).apply()
    assert rows(ours, shape) == rows(theirs, shape)
    assert rows(ours, keys) == rows(theirs, keys)


def test_each_goes_on_where_the_other_stopped(folder: Folder, twins: tuple[str, str]) -> None:
    ours, theirs = twins
    deployed(ours, folder)
    Engine(theirs, folder).apply()
    folder.write(C, 'alter table "Shop" add column c int;')
    assert Engine(ours, folder).apply() == [C]
    assert deployed(theirs, folder) == (C,)
    assert history(ours) == history(theirs)
    assert whole(ours) == whole(theirs)
    for dsn in twins:
        assert Engine(dsn, folder).agrees()
        assert deployed(dsn, folder) == ()
        assert Engine(dsn, folder).apply() == []


def test_a_failed_file(folder: Folder, twins: tuple[str, str]) -> None:
    ours, theirs = twins
    folder.write(C, "create table c (id int);\ninsert into \"Shop\" values (1, 'twice');\n")
    failed = deploy(ours, folder)
    assert failed.failure is not None
    assert failed.failure.line == 2
    assert Engine(theirs, folder).ask("apply")["ok"] is False
    assert without_texts(history(ours)) == without_texts(history(theirs))
    assert whole(ours) == whole(theirs)
    # Each says of the other's rows what it says of its own.
    for dsn in twins:
        assert Engine(dsn, folder).ask("diagnose")["result"]["failedMigrationNames"] == [C]
        assert Engine(dsn, folder).ask("apply")["code"] == "P3009"
        assert errors(deploy(dsn, folder)) == ["migration-failed"]
        assert states(dsn, folder)[C] == "failed"


@pytest.mark.parametrize("fixed", [True, False], ids=["edited", "as it was"])
def test_resolved_as_rolled_back_both_ways(
    folder: Folder, twins: tuple[str, str], fixed: bool
) -> None:
    ours, theirs = twins
    folder.write(C, "create table c (id int);\ninsert into later values (1);\n")
    for dsn in twins:
        # The rules would refuse it before: it is what another branch has made.
        deploy(dsn, folder, accept=frozenset({"used-before-created"}))
    migrations.resolve(folder.path, ours, rolled=C)
    Engine(theirs, folder).ask("rolledBack", C)
    assert without_texts(history(ours)) == without_texts(history(theirs))
    assert states(ours, folder)[C] == states(theirs, folder)[C] == "rolled back"
    if fixed:
        folder.write(C, "create table c (id int);\n")
    else:
        for dsn in twins:
            run(dsn, "create table later (id int)")
    assert Engine(ours, folder).apply() == [C]
    assert deployed(theirs, folder, accept=frozenset({"used-before-created"})) == (C,)
    assert without_texts(history(ours)) == without_texts(history(theirs))
    for dsn in twins:
        assert states(dsn, folder)[C] == "applied"
        assert Engine(dsn, folder).ask("diagnose")["result"]["failedMigrationNames"] == []


def test_resolved_as_applied_both_ways(folder: Folder, twins: tuple[str, str]) -> None:
    ours, theirs = twins
    folder.write(C, "create table c (id int);\ninsert into \"Shop\" values (1, 'twice');\n")
    for dsn in twins:
        deploy(dsn, folder)
    migrations.resolve(folder.path, ours, applied=(C,))
    assert Engine(theirs, folder).ask("applied", C)["ok"]
    assert without_texts(history(ours)) == without_texts(history(theirs))
    for dsn in twins:
        assert Engine(dsn, folder).agrees()
        assert deployed(dsn, folder) == ()


def test_words_that_are_refused_are_prismas(folder: Folder, twins: tuple[str, str]) -> None:
    """P3011 never applied, P3012 not failed, P3008 already applied, P3017 not in the folder."""
    ours, theirs = twins
    deployed(ours, folder)
    Engine(theirs, folder).apply()
    cases = [
        ("rolledBack", C, "P3011", "never-applied"),
        ("rolledBack", A, "P3012", "not-failed"),
        ("applied", A, "P3008", "already-applied"),
        ("applied", C, "P3017", "migration-unknown"),
    ]
    before = history(ours)
    for call, name, code, own in cases:
        assert Engine(theirs, folder).ask(call, name)["code"] == code
        words = {"applied": (name,)} if call == "applied" else {"rolled": name}
        with pytest.raises(RepotError) as refused:
            migrations.resolve(folder.path, ours, **words)  # type: ignore[arg-type]
        assert refused.value.code == own
    assert history(ours) == before == history(theirs)


def test_a_schema_that_is_not_empty_wants_a_baseline(
    folder: Folder, twins: tuple[str, str]
) -> None:
    ours, theirs = twins
    for dsn in twins:
        run(dsn, 'create table "Shop" (id int primary key, "größe" text not null)')
    assert Engine(theirs, folder).ask("apply")["code"] == "P3005"
    before = whole(ours)
    assert errors(deploy(ours, folder)) == ["baseline-needed"]
    assert whole(ours) == before
    assert rows(ours, "select to_regclass('_prisma_migrations'), to_regnamespace('repot')") == [
        (None, None)
    ]
    migrations.resolve(folder.path, ours, applied=(A,))
    assert Engine(theirs, folder).ask("applied", A)["ok"]
    assert history(ours) == history(theirs)
    assert deployed(ours, folder) == (B,)
    assert Engine(theirs, folder).apply() == [B]
    assert history(ours) == history(theirs)


@pytest.mark.parametrize(
    "what",
    [
        "create view v as select 1",
        "create sequence s",
        "create type t as enum ('a')",
        "create function f() returns int language sql as 'select 1'",
        "create table part (a int) partition by range (a)",
        "create materialized view m as select 1",
        "create table spatial_ref_sys (a int)",
        "create schema other; create table other.t (a int)",
    ],
)
def test_what_makes_a_schema_not_empty(folder: Folder, twins: tuple[str, str], what: str) -> None:
    ours, theirs = twins
    for dsn in twins:
        run(dsn, what)
    refused = Engine(theirs, folder).ask("apply").get("code") == "P3005"
    assert ("baseline-needed" in errors(deploy(ours, folder))) is refused


def test_line_endings_and_edits(folder: Folder, twins: tuple[str, str]) -> None:
    ours, _ = twins
    deployed(ours, folder)
    text = (folder.path / A / "migration.sql").read_text()
    for newline, edited in (("\r\n", False), ("\n", False)):
        folder.write(A, text, newline=newline)
        assert Engine(ours, folder).ask("diagnose")["result"]["editedMigrationNames"] == []
        assert ("migration-edited" in errors(deploy(ours, folder))) is edited
    folder.write(A, text + "-- more\n")
    assert Engine(ours, folder).ask("diagnose")["result"]["editedMigrationNames"] == [A]
    assert errors(deploy(ours, folder)) == ["migration-edited"]


def test_histories_that_part(folder: Folder, twins: tuple[str, str]) -> None:
    ours, _ = twins
    folder.write(C, "create table c (id int)")
    deployed(ours, folder)
    folder.remove(C)
    diagnosis = Engine(ours, folder).ask("diagnose")["result"]["history"]
    assert diagnosis["diagnostic"] == "migrationsDirectoryIsBehind"
    assert diagnosis["unpersistedMigrationNames"] == [C]
    refused = deploy(ours, folder)
    assert errors(refused) == ["migration-not-in-folder"]
    assert refused.exit == 3
    assert deployed(ours, folder, accept=frozenset({"migration-not-in-folder"})) == ()


def test_while_the_engine_waits_nobody_else_applies(folder: Folder, twins: tuple[str, str]) -> None:
    """Its lock is ours: a session that holds 72707369 keeps Repot out, and the other way round."""
    ours, _ = twins
    with connect(ours) as holder:
        holder.execute("select pg_advisory_lock(72707369)")
        with pytest.raises(RepotError) as busy:
            deploy(ours, folder, wait_s=0.3)
    assert busy.value.code == "deploy-busy"
    assert "pid" in busy.value.evidence
    assert rows(ours, "select to_regclass('_prisma_migrations')") == [(None,)]


def test_in_another_schema(folder: Folder, twins: tuple[str, str]) -> None:
    """`?schema=` of Prisma's connection string: its table is there, and so are the tables."""
    ours, _ = twins
    run(ours, 'create schema "My Shop"')
    words = conninfo_to_dict(ours)
    host = str(words["host"]).replace("/", "%2F")
    url = f"postgresql://{words['user']}@/{words['dbname']}?host={host}&schema=My%20Shop&connection_limit=1"
    assert deployed(url, folder) == (A, B)
    assert deployed(url, folder) == ()
    assert rows(ours, 'select count(*) from "My Shop"._prisma_migrations') == [(2,)]
    assert rows(ours, 'select count(*) from "My Shop"."Shop"') == [(1,)]
