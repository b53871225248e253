"""Where migrations stand, and what is wrong with a history."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot import migrations
from repot.folder.history.checksum import checksum, matches
from repot.model.folder import Layout
from support.migrating import Folder, codes, deploy, deployed, errors, states
from support.sql import run

A = "20260101000000_first"
B = "20260102000000_second"
C = "20260103000000_third"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write(A, "create table a (id int);")
    made.write(C, "create table c (id int);")
    return made


def test_pending_before_an_applied_one(folder: Folder, database: str) -> None:
    """Prisma runs it without a word; Repot says it, and runs it."""
    deployed(database, folder)
    folder.write(B, "create table b (id int);")
    found = migrations.status(folder.path, database)
    assert [(f.code, f.severity, f.file) for f in found.findings] == [
        ("migration-out-of-order", "warning", f"{B}/migration.sql")
    ]
    assert deployed(database, folder) == (B,)
    assert codes(migrations.status(folder.path, database)) == ["migration-order"]


def test_in_the_folder_s_own_order(folder: Folder, database: str) -> None:
    folder.write(B, "create table b (id int);")
    (folder.path / "order.txt").write_text(f"{C}\n{A}\n{B}\n")
    assert deployed(database, folder) == (C, A, B)
    assert codes(migrations.status(folder.path, database)) == []


def test_edited_and_gone(folder: Folder, database: str) -> None:
    deployed(database, folder)
    folder.write(A, "create table a (id bigint);")
    folder.remove(C)
    found = migrations.status(folder.path, database)
    assert sorted(codes(found)) == ["migration-edited", "migration-not-in-folder"]
    assert states(database, folder) == {A: "applied", C: "not in the folder"}
    assert deploy(database, folder).exit == 3


def test_applied_twice(folder: Folder, database: str) -> None:
    deployed(database, folder)
    run(
        database,
        "insert into _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)"
        f" select 'again', checksum, migration_name, now(), 1 from _prisma_migrations where migration_name = '{A}'",
    )
    assert "migration-applied-twice" in codes(migrations.status(folder.path, database))


def test_a_failure_of_another_tool_s(folder: Folder, database: str) -> None:
    """Repot was not there: how far it came is not known, and nothing goes on by itself."""
    deployed(database, folder)
    folder.write(B, "create table b (id int);")
    run(
        database,
        f"insert into _prisma_migrations (id, checksum, migration_name) values ('x', 'y', '{B}')",
    )
    found = migrations.status(folder.path, database)
    assert states(database, folder)[B] == "failed"
    assert "how far it came is not known" in found.findings[0].message
    assert errors(deploy(database, folder)) == ["migration-failed"]
    assert deploy(database, folder, accept=frozenset({"migration-failed"})).refused
    migrations.resolve(folder.path, database, rolled=B)
    assert deployed(database, folder) == (B,)


def test_rolled_back_rows_of_files_that_are_gone_are_no_trouble(
    folder: Folder, database: str
) -> None:
    deployed(database, folder)
    folder.write(B, "insert into a values ('x');")
    deploy(database, folder)
    migrations.resolve(folder.path, database, rolled=B)
    folder.remove(B)
    assert errors(migrations.status(folder.path, database)) == []


@pytest.mark.parametrize("layout", list(Layout))
def test_status_of_an_empty_database(tmp_path: Path, database: str, layout: Layout) -> None:
    folder = Folder(tmp_path, layout)
    folder.write(A, "create table a (id int);")
    found = migrations.status(folder.path, database)
    assert (found.pending, found.findings, found.counts) == ((A,), (), {"pending": 1})


def test_checksums() -> None:
    text = "select 1;\r\nselect 'é';\n"
    for ending in ("\n", "\r\n"):
        recorded = checksum(text.replace("\r\n", "\n").replace("\n", ending))
        assert matches(recorded, text.replace("\r\n", "\n"))
        assert matches(recorded, text.replace("\r\n", "\n").replace("\n", "\r\n"))
    assert not matches(checksum(text), text + " ")
    import hashlib

    for number in range(400):  # bytes below 16 were written with one digit
        text = f"select {number};"
        old = "".join(f"{byte:x}" for byte in hashlib.sha256(text.encode()).digest())
        assert matches(old, text)
        if len(old) < 64:
            assert not matches(old, text + ";")
