"""A folder of ordered migrations, as another tool wrote it, and where a database stands in it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from repot.model.base import Value


class Layout(StrEnum):
    """Whose folder it is: how files are named, and which table keeps the history."""

    PRISMA = "prisma"  # <timestamp>_<name>/migration.sql, "_prisma_migrations"
    SUPABASE = "supabase"  # <timestamp>_<name>.sql, supabase_migrations.schema_migrations
    PLAIN = "plain"  # <name>.sql, repot.migration


class Script(Value):
    """An SQL file: its place below the folder, and its text as it is (a BOM is part of it)."""

    file: str
    text: str


class Migration(Value):
    """One migration. `name` is what the history calls it; `version` its digits, if it has any."""

    name: str
    version: str | None
    up: Script
    down: Script | None = None


class MigrationFolder(Value):
    """The migrations in the order in which they are to run.

    ordered_by: `names`, or the file that gives another order.
    """

    path: Path
    layout: Layout
    migrations: tuple[Migration, ...]
    ordered_by: str = "names"

    def get(self, name: str) -> Migration | None:
        """The migration of that name."""
        return next((m for m in self.migrations if m.name == name), None)


class Standing(StrEnum):
    """What the history says of a migration."""

    PENDING = "pending"
    APPLIED = "applied"
    FAILED = "failed"  # begun and neither finished nor resolved
    ROLLED_BACK = "rolled back"  # it will run again


class Entry(Value):
    """One row of a history table, whoever wrote it.

    checksum: SHA-256 of the file, hexadecimal, where the history keeps one; statements: the file's
    own, where it keeps those.
    """

    id: str
    name: str
    checksum: str | None = None
    statements: tuple[str, ...] | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    rolled_back_at: datetime | None = None
    steps: int = 0
    logs: str | None = None

    @property
    def standing(self) -> Standing:
        """By Prisma's rules: rolled back, else finished, else failed."""
        if self.rolled_back_at is not None:
            return Standing.ROLLED_BACK
        return Standing.APPLIED if self.finished_at is not None else Standing.FAILED
