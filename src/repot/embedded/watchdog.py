"""A small helper process that cleans up after this one, should it die without doing so itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

from repot.embedded import cleanup


class Watchdog:
    """Stops the server on `data` and removes `folders` once this process is gone.

    The end of a pipe tells it, not a signal: no signal handler is needed, and `kill -9` is noticed.
    It belongs to the process that made it, not to that process's forks.
    """

    def __init__(self, data: Path, folders: list[Path], mode: Literal["fast", "immediate"]) -> None:
        script = Path(cleanup.__file__).absolute()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", str(script)),
                *(str(os.getpid()), mode, str(data), *map(str, folders)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # no signal of the terminal reaches it
        )

    def release(self) -> None:
        """Everything is cleaned up: the helper ends."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(cleanup.LEAVE)
            self._process.stdin.close()
        self._process.wait(30)
