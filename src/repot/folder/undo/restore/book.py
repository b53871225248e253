"""The notes of the archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import dict_row

from repot.folder.undo.archive import SCHEMA
from repot.folder.undo.sql import load
from repot.model.names import Name, quoted
from repot.model.undo import LossKind
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Note:
    """One table of the archive. columns: the names that the lost table's had; generated: those that
    hold nothing of their own; key: the columns that name a row."""

    id: int
    rollback: int
    at: datetime
    who: str
    what: str
    layout: str
    migration: str
    name: Name
    kind: LossKind
    why: str
    archive: str
    columns: tuple[str, ...]
    generated: frozenset[str]
    key: tuple[str, ...]
    n: str
    marks: str | None
    afters: str | None
    count: int
    rows: int
    restored: int

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier(SCHEMA, self.archive)

    @property
    def shown(self) -> str:
        name = self.name
        return quoted(name.name) if name.schema_ == "public" else str(name)

    @property
    def own(self) -> tuple[str, ...]:
        """The columns to bring back; of single values without the key."""
        found = (c for c in self.columns if c not in self.generated)
        return tuple(c for c in found if self.kind is LossKind.ROWS or c not in self.key)


def notes(conn: Connection, rollback: int | None) -> list[Note]:
    """Of one rollback, or all; oldest first. None where there is no archive."""
    row = conn.execute("select pg_catalog.to_regclass('repot_archive.kept') is not null").fetchone()
    if row is None or not row[0]:
        return []
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(load("kept.sql").encode(), {"rollback": rollback})
        found = []
        for r in cursor.fetchall():
            columns = r.pop("columns")
            name = Name(schema_=r.pop("schema"), name=r.pop("name"))
            found.append(
                Note(
                    **{
                        **r,
                        "name": name,
                        "kind": LossKind(r["kind"]),
                        "key": tuple(r["key"]),
                        "columns": tuple(c["name"] for c in columns),
                        "generated": frozenset(c["name"] for c in columns if c["generated"]),
                    }
                )
            )
        return found


def in_order(found: list[Note]) -> list[list[Note]]:
    """By migration, the one that was undone last (the oldest) first: what was lost later goes back
    before what was lost of it earlier."""
    by: dict[str, list[Note]] = {}
    for note in found:
        by.setdefault(note.migration, []).append(note)
    return list(by.values())[::-1]
