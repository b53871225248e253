"""What a snapshot sees and no log tells in it: kept beside the database, for whoever needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import IO

from psycopg import sql

from repot.engine.capture import Captured
from repot.model.names import Name
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection

_IN_MEMORY = 8 << 20  # bytes


def _file() -> IO[bytes]:
    return SpooledTemporaryFile(_IN_MEMORY)


@dataclass
class Part:
    """The changes of one table, as lines for COPY (op, c1 … cn, at)."""

    rows: int = 0
    truncated: bool = False
    oldest: datetime | None = None
    lines: IO[bytes] = field(default_factory=_file)


class Unread:
    """Changes by captured table; may be used by several connections at once."""

    def __init__(self) -> None:
        self._parts: dict[int, Part] = {}
        self._lock = Lock()

    def add(
        self, captured: Captured, lines: bytes, rows: int, *, truncated: bool, oldest: datetime
    ) -> None:
        """Lines of one table."""
        part = self._parts.setdefault(captured.id, Part())
        part.lines.write(lines)
        part.rows += rows
        part.truncated = part.truncated or truncated
        part.oldest = min(part.oldest or oldest, oldest)

    def of(self, captured: Captured) -> Part | None:
        """What there is of this table."""
        return self._parts.get(captured.id)

    def copy_into(self, conn: Connection, captured: Captured, table: Name) -> None:
        """Put it into a table with the columns op, c1 … cn and at."""
        statement = sql.SQL("copy {} (op, {}, at) from stdin").format(
            ident(table), idents(captured.fields)
        )
        lines = self._parts[captured.id].lines
        with self._lock, conn.cursor() as cursor, cursor.copy(statement) as into:
            lines.seek(0)
            while block := lines.read(1 << 16):
                into.write(block)
