"""A history that keeps a row for each attempt, as Prisma's does."""

from __future__ import annotations

import uuid

from psycopg import Cursor, sql

from repot.folder.book import Page
from repot.folder.history.checksum import checksum
from repot.folder.history.sql import load
from repot.model.errors import Refused
from repot.model.finding import Finding
from repot.model.folder import Entry, Migration
from repot.postgres.compose import trusted
from repot.postgres.connect import Connection

_Cursor = Cursor[tuple[object, ...]]
_FIELDS = ("id", "name", "checksum", "started_at", "finished_at", "rolled_back_at", "steps", "logs")


class Rows:
    """The eight columns of Prisma's table; `Prisma` and `plain` say where the table is."""

    create = "rows.sql"  # the file that creates the table

    def __init__(self, conn: Connection, schema: str, name: str) -> None:
        self._conn, self.schema, self._name = conn, schema, name

    @property
    def table(self) -> str:
        return sql.Identifier(self.schema, self._name).as_string(None)

    def exists(self) -> bool:
        row = self._conn.execute(
            "select pg_catalog.to_regclass(%s) is not null", (self.table,)
        ).fetchone()
        return bool(row and row[0])

    def entries(self) -> tuple[Entry, ...]:
        if not self.exists():
            return ()
        rows = self._run("rows_read.sql").fetchall()
        return tuple(Entry.model_validate(dict(zip(_FIELDS, r, strict=True))) for r in rows)

    def obstacle(self) -> Finding | None:
        return None

    def ensure(self) -> None:
        if not self.exists():
            self._run(self.create)

    def begin(self, migration: Migration) -> str:
        id = str(uuid.uuid4())
        self._run(
            "rows_begin.sql",
            {"id": id, "checksum": checksum(migration.up.text), "name": migration.name},
        )
        return id

    def finish(self, id: str, page: Page) -> None:
        self._run("rows_finish.sql", {"id": id})

    def fail(self, id: str, logs: str) -> None:
        self._run("rows_fail.sql", {"id": id, "logs": logs})

    def finished(self, id: str, page: Page) -> bool:
        return any(e.id == id and e.finished_at is not None for e in self.entries())

    def give_up(self, id: str) -> None:
        self._run("rows_give_up.sql", {"ids": [id]})

    def resolve_applied(self, page: Page) -> None:
        same = [e for e in self.entries() if e.name == page.name]
        if any(e.finished_at is not None for e in same):
            raise Refused(
                "already-applied",
                f"{page.name} is in {self.table} as applied already",
                hint="there is nothing to resolve; `repot migrate status` shows the history",
            )
        self._run("rows_give_up.sql", {"ids": [e.id for e in same if _open(e)]})
        self._run(
            "rows_applied.sql",
            {
                "id": str(uuid.uuid4()),
                "checksum": checksum(page.migration.up.text),
                "name": page.name,
            },
        )

    def resolve_rolled_back(self, name: str) -> None:
        same = [e for e in self.entries() if e.name == name]
        if not same:
            raise Refused(
                "never-applied",
                f"{name} was never begun in this database",
                hint="give the whole name, as `repot migrate status` prints it",
            )
        if all(e.finished_at is not None for e in same):
            raise Refused(
                "not-failed",
                f"{name} is not in a failed state: it was applied",
                hint="only what failed can be marked as rolled back; "
                "`repot migrate rollback` undoes what was applied",
            )
        self._run("rows_give_up.sql", {"ids": [e.id for e in same if _open(e)]})

    def undo(self, page: Page) -> None:
        same = [e.id for e in self.entries() if e.name == page.name and e.rolled_back_at is None]
        self._run("rows_give_up.sql", {"ids": same})

    def _run(self, file: str, params: dict[str, object] | None = None) -> _Cursor:
        text = trusted(load(file)).format(
            table=sql.Identifier(self.schema, self._name), schema=sql.Identifier(self.schema)
        )
        return self._conn.execute(text, params)


def _open(entry: Entry) -> bool:
    return entry.finished_at is None and entry.rolled_back_at is None
