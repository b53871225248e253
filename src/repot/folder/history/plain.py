"""The table of folders that no other tool keeps a history for: `repot.migration`."""

from __future__ import annotations

from repot.folder.history.own import ensure_schema
from repot.folder.history.rows import Rows
from repot.postgres.connect import Connection


class Plain(Rows):
    """As Prisma's, in Repot's own schema."""

    create = "plain.sql"

    def ensure(self) -> None:
        if not self.exists():
            ensure_schema(self._conn)
            super().ensure()


def plain(conn: Connection) -> Plain:
    return Plain(conn, "repot", "migration")
