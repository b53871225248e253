"""pg_dump and pg_restore: found, given their connection without a password in sight, watched."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from repot.embedded import tool_environment
from repot.model.errors import RepotError, UsageError
from repot.postgres.connect import Connection, without_password

_ERROR = re.compile(r"pg_\w+: (error|fatal|hint|detail): ")
_OTHER = re.compile(r"pg_\w+: ")  # a new message; the lines of one go on without this


class Access:
    """How a client program reaches the server that `conn` is connected to.

    `dsn` goes on the command line and holds no secret; the password goes by PGPASSWORD.
    """

    def __init__(self, dsn: str, conn: Connection) -> None:
        words = {k: v for k, v in conninfo_to_dict(dsn).items() if v is not None}
        if "sslpassword" in words:
            raise UsageError(
                "connection-string",
                "pg_dump cannot be given an sslpassword out of sight",
                hint="use a client key without a passphrase (sslkey), readable by you alone",
            )
        password = words.pop("password", None)
        if conn.info.host and "," in str(words.get("host", os.environ.get("PGHOST", ""))):
            # several hosts: the snapshot exists on the one that answered
            words |= {"host": conn.info.host, "port": str(conn.info.port)}
        words["application_name"] = "repot backup"
        self.dsn = make_conninfo("", **words)
        self._secret = {"PGPASSWORD": str(password)} if password else {}
        self._whole = dsn

    def environment(self, tool: Path) -> dict[str, str]:
        """The tool's libraries and language, the user's own PG* variables, and the password."""
        own = {k: v for k, v in os.environ.items() if k.startswith("PG")}
        return tool_environment(tool) | own | self._secret

    def masked(self, text: str) -> str:
        """`text` without the password."""
        return without_password(text, self._whole)


class Tool:
    """A running client program, whose messages are read as they come."""

    def __init__(self, process: subprocess.Popen[str], heard: Callable[[str], None]) -> None:
        self._process = process
        self._last: deque[str] = deque(maxlen=5)
        self._errors: list[list[str]] = []
        self._reader = threading.Thread(target=self._read, args=(heard,), daemon=True)
        self._reader.start()

    def _read(self, heard: Callable[[str], None]) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._last.append(line.rstrip())
            if _ERROR.match(line):
                self._errors.append([])
            if self._errors and (_ERROR.match(line) or not _OTHER.match(line)):
                self._errors[-1].append(line.rstrip()[:500])
            heard(line)

    def failed_already(self) -> bool:
        """Whether it has ended with an error."""
        return self._process.poll() not in (None, 0)

    def wait(self) -> int:
        """Its exit code, once it has ended and all its messages are read."""
        code = self._process.wait()
        self._reader.join()
        return code

    def errors(self) -> list[str]:
        """Its errors, each with the first lines that belong to it."""
        return ["\n".join(error[:4]) for error in self._errors]

    def last_words(self) -> str:
        """Whatever it said last."""
        return "\n".join(self._last)


@contextmanager
def running(
    command: Sequence[str | Path], environment: Mapping[str, str], heard: Callable[[str], None]
) -> Iterator[Tool]:
    """Start a program; on every way out it has ended."""
    process = subprocess.Popen(
        [*map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=dict(environment),
    )
    tool = Tool(process, heard)
    try:
        yield tool
    finally:
        if process.poll() is None:
            process.terminate()  # its workers end with it: they lose their pipe
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def version_of(tool: Path) -> str:
    """What the program says it is: `pg_dump (PostgreSQL) 18.6`. Raises RepotError `backup-tool`."""
    done = _asked(tool, "--version")
    if done.returncode != 0:
        raise RepotError(
            "backup-tool",
            f"{tool} does not run",
            evidence=done.stderr.strip(),
            hint="install PostgreSQL's client programs, or set REPOT_PG_BIN to their folder",
        )
    return done.stdout.strip()


def best_compression(pg_dump: Path) -> str:
    """The fastest compression that this build of pg_dump has, for its option --compress.

    gzip at its default level takes several times as long as the reading. Which methods there are
    shows in what pg_dump refuses before it looks at anything else; version 15 and older know gzip's
    levels only.
    """
    for method in ("zstd:1", "lz4:1", "gzip:1"):
        done = _asked(pg_dump, "-w", "-Fd", f"--compress={method}", "-f", "/dev/null/no")
        if not re.search(r"compress", done.stderr):
            return method
    return "1"


def _asked(tool: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool, *words],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=tool_environment(tool) | {"PGHOST": "/dev/null"},
    )
