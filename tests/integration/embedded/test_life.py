"""Its life: start, restart, stop, folders."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from repot.embedded import (
    EmbeddedError,
    EmbeddedServer,
)
from repot.embedded.cleanup import alive
from support.servers import SMALL, home_of, pid_of
from support.sql import connect, rows, run


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
