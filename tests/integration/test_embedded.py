"""The private server: found, started, used, and gone on every way out."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from repot.embedded import (
    Binaries,
    EmbeddedError,
    EmbeddedServer,
    client_tool,
    find_binaries,
    list_binaries,
)
from repot.embedded.binaries import OVERRIDE, WHEEL
from repot.embedded.cleanup import alive
from support.sql import connect, rows, run

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SOURCES = Path(__file__).parents[2] / "src"
SMALL = {"shared_buffers": "16MB"}


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Waits for a condition; False if it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def home_of(server: EmbeddedServer) -> Path:
    """The folder of a server's socket."""
    return Path(psycopg.conninfo.conninfo_to_dict(server.dsn())["host"])


def pid_of(data: Path) -> int:
    """The process id of the server on a data folder."""
    return int((data / "postmaster.pid").read_text().split()[0])


@pytest.fixture
def short() -> Iterator[Path]:
    """An empty folder with a short path that every account can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="repot-test-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def wheel() -> Binaries:
    found = [b for b in list_binaries() if b.source == WHEEL]
    if not found:
        pytest.skip("no wheel here")
    return found[0]


@pytest.fixture
def system() -> Binaries:
    found = [b for b in list_binaries() if b.source == "system"]
    if not found:
        pytest.skip("no PostgreSQL of the system here")
    return found[0]


@pytest.fixture
def closed(wheel: Binaries, tmp_path: Path) -> Path:
    """A copy of the wheel's programs in a folder that only this account can enter."""
    tmp_path.chmod(0o700)
    package = wheel.folder.parents[1]
    shutil.copytree(package / "pginstall", tmp_path / package.name / "pginstall")
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, tmp_path / libraries.name)
    return tmp_path / package.name / "pginstall" / "bin"


# --- use ---


def test_a_fresh_database_answers(database: str) -> None:
    run(database, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    assert rows(database, "SELECT a FROM t WHERE a = %s", [1]) == [(1,)]


def test_psql_answers_with_variables(server: EmbeddedServer) -> None:
    assert server.psql("SELECT :'word';", word='it\'s "ü"') == 'it\'s "ü"\n'


def test_settings_and_defaults(server: EmbeddedServer) -> None:
    names = (
        "wal_level max_connections fsync listen_addresses server_encoding TimeZone shared_buffers"
    )
    values = [rows(server.dsn(), f"SHOW {name}")[0][0] for name in names.split()]
    assert values == ["logical", "100", "off", "", "UTF8", "UTC", "256MB"]
    order = rows(
        server.dsn(), "SELECT array_agg(w ORDER BY w), upper('é') FROM unnest('{b,B,a}'::text[]) w"
    )
    assert order == [(["B", "a", "b"], "É")]


def test_databases_with_any_name(server: EmbeddedServer) -> None:
    for name in ('Mixed "quoted" it\'s', "select", "é" * 31, "back\\slash", " a=b ", "x" * 63):
        dsn = server.create_database(name)
        assert rows(dsn, "SELECT current_database()") == [(name,)]
        server.drop_database(name)
        server.drop_database(name)  # fine if it is not there
        with pytest.raises(psycopg.OperationalError):
            connect(dsn)


def test_a_database_copies_its_template(make_database: Callable[..., str]) -> None:
    template = make_database()
    run(template, "CREATE TABLE t AS SELECT 7 AS a")
    name = psycopg.conninfo.conninfo_to_dict(template)["dbname"]
    copy = make_database(template=name)
    assert rows(copy, "SELECT a FROM t") == [(7,)]


def test_drop_ends_sessions_and_slots(server: EmbeddedServer, tmp_path: Path) -> None:
    dsn = server.create_database("busy")
    slot = "SELECT pg_create_logical_replication_slot('busy_slot', 'pgoutput')"
    assert rows(dsn, slot)
    receiver = subprocess.Popen(
        [
            server.binaries.path("pg_recvlogical"),
            *("-d", dsn, "-S", "busy_slot", "--start", "-f", tmp_path / "out", "--no-loop"),
            *("-o", "proto_version=1", "-o", "publication_names=p"),
        ],
        stderr=subprocess.DEVNULL,
    )
    active = "SELECT active FROM pg_replication_slots WHERE slot_name = 'busy_slot'"
    assert until(lambda: rows(server.dsn(), active) == [(True,)])
    with connect(dsn) as session:
        server.drop_database("busy")
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    receiver.wait(10)
    assert rows(server.dsn(), active) == []


def test_a_failing_statement_says_why(server: EmbeddedServer) -> None:
    with pytest.raises(EmbeddedError) as caught:
        server.create_database("copy", template="not there")
    assert caught.value.code == "embedded-sql"
    assert '"not there" does not exist' in caught.value.evidence


def test_variables_of_libpq_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HOST": "nowhere",
        "PORT": "1",
        "DATA": "/nowhere",
        "OPTIONS": "-c x",
    }.items():
        monkeypatch.setenv(f"PG{name}", value)
    with EmbeddedServer(settings=SMALL) as server:
        assert server.psql("SELECT 1") == "1\n"


def test_tcp_wants_the_password() -> None:
    with EmbeddedServer(tcp=True, settings=SMALL) as server:
        dsn, port = server.dsn(tcp=True), server.port
        assert rows(dsn, "SELECT inet_server_port()") == [(port,)]
        wrong = psycopg.conninfo.make_conninfo(dsn, password="wrong")
        with pytest.raises(psycopg.OperationalError):
            connect(wrong)
        server.restart()
        assert server.port == port
        assert rows(dsn, "SELECT 1") == [(1,)]


# --- life ---


def test_stop_leaves_nothing() -> None:
    server = EmbeddedServer(settings=SMALL)
    with pytest.raises(EmbeddedError):
        server.dsn()
    server.start()
    home = home_of(server)
    pid = pid_of(home / "data")
    assert server.is_running()
    assert "ready to accept connections" in server.log_path.read_text()
    assert home.stat().st_mode & 0o777 == 0o700
    server.stop()
    assert not server.is_running()
    assert not alive(pid)
    assert not home.exists()
    server.stop()  # fine
    with server:  # and it starts anew
        assert rows(server.dsn(), "SELECT 1") == [(1,)]


def test_two_servers_at_once() -> None:
    with EmbeddedServer(settings=SMALL) as one, EmbeddedServer(settings=SMALL) as two:
        one.create_database("here")
        query = "SELECT count(*) FROM pg_database WHERE datname = 'here'"
        assert [rows(s.dsn(), query) for s in (one, two)] == [[(1,)], [(0,)]]


def test_an_exception_ends_it() -> None:
    with contextlib.suppress(RuntimeError), EmbeddedServer(settings=SMALL) as server:
        home = home_of(server)
        raise RuntimeError
    assert not home.exists()


@pytest.mark.parametrize("durable", [True, False])
def test_data_survive_kill_and_immediate_restart(durable: bool) -> None:
    with EmbeddedServer(durable=durable, settings=SMALL) as server:
        run(server.dsn(), "CREATE TABLE t (a int)")
        for number in range(3):
            run(server.dsn(), f"INSERT INTO t VALUES ({number})")
            if number:
                server.restart("immediate")
                continue
            with connect(server.dsn()) as session:
                pid = session.info.backend_pid
                server.kill()
                assert not server.is_running()
                assert not alive(pid)
            with pytest.raises(EmbeddedError) as caught:
                server.psql("SELECT 1")
            assert caught.value.code == "embedded-not-running"
            server.start()
        assert rows(server.dsn(), "SELECT count(*) FROM t") == [(3,)]
        assert rows(server.dsn(), "SHOW fsync") == [("on" if durable else "off",)]


def test_restart_takes_new_settings() -> None:
    with EmbeddedServer(settings=SMALL) as server:
        server.settings |= {"work_mem": "7MB", "log_line_prefix": 'it\'s \\n "%p" '}
        server.restart()
        assert rows(server.dsn(), "SHOW work_mem") == [("7MB",)]
        assert rows(server.dsn(), "SHOW log_line_prefix") == [('it\'s \\n "%p" ',)]


def test_a_bad_setting_is_named_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, short: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short))
    with pytest.raises(EmbeddedError) as caught:
        EmbeddedServer(settings={"max_connections": "many"}).start()
    assert caught.value.code == "embedded-start"
    assert "max_connections" in caught.value.evidence
    with pytest.raises(EmbeddedError) as caught:
        EmbeddedServer(settings={"x = 1\ny": "2"}).start()
    assert caught.value.code == "embedded-bad-setting"
    assert list(short.iterdir()) == []


def test_a_kept_folder_serves_again(short: Path) -> None:
    folder = short / "a folder that is " / ("long " * 20)
    with EmbeddedServer(folder, keep=True, tcp=True, settings=SMALL) as server:
        run(server.create_database("kept"), "CREATE TABLE t AS SELECT 1 AS a")
        home = home_of(server)
        with pytest.raises(EmbeddedError) as caught:
            EmbeddedServer(folder, keep=True).start()
        assert caught.value.code == "embedded-bad-folder"
        assert rows(server.dsn("kept"), "SELECT a FROM t") == [(1,)]
    assert not home.exists()
    with EmbeddedServer(folder, keep=True, tcp=True, settings=SMALL) as server:
        assert rows(server.dsn("kept", tcp=True), "SELECT a FROM t") == [(1,)]
        assert rows(server.dsn(), "SHOW fsync") == [("on",)]


def test_a_folder_with_other_things_is_refused(short: Path) -> None:
    (short / "mine").write_text("precious")
    for keep in (True, False):
        with pytest.raises(EmbeddedError) as caught:
            EmbeddedServer(short, keep=keep).start()
        assert caught.value.code == "embedded-bad-folder"
    assert (short / "mine").read_text() == "precious"


def test_a_named_folder_goes_unless_kept(short: Path) -> None:
    with EmbeddedServer(short / "new", settings=SMALL) as server:
        assert server.log_path.parent == short / "new"
    assert not (short / "new").exists()


def test_a_fork_does_not_end_it() -> None:
    with EmbeddedServer(settings=SMALL) as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        os.waitpid(child, 0)
        assert rows(server.dsn(), "SELECT 1") == [(1,)]


# --- the end of the process ---

PARENT = """
import os, pathlib, signal, sys, time
from repot.embedded import EmbeddedServer
# Whoever runs the tests may ignore them (nohup, a job in the background), and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
server = EmbeddedServer(folder, keep=True, settings={"shared_buffers": "16MB"})
BEFORE
server.start()
print(server.log_path.parent, flush=True)
AFTER
time.sleep(60)
"""


@contextlib.contextmanager
def parent(*words: object, before: str = "", after: str = "") -> Iterator[subprocess.Popen[str]]:
    """A process that starts a server, prints its folder and sleeps."""
    script = PARENT.replace("BEFORE", before).replace("AFTER", after)
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with its forks
        process.communicate()


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda n: n.name
)
def test_a_signal_to_the_process_ends_the_server(number: signal.Signals) -> None:
    with parent() as process:
        assert process.stdout is not None
        home = Path(process.stdout.readline().strip())
        server_pid = pid_of(home / "data")
        process.send_signal(number)
        process.wait(30)
        assert until(lambda: not home.exists() and not alive(server_pid))


@pytest.mark.parametrize(
    "after",
    [
        "sys.exit(3)",
        "os._exit(3)",
        "raise RuntimeError",
        # forks that live on, with all that was open:
        "if os.fork(): os._exit(0)",
        "if os.fork(): os.kill(os.getpid(), signal.SIGKILL)",
    ],
)
def test_the_end_of_the_process_ends_the_server(after: str) -> None:
    with parent(after=after) as process:
        assert process.stdout is not None
        home = Path(process.stdout.readline().strip())
        process.wait(30)
        assert until(lambda: not home.exists())


@pytest.mark.parametrize("delay", [0.02, 0.15, 0.3, 0.45, 0.6, 0.75])
def test_kill_while_it_starts_leaves_nothing(delay: float, short: Path) -> None:
    before = f"import tempfile; tempfile.tempdir = {str(short)!r}; print(1, flush=True)"
    with parent(before=before) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.kill()
        process.wait(30)
    assert until(lambda: not list(short.iterdir())), list(short.iterdir())
    time.sleep(0.5)
    assert list(short.iterdir()) == []
    assert str(short) not in subprocess.run(["ps", "-ef"], capture_output=True, text=True).stdout


def test_kill_while_a_kept_folder_is_made_does_no_harm(short: Path) -> None:
    for delay in (0.2, 0.4, 0.6, 0.8):
        with parent(short, before="print(1, flush=True)") as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.kill()
    with EmbeddedServer(short, keep=True, settings=SMALL) as server:
        assert rows(server.dsn(), "SELECT 1") == [(1,)]
    assert {entry.name for entry in short.iterdir()} == {"data", "password", "server.log"}


def test_an_orphan_that_nobody_reaps_passes_for_dead() -> None:
    adopt = "import ctypes; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)"  # PR_SET_CHILD_SUBREAPER
    pid = "pid = int((server.log_path.parent / 'data/postmaster.pid').read_text().split()[0])"
    crash = f"{pid}; os.kill(pid, 9); time.sleep(1); print(server.is_running(), flush=True)"
    again = "server.start(); print(server.is_running(), flush=True)"
    with parent(before=adopt, after=f"{crash}\n{again}\nserver.kill(); {again}") as process:
        assert process.stdout is not None
        home = Path(process.stdout.readline().strip())
        assert [process.stdout.readline().strip() for _ in range(3)] == ["False", "True", "True"]
        process.kill()
        assert until(lambda: not home.exists())


def test_kill_of_the_process_stops_a_kept_server_cleanly(short: Path) -> None:
    with parent(short) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == str(short)
        pid = pid_of(short / "data")
        process.kill()
        assert until(lambda: not alive(pid) and not (short / "data/postmaster.pid").exists())
    assert "database system is shut down" in (short / "server.log").read_text()
    with EmbeddedServer(short, keep=True, settings=SMALL) as server:
        assert rows(server.dsn(), "SELECT 1") == [(1,)]


# --- accounts ---


@as_root
def test_root_runs_it_as_another() -> None:
    with EmbeddedServer(settings=SMALL) as server:
        pid = pid_of(home_of(server) / "data")
        status = Path(f"/proc/{pid}/status").read_text()
        uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
        groups = next(
            line.split()[1:] for line in status.splitlines() if line.startswith("Groups:")
        )
        assert "0" not in uids
        assert groups == []


@as_root
def test_programs_closed_to_the_account_are_copied(
    closed: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OVERRIDE, str(closed))
    monkeypatch.setattr("tempfile.tempdir", str(short))
    for _ in range(2):
        with EmbeddedServer(settings=SMALL) as server:
            copied = server.binaries.folder
            assert copied.is_relative_to(short)
            run(server.dsn(), "CREATE EXTENSION hstore; CREATE EXTENSION dblink")
        shutil.rmtree(copied.parent / "share" / "timezone")  # as if swept away; then it is mended
    assert len(list(short.iterdir())) == 1


@as_root
def test_a_strict_umask_does_not_matter(
    closed: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OVERRIDE, str(closed))
    monkeypatch.setattr("tempfile.tempdir", str(short))
    before = os.umask(0o077)
    try:
        with EmbeddedServer(short / "new" / "deep", keep=True, tcp=True, settings=SMALL) as server:
            assert rows(server.dsn(tcp=True), "SELECT 1") == [(1,)]
    finally:
        os.umask(before)


@as_root
def test_a_copy_that_others_can_write_to_is_not_run(
    closed: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OVERRIDE, str(closed))
    monkeypatch.setattr("tempfile.tempdir", str(short))
    with EmbeddedServer(settings=SMALL) as server:
        cache = server.binaries.folder.parents[2]
    cache.chmod(0o777)
    with pytest.raises(EmbeddedError) as caught:
        EmbeddedServer().start()
    assert caught.value.code == "embedded-unreachable"
    assert list(short.iterdir()) == [cache]


@as_root
def test_a_closed_or_long_temporary_folder_is_passed_by(
    tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    long = short / ("x" * 90)
    long.mkdir()
    for folder in (tmp_path, long):
        monkeypatch.setattr("tempfile.tempdir", str(folder))
        with EmbeddedServer(settings=SMALL) as server:
            assert not home_of(server).is_relative_to(folder)


@as_root
def test_a_named_folder_closed_to_the_account_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "in").mkdir()
    with pytest.raises(EmbeddedError) as caught:
        EmbeddedServer(tmp_path / "in" / "new", keep=True).start()
    assert caught.value.code == "embedded-unreachable"
    assert list((tmp_path / "in").iterdir()) == []


ORDINARY = """
import os, sys
assert sys.version_info >= (3, 11), "TooOld"
from repot.embedded import EmbeddedServer
with EmbeddedServer() as server:
    server.create_database("mine")
    print(os.geteuid(), server.psql("SELECT current_database()", "mine"))
"""


@as_root
def test_an_ordinary_user_runs_it_too(wheel: Binaries) -> None:
    usual = os.pathsep.join(("/usr/local/bin", "/usr/bin"))
    version = f"python3.{sys.version_info.minor}"
    python = shutil.which(version, path=usual) or shutil.which("python3", path=usual)
    if python is None:
        pytest.skip("no Python for ordinary users here")
    done = subprocess.run(
        [python, "-c", ORDINARY],
        user=65534,
        group=65534,
        extra_groups=[],
        env={"PYTHONPATH": os.pathsep.join(map(str, (SOURCES, wheel.folder.parents[2])))},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if "TooOld" in done.stderr:
        pytest.skip("the Python for ordinary users is older than 3.11")
    assert done.stdout.split() == ["65534", "mine"], done.stderr


# --- programs ---


def test_an_older_server_of_the_system_runs(system: Binaries) -> None:
    with EmbeddedServer(binaries=system, settings=SMALL) as server:
        dsn = server.create_database("old")
        assert int(rows(dsn, "SHOW server_version")[0][0].split(".")[0]) == system.version
        assert rows(dsn, "SHOW server_encoding") == [("UTF8",)]
        server.drop_database("old")


def test_a_kept_folder_gets_the_version_that_made_it(system: Binaries, short: Path) -> None:
    with EmbeddedServer(short, keep=True, binaries=system, settings=SMALL) as server:
        run(server.dsn(), "CREATE TABLE t (a int)")
    with EmbeddedServer(short, keep=True, settings=SMALL) as server:
        assert server.binaries == system
        assert rows(server.dsn(), "SELECT * FROM t") == []


def test_the_newest_is_preferred_and_the_variable_overrides(
    system: Binaries, wheel: Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OVERRIDE, raising=False)
    newest = max(system, wheel, key=lambda b: (b.version, b.source == WHEEL))
    assert find_binaries() == newest
    assert find_binaries(system.version) == system
    monkeypatch.setenv(OVERRIDE, str(system.folder))
    assert find_binaries() == Binaries(system.folder, system.version, OVERRIDE)
    monkeypatch.setenv(OVERRIDE, "/nowhere")
    with pytest.raises(EmbeddedError) as caught:
        find_binaries()
    assert caught.value.code == "embedded-no-server"
    monkeypatch.delenv(OVERRIDE)
    with pytest.raises(EmbeddedError) as caught:
        find_binaries(9)
    assert str(wheel.folder) in caught.value.evidence


def test_client_tools_are_never_older_than_the_server(
    system: Binaries, wheel: Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OVERRIDE, raising=False)
    for name in ("pg_dump", "pg_restore", "psql"):
        assert client_tool(name, system.version) == system.path(name)
        assert client_tool(name, wheel.version) == wheel.path(name)
        monkeypatch.setenv(OVERRIDE, str(wheel.folder))
        assert client_tool(name, system.version) == wheel.path(name)
        monkeypatch.delenv(OVERRIDE)
    with pytest.raises(EmbeddedError) as caught:
        client_tool("pg_dump", 99)
    assert caught.value.code == "embedded-no-tool"
    assert "postgresql-client-99" in caught.value.hint
