"""A copy that is ended in the middle goes on where it was."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from repot.embedded import EmbeddedServer
from repot.model.errors import RepotError
from repot.stages.copy import copy
from support.copying import TINY, complete, listening, moved, ready
from support.sql import connect, rows, run

CHILD = """
import sys
from repot.engine.session import Session
from repot.model.progress import Silent
from repot.postgres.connect import connection
from repot.postgres.state import current_run, load_plan
from repot.stages.copy import copy, units

units.UNIT_ROWS = 40

class Tell(Silent):
    def advance(self, key, by):
        print(key, flush=True)

dsn = sys.argv[1]
with connection(dsn) as conn:
    run = current_run(conn)
    plan = load_plan(conn, run)
print("begin", flush=True)
copy(Session(dsn, run, plan, Tell()), workers=2, chunk_seconds=0.0002)
print("end", flush=True)
"""


def killed_after(dsn: str, script: Path, lines: int) -> list[str]:
    """Run a copy in a process of its own and kill -9 it after so many lines."""
    child = subprocess.Popen([sys.executable, str(script), dsn], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    seen = []
    for line in child.stdout:
        seen.append(line.strip())
        if len(seen) == lines:
            child.send_signal(signal.SIGKILL)
            break
    child.wait()
    child.stdout.close()
    return seen


@pytest.mark.usefixtures("many_chunks")
def test_killed_and_killed_again(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    script = tmp_path / "child.py"
    script.write_text(textwrap.dedent(CHILD))
    seen = [killed_after(database, script, lines) for lines in (1, 8, 30, 25, 60)]
    assert all(lines[-1] != "end" for lines in seen)
    assert rows(database, "select phase from repot.run") == [("copying",)]
    result = copy(session, chunk_seconds=TINY)
    assert result.resumed
    assert moved(database, session) == result.rows == 4600
    complete(database, session)


@pytest.mark.usefixtures("many_chunks")
def test_killed_while_keys_are_built(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    script = tmp_path / "child.py"
    script.write_text(
        textwrap.dedent(CHILD).replace(
            "print(key, flush=True)", 'key == "constraints" and print(key, flush=True)'
        )
    )
    for lines in (2, 3, 4):  # one line more is "begin"
        assert killed_after(database, script, lines)[-1] == "constraints"
    result = copy(session)
    assert moved(database, session) == result.rows
    complete(database, session)


@pytest.mark.usefixtures("many_chunks")
def test_the_server_stops_at_once(tmp_path: Path) -> None:
    """Commits are not waited for (synchronous_commit off): a crash loses the last of them, rows and
    checkpoints alike."""
    with EmbeddedServer(settings={"wal_writer_delay": "10s"}) as server:
        dsn = server.create_database("crash")
        session = ready(dsn, tmp_path)
        for after in (3, 20, 50):
            count = 0

            def crash(_table: str, after: int = after) -> None:
                nonlocal count
                count += 1
                if count == after:
                    server.kill()

            with pytest.raises(RepotError) as caught:
                copy(listening(session, crash), chunk_seconds=TINY)
            assert caught.value.code in ("connection-lost", "connection-failed")
            server.start()
            noted = rows(
                dsn, "select move, coalesce(sum(rows), 0)::int from repot.chunk group by 1"
            )
            for move, number in noted:
                assert rows(dsn, f"select count(*) from v2.{move}") == [(number,)]
        result = copy(session, chunk_seconds=TINY)
        assert moved(dsn, session) == result.rows == 4600
        complete(dsn, session)


def test_a_server_still_at_work_for_a_client_that_is_gone(database: str, tmp_path: Path) -> None:
    """The chunk of a killed client may yet be committed: it is waited for and not done again."""
    session = ready(database, tmp_path)
    run(
        database,
        "insert into repot.chunk (run, move, number) values (1, 'users', 1)",
    )
    with connect(database) as ghost:
        with ghost.transaction():
            ghost.execute("select from repot.chunk where move = 'users' for update")
            ghost.execute("insert into v2.users select id, email from auth.users")
            ghost.execute("update repot.chunk set rows = 700, ms = 1, done_at = now()")
            other = threading.Thread(target=copy, args=(session,))
            other.start()
            time.sleep(0.5)
            assert other.is_alive()
        other.join()
    assert rows(database, "select count(*) from v2.users") == [(700,)]
    assert moved(database, session)
    complete(database, session)


@pytest.mark.usefixtures("many_chunks")
def test_rows_and_checkpoint_are_one_transaction(database: str, tmp_path: Path) -> None:
    """The checkpoint cannot be written: then the rows are not there either."""
    session = ready(database, tmp_path)
    run(
        database,
        "create function repot.no() returns trigger language plpgsql as"
        " $$ begin raise 'not now'; end $$;"
        "create trigger no before update on repot.chunk for each row"
        " when (new.move = 'users' and new.number = 5) execute function repot.no()",
    )
    with pytest.raises(RepotError):
        copy(session, chunk_seconds=TINY)
    noted = "select coalesce(sum(rows), 0)::int from repot.chunk where move = 'users'"
    assert rows(database, "select count(*)::int from v2.users") == rows(database, noted)
    run(database, "drop trigger no on repot.chunk")
    assert copy(session, chunk_seconds=TINY).rows == moved(database, session)


def test_a_key_still_being_built_for_a_client_that_is_gone(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    ((number, ddl),) = rows(
        database,
        "select number, ddl from repot.deferred where object = 'users_pkey' and step = 'index'",
    )
    run(
        database,
        "insert into v2.users select id, email from auth.users;"
        "insert into repot.chunk (run, move, number, rows, ms, done_at)"
        " values (1, 'users', 1, 700, 1, now())",
    )
    with connect(database) as ghost:
        with ghost.transaction():
            ghost.execute("select from repot.deferred where number = %s for update", [number])
            ghost.execute(ddl)
            ghost.execute("update repot.deferred set done_at = now() where number = %s", [number])
            other = threading.Thread(target=copy, args=(session,))
            other.start()
            time.sleep(0.5)
            assert other.is_alive()
        other.join()
    assert moved(database, session)
    complete(database, session)
