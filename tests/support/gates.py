"""Places in a migration at which a test stops it: an advisory lock that the test holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.migrating import Folder
from support.sql import connect, rows

# Who runs the tests may ignore Ctrl-C (nohup, a job in the background), and children inherit that.
_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from repot.cli.main import main
main()
"""
PATIENCE_S = 150  # ten processes at once, on a busy machine


def gate(number: int) -> str:
    """The statement; nobody waits there while no test holds the gate."""
    return f"do $$ begin perform pg_advisory_xact_lock({number}); end $$;"


@contextmanager
def closed(dsn: str, number: int) -> Iterator[None]:
    """Whoever comes to the gate waits."""
    with connect(dsn) as holder:
        holder.execute("select pg_advisory_lock(%s)", (number,))
        yield


def until(dsn: str, question: str, params: Any = None) -> None:
    """Wait until the question's first value is true."""
    end = time.monotonic() + PATIENCE_S
    while not rows(dsn, question, params)[0][0]:
        assert time.monotonic() < end, question
        time.sleep(0.02)


def waiting(dsn: str, number: int) -> None:
    """Until somebody waits at the gate."""
    until(
        dsn,
        "select exists (select from pg_locks where locktype = 'advisory' and objid = %s"
        " and classid = 0 and not granted)",
        (number,),
    )


def gone(dsn: str) -> None:
    """Until no deployment has a session any more."""
    until(
        dsn,
        "select not exists (select from pg_stat_activity"
        " where application_name = 'repot migrate deploy' and datname = current_database())",
    )


def start(dsn: str, folder: Folder, *words: str) -> subprocess.Popen[str]:
    """A deployment as a process of its own; it waits for locks as long as it must."""
    command = [sys.executable, "-c", _PROGRAM, "migrate", "deploy", str(folder.path)]
    command += ["--database", dsn, "--json", "--lock-timeout", "600000", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
