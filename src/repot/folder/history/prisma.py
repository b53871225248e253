"""Prisma's own table, `_prisma_migrations`."""

from __future__ import annotations

from repot.folder.history.rows import Rows
from repot.folder.history.sql import load
from repot.folder.session import home_schema
from repot.model.finding import Finding, error
from repot.postgres.connect import Connection

TABLE = "_prisma_migrations"


class Prisma(Rows):
    """In the schema into which Prisma's connection creates its tables."""

    def obstacle(self) -> Finding | None:
        """Prisma's P3005: tables without a history."""
        if self.exists():
            return None
        found = self._conn.execute(
            load("prisma_tables.sql").encode(), {"schema": self.schema}
        ).fetchall()
        names = [str(name) for (name,) in found]
        if not names:
            return None
        return error(
            "baseline-needed",
            f"the schema {self.schema} holds tables, and there is no {TABLE} that says which "
            "migrations made them",
            hint="say it once: `repot migrate resolve --applied NAME` for each migration that is "
            "in the database already (Prisma calls this a baseline)",
            count=None,
            examples=tuple(names[:3]),
            object=self.table,
        )


def prisma(conn: Connection) -> Prisma:
    """Refused `no-schema`."""
    return Prisma(conn, home_schema(conn), TABLE)
