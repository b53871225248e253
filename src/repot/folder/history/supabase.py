"""Supabase's own table, `supabase_migrations.schema_migrations`."""

from __future__ import annotations

import uuid

from repot.folder.book import Page
from repot.folder.history.sql import load
from repot.model.errors import Refused
from repot.model.finding import Finding
from repot.model.folder import Entry, Migration
from repot.postgres.connect import Connection

TABLE = "supabase_migrations.schema_migrations"


class Supabase:
    """A row for each migration that was applied, and none for what was not: an attempt that failed
    is known from Repot's own notes alone. An entry's name is the file's, as far as it is known."""

    table = TABLE

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def exists(self) -> bool:
        return bool(self._columns())

    def entries(self) -> tuple[Entry, ...]:
        columns = self._columns()
        if not columns:
            return ()
        # Old tables have the version alone.
        file = "supabase_read.sql" if {"name", "statements"} <= columns else "supabase_old.sql"
        rows = self._conn.execute(load(file).encode()).fetchall()
        return tuple(
            Entry(id=v, name=f"{v}_{n}" if n else v, statements=s, steps=1)
            for v, n, s in (
                (str(v), str(n or ""), tuple(s) if isinstance(s, list) else None)
                for v, n, s in rows
            )
        )

    def obstacle(self) -> Finding | None:
        return None

    def ensure(self) -> None:
        if not {"version", "name", "statements"} <= self._columns():
            self._conn.execute(load("supabase.sql").encode())

    def begin(self, migration: Migration) -> str:
        return str(uuid.uuid4())

    def finish(self, id: str, page: Page) -> None:
        self._insert(page, "supabase_applied.sql")

    def fail(self, id: str, logs: str) -> None: ...

    def finished(self, id: str, page: Page) -> bool:
        return any(e.id == page.migration.version for e in self.entries())

    def give_up(self, id: str) -> None: ...

    def resolve_applied(self, page: Page) -> None:
        self.ensure()
        self._insert(page, "supabase_repair.sql")

    def resolve_rolled_back(self, name: str) -> None:
        version = name.split("_")[0]
        if not self.exists() or not any(e.id == version for e in self.entries()):
            raise Refused(
                "never-applied",
                f"{TABLE} has no version {version}",
                hint="there is nothing to take out; `repot migrate status` shows the history",
            )
        self._conn.execute(load("supabase_reverted.sql").encode(), {"version": version})

    def undo(self, page: Page) -> None:
        version = page.migration.version or page.name
        self._conn.execute(load("supabase_reverted.sql").encode(), {"version": version})

    def _insert(self, page: Page, file: str) -> None:
        version = page.migration.version or page.name
        self._conn.execute(
            load(file).encode(),
            {
                "version": version,
                "name": page.name.removeprefix(version).removeprefix("_"),
                "statements": [s.text for s in page.statements],
            },
        )

    def _columns(self) -> set[str]:
        rows = self._conn.execute(load("supabase_columns.sql").encode()).fetchall()
        return {str(name) for (name,) in rows}
