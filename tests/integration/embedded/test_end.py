"""It ends with the process that it was started for."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from repot.embedded import (
    EmbeddedServer,
)
from repot.embedded.cleanup import alive
from support.servers import SMALL, pid_of, until
from support.sql import rows

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
