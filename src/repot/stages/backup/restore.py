"""The test: the dump restored into a scratch database, and counted there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from repot.model.errors import RepotError
from repot.model.names import Name
from repot.model.progress import Progress
from repot.model.schemas import ALL
from repot.postgres.compose import ident
from repot.postgres.connect import Connection, connection
from repot.stages.backup.manifest import CONTENTS, DUMP
from repot.stages.backup.query import Row, rows
from repot.stages.backup.scratch import Scratch
from repot.stages.backup.tools import Access, running

# One line of `pg_restore -l`: dump id; catalog oid, object oid, then type, schema, name, owner.
_ENTRY = re.compile(r"(?P<id>\d+); (?P<catalog>\d+) (?P<oid>\d+) (?P<words>.*)")
_TRIGGER, _EXTENSION = "2620", "3079"  # pg_trigger, pg_extension
# A pg_restore newer than the scratch server sets what that does not know; nothing depends on it.
_NEWER_SETTING = re.compile(r'unrecognized configuration parameter "\w+".*\bSET \w+ = ', re.S)
_NAMED = ("ACL", "COMMENT", "SECURITY LABEL", "SEQUENCE SET")  # they have no oid, only a name


class LeftOut:
    """What of the dump is not restored: triggers that call Repot's own functions (its schemas are
    not dumped), extensions that the scratch server does not have and that nothing depends on, and
    schemas that a new database has already."""

    def __init__(
        self,
        conn: Connection,
        extensions: Sequence[Row],
        offered: Collection[str],
        schemas: Collection[str],
    ) -> None:
        absent = [e for e in extensions if e["name"] not in offered and not e["needed"]]
        members = rows(conn, "members.sql", extensions=[e["oid"] for e in absent]) if absent else []
        self._objects = {(_EXTENSION, str(e["oid"])) for e in absent}
        self._objects |= {
            (_TRIGGER, str(r["oid"])) for r in rows(conn, "triggers.sql", own=list(ALL))
        }
        self._data = {str(m["oid"]) for m in members}
        self._starts = [f"COMMENT - EXTENSION {re.escape(str(e['name']))} " for e in absent]
        self._starts += [f"SCHEMA - {re.escape(schema)} " for schema in schemas]
        for member in members:
            name, schema = re.escape(str(member["name"])), re.escape(str(member["schema"]))
            self._starts += [rf"{kind} {schema} (?:[A-Z ]+ )?{name}[ (]" for kind in _NAMED]

    def has(self, line: str) -> bool:
        """Whether the entry on this line of the table of contents stays out."""
        entry = _ENTRY.match(line)
        if entry is None:
            return False
        words = entry["words"]
        return (
            (entry["catalog"], entry["oid"]) in self._objects
            or (words.startswith("TABLE DATA ") and entry["oid"] in self._data)
            or any(re.match(start, words) for start in self._starts)
        )


def contents(
    tool: Path, folder: Path, environment: Mapping[str, str], left_out: LeftOut
) -> tuple[str, ...]:
    """Write restore.list, the table of contents without what is left out; return what is."""
    done = subprocess.run(
        [tool, "-l", folder / DUMP],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=dict(environment),
    )
    if done.returncode != 0:
        raise RepotError(
            "backup-restore",
            "pg_restore cannot read the dump that was just made",
            evidence=done.stderr.strip(),
            hint="look at the disk; then make another backup",
        )
    lines = done.stdout.splitlines()
    out = [line for line in lines if left_out.has(line)]
    kept = [f";{line}" if line in out else line for line in lines]
    (folder / CONTENTS).write_text("\n".join(kept) + "\n", encoding="utf-8")
    return tuple(entry["words"] for line in out if (entry := _ENTRY.match(line)))


def restore(
    tool: Path, folder: Path, scratch: Scratch, jobs: int, tables: int, progress: Progress
) -> None:
    """Restore what restore.list names into the scratch database.

    Raises RepotError `backup-restore` with pg_restore's first errors.
    """
    with connection(scratch.dsn) as conn:
        access = Access(scratch.dsn, conn)
    command: list[str | Path] = [tool, "-w", "-v", f"-j{jobs}", "-L", folder / CONTENTS]
    command += ["--no-tablespaces", "--no-subscriptions"]
    if not scratch.superuser:  # it could give nothing away
        command += ["--no-owner", "--no-privileges", "--no-publications"]
    command += ["-d", access.dsn, folder / DUMP]
    progress.start("restore", "Restore", tables, "tables")

    def heard(line: str) -> None:
        if "processing data for table" in line:
            progress.advance("restore", 1)

    with running(command, access.environment(tool), heard) as process:
        code = process.wait()
        errors = [e for e in process.errors() if not _NEWER_SETTING.search(e)]
        if errors or (code != 0 and not process.errors()):
            raise RepotError(
                "backup-restore",
                "the dump cannot be restored: it is no backup",
                evidence=access.masked("\n".join(errors[:5]) or process.last_words()),
                hint="the evidence is pg_restore's own message; the dump is kept, untested, in "
                f"{folder}",
            )
    progress.finish("restore")


def count(scratch: Scratch, tables: Sequence[Name], progress: Progress) -> dict[str, int]:
    """Rows per table in the scratch database; tables that are not there are not in the answer."""
    progress.start("count", "Count", len(tables), "tables")
    counted: dict[str, int] = {}
    with connection(scratch.dsn, application="repot backup") as conn:
        for table in tables:
            try:
                row = conn.execute(
                    sql.SQL("select count(*) from only {}").format(ident(table))
                ).fetchone()
            except psycopg.errors.UndefinedTable:
                continue
            assert row is not None
            counted[str(table)] = int(str(row[0]))
            progress.advance("count", 1)
    progress.finish("count", f"{sum(counted.values())} rows")
    return counted


def compare(dumped: Mapping[str, int], restored: Mapping[str, int], folder: Path) -> None:
    """Raises RepotError `backup-count` unless every table has as many rows as were dumped, and no
    table is missing."""
    wrong = list(_differences(dumped, restored))
    if wrong:
        raise RepotError(
            "backup-count",
            f"{len(wrong)} of {len(dumped)} tables do not hold in the scratch database what was "
            "dumped: it is no backup",
            evidence="\n".join(wrong[:20]),
            hint=f"the dump is kept, untested, in {folder}; make another one",
        )


def _differences(dumped: Mapping[str, int], restored: Mapping[str, int]) -> Iterator[str]:
    for table, expected in dumped.items():
        found = restored.get(table)
        if found != expected:
            back = "no table" if found is None else f"{found} rows"
            yield f"{table}: {expected} rows dumped, {back} restored"
