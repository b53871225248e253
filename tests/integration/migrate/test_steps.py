"""Files that run statement by statement: what is done stays, and is not done again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from repot import migrations
from repot.folder.book import open_book
from repot.folder.deploy.way import Kind, way
from support.gates import closed, gate, start, waiting
from support.migrating import Folder, deploy, deployed, errors, history, states
from support.sql import connect, rows, run

A = "20260101000000_first"
B = "20260102000000_steps"
DECLARED = "-- repot: no-transaction\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write(A, "create table a (id int, v text);")
    return made


@pytest.mark.parametrize(
    ("text", "mode", "kinds"),
    [
        ("select 1; select 2;", "whole", ""),
        ("begin; select 1; commit;", "whole", ""),
        ("begin; select 1; commit; select 2;", "steps", "own plain"),
        ("begin; select 1; commit; begin; select 2; rollback;", "steps", "own own"),
        (
            "start transaction; select 1; commit and chain; select 2; commit; select 3",
            "steps",
            "own plain",
        ),
        ("savepoint s; select 1; release s;", "whole", ""),
        ("create index concurrently i on a (id);", "steps", "alone"),
        ("select 1; drop index concurrently i;", "steps", "plain alone"),
        ("reindex table concurrently a;", "steps", "alone"),
        ("reindex table a;", "whole", ""),
        ("reindex schema public;", "steps", "alone"),
        ("vacuum a; analyze a;", "steps", "alone plain"),
        ("analyze a;", "whole", ""),
        ("alter type t add value 'x';", "whole", ""),
        (DECLARED + "alter type t add value 'x'; select 'x'::t;", "steps", "plain plain"),
        (
            DECLARED + "call p(); do $$ begin commit; end $$; do $$ begin end $$;",
            "steps",
            "alone alone plain",
        ),
        ("call p();", "steps", "alone"),
        ("do $$ begin commit; end $$;", "steps", "alone"),
        ("do $$ begin end $$;", "whole", ""),
        ("call p(); select 1;", "whole", ""),
        ("alter table a detach partition b concurrently;", "steps", "alone"),
        ("alter system set work_mem = '1MB';", "steps", "alone"),
        ("cluster; discard all;", "steps", "alone alone"),
        ("  -- REPOT: no-transaction because\nselect 1;", "steps", "plain"),
        ("select 1; -- repot: no-transaction\n", "whole", ""),
        (DECLARED, "steps", ""),
        ("-- nothing\n", "whole", ""),
    ],
)
def test_how_a_file_runs(tmp_path: Path, text: str, mode: str, kinds: str) -> None:
    folder = Folder(tmp_path)
    folder.write(A, text)
    found = way(open_book(folder.path).pages[0])
    assert (found.mode, " ".join(u.kind.value for u in found.units)) == (mode, kinds)
    assert {u.kind for u in found.units} <= set(Kind)


def test_a_failing_statement_and_what_comes_after(folder: Folder, database: str) -> None:
    """A second deployment goes on at the statement that failed; what is done is not done again."""
    folder.write(
        B,
        f"{DECLARED}insert into a values (1, 'x');\nset my.word = 'kept';\n"
        "insert into a select id / 0 from a;\n"
        "insert into a values (3, current_setting('my.word'));\n",
    )
    result = deploy(database, folder)
    assert result.failure is not None
    assert (result.failure.statement, result.failure.line, result.failure.kept) == (3, 4, 2)
    assert states(database, folder)[B] == "stopped"
    found = migrations.status(folder.path, database)
    assert [(f.code, f.line) for f in found.findings] == [("migration-stopped", 4)]
    assert found.next == "repot migrate deploy"
    # What failed may be put right; what is done may not be changed.
    text = (folder.path / B / "migration.sql").read_text()
    folder.write(B, text.replace("'x'", "'y'"))
    assert errors(deploy(database, folder)) == ["migration-stopped-edited"]
    folder.write(B, text.replace("id / 0", "id + 1, 'z'"))
    again = deploy(database, folder)
    assert again.exit == 0, again
    assert again.applied[0].resumed == 3
    assert rows(database, "select * from a order by id") == [(1, "x"), (2, "z"), (3, "kept")]
    assert [(r[0], r[2], r[4], r[5]) for r in history(database)] == [
        (A, True, False, 1),
        (B, False, True, 0),
        (B, True, False, 1),
    ]


def test_resolved_as_rolled_back_it_begins_anew(folder: Folder, database: str) -> None:
    folder.write(
        B, f"{DECLARED}insert into a values (1, 'x');\ninsert into a select id / 0 from a;\n"
    )
    deploy(database, folder)
    run(database, "delete from a")
    migrations.resolve(folder.path, database, rolled=B)
    assert states(database, folder)[B] == "rolled back"
    folder.write(B, f"{DECLARED}insert into a values (7, 'x');\n")
    assert deploy(database, folder).applied[0].resumed is None
    assert rows(database, "select * from a") == [(7, "x")]


def test_an_invalid_index_is_named_and_dropped(folder: Folder, database: str) -> None:
    folder.write(A, "create table a (id int, v text);\ninsert into a values (1, 'x'), (1, 'y');")
    folder.write(B, 'create unique index concurrently "By Id" on a (id);')
    result = deploy(database, folder)
    assert result.failure is not None
    assert '"public"."By Id" is left invalid' in result.failure.hint
    assert rows(
        database, "select indisvalid from pg_index where indexrelid = '\"By Id\"'::regclass"
    ) == [(False,)]
    # Somebody else's invalid index is nobody's business.
    with pytest.raises(Exception, match="duplicate"):
        run(database, "create unique index concurrently other on a (id)")
    assert deploy(database, folder).failure is not None  # dropped, built again, invalid again
    run(database, "delete from a where v = 'y'")
    assert deployed(database, folder) == (B,)
    assert rows(
        database,
        "select indexrelid::regclass::text, indisvalid from pg_index where indrelid = 'a'::regclass order by 1",
    ) == [('"By Id"', True), ("other", False)]


def test_an_index_without_a_name(folder: Folder, database: str) -> None:
    folder.write(
        A,
        "create table a (id int, v text);\ninsert into a values (1, 'x'), (1, 'y');\ncreate index on a (id);",
    )
    folder.write(B, "create unique index concurrently on a (id);")
    assert deploy(database, folder).failure is not None
    run(database, "delete from a where v = 'y'")
    assert deployed(database, folder) == (B,)
    assert rows(
        database,
        "select count(*), bool_and(indisvalid) from pg_index where indrelid = 'a'::regclass",
    ) == [(2, True)]


def test_reindex_leaves_nothing(folder: Folder, database: str) -> None:
    folder.write(
        A,
        "create table a (id int, v text);\ncreate function f(int) returns int immutable language sql as 'select $1';\ncreate unique index i on a (f(id));\ninsert into a values (1, 'x'), (2, 'y');",
    )
    deployed(database, folder)
    run(
        database,
        "create or replace function f(int) returns int immutable language sql as 'select 1'",
    )
    folder.write(B, "reindex table concurrently a;")
    failed = deploy(database, folder).failure
    assert failed is not None
    assert "i_ccnew" in failed.hint
    run(
        database,
        "create or replace function f(int) returns int immutable language sql as 'select $1'",
    )
    assert deployed(database, folder) == (B,)
    assert rows(
        database, "select indexrelid::regclass::text from pg_index where indrelid = 'a'::regclass"
    ) == [("i",)]


def test_a_value_of_an_enum_that_is_used_at_once(folder: Folder, database: str) -> None:
    folder.write(A, "create type t as enum ('a');")
    text = "alter type t add value 'b';\ncreate table u as select 'b'::t as v;\n"
    folder.write(B, text)
    assert errors(deploy(database, folder)) == ["enum-value-too-new"]
    folder.write(B, DECLARED + text)
    assert deployed(database, folder) == (A, B)
    assert rows(database, "select v::text from u") == [("b",)]


def test_own_transactions(folder: Folder, database: str) -> None:
    """Each is whole or not at all; one that rolls itself back is done, too."""
    folder.write(
        B,
        f"{DECLARED}begin;\ninsert into a values (1, 'x');\ninsert into a values (2, 'x');\ncommit;\n"
        "begin;\ninsert into a values (3, 'x');\nrollback;\n"
        "begin;\ninsert into a values (4, 'x');\ninsert into a select id / 0 from a;\ncommit;\n",
    )
    failed = deploy(database, folder).failure
    assert failed is not None
    assert (failed.kept, failed.statement, failed.line) == (7, 10, 11)
    text = (folder.path / B / "migration.sql").read_text()
    folder.write(B, text.replace("id / 0", "id * 10"))
    assert deploy(database, folder).applied[0].resumed == 8
    assert rows(database, "select id from a order by id") == [(1,), (2,), (4,), (10,), (20,), (40,)]


def test_procedures_that_commit_and_vacuum(folder: Folder, database: str) -> None:
    folder.write(
        A,
        "create table a (id int, v text);\ncreate procedure p() language plpgsql as $$ begin insert into a values (1, 'p'); commit; end $$;",
    )
    folder.write(
        B,
        f"{DECLARED}call p();\ndo $$ begin insert into a values (2, 'd'); commit; end $$;\nvacuum a;\n",
    )
    assert deployed(database, folder) == (A, B)
    assert rows(database, "select id from a order by id") == [(1,), (2,)]


def test_another_role_within_the_file(folder: Folder, database: str) -> None:
    run(database, "create role steps_other; grant all on schema public to steps_other")
    try:
        folder.write(
            B,
            f"{DECLARED}set role steps_other;\ncreate table o1 (id int);\n"
            "create index concurrently on o1 (id);\ncreate table o2 (id int);\n",
        )
        assert deployed(database, folder) == (A, B)
        assert (
            rows(
                database,
                "select relowner::regrole::text from pg_class where relname in ('o1', 'o2')",
            )
            == [("steps_other",)] * 2
        )
    finally:
        run(database, "drop owned by steps_other; drop role steps_other")


def test_ctrl_c_between_statements(folder: Folder, database: str) -> None:
    folder.write(
        B, f"{DECLARED}insert into a values (1, 'x');\n{gate(3)}\ninsert into a values (2, 'x');\n"
    )
    with closed(database, 3):
        process = start(database, folder)
        waiting(database, 3)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=150)
    assert process.returncode == 1
    assert json.loads(out)["error"]["code"] == "deploy-cancelled"
    assert states(database, folder)[B] == "stopped"
    assert deploy(database, folder).applied[0].resumed == 2
    assert rows(database, "select id from a order by id") == [(1,), (2,)]


def test_a_statement_that_gives_way_runs_again_alone(folder: Folder, database: str) -> None:
    deployed(database, folder)
    folder.write(B, f"{DECLARED}insert into a values (1, 'x');\nalter table a add column w int;\n")
    with connect(database) as holder:
        holder.execute("begin; select * from a")
        result = deploy(database, folder, lock_timeout_ms=10, retries=1)
    assert result.failure is not None
    assert (result.failure.kept, result.failure.sqlstate) == (1, "55P03")
    assert deploy(database, folder).applied[0].resumed == 2
    assert rows(database, "select id from a") == [(1,)]
