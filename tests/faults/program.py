"""The program as a process of its own, which dies, or waits, at a certain statement.

It is forked from a process that has imported Repot already: starting Python anew each time would
take most of the tests' time. What runs in it is the console script's function, words and all. Repot
knows nothing of the stops: the process looks, itself, at what passes through the driver.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.watching import PATIENCE_S, Stop, Watcher, watch
from repot.cli.main import VERBS

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(
    [*(f"repot.cli.{verb}" for verb in VERBS), "psycopg", "faults.watching", "faults.load"]
)

NEVER = "it never came there"


@dataclass
class Program:
    """One call of the program with --json. Ends by itself, at the stop, or with `end_all`."""

    words: tuple[str, ...]
    dsn: str = field(repr=False)
    folder: Path
    stop: Stop | None = None
    without: Callable[[], None] | None = None  # takes a protection out, in that process

    def __post_init__(self) -> None:
        handle, self._out = tempfile.mkstemp(prefix="program-", dir=self.folder.parent)
        os.close(handle)
        argv = [*self.words, "--json", "--project", str(self.folder), "--database", self.dsn]
        self._process = forks.Process(
            target=_call, args=(argv, self._out, self.stop, self.without), daemon=True
        )
        self._process.start()
        _made.append(self)

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL, wherever it is; fine if it has ended."""
        self._process.kill()
        self._process.join()

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def clear(self) -> None:
        """Nothing is left of it."""
        self.kill()
        self._said()

    def died(self) -> bool:
        """Wait for its end; whether it was killed at its stop. Else it never came there."""
        self._process.join(PATIENCE_S)
        code, (out, err) = self._process.exitcode, self._said()
        if code is None:
            self._process.kill()
        assert code is not None, f"{self.words} hangs: {err}"
        assert code == -signal.SIGKILL or code == 0, (self.words, code, out, err)
        return code == -signal.SIGKILL

    def end(self) -> tuple[int, dict[str, Any]]:
        """Wait for its end: its exit code and its document."""
        self._process.join(PATIENCE_S)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
        out, err = self._said()
        assert code is not None, f"{self.words} hangs: {err}"
        assert out.startswith("{"), (self.words, code, out, err)
        return code, json.loads(out)

    def wait_until_held(self) -> None:
        """Wait until it waits at its stop. Fails if it never comes there."""
        assert self.stop is not None
        assert self.stop.hold is not None
        until = time.monotonic() + PATIENCE_S
        while not self.stop.hold.exists():
            assert self.running, f"{NEVER}: {self._said()}"
            assert time.monotonic() < until, f"{self.words} hangs"
            time.sleep(0.005)

    def _said(self) -> tuple[str, str]:
        files = Path(self._out), Path(f"{self._out}.err")
        out, err = (f.read_text(encoding="utf-8") if f.exists() else "" for f in files)
        for file in files:
            file.unlink(missing_ok=True)
        return out, err


def done(dsn: str, folder: Path, *words: str) -> dict[str, Any]:
    """Call the program until it is done: the server may still be at work for a client that was
    killed, and then the program says that the run is busy."""
    until = time.monotonic() + 30
    while True:
        code, document = Program(words, dsn, folder).end()
        busy = code == 3 and document["error"]["code"] in ("run-busy", "follow-busy")
        if not busy or time.monotonic() > until:
            assert code == 0, (words, code, document)
            return document
        time.sleep(0.05)


_made: list[Program] = []


def end_all() -> None:
    """No program that was started is left, nor its files."""
    while _made:
        _made.pop().clear()


def end_with_parent() -> None:
    """This process ends when the tests' process does, however that ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _call(argv: list[str], out: str, stop: Stop | None, without: Callable[[], None] | None) -> None:
    from repot.cli.main import main

    end_with_parent()
    for number, file in ((1, out), (2, f"{out}.err")):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if without is not None:
        without()
    if stop is not None:
        watch(Watcher(stop))
    main(argv)
