"""What in a file is not SQL: found with its line and cause, and only where it is not SQL."""

from __future__ import annotations

import random

import postgast
import pytest

from repot.folder.text import Trouble, cut_out, examine, read_script
from repot.folder.text.troubles import MOST
from repot.model.folder import Script

VALID = (
    'CREATE TABLE "Café" (id int PRIMARY KEY, "größe" text); -- à la carte',
    "/* a comment /* within a comment; */\n   npm warn, he--, \\connect: all of it a comment */\n"
    'CREATE INDEX ON "Café" ("größe");',
    "INSERT INTO \"Café\" VALUES (1, 'npm warn\n<<<<<<\n\\connect shop\nhe--\n```');",
    "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $body$\nBEGIN\n  -- npm warn\n"
    "  RETURN $$\nnpm warn exec\n\\restrict x\n$$;\nEND $body$;",
    'SELECT E\'\\x1b[31m\', U&\'\\FEFF\', \'é;\', "a""b;" FROM (SELECT 1 AS "a""b;") x;',
    "DO $$ BEGIN RAISE NOTICE 'it''s; done'; END $$;",
    'UPDATE "Café" SET "größe" = $t$ ; -- no end $t$ WHERE id = 1;',
    'ALTER TABLE "Café"\n  ADD COLUMN a int,\n  -- between; two\n  ADD COLUMN b int;',
)
NOISE = {
    "npm warn exec The following package was not found": "tool-output",
    "npm notice New major version of npm available! 10.8.2 -> 11.0.0": "tool-output",
    "Environment variables loaded from .env": "tool-output",
    "Need to install the following packages:": "tool-output",
    "Connecting to local database...": "tool-output",
    "\\connect shop": "psql-command",
    "\\restrict k3mQmVb8TgwYpLr5": "psql-command",
    "\\set ON_ERROR_STOP on": "psql-command",
    "```sql": "markdown",
    "he": "stray-text",
    "ok now the rest": "stray-text",
    "\x1b[33m": "terminal-colours",
    "\ufeff": "byte-order-mark",
    "\u200b": "invisible-character",
}


def read(text: str) -> tuple[Trouble, ...]:
    return examine(text)


def told(text: str) -> list[tuple[str, int]]:
    return [(t.code, t.line) for t in examine(text)]


def lines(text: str) -> list[tuple[int, str, str]]:
    reading = read_script(Script(file="a.sql", text=text))
    return [(s.line, s.kind, s.text) for s in reading.statements]


@pytest.mark.parametrize("text", VALID)
def test_noise_in_strings_comments_and_bodies_is_none(text: str) -> None:
    assert told(text) == []


def test_all_of_them_together_are_none() -> None:
    assert told("\n\n".join(VALID)) == []


def test_statements_know_their_lines_behind_comments_and_accents() -> None:
    text = "-- é\n\n/* ü /* ä */\n*/ SELECT 'é';;\n  -- last\n  DROP TABLE \"ñ\" ;\n"
    assert lines(text) == [(4, "select_stmt", "SELECT 'é'"), (6, "drop_stmt", 'DROP TABLE "ñ"')]


def test_a_file_of_comments_has_no_statement() -> None:
    assert lines("-- nothing\n/* here */\n") == []
    assert told("") == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("noise", NOISE)
def test_accents_before_the_place_do_not_shift_it(noise: str, end: str) -> None:
    text = end.join(["-- ééé €€ 𝄞𝄞", "SELECT 'äöü 𝄞';", noise, "SELECT 2;", ""])
    assert told(text) == [(NOISE[noise], 3)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_cut_keeps_the_line_ends_of_the_rest(end: str) -> None:
    text = end.join(["SELECT 1;", "npm warn exec x", "SELECT 'é';", ""])
    (trouble,) = read(text)
    assert trouble.cut is not None
    assert cut_out(text, [trouble.cut]) == end.join(["SELECT 1;", "SELECT 'é';", ""])


def test_the_last_line_without_an_end() -> None:
    text = "SELECT 1;\nnpm warn exec x"
    (trouble,) = read(text)
    assert trouble.cut is not None
    assert cut_out(text, [trouble.cut]) == "SELECT 1;\n"


def test_no_more_than_so_many_are_named() -> None:
    text = "".join(f"npm warn exec {n}\nSELECT {n};\n" for n in range(MOST + 15))
    troubles = read(text)
    assert [t.line for t in troubles] == [2 * n + 1 for n in range(MOST)]


def test_troubles_of_several_sorts_are_all_named_at_once() -> None:
    text = (
        "\ufeffCREATE TABLE a (id int,);\nnpm warn exec x\nhe--\n"
        "CREATE POLICY IF NOT EXISTS p ON a USING (true);\nSELECT 1\nDROP TABLE a;\n"
    )
    assert told(text) == [
        ("byte-order-mark", 1),
        ("trailing-comma", 1),
        ("tool-output", 2),
        ("stray-text", 3),
        ("not-postgresql", 4),
        ("missing-semicolon", 6),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE a (\n  id int,\n  error text NUL,\n  info jsonb\n);\n",
        "crete table a (id int);\nSELECT 1;\n",
        "creat table a (\n  id int\n);\n",
        "UPDAT a SET b = 1;\nSELECT 1;\n",
        "UPDAT a SET b = 1 -- all of them\n;\nSELECT 1;\n",
        "delet from a\n;\nSELECT 1;\n",
        "upsert into a values (1);\nSELECT 1;\n",
    ],
)
def test_a_statement_that_is_misspelt_is_never_cut(text: str) -> None:
    (trouble,) = read(text)
    assert trouble.code == "sql-syntax"
    assert trouble.cut is None


def test_a_misspelt_statement_without_an_end_is_not_cut_either() -> None:
    assert all(t.cut is None for t in read("trunkate orders\nSELECT 1;\n"))


def test_the_word_that_was_meant_is_said() -> None:
    (trouble,) = read("crete table a (id int);")
    assert trouble.hint == "write CREATE"


@pytest.mark.parametrize("noise", ["npm warn exec x", "error: no such thing", "\\set x y"])
def test_noise_within_a_statement_is_found_and_cut(noise: str) -> None:
    text = f"CREATE TABLE a (\n  id int,\n{noise}\n  name text\n);\n"
    (trouble,) = read(text)
    assert trouble.line == 3
    assert trouble.cut is not None
    assert told(cut_out(text, [trouble.cut])) == []


def test_a_conflict_in_a_string_is_a_conflict() -> None:
    text = "SELECT '\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n';"
    assert told(text) == [("merge-conflict", 2)]


def test_a_line_of_equal_signs_alone_is_no_conflict() -> None:
    assert told("/*\n=======\n*/ SELECT 1;") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("SELECT 1;\nCREATE FUNCTION f() RETURNS int AS $$\nSELECT 1;\n", 2),
        ("SELECT 1;\nSELECT 'a;\nSELECT 2;\n", 2),
        ('SELECT 1;\n\nSELECT "a;\n', 3),
        ("SELECT 1;\n/* a /* b */\nSELECT 2;\n", 2),
    ],
)
def test_what_never_ends_is_one_trouble_where_it_begins(text: str, line: int) -> None:
    assert told(text) == [("unterminated", line)]


def test_copy_with_its_rows_is_one_trouble() -> None:
    text = "SELECT 1;\nCOPY a (b) FROM stdin;\nx\\ty\nnpm warn\n\\.\nSELECT 2;\n"
    assert told(text) == [("copy-from-stdin", 2)]


@pytest.mark.parametrize("_", range(30))
def test_noise_anywhere_between_statements_is_found_and_cut(_: int) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201
    rng = random.Random(seed)
    statements = [rng.choice(VALID) for _ in range(rng.randint(1, 12))]
    noisy: list[str] = []
    expected = []
    for statement in [*statements, None]:
        for _ in range(rng.choice((0, 0, 1, 2))):
            if len(expected) == MOST:
                break
            line = rng.choice(list(NOISE))
            expected.append((NOISE[line], "\n".join(noisy).count("\n") + (2 if noisy else 1)))
            noisy.append(line)
        if statement is not None:
            noisy.append(statement)
    text = "\n".join(noisy) + rng.choice(("", "\n", "\n\n"))
    assert told(text) == expected
    cuts = [t.cut for t in read(text) if t.cut is not None]
    assert len(cuts) == len(expected)
    assert tree("\n".join(statements)) == tree(cut_out(text, cuts))


def tree(text: str) -> list[str]:
    """The statements, spelled anew by the parser: comments and places are no part of it."""
    return [postgast.deparse(_alone(s)) for s in postgast.parse(text).stmts]


def _alone(statement: object) -> object:
    one = postgast.ParseResult()
    one.stmts.add().CopyFrom(statement)
    return one
