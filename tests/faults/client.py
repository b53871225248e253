"""The program as a process of its own, which can be killed at any moment.

It is forked from a process that has imported Repot already: starting Python anew each time would
take most of the test's time. What runs in it is the console script's function, words and all.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["repot.cli.main", "psycopg", "tempfile"])

PATIENCE_S = 100.0  # longer than the program waits for a server that is away


@dataclass
class Client:
    """One call of the program with --json. Ends by itself, or by `kill`."""

    words: tuple[str, ...]
    dsn: str = field(repr=False)
    folder: Path

    def __post_init__(self) -> None:
        handle, self._out = tempfile.mkstemp(prefix="client-")
        os.close(handle)
        argv = [*self.words, "--json", "--project", str(self.folder), "--database", self.dsn]
        self.started = time.monotonic()
        self._process = _forks.Process(target=_call, args=(argv, self._out), daemon=True)
        self._process.start()

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> bool:
        """SIGKILL; whether it hit a living process."""
        self._process.kill()
        self._process.join(PATIENCE_S)
        self._said()
        return self._process.exitcode == -signal.SIGKILL

    def end(self) -> tuple[int, dict[str, Any]]:
        """Wait for its end: its exit code and its document."""
        self._process.join(PATIENCE_S)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
        out, err = self._said()
        assert code is not None, f"{self.words} hangs: {err}"
        assert out.startswith("{"), (code, out, err)
        return code, json.loads(out)

    def _said(self) -> tuple[str, str]:
        files = Path(self._out), Path(f"{self._out}.err")
        out, err = (f.read_text(encoding="utf-8") if f.exists() else "" for f in files)
        for file in files:
            file.unlink(missing_ok=True)
        return out, err


def call(dsn: str, folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Call the program and wait for its end."""
    return Client(words, dsn, folder).end()


def done(dsn: str, folder: Path, *words: str) -> dict[str, Any]:
    """The same; it must succeed, perhaps not at once: the server may still be at work for a client
    that was killed, and then the program says that the run is busy."""
    until = time.monotonic() + 30
    while True:
        code, document = call(dsn, folder, *words)
        busy = code == 3 and document["error"]["code"] == "run-busy"
        if not busy or time.monotonic() > until:
            assert code == 0, (words, code, document)
            return document
        time.sleep(0.05)


def _call(argv: list[str], out: str) -> None:
    from repot.cli.main import main

    for number, file in ((1, out), (2, f"{out}.err")):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    main(argv)
