"""Supabase's table and Repot's own plain one."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot import migrations
from repot.model.errors import RepotError
from repot.model.folder import Layout
from support.migrating import Folder, codes, deploy, deployed, errors, states, whole
from support.sql import rows, run

A = "20260101000000_first"
B = "20260102000000_second one"
C = "20260103000000_third"
ROWS = "select version, name, statements from supabase_migrations.schema_migrations order by 1"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path, Layout.SUPABASE)
    made.write(A, "-- The first.\ncreate table a (id int);\n\ninsert into a values (1); -- one\n")
    made.write(B, "create function f() returns int language plpgsql as $$ begin return 1; end $$;")
    return made


def test_supabase_s_rows(folder: Folder, database: str) -> None:
    assert deployed(database, folder) == (A, B)
    assert rows(database, ROWS) == [
        ("20260101000000", "first", ["create table a (id int)", "insert into a values (1)"]),
        (
            "20260102000000",
            "second one",
            ["create function f() returns int language plpgsql as $$ begin return 1; end $$"],
        ),
    ]
    assert states(database, folder) == {A: "applied", B: "applied"}
    assert deployed(database, folder) == ()


def test_a_failed_file_leaves_no_row(folder: Folder, database: str) -> None:
    deployed(database, folder)
    before, known = whole(database), rows(database, ROWS)
    folder.write(C, "create table c (id int);\ninsert into a select id / 0 from a;\n")
    failed = deploy(database, folder)
    assert failed.failure is not None
    assert (failed.failure.line, failed.failure.kept) == (2, 0)
    assert (whole(database), rows(database, ROWS)) == (before, known)
    found = migrations.status(folder.path, database)
    assert states(database, folder)[C] == "pending"
    assert "division by zero" in (found.rows[2].logs or "")
    folder.write(C, "create table c (id int);")
    assert deployed(database, folder) == (C,)


def test_old_tables_get_their_columns(folder: Folder, database: str) -> None:
    run(
        database,
        "create schema supabase_migrations; create table supabase_migrations.schema_migrations"
        " (version text not null primary key); insert into supabase_migrations.schema_migrations"
        " values ('20260101000000')",
    )
    assert states(database, folder) == {A: "applied", B: "pending"}
    assert deployed(database, folder) == (B,)
    assert [row[:2] for row in rows(database, ROWS)] == [
        ("20260101000000", None),
        ("20260102000000", "second one"),
    ]


def test_out_of_order_wants_a_word(folder: Folder, database: str) -> None:
    deployed(database, folder)
    early = folder.write("20260101120000_early", "create table e (id int);")
    assert errors(deploy(database, folder)) == ["migration-out-of-order"]
    assert deployed(database, folder, accept=frozenset({"migration-out-of-order"})) == (early,)


def test_versions_that_are_not_here_are_refused(folder: Folder, database: str) -> None:
    deployed(database, folder)
    folder.remove(B)
    assert errors(deploy(database, folder)) == ["migration-not-in-folder"]


def test_edited_is_seen_by_the_statements_too(folder: Folder, database: str) -> None:
    """As the other tool wrote them: with comments, cut elsewhere; Repot's checksum is not known."""
    run(
        database,
        "create schema supabase_migrations; create table supabase_migrations.schema_migrations"
        " (version text not null primary key, statements text[], name text);"
        " create table a (id int); insert into supabase_migrations.schema_migrations values"
        " ('20260101000000', array['-- The first.\ncreate  table a (id int)', E'\n\ninsert into a values (1)'], 'first')",
    )
    assert errors(migrations.status(folder.path, database)) == []
    folder.write(A, "create table a (id int);\ninsert into a values (2);\n")
    assert errors(migrations.status(folder.path, database)) == ["migration-edited"]


def test_repair(folder: Folder, database: str) -> None:
    run(database, "create table a (id int)")
    migrations.resolve(folder.path, database, applied=(A,))
    assert [row[:2] for row in rows(database, ROWS)] == [("20260101000000", "first")]
    migrations.resolve(folder.path, database, applied=("20260101000000",))  # as often as one likes
    assert states(database, folder) == {A: "applied", B: "pending"}
    migrations.resolve(folder.path, database, rolled="20260101000000")
    assert rows(database, ROWS) == []
    assert states(database, folder) == {A: "pending", B: "pending"}
    with pytest.raises(RepotError) as refused:
        migrations.resolve(folder.path, database, rolled=A)
    assert refused.value.code == "never-applied"


def test_steps_in_supabase_s_layout(folder: Folder, database: str) -> None:
    folder.write(
        C,
        "-- repot: no-transaction\ninsert into a values (2);\n"
        "create index concurrently i on a (id);\ninsert into a select id / 0 from a;\n",
    )
    failed = deploy(database, folder).failure
    assert failed is not None
    assert failed.kept == 2
    assert states(database, folder)[C] == "stopped"
    assert len(rows(database, ROWS)) == 2
    text = (folder.path / f"{C}.sql").read_text()
    folder.write(C, text.replace("id / 0", "id + 5"))
    assert deploy(database, folder).applied[0].resumed == 3
    assert rows(database, "select id from a order by id") == [(1,), (2,), (6,), (7,)]
    assert len(rows(database, ROWS)[2][2]) == 3


def test_the_plain_table(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, Layout.PLAIN)
    folder.write("1_one", "create table a (id int);")
    folder.write("2_two", "create table b (id int);")
    run(database, "create table before (id int)")  # nothing of Prisma's P3005 here
    assert deployed(database, folder) == ("1_one", "2_two")
    assert rows(
        database,
        "select migration_name, applied_steps_count, finished_at is not null from repot.migration order by started_at",
    ) == [
        ("1_one", 1, True),
        ("2_two", 1, True),
    ]
    folder.write("3_three", "insert into a values ('x');")
    assert deploy(database, folder).failure is not None
    assert errors(deploy(database, folder)) == ["migration-failed"]
    migrations.resolve(folder.path, database, rolled="3_three")
    folder.write("3_three", "insert into a values (1);")
    assert deployed(database, folder) == ("3_three",)
    folder.write("1_one", "create table a (id bigint);")
    assert codes(migrations.status(folder.path, database)) == ["migration-edited"]
