"""Which history belongs to a folder."""

from __future__ import annotations

from repot.folder.history.base import History
from repot.folder.history.plain import plain
from repot.folder.history.prisma import prisma
from repot.folder.history.supabase import Supabase
from repot.model.folder import Layout, MigrationFolder
from repot.postgres.connect import Connection


def open_history(conn: Connection, folder: MigrationFolder) -> History:
    """The history of the folder's own tool, in the database of `conn`; creates nothing.

    Refused `no-schema` (see `home_schema`).
    """
    match folder.layout:
        case Layout.PRISMA:
            return prisma(conn)
        case Layout.SUPABASE:
            return Supabase(conn)
        case Layout.PLAIN:
            return plain(conn)
