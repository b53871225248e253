"""Tasks that are programs."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import IO

from repot.model.upkeep import Outcome, Task, Work
from repot.postgres.connect import without_password

_SHOWN = 4_000  # characters of the output's end that are kept
_GRACE = 5.0  # seconds between asking a program to end and killing it


def run_command(task: Task, work: Work) -> Outcome:
    """Run the program in the project's folder, with the database in DATABASE_URL; exit code 0 is
    success. It and its children are ended when its time is over."""
    environment = {**os.environ, **({"DATABASE_URL": work.dsn} if work.dsn else {})}
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                task.command,
                cwd=work.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the daemon, which lets the task finish
            )
        except OSError as failed:
            return Outcome(ok=False, summary=f"{task.command[0]} cannot be run: {failed.strerror}")
        try:
            code = process.wait(work.timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            said = f"ended after its timeout of {work.timeout:g} s"
            return Outcome(ok=False, summary=said, figures=_figures(None, output, work.dsn))
        except BaseException:
            _end(process)
            raise
        figures = _figures(code, output, work.dsn)
    lines = str(figures["output"]).strip().splitlines()
    said = f"exit code {code}" + (f": {lines[-1][:200]}" if lines else "")
    return Outcome(ok=code == 0, summary=said, figures=figures)


def _figures(code: int | None, output: IO[bytes], dsn: str) -> dict[str, object]:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - 4 * _SHOWN))
    text = output.read().decode("utf-8", errors="replace")[-_SHOWN:]
    # The database takes no NUL, and secrets are not for the history.
    return {"exit_code": code, "output": without_password(text, dsn).replace("\0", "")}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program's whole group, politely at first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
            if number is signal.SIGTERM:
                continue  # its children may be there still
            return
