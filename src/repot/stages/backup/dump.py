"""The dump: every table's rows in one snapshot, counted in that snapshot."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from psycopg import IsolationLevel, sql

from repot.embedded import EmbeddedError, client_tool
from repot.model.errors import Refused, RepotError
from repot.model.finding import Severity
from repot.model.names import Name, quoted
from repot.model.progress import Progress
from repot.model.schemas import ALL
from repot.postgres.capabilities import Facts, facts, missing
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.stages.backup.manifest import DUMP, Manifest, listed
from repot.stages.backup.query import rows
from repot.stages.backup.tools import Access, Tool, best_compression, running, version_of

TRIES = 5
PAUSE_S = 0.3
# In what a worker of pg_dump says if its parent has a table's lock and somebody wants a stronger
# one: it takes its own at once or not at all, or all three would wait for each other.
_WANTED = "ACCESS EXCLUSIVE"


@dataclass(frozen=True)
class Dumped:
    manifest: Manifest
    tables: tuple[Name, ...]  # those whose rows it holds


def find_pg_dump(known: Facts) -> Path:
    """pg_dump for this server, with a pg_restore beside it.

    Raises RepotError `pg-dump-version` where there is none as new as the server.
    """
    major = known.server_version // 10000
    try:
        tool = client_tool("pg_dump", major)
    except EmbeddedError as none:
        raise RepotError(
            "pg-dump-version",
            f"no pg_dump of version {major} or later is here: an older one refuses the server",
            evidence=none.evidence,
            hint=none.hint,
        ) from none
    return tool


def allowed(conn: Connection, tables: Sequence[Name], jobs: int) -> Facts:
    """What the server is, once everything that the dump needs is there.

    Raises Refused `backup-rights` with all that is missing.
    """
    known = facts(conn)
    lacking = [
        f
        for f in missing(conn, tables, (), "backup", connections=jobs + 2)
        if f.severity is Severity.ERROR
    ]
    if lacking:
        raise Refused(
            "backup-rights",
            f"{quoted(known.role)} cannot back up this database: {len(lacking)} rights are missing",
            evidence="\n".join(f.message for f in lacking[:20]),
            hint=lacking[0].hint,
        )
    return known


def tables_of(conn: Connection, schemas: Sequence[str] | None) -> tuple[Name, ...]:
    """The tables whose rows the dump holds."""
    found = rows(conn, "tables.sql", own=list(ALL), schemas=list(schemas) if schemas else None)
    return tuple(Name(schema_=r["nspname"], name=r["relname"]) for r in found)


def dump(
    conn: Connection,
    access: Access,
    folder: Path,
    *,
    schemas: Sequence[str] | None,
    jobs: int,
    progress: Progress,
) -> Dumped:
    """Dump into `folder`/dump and say what is in it; `conn` is in autocommit and idle.

    The count and the dump share an exported snapshot: writers may go on meanwhile. Who empties a
    table just when pg_dump's workers come to it makes them give up; then it is begun again. Raises
    RepotError `backup-dump`; the folder is gone then.
    """
    before = conn.isolation_level, conn.read_only
    conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        for left in reversed(range(TRIES)):
            try:
                with conn.transaction():
                    return _dump(conn, access, folder, schemas, jobs, progress)
            except RepotError as failed:
                if not left or _WANTED not in failed.evidence:
                    raise
            progress.say("a table is being emptied or altered: the dump is begun again")
            shutil.rmtree(folder / DUMP, ignore_errors=True)
            time.sleep(PAUSE_S)
        raise AssertionError("the last try returns or raises")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        if not conn.closed:
            conn.isolation_level, conn.read_only = before


def _dump(
    conn: Connection,
    access: Access,
    folder: Path,
    schemas: Sequence[str] | None,
    jobs: int,
    progress: Progress,
) -> Dumped:
    tables = tables_of(conn, schemas)
    known = facts(conn)
    tool = find_pg_dump(known)
    words = version_of(tool)
    compression = best_compression(tool)
    at = datetime.now(UTC)
    row = conn.execute("select pg_catalog.pg_export_snapshot()").fetchone()
    assert row is not None
    snapshot = str(row[0])
    command: list[str | Path] = [tool, "-w", "-v", "-Fd", f"-j{jobs}", f"--snapshot={snapshot}"]
    command += [f"--compress={compression}", "--lock-wait-timeout=30s", "-f", folder / DUMP]
    command += [f"--exclude-schema={schema}" for schema in ALL]
    command += [f"--schema={_pattern(schema)}" for schema in schemas or ()]
    command += ["-d", access.dsn]
    progress.start("dump", "Dump", len(tables), "tables")

    wanted: list[str] = []  # workers write at the same time: what they say may begin within a line

    def heard(line: str) -> None:
        if "dumping contents of table" in line:
            progress.advance("dump", 1)
        if _WANTED in line:
            wanted.append(line.rstrip())

    with running(command, access.environment(tool), heard) as process:
        counted = dict(_counts(conn, tables, process))
        if process.wait() != 0:
            said = process.errors()[:5] or [process.last_words()]
            said += [line for line in wanted if not any(line in text for text in said)]
            raise RepotError(
                "backup-dump",
                "pg_dump failed",
                evidence=access.masked("\n".join(said)),
                hint="the evidence is pg_dump's own message; nothing of the dump was kept",
            )
    files = listed(folder)
    size = sum(f.bytes for f in files)
    progress.finish("dump", f"{sum(counted.values())} rows, {size} bytes")
    manifest = Manifest(
        at=at,
        database=known.database,
        server_version=known.server_version,
        tool=words,
        compression=compression,
        snapshot=snapshot,
        schemas=tuple(schemas) if schemas else None,
        excluded=ALL,
        roles=tuple(str(r["rolname"]) for r in rows(conn, "roles.sql")),
        rows=counted,
        files=files,
        bytes=size,
    )
    return Dumped(manifest, tables)


def _pattern(schema: str) -> str:
    """The schema as pg_dump's patterns take it literally: within quotes nothing is special."""
    return '"' + schema.replace('"', '""') + '"'


def _counts(conn: Connection, tables: Sequence[Name], process: Tool) -> Iterator[tuple[str, int]]:
    """Rows per table in the snapshot, while the dump runs; stops when that has failed."""
    for table in tables:
        if process.failed_already():
            return
        row = conn.execute(sql.SQL("select count(*) from only {}").format(ident(table))).fetchone()
        assert row is not None
        yield str(table), int(str(row[0]))
