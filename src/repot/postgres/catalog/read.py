"""Tables, read with one query per kind of object for all the schemas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from repot.model.catalog import (
    Catalog,
    Check,
    Column,
    ForeignKey,
    Index,
    Policy,
    Table,
    Trigger,
    Unique,
)
from repot.model.names import Name
from repot.postgres.connect import Connection
from repot.postgres.sql import load

Row = dict[str, Any]


def read_catalog(conn: Connection, schemas: Sequence[str]) -> Catalog:
    """The tables of the schemas, by schema and name; schemas that do not exist have none.

    `conn` has an empty search_path (`repot.postgres.connect`), so every name in the definitions is
    qualified. Outside a transaction, all of it is read in one snapshot. Tables of extensions and
    temporary tables are not among them.
    """
    with _one_snapshot(conn):
        tables = _rows(conn, "catalog_tables.sql", schemas)
        columns = _by_table(_rows(conn, "catalog_columns.sql", schemas))
        indexes = _by_table(_rows(conn, "catalog_indexes.sql", schemas))
        constraints = _by_table(_rows(conn, "catalog_constraints.sql", schemas))
        triggers = _by_table(_rows(conn, "catalog_triggers.sql", schemas))
        policies = _by_table(_rows(conn, "catalog_policies.sql", schemas))
    return Catalog(
        tables=tuple(
            _table(
                row,
                columns[row["oid"]],
                indexes[row["oid"]],
                constraints[row["oid"]],
                triggers[row["oid"]],
                policies[row["oid"]],
            )
            for row in tables
        )
    )


@contextmanager
def _one_snapshot(conn: Connection) -> Iterator[None]:
    """A REPEATABLE READ, read-only transaction, unless the caller has one of its own."""
    if conn.info.transaction_status != TransactionStatus.IDLE:
        yield
        return
    before = conn.isolation_level, conn.read_only
    conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        with conn.transaction():
            yield
    finally:
        if not conn.closed:
            conn.isolation_level, conn.read_only = before


def _rows(conn: Connection, file: str, schemas: Sequence[str]) -> list[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(load(file).encode(), {"schemas": list(schemas)})
        return cursor.fetchall()


def _by_table(rows: list[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.pop("oid")].append(row)
    return grouped


def _table(
    row: Row,
    columns: list[Row],
    indexes: list[Row],
    constraints: list[Row],
    triggers: list[Row],
    policies: list[Row],
) -> Table:
    uniques = tuple(_unique(i) for i in indexes if i["total"])
    parent = (
        Name(schema_=row["parent_schema"], name=row["parent_name"]) if row["parent_name"] else None
    )
    return Table(
        oid=row["oid"],
        name=Name(schema_=row["schema"], name=row["name"]),
        kind=row["kind"],
        owner=row["owner"],
        columns=tuple(Column(**c) for c in columns),
        primary=next((u.columns for u in uniques if u.primary), ()),
        uniques=uniques,
        foreign_keys=tuple(_foreign_key(k) for k in constraints if k["type"] == "f"),
        checks=tuple(_check(k) for k in constraints if k["type"] == "c"),
        indexes=tuple(_index(i) for i in indexes),
        # One that is being dropped has no definition any more.
        triggers=tuple(_trigger(t) for t in triggers if t.get("definition") is not None),
        policies=tuple(Policy(**p) for p in policies),
        row_security=row["row_security"],
        force_row_security=row["force_row_security"],
        replica_identity=row["replica_identity"],
        acl=tuple(row["acl"]),
        comment=row["comment"],
        estimate=row["estimate"],
        bytes=row["bytes"],
        partitions=tuple(Name(schema_=s, name=n) for s, n in row["partitions"]),
        parent=parent,
    )


def _unique(row: Row) -> Unique:
    return Unique(
        name=row["name"],
        columns=tuple(row["columns"]),
        primary=row["primary"],
        nulls_not_distinct=row["nulls_not_distinct"],
        deferrable=row["deferrable"],
        constraint=row["constraint"],
    )


def _index(row: Row) -> Index:
    return Index(**{field: row[field] for field in Index.model_fields})


def _foreign_key(row: Row) -> ForeignKey:
    return ForeignKey(
        name=row["name"],
        columns=tuple(row["columns"]),
        references=Name(schema_=row["references_schema"], name=row["references_name"]),
        referenced=tuple(row["referenced"]),
        definition=row["definition"],
        on_delete=row["on_delete"],
        deferrable=row["deferrable"],
        validated=row["validated"],
    )


def _check(row: Row) -> Check:
    return Check(**{field: row[field] for field in Check.model_fields})


def _trigger(row: Row) -> Trigger:
    return Trigger(
        name=row["name"],
        definition=row["definition"],
        function=Name(schema_=row["function_schema"], name=row["function_name"]),
        enabled=row["enabled"],
    )
