"""`repot migrate lint`: the document, the exit codes, and that nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repot.cli.main import app
from repot.folder.book import open_book
from repot.folder.rules import examine
from repot.model.errors import UsageError
from repot.model.finding import Severity
from support.books import codes, found, prisma, supabase

TABLE = "CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL);\n"


def test_a_good_folder_leaves_with_0(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["migrate", "lint", "--no-squawk", str(prisma(tmp_path, [TABLE])), "--json"]
    )
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "ok": True,
        "layout": "prisma",
        "migrations": 1,
        "statements": 1,
        "findings": [],
    }


def test_a_warning_leaves_with_0_and_an_error_with_1(tmp_path: Path) -> None:
    warns = prisma(tmp_path / "1", [TABLE, "ALTER TABLE a ADD COLUMN c int NOT NULL;"])
    wrong = prisma(tmp_path / "2", [TABLE, TABLE])
    assert CliRunner().invoke(app, ["migrate", "lint", "--no-squawk", str(warns)]).exit_code == 0
    done = CliRunner().invoke(app, ["migrate", "lint", "--no-squawk", str(wrong), "--json"])
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["ok"] is False
    (finding,) = document["findings"]
    assert finding["code"] == "created-twice"
    assert {"file", "line", "message", "hint", "severity"} <= set(finding)


def test_findings_stand_below_their_file(tmp_path: Path) -> None:
    folder = prisma(tmp_path, [TABLE, "he\nSELECT 1;", TABLE])
    out = CliRunner().invoke(app, ["migrate", "lint", "--no-squawk", str(folder)]).stdout
    assert out.index("_m2/migration.sql") < out.index("line 1") < out.index("_m3/migration.sql")
    assert "3 migrations, 2 statements: 2 errors" in out


def test_no_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no migrations"):
        CliRunner().invoke(
            app, ["migrate", "lint", "--no-squawk", str(tmp_path)], catch_exceptions=False
        )


def test_what_was_applied_is_no_error_any_more_but_what_lasts_is(tmp_path: Path) -> None:
    lasting = (
        "CREATE TABLE c (id int PRIMARY KEY, a int NOT NULL REFERENCES a (id) ON DELETE SET NULL);"
    )
    folder = prisma(tmp_path, [TABLE, "BEGIN;\n" + lasting + "\nCOMMIT;"])
    book = open_book(folder)
    found = examine(book, frozenset(page.name for page in book.pages))
    severities = {f.code: f.severity for f in found}
    assert severities == {
        "own-transaction": Severity.INFO,
        "set-null-not-null": Severity.ERROR,
    }


def test_supabase_has_some_extensions_always_and_others_perhaps(tmp_path: Path) -> None:
    text = "create table a (id uuid primary key default uuid_generate_v4(), b vector(3));"
    (finding,) = found(supabase(tmp_path, [text]))
    assert (finding.object, finding.severity) == ("vector", Severity.WARNING)


@pytest.mark.parametrize(
    "texts",
    [
        # What may have been there before the folder is not asked for.
        ["ALTER TABLE old ADD COLUMN b int;", "CREATE INDEX ON old (a, b);"],
        ["DROP TABLE old;", "CREATE TABLE old (id int);"],
        ["CREATE INDEX ON old (a);", "DROP TABLE old;", "CREATE TABLE old (id int);"],
        # A block whose effect cannot be told may have made or dropped it.
        ["DO $$ BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN "
         "NULL; END $$;", "CREATE TABLE a (m mood);", "CREATE TYPE mood AS ENUM ('a');"],
        # IF EXISTS and IF NOT EXISTS mean what they say.
        ["ALTER TABLE IF EXISTS a DROP COLUMN b;", TABLE],
        [TABLE, "CREATE TABLE IF NOT EXISTS a (id int);"],
        ["CREATE TABLE g (id int); DROP TABLE g;" + TABLE
         + "CREATE TABLE IF NOT EXISTS a (id int REFERENCES g);"],
        ["DROP TABLE IF EXISTS a; DROP TABLE IF EXISTS a;" + TABLE],
        # Names are names: quotes, capitals, schemas, temporary tables, WITH.
        ['CREATE TABLE "A" (id int PRIMARY KEY);', TABLE],
        ["CREATE SCHEMA s; CREATE TABLE s.a (id int PRIMARY KEY);", TABLE],
        ["CREATE TEMP TABLE a (id int);", TABLE],
        ["WITH a AS (SELECT 1 AS id) SELECT * FROM a;", TABLE],
        ["SET search_path TO s; CREATE TABLE a (id int);", TABLE],
        ["SELECT pg_catalog.set_config('search_path', '', false); CREATE SCHEMA s;"
         "CREATE TABLE s.a (id int);", TABLE],
        # Functions in PL/pgSQL are read when they are called; others with their bodies unchecked.
        ["CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'begin return (select count(*) "
         "from a); end';", TABLE],
        ["SET check_function_bodies = off; CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS "
         "'select count(*) from a';", TABLE],
        # Prisma's way to change an enum, and the same table in pieces.
        ["CREATE TYPE \"S\" AS ENUM ('A', 'B'); CREATE TABLE t (id int PRIMARY KEY, s \"S\" NOT "
         "NULL DEFAULT 'A');",

         "CREATE TYPE \"S_new\" AS ENUM ('A', 'C'); ALTER TABLE t ALTER COLUMN s DROP DEFAULT;"
         "ALTER TABLE t ALTER COLUMN s TYPE \"S_new\" USING (s::text::\"S_new\");"
         'ALTER TYPE "S" RENAME TO "S_old"; ALTER TYPE "S_new" RENAME TO "S";'
         "DROP TYPE \"S_old\"; ALTER TABLE t ALTER COLUMN s SET DEFAULT 'C';"],
        # SQLite's way, which Prisma's users know: a new table in the old one's place.
        [TABLE, "CREATE TABLE a_new (id int PRIMARY KEY, c int); INSERT INTO a_new (id, c) SELECT "
         "id, b FROM a; DROP TABLE a; ALTER TABLE a_new RENAME TO a;", "CREATE INDEX ON a (c);"],
        # An enum's value in the file that makes the type, and after a COMMIT of its own file.
        ["CREATE TYPE s AS ENUM ('a'); ALTER TYPE s ADD VALUE 'b'; CREATE TABLE t (id int PRIMARY "
         "KEY, s s DEFAULT 'b');"],
        ["CREATE TYPE s AS ENUM ('a'); CREATE TABLE t (id int PRIMARY KEY, s s, n text);",
         "ALTER TYPE s ADD VALUE 'b'; UPDATE t SET n = 'b' WHERE n <> 'b';"],
        # A column NOT NULL on a table of the same file has no rows to fail on.
        [TABLE + "ALTER TABLE a ADD COLUMN c int NOT NULL;"],
        ["ALTER TABLE old ADD COLUMN n serial NOT NULL, ADD COLUMN g int NOT NULL GENERATED "
         "ALWAYS AS IDENTITY;"],
        # ON DELETE SET NULL of some columns only.
        ["CREATE TABLE p (x int, y int, PRIMARY KEY (x, y)); CREATE TABLE q (id int PRIMARY KEY, x "
         "int NOT NULL, y int, FOREIGN KEY (x, y) REFERENCES p ON DELETE SET NULL (y));"],
        # PostgreSQL adds the columns of a statement first, and reads checks at its end.
        ["CREATE TABLE x (a int CHECK (a < b), b int);"],
        ["CREATE TABLE w (a int CHECK (a < b), b int);",
         "ALTER TABLE w ADD CONSTRAINT w_c UNIQUE (c), ADD COLUMN c int NOT NULL DEFAULT 0, "
         "DROP COLUMN b, ADD COLUMN b text;"],
        # Constraints and indexes without a name get numbers.
        ["CREATE TABLE u (id int PRIMARY KEY, CHECK (id > 0), CHECK (id < 9)); CREATE INDEX ON u "
         "((id + 1)); CREATE INDEX ON u ((id + 2)); ALTER TABLE u DROP CONSTRAINT u_id_check1;",
         "DROP INDEX u_expr_idx1; ALTER TABLE u DROP CONSTRAINT u_id_check;"],
        # Indexes that only look alike.
        ["CREATE TABLE i (id int PRIMARY KEY, a int, b int); CREATE INDEX ON i (a, b); CREATE "
         "INDEX ON i (b); CREATE INDEX ON i (a DESC); CREATE INDEX ON i (a) WHERE b > 0; CREATE "
         "INDEX ON i USING hash (a); CREATE INDEX ON i ((a + 1));"],
    ],
)  # fmt: skip
def test_what_is_well_is_left_alone(texts: list[str], tmp_path: Path) -> None:
    findings = found(prisma(tmp_path, texts))
    assert codes(f for f in findings if f.severity is not Severity.INFO) == []


def test_a_projects_migrations_are_found_beside_its_other_sql(tmp_path: Path) -> None:
    root = tmp_path / "other"
    (root / "migrations").mkdir(parents=True)
    (root / "target.sql").write_text(TABLE)
    (root / "migrations" / "20240101000000_one.sql").write_text(TABLE)
    assert open_book(root).folder.path == root / "migrations"
    assert open_book(root / "migrations").folder.path == root / "migrations"
    (root / "migrations" / "20240101000000_one.sql").unlink()
    assert open_book(root).folder.path == root
