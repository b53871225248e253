"""Deploying: one file, one transaction, with its rows; what fails leaves the database as it was."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from repot import migrations
from repot.folder.deploy.failure import masked
from repot.model.errors import RepotError
from repot.postgres.connect import connect as session
from support.gates import closed, gate, start, until, waiting
from support.migrating import Folder, codes, deploy, deployed, errors, history, repot, states, whole
from support.sql import connect, rows, run

A = "20260101000000_first"
B = "20260102000000_second"
C = "20260103000000_third"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write(A, "create table a (id int primary key, v text);")
    return made


def test_a_failed_file_leaves_the_database_as_it_was(folder: Folder, database: str) -> None:
    deployed(database, folder)
    before = whole(database)
    folder.write(
        B,
        "create table b (id int);\n-- a remark\n\ninsert into a\n  (id, v)\nvalues (1, 'x'),\n"
        "  (1, 'y');\ncreate table never ();\n",
    )
    folder.write(C, "create table c (id int);")
    result = deploy(database, folder)
    assert result.exit == 1
    failed = result.failure
    assert failed is not None
    assert (failed.name, failed.line, failed.statement, failed.sqlstate) == (B, 4, 2, "23505")
    assert "(id)=(1)" in failed.detail
    assert failed.sql.startswith("insert into a")
    assert whole(database) == before
    assert [p.name for p in result.pending] == [B, C]
    assert history(database)[1][:6] == (B, history(database)[1][1], False, failed.logs, False, 0)
    assert states(database, folder) == {A: "applied", B: "failed", C: "pending"}


def test_the_line_is_the_error_s_own_where_the_server_tells_it(
    folder: Folder, database: str
) -> None:
    folder.write(B, "insert into a\n  (id, v)\nvalues\n  (1, 'é') ,\n  (2, nowhere);\n")
    assert deploy(database, folder).failure.line == 5  # type: ignore[union-attr]


def test_a_deferred_constraint_fails_before_the_history_says_applied(
    folder: Folder, database: str
) -> None:
    folder.write(
        B,
        "create table b (id int primary key,\n  a int references a deferrable initially deferred);\n"
        "insert into b values (1, 7);\n",
    )
    result = deploy(database, folder)
    assert result.failure is not None
    assert result.failure.sqlstate == "23503"
    assert states(database, folder)[B] == "failed"
    assert rows(database, "select to_regclass('b')") == [(None,)]


def test_nothing_is_begun_on_an_error_of_the_texts(folder: Folder, database: str) -> None:
    folder.write(B, "npm warn exec something\ncreate table b (id int);\n")
    before = whole(database)
    result = deploy(database, folder)
    assert (result.exit, result.refused, result.applied) == (3, True, ())
    assert errors(result) == ["tool-output"]
    assert whole(database) == before
    assert rows(database, "select to_regclass('_prisma_migrations'), to_regnamespace('repot')") == [
        (None, None)
    ]
    # What is not SQL cannot be waved through.
    assert deploy(database, folder, accept=frozenset({"tool-output"})).refused


def test_settings_of_one_file_are_not_the_next_one_s(folder: Folder, database: str) -> None:
    """A dump's file ends with an empty search_path; the next one runs as its role is."""
    run(database, "create role other; create schema s; grant all on schema s to other")
    run(database, f"alter database {database.rsplit('=', 1)[1]} set search_path = s, public")
    try:
        folder.write(
            B,
            "select pg_catalog.set_config('search_path', '', false);\nset role other;\n"
            "set work_mem = '64kB';\ncreate temp table t (id int);\nprepare p as select 1;\n",
        )
        folder.write(
            C,
            "create table c as select current_setting('work_mem') as m;\nprepare p as select 2;\n",
        )
        deployed(database, folder, accept=frozenset(codes(deploy(database, folder, dry_run=True))))
        found = rows(
            database,
            "select relnamespace::regnamespace::text, relowner::regrole::text from pg_class where relname = 'c'",
        )
        assert found == [("s", "postgres")]
        assert rows(database, "select m from s.c") != [("64kB",)]
    finally:
        run(database, "drop owned by other; drop role other")


def test_row_security_and_search_path_are_the_role_s_own(folder: Folder, database: str) -> None:
    folder.write(
        B,
        "create table seen as select current_setting('search_path') as path,\n"
        "  current_setting('row_security') as rls, current_setting('lock_timeout') as lt,\n"
        "  current_setting('client_min_messages') as cmm, current_setting('timezone') as tz;\n",
    )
    deployed(database, folder)
    with connect(database) as plain:
        own = plain.execute(
            "select current_setting('search_path'), current_setting('row_security'),"
            " current_setting('client_min_messages'), current_setting('timezone')"
        ).fetchone()
    seen = rows(database, "select path, rls, cmm, tz, lt from seen")[0]
    assert seen[:4] == own
    assert seen[4] == "500ms"


WAITS = """select exists (select from pg_locks
             where not granted and relation = 'public.a'::regclass)"""


def test_a_file_is_tried_again_for_want_of_a_lock(folder: Folder, database: str) -> None:
    """It waits for the table, gives way, and waits again."""
    deployed(database, folder)
    folder.write(B, "create table b (id int);\nalter table a add column w int;\n")
    done = []
    thread = threading.Thread(
        target=lambda: done.append(deploy(database, folder, lock_timeout_ms=30))
    )
    with connect(database) as holder:
        holder.execute("begin; select * from a")
        thread.start()
        for question in (WAITS, f"select not ({WAITS})") * 2:
            until(database, question)
    thread.join()
    assert done[0].exit == 0, done
    assert done[0].applied[0].attempts >= 3
    assert [row[0] for row in history(database)] == [A, B]


def test_after_the_last_try_it_is_failed(folder: Folder, database: str) -> None:
    deployed(database, folder)
    folder.write(B, "alter table a add column w int;")
    with connect(database) as holder:
        holder.execute("begin; select * from a")
        result = deploy(database, folder, lock_timeout_ms=10, retries=1)
    assert result.failure is not None
    assert result.failure.sqlstate == "55P03"


def test_ctrl_c(folder: Folder, database: str) -> None:
    """The statement is cancelled, the file rolled back, and the history says so."""
    import signal

    folder.write(B, f"insert into a values (1, 'x');\n{gate(7)}\n")
    with closed(database, 7):
        process = start(database, folder)
        waiting(database, 7)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=150)
    assert process.returncode == 1, (out, err)
    assert json.loads(out)["error"]["code"] == "deploy-cancelled"
    assert rows(database, "select count(*) from a") == [(0,)]
    assert states(database, folder) == {A: "applied", B: "rolled back"}
    assert history(database)[1][2:6] == (False, None, True, 0)
    assert deployed(database, folder) == (B,)


def test_busy(folder: Folder, database: str) -> None:
    with connect(database) as holder:
        holder.execute("select pg_advisory_lock(hashtextextended('repot.migrate', 0))")
        pid = holder.info.backend_pid
        with pytest.raises(RepotError) as busy:
            deploy(database, folder, wait_s=0.2)
    assert (busy.value.code, busy.value.exit) == ("deploy-busy", 3)
    assert f"pid {pid}" in busy.value.evidence
    assert deployed(database, folder) == (A,)


def test_dry_run_changes_nothing(folder: Folder, database: str) -> None:
    folder.write(B, "-- repot: no-transaction\ncreate index concurrently i on a (v);\n")
    before = whole(database)
    result = deploy(database, folder, dry_run=True)
    assert [(p.name, p.mode, p.statements) for p in result.pending] == [
        (A, "whole", 1),
        (B, "steps", 1),
    ]
    assert whole(database) == before
    assert rows(database, "select to_regclass('_prisma_migrations')") == [(None,)]


def test_extras_are_kept_and_append_only(folder: Folder, database: str) -> None:
    deployed(database, folder)
    found = rows(
        database,
        "select kind, migration, who, statement, duration_ms > 0, length(checksum), fingerprint"
        " from repot.migration_event order by id",
    )
    assert [(f[0], f[1], f[2]) for f in found] == [
        ("started", A, "postgres"),
        ("applied", A, "postgres"),
    ]
    assert found[1][3:5] == (1, True)
    assert found[0][5] == 64
    assert found[1][6] == whole(database)[0]
    for wrong in ("delete from", "truncate", "update"):
        text = f"{wrong} repot.migration_event" + (" set who = 'x'" if wrong == "update" else "")
        with pytest.raises(Exception, match="append-only"):
            run(database, text)


def test_beside_the_state_of_a_move(folder: Folder, database: str) -> None:
    from repot.postgres.state import ensure_state

    with session(database) as conn:
        ensure_state(conn)
    deployed(database, folder)
    with session(database) as conn:
        ensure_state(conn)


def test_secrets_are_masked(folder: Folder, database: str) -> None:
    folder.write(
        B,
        "create role r_masked password 'hunter2';\nselect 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc'::int;\n",
    )
    result = deploy(database, folder)
    assert result.failure is not None
    told = json.dumps(result.model_dump(mode="json")) + str(history(database))
    assert "eyJ" not in told
    assert "***" in result.failure.sql
    assert masked("create role r password 'hunter2'", "") == "create role r password ***"
    assert masked("postgresql://u:secret@h/d failed", "") == "postgresql://u:***@h/d failed"
    assert masked("it said pass123", "postgresql://u:pass123@h/d") == "it said ***"


def test_a_file_that_is_its_own_transaction(folder: Folder, database: str) -> None:
    """BEGIN … COMMIT around all of it: one transaction, the history's rows in it."""
    folder.write(
        B,
        "begin isolation level serializable;\ninsert into a values (1, current_setting('transaction_isolation'));\ncommit;\n",
    )
    result = deploy(database, folder, accept=frozenset({"own-transaction"}))
    assert [(r.name, r.mode) for r in result.applied] == [(A, "whole"), (B, "whole")]
    assert rows(database, "select v from a") == [("serializable",)]


def test_the_command_line(folder: Folder, database: str) -> None:
    done = repot(database, folder, "deploy")
    assert done.returncode == 0, done.stderr
    assert "1 migration applied" in done.stdout
    folder.write(B, "insert into a values (1, 2, 3, 4);")
    failed = repot(database, folder, "deploy", "--json")
    document = json.loads(failed.stdout)
    assert failed.returncode == 1
    assert document["ok"] is False
    assert [(f["code"], f["file"], f["line"]) for f in document["findings"]] == [
        ("migration-statement-failed", f"{B}/migration.sql", 1)
    ]
    told = repot(database, folder, "status")
    assert told.returncode == 1
    assert f"next: repot migrate resolve --rolled-back {B}" in told.stdout
    assert repot(database, folder, "deploy").returncode == 3
    assert repot(database, folder, "resolve").returncode == 2
    assert repot(database, folder, "resolve", "--rolled-back", B).returncode == 0
    assert json.loads(repot(database, folder, "status", "--json").stdout)["pending"] == [B]


def test_names_of_every_kind(tmp_path: Path, database: str) -> None:
    run(database, 'create schema "Größe ""x"""; create schema "select"')
    folder = Folder(tmp_path)
    long = "n" * 63
    folder.write(
        "20260101000000_ünï cöde",
        f'create table "Größe ""x"""."order" ("{long}" int primary key, "Select" text);\n'
        'create table "select"."Ta.ble" (id int);\n',
    )
    folder.write(
        "20260102000000_next",
        "-- repot: no-transaction\n"
        'create index concurrently "I ""x""" on "Größe ""x"""."order" ("Select");\n'
        'insert into "select"."Ta.ble" values (1);\n',
    )
    assert len(deployed(database, folder)) == 2
    assert set(states(database, folder).values()) == {"applied"}


def test_without_the_right_to_make_the_schema_repot(folder: Folder, database: str) -> None:
    name = database.rsplit("=", 1)[1]
    run(database, "create role weak login")
    run(database, "grant create, usage on schema public to weak")
    try:
        as_weak = database.replace("user=postgres", "user=weak")
        with pytest.raises(RepotError) as refused:
            deploy(as_weak, folder)
        assert refused.value.code == "no-right"
        run(database, "create schema repot authorization weak")
        assert deployed(as_weak, folder) == (A,)
    finally:
        run(
            database, f"drop owned by weak; revoke all on database {name} from weak; drop role weak"
        )


def test_deploying_needs_no_more_than_status_to_say_what_is_next(
    folder: Folder, database: str
) -> None:
    assert migrations.status(folder.path, database).next == "repot migrate deploy"
    deployed(database, folder)
    assert migrations.status(folder.path, database).next is None


def test_without_the_right_to_make_the_history(folder: Folder, database: str) -> None:
    run(database, "create role weaker login; create schema repot authorization weaker")
    try:
        with pytest.raises(RepotError) as refused:
            deploy(database.replace("user=postgres", "user=weaker"), folder)
        assert refused.value.code == "database-error"
        assert "permission denied" in refused.value.evidence
    finally:
        run(database, "drop owned by weaker; drop role weaker")
