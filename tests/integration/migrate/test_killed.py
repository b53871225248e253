"""`kill -9` of the deployer and the server's crash, in the middle of each file: the status says what
happened, and another deployment goes on to the same end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repot import migrations
from repot.embedded import EmbeddedServer
from support.gates import closed, gate, gone, kill, start, until, waiting
from support.migrating import Folder, deploy, deployed, history, states, whole
from support.prisma import Engine
from support.sql import connect, rows

NAMES = [
    "20260101000000_tables",
    "20260102000000_rows",
    "20260103000000_steps",
    "20260104000000_types",
    "20260105000000_last",
]
STEPS = NAMES[2]
LONG = pytest.mark.long  # where another file of the same sort is stopped by default


def lay(folder: Folder) -> None:
    folder.write(
        NAMES[0],
        f"create table t (id int primary key, v text);\n{gate(10)}\ncreate table u (id int);\n",
    )
    folder.write(
        NAMES[1], f"insert into t values (1, 'a');\n{gate(20)}\ninsert into u values (1);\n"
    )
    folder.write(
        STEPS,
        "-- repot: no-transaction\n"
        f"insert into t values (2, 'b');\n{gate(30)}\n"
        "create index concurrently by_v on t (v);\n"
        f"insert into t values (3, 'c');\n{gate(31)}\n"
        "insert into t values (4, 'd');\n",
    )
    folder.write(
        NAMES[3],
        f"create type mood as enum ('ok');\n{gate(40)}\nalter table u add column m mood;\n",
    )
    folder.write(
        NAMES[4], f"update t set v = v || '!';\n{gate(50)}\ncreate view w as select * from t;\n"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    lay(made)
    return made


@pytest.mark.parametrize(
    ("at", "file", "state", "done"),
    [
        pytest.param(10, 0, "interrupted", None, marks=LONG),
        (20, 1, "interrupted", None),
        (30, 2, "stopped", 1),
        (31, 2, "stopped", 4),
        pytest.param(40, 3, "interrupted", None, marks=LONG),
        pytest.param(50, 4, "interrupted", None, marks=LONG),
    ],
)
def test_killed(
    folder: Folder,
    make_database: Callable[..., str],
    at: int,
    file: int,
    state: str,
    done: int | None,
) -> None:
    dsn, undisturbed = make_database(), make_database()
    deployed(undisturbed, folder)
    with closed(dsn, at):
        process = start(dsn, folder)
        waiting(dsn, at)
        kill(process)
        # The server is still at it for a client that is gone, and keeps the lock.
        assert states(dsn, folder)[NAMES[file]] == "running"
    gone(dsn)
    found = states(dsn, folder)
    assert found[NAMES[file]] == state
    assert list(found.values())[:file] == ["applied"] * file
    assert set(list(found.values())[file + 1 :]) <= {"pending"}
    # What goes on by itself is no error of the folder's.
    seen = migrations.lint(folder.path, dsn, locks=False)
    assert not [f for f in seen.findings if f.code == "migration-failed"], seen.findings
    result = deploy(dsn, folder)
    assert result.exit == 0, (result.failure, result.findings)
    assert [r.name for r in result.applied] == NAMES[file:]
    assert result.applied[0].resumed == (done + 1 if done is not None else None)
    assert whole(dsn) == whole(undisturbed)
    # The attempt that was killed is in the history as Prisma's `resolve --rolled-back` leaves it.
    mine = [row for row in history(dsn) if row[0] == NAMES[file]]
    assert [(row[2], row[4], row[5]) for row in mine] == [(False, True, 0), (True, False, 1)]
    assert Engine(dsn, folder).agrees()


BUILDING = """select exists (select from pg_stat_activity where query ilike 'create index conc%%'
               and wait_event_type = 'Lock' and datname = current_database())"""


@pytest.mark.parametrize("terminated", [False, True], ids=["it came to its end", "it is invalid"])
def test_killed_within_an_index(
    tmp_path: Path, make_database: Callable[..., str], terminated: bool
) -> None:
    """CREATE INDEX CONCURRENTLY goes on in the server; or its session ends, and an invalid index
    stays, which the next deployment drops and builds again."""
    dsn, undisturbed = make_database(), make_database()
    folder = Folder(tmp_path)
    folder.write(NAMES[0], "create table t (id int primary key, v text);")
    deployed(dsn, folder)
    lay(folder)
    folder.write(NAMES[0], "create table t (id int primary key, v text);")
    folder.write(NAMES[1], "create table u (id int);")
    deployed(undisturbed, folder)
    with connect(dsn) as writer, writer.transaction():
        writer.execute("insert into t values (99, 'open')")  # the index waits for this
        process = start(dsn, folder)
        until(dsn, BUILDING)
        kill(process)
        if terminated:
            rows(dsn, f"select pg_terminate_backend(pid) from ({WHO}) x")
            until(dsn, "select not exists (select from pg_stat_progress_create_index)")
        writer.execute("delete from t where id = 99")
    gone(dsn)
    valid = rows(dsn, "select indisvalid from pg_index where indexrelid = 'by_v'::regclass")
    assert valid == [(not terminated,)]
    before = rows(dsn, "select 'by_v'::regclass::oid")
    assert states(dsn, folder)[STEPS] == "stopped"
    result = deploy(dsn, folder)
    assert result.exit == 0, (result.failure, result.findings)
    assert result.applied[0].resumed == 3
    assert (rows(dsn, "select 'by_v'::regclass::oid") == before) is not terminated
    assert whole(dsn) == whole(undisturbed)


WHO = """select pid from pg_stat_activity where application_name = 'repot migrate deploy'
          and datname = current_database()"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that the server's account may enter, too."""
    with tempfile.TemporaryDirectory(prefix="repot-") as raw:
        Path(raw).chmod(0o755)
        yield Path(raw) / "server"


@pytest.mark.parametrize(
    ("at", "file", "state"),
    [(20, 1, "interrupted"), (31, 2, "stopped"), pytest.param(50, 4, "interrupted", marks=LONG)],
)
def test_the_server_crashes(
    folder: Folder, open_folder: Path, at: int, file: int, state: str
) -> None:
    with EmbeddedServer(open_folder, keep=True, durable=False) as server:
        undisturbed = server.create_database("undisturbed")
        dsn = server.create_database("crashed")
        deployed(undisturbed, folder)
        expected = whole(undisturbed)
        holder = connect(dsn)
        holder.execute("select pg_advisory_lock(%s)", (at,))
        process = start(dsn, folder)
        waiting(dsn, at)
        server.stop("immediate")
        out, _ = process.communicate(timeout=150)
        assert process.returncode == 1
        assert "connection-lost" in out
        holder.close()
        server.start()
        dsn = server.dsn("crashed")  # its socket is another one
        assert states(dsn, folder)[NAMES[file]] == state
        deployed(dsn, folder)
        assert whole(dsn) == expected
