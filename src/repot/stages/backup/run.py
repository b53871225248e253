"""The backup, from the first question to the count that makes it one."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from psycopg import sql

from repot.embedded import client_tool
from repot.model.errors import RepotError
from repot.model.progress import Progress, Silent
from repot.model.results import TestedBackup
from repot.postgres.connect import Connection, connection
from repot.stages.backup import manifest as manifests
from repot.stages.backup.dump import allowed, dump, find_pg_dump, tables_of
from repot.stages.backup.manifest import Tested
from repot.stages.backup.query import Row, rows
from repot.stages.backup.restore import LeftOut, compare, contents, count, restore
from repot.stages.backup.scratch import Needs, Scratch
from repot.stages.backup.scratch import scratch as scratch_database
from repot.stages.backup.tools import Access, version_of


def backup(
    dsn: str,
    folder: Path,
    *,
    schemas: Sequence[str] | None = None,
    jobs: int = 2,
    progress: Progress = Silent(),  # noqa: B008 (it has no state)
    scratch: str = "embedded",
) -> TestedBackup:
    """Dump the database (or some schemas) into a new folder below `folder`, restore it, count it.

    Everything is dumped but Repot's own schemas. jobs: tables at once. scratch: where it is
    restored for the test: `embedded`, a private server (or, where none can take the database,
    `same`); `same`, a new database on the same server; else the connection string of another one.

    Only a backup whose every table came back with as many rows as the dump's snapshot had is
    returned. Raises RepotError with the evidence otherwise: `backup-dump`, `backup-restore`,
    `backup-count`, `backup-no-scratch`, `backup-disk`, `backup-empty`, `pg-dump-version`, and
    Refused `backup-rights` before anything is written.
    """
    began = time.monotonic()
    with connection(dsn, application="repot backup") as conn:
        tables = tables_of(conn, schemas)
        known = allowed(conn, tables, jobs)
        if not tables:
            raise RepotError(
                "backup-empty",
                "there are no tables to back up",
                hint="check the address of the database, and the schemas",
            )
        pg_dump = find_pg_dump(known)
        major = _major(version_of(pg_dump))
        pg_restore = client_tool("pg_restore", major)
        extensions = rows(conn, "extensions.sql")
        needs = _needs(conn, extensions, max(major, known.server_version // 10000))
        roles = [str(r["rolname"]) for r in rows(conn, "roles.sql")]
        with scratch_database(scratch, dsn, needs, roles, progress) as place:
            access = Access(dsn, conn)
            path = _new_folder(folder)
            done = dump(conn, access, path, schemas=schemas, jobs=jobs, progress=progress)
            made = done.manifest
            manifests.write(path, made)
            present = _prepare(place, extensions) if schemas else ()
            out = LeftOut(conn, extensions, place.extensions, present)
            omitted = contents(pg_restore, path, access.environment(pg_restore), out)
            made = made.model_copy(update={"left_out": omitted})
            restore(pg_restore, path, place, jobs, len(done.tables), progress)
            restored = count(place, done.tables, progress)
            compare(made.rows, restored, path)
            tested = Tested(
                at=datetime.now(UTC),
                where=place.where,
                server_version=place.server_version,
                rows=restored,
            )
            manifests.write(path, made.model_copy(update={"tested": tested}))
    return TestedBackup(
        path=str(path),
        at=made.at,
        bytes=made.bytes,
        rows=made.rows,
        restored=restored,
        server_version=made.server_version,
        ms=round((time.monotonic() - began) * 1000),
    )


def _needs(conn: Connection, extensions: Sequence[Row], major: int) -> Needs:
    """major: the least version of the scratch server; an older one may not take pg_dump's words."""
    (server,) = rows(conn, "server.sql")
    return Needs(
        major=major,
        extensions=frozenset(str(e["name"]) for e in extensions if e["needed"]),
        icu=server["icu"],
        bytes=server["bytes"],
        encoding=server["encoding"],
        collate=server["datcollate"],
        ctype=server["datctype"],
        may_create_database=server["may_create_database"],
    )


def _major(words: str) -> int:
    """18 of `pg_dump (PostgreSQL) 18.6 (Debian …)`."""
    found = re.search(r"\) (\d+)", words)
    assert found is not None, words
    return int(found[1])


def _new_folder(parent: Path) -> Path:
    """A folder of its own for this backup, closed to others: it holds everybody's data."""
    parent = parent.absolute()
    parent.mkdir(parents=True, exist_ok=True)
    stem = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for name in (stem, *(f"{stem}-{n}" for n in range(2, 100))):
        try:
            (parent / name).mkdir(mode=0o700)
        except FileExistsError:
            continue
        return parent / name
    raise RepotError(
        "backup-folder",
        f"{parent} takes no new folder",
        hint="give another folder",
    )


def _prepare(place: Scratch, extensions: Sequence[Row]) -> tuple[str, ...]:
    """A dump of some schemas brings no extensions: make those that something depends on.

    Returns the schemas that are there then, before the restore.
    """
    with connection(place.dsn) as conn:
        for extension in extensions:
            if extension["name"] in place.extensions and extension["needed"]:
                conn.execute(
                    sql.SQL("create schema if not exists {}").format(
                        sql.Identifier(extension["schema"])
                    )
                )
                conn.execute(
                    sql.SQL("create extension if not exists {} schema {} cascade").format(
                        sql.Identifier(extension["name"]), sql.Identifier(extension["schema"])
                    )
                )
    return ("public", *sorted({str(e["schema"]) for e in extensions if e["needed"]} - {"public"}))
