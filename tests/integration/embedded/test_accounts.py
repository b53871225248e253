"""Accounts, rights and programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repot.embedded import (
    Binaries,
    EmbeddedError,
    EmbeddedServer,
    client_tool,
    find_binaries,
)
from repot.embedded.binaries import OVERRIDE, WHEEL
from support.servers import SMALL, SOURCES, as_root, home_of, pid_of
from support.sql import rows, run


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
