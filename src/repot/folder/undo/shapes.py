"""The tables of a database as they are at one moment of a transaction, by identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import postgast
from postgast import pg_query_pb2 as pb
from psycopg import sql
from psycopg.rows import dict_row

from repot.folder.rules import tree
from repot.folder.undo.sql import load
from repot.model.names import Name
from repot.postgres.compose import trusted
from repot.postgres.connect import Connection

# What may differ from one evaluation to the next; casts of constants are not among them.
_LIVELY = (pb.FuncCall, pb.SQLValueFunction, pb.ColumnRef, pb.SubLink)


@dataclass(frozen=True)
class Column:
    """num: what stays the same when it is renamed; builtin: its type cannot be dropped."""

    num: int
    name: str
    type: str
    builtin: bool
    generated: bool
    identity: bool
    default: str | None

    @property
    def kept_type(self) -> sql.SQL:
        """How its values are kept: as they are, or as text where a script could take the type."""
        return trusted(self.type if self.builtin else "text")

    @property
    def fresh(self) -> str | None:
        """The expression that gives what the column would hold if it were added anew; None where
        that is another value for each row or each time."""
        if self.identity:
            return None
        if self.default is None:
            return "null"
        return self.default if constant(self.default) else None


@dataclass(frozen=True)
class Reference:
    """A foreign key: to the table with the oid `parent`."""

    name: str
    parent: int
    owns: bool
    columns: tuple[int, ...]
    referenced: tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """keys: the columns of each key that names one row; members: oids of the tables that hold the
    rows; files: their files on disk; changed: rows updated or deleted by this transaction."""

    oid: int
    name: Name
    kind: str
    members: tuple[int, ...]
    files: tuple[int, ...]
    changed: int
    foreign: bool
    columns: tuple[Column, ...]
    keys: tuple[tuple[int, ...], ...]
    references: tuple[Reference, ...]

    def column(self, num: int) -> Column | None:
        return next((c for c in self.columns if c.num == num), None)

    def named(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)

    @property
    def rows(self) -> sql.Composed:
        """What follows FROM: the table's own rows, and those of its partitions."""
        only = sql.SQL("only " if self.kind == "r" else "")
        return only + sql.Identifier(self.name.schema_, self.name.name)


def constant(expression: str) -> bool:
    """Whether an expression that the server printed is a constant, whatever the time or row."""
    try:
        parsed = postgast.parse(f"select {expression}")  # only parsed, never run
    except postgast.PgQueryError:
        return False
    return not any(isinstance(node, _LIVELY) for node in tree.below(parsed.stmts[0]))


def read_shapes(conn: Connection) -> dict[int, Shape]:
    """All tables by oid, as this transaction sees them."""
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(load("shapes.sql").encode())
        return {row["oid"]: _shape(row) for row in cursor.fetchall()}


def _shape(row: dict[str, Any]) -> Shape:
    return Shape(
        oid=row["oid"],
        name=Name(schema_=row["schema"], name=row["name"]),
        kind=row["kind"],
        members=tuple(row["members"]),
        files=tuple(row["files"]),
        changed=row["changed"],
        foreign=row["foreign"],
        columns=tuple(Column(**c) for c in row["columns"]),
        keys=tuple(tuple(k) for k in row["keys"]),
        references=tuple(
            Reference(
                r["name"], r["parent"], r["owns"], tuple(r["columns"]), tuple(r["referenced"])
            )
            for r in row["references"]
        ),
    )
