"""Ends a server and removes its folders.

Run as a script it waits until its parent is gone, even by `kill -9`, and then does so; therefore it
imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

LEAVE = b"q"  # on the pipe: the parent has cleaned up itself
PROGRAMS = (b"postgres", b"initdb", b"pg_ctl")
STOP_SECONDS = {"fast": 30.0, "immediate": 5.0}
STOP_SIGNAL = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


def _stat(pid: int) -> tuple[str, int]:
    """State letter and parent of a process; ("X", 0) if there is none."""
    try:
        rest = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return "X", 0
    return rest[0], int(rest[1])


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody reaps does not."""
    return _stat(pid)[0] not in "XZ"


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _works_on(pid: int, data: Path) -> bool:
    """Whether a process is one of PostgreSQL's programs, called with this data folder."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.path.basename(words[0]) in PROGRAMS and os.fsencode(data) in words  # noqa: PTH119


def unfinished(data: Path) -> Path:
    """Where a data folder is being made."""
    return data.with_name("data.new")


def server_pid(data: Path) -> int | None:
    """The process id of the server that runs on a data folder, or None."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if pid > 0 and alive(pid) and _works_on(pid, data) else None


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def wait(pids: list[int], seconds: float) -> bool:
    """Waits until all of these processes have ended; False if they have not in time."""
    end_at = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > end_at:
            return False
        time.sleep(0.02)
    return True


def crash(data: Path) -> None:
    """Kills a server with all its processes at once, and removes its lock file, which a later
    server would mistrust where nobody reaps orphans."""
    pid = server_pid(data)
    if pid is None:
        return
    _signal(pid, signal.SIGSTOP)  # so that it starts no process between the two next lines
    family = [pid, *(child for child in _pids() if _stat(child)[1] == pid)]
    for member in family:
        _signal(member, signal.SIGKILL)
    if wait(family, 30):
        (data / "postmaster.pid").unlink(missing_ok=True)


def forget_zombie(data: Path) -> None:
    """Removes the lock file of a server that was killed but not reaped: it would pass for alive."""
    lock = data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError):
        if _stat(abs(int(lock.read_text().split("\n", 1)[0])))[0] == "Z":
            lock.unlink()


def end(data: Path, mode: str) -> None:
    """Stops the server of a data folder, `fast` or `immediate`; kills it if it takes too long."""
    pid = server_pid(data)
    if pid is not None:
        _signal(pid, STOP_SIGNAL[mode])
        if not wait([pid], STOP_SECONDS[mode]):
            crash(data)


def remove(folders: list[Path], seconds: float = 10) -> list[Path]:
    """Removes folders with all they hold, until they stay away; returns those left in the end."""
    end_at = time.monotonic() + seconds
    while True:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        left = [folder for folder in folders if folder.exists()]
        if not left or time.monotonic() > end_at:
            return left
        time.sleep(0.1)


def _parent_cleaned_up(parent: int) -> bool:
    """Waits until the parent says so (True) or is gone without a word (False)."""
    while os.getppid() == parent:  # a forked child of the parent may hold the pipe open
        if select.select([0], [], [], 1.0)[0]:
            return os.read(0, 1) == LEAVE
    return False


def main(arguments: list[str]) -> None:
    """Arguments: the parent's id, `fast` or `immediate`, the data folder, the folders to remove."""
    parent, mode, data = int(arguments[0]), arguments[1], Path(arguments[2])
    folders = [Path(argument) for argument in arguments[3:]]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if _parent_cleaned_up(parent):
        return
    end(data, mode)
    doomed = (data, unfinished(data)) if data.parent in folders else (unfinished(data),)
    for pid in _pids():
        if any(_works_on(pid, path) for path in doomed):  # initdb or pg_ctl, still at work
            _signal(pid, signal.SIGKILL)
    end(data, mode)
    remove(folders)


if __name__ == "__main__":
    main(sys.argv[1:])
