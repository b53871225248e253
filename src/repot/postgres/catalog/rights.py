"""The server, this role, and its rights on tables, as the catalogs tell them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.rows import dict_row

from repot.model.base import Value
from repot.model.names import Name
from repot.postgres.connect import Connection
from repot.postgres.sql import load

Row = dict[str, Any]


class Facts(Value):
    """The server and this role, in one row."""

    server_version: int  # server_version_num
    standby: bool
    wal_level: str
    role: str
    database: str
    superuser: bool
    bypass_rls: bool
    create_schema: bool
    temporary: bool
    database_owner: bool
    event_triggers: (
        bool  # may create event triggers (superusers, and providers' stand-ins for them)
    )
    free_connections: int


def facts(conn: Connection) -> Facts:
    """What the server is and what this role may do in this database."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(load("catalog_role.sql").encode()).fetchone()
    return Facts.model_validate(row)


def read_rights(conn: Connection, tables: Sequence[Name]) -> list[Row]:
    """One row per table, in their order: the columns of sql/catalog_rights.sql."""
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(load("catalog_rights.sql").encode(), name_arrays(tables))
        return cursor.fetchall()


def name_arrays(tables: Sequence[Name]) -> dict[str, list[str]]:
    """The names as the two parallel arrays that the queries take."""
    return {"schemas": [t.schema_ for t in tables], "names": [t.name for t in tables]}
