"""Folders of migrations for tests, and Repot's verbs on them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from repot import migrations
from repot.folder.deploy import Deployment, Options
from repot.folder.fingerprint import fingerprint, rows_fingerprint
from repot.model.folder import Layout
from repot.postgres.connect import connect
from support.sql import rows


class Folder:
    """A folder of one tool's layout; `write` adds or changes a migration."""

    def __init__(self, root: Path, layout: Layout = Layout.PRISMA) -> None:
        below = {Layout.PRISMA: "prisma", Layout.SUPABASE: "supabase", Layout.PLAIN: "db"}
        self.layout = layout
        self.path = root / below[layout] / "migrations"
        self.path.mkdir(parents=True)
        if layout is Layout.PRISMA:
            (self.path / "migration_lock.toml").write_text('provider = "postgresql"\n')

    def write(self, name: str, text: str, *, newline: str = "\n") -> str:
        file = self._file(name)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text.replace("\n", newline).encode())
        return name

    def remove(self, name: str) -> None:
        file = self._file(name)
        file.unlink()
        if self.layout is Layout.PRISMA:
            file.parent.rmdir()

    def _file(self, name: str) -> Path:
        if self.layout is Layout.PRISMA:
            return self.path / name / "migration.sql"
        return self.path / f"{name}.sql"


def deploy(dsn: str, folder: Folder, **options: Any) -> Deployment:
    return migrations.deploy(folder.path, dsn, Options(**options))


def deployed(dsn: str, folder: Folder, **options: Any) -> tuple[str, ...]:
    """The names that were applied; all went well."""
    result = deploy(dsn, folder, **options)
    assert result.exit == 0, (result.failure, result.findings)
    return tuple(ran.name for ran in result.applied)


def states(dsn: str, folder: Folder) -> dict[str, str]:
    return {r.name: r.state.value for r in migrations.status(folder.path, dsn).rows}


def codes(result: Any) -> list[str]:
    return [f.code for f in result.findings]


def errors(result: Any) -> list[str]:
    return [f.code for f in result.findings if f.severity == "error"]


def history(dsn: str) -> list[tuple[Any, ...]]:
    """Prisma's rows in the order of their start, ids and times by kind alone."""
    return rows(
        dsn,
        """select migration_name, checksum, finished_at is not null, logs, rolled_back_at is not null,
                  applied_steps_count, id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
                  started_at <= coalesce(finished_at, started_at),
                  started_at = finished_at
             from _prisma_migrations order by started_at""",
    )


def whole(dsn: str) -> tuple[str, str]:
    """The schema and all rows, as fingerprints."""
    with connect(dsn) as conn:
        return fingerprint(conn), rows_fingerprint(conn)


def repot(
    dsn: str, folder: Folder, *words: str, **options: Any
) -> subprocess.CompletedProcess[str]:
    """The program itself, as a process."""
    command = [sys.executable, "-m", "repot.cli.main", "migrate", *words, str(folder.path)]
    return subprocess.run(
        [*command, "--database", dsn], capture_output=True, text=True, timeout=120, **options
    )
