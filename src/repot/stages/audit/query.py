"""What the audit's parts share: its fixed queries, and what they know of V1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from repot.model.catalog import Catalog, Column, Table
from repot.model.names import quoted
from repot.postgres.compose import ident
from repot.postgres.connect import Connection

Row = dict[str, Any]

# Columns whose values are never shown, whatever is wrong with them: secrets and personal data.
_PRIVATE = re.compile(
    r"(^|_)(pass(word|wd|code)?s?|pwd|secrets?|tokens?|key|api_key|hash|salt|jwt|otp|pin|session|cookie"
    r"|e_?mails?|mail|courriel|phone|telephone|tel|mobile|first_?name|last_?name|full_?name|user_?name"
    r"|surname|prenom|nom|address|adresse|street|zip|ip|iban|bic|card|ssn|siret|birth\w*|gender)(_|$)"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class Scope:
    """V1 within one snapshot. `parents` has the outside schemas' tables too."""

    conn: Connection
    schemas: tuple[str, ...]
    catalog: Catalog
    parents: Catalog
    server_version: int
    text_columns: frozenset[tuple[int, str]]  # table oid, column: of a type of the string category
    samples: Mapping[int, float] = field(default_factory=dict)  # table oid: per cent of its pages

    def is_text(self, table: Table, column: Column) -> bool:
        return (table.oid, column.name) in self.text_columns

    def rows_of(self, table: Table, alias: str = "t") -> sql.Composed:
        """What to write after FROM: the table's own rows, or a sample of its pages.

        REPEATABLE: the same pages every time, so that all probes look at the same rows.
        """
        own = sql.SQL("only {} as {}") if table.kind == "r" else sql.SQL("{} as {}")
        percent = self.samples.get(table.oid)
        source = own.format(ident(table.name), sql.Identifier(alias))
        if percent is None:
            return source
        return source + sql.SQL(" tablesample system ({}) repeatable (1)").format(
            sql.Literal(percent)
        )


@cache
def fixed(file: str) -> bytes:
    """The text of a file in sql/."""
    return (files("repot.stages.audit") / "sql" / file).read_bytes()


def rows(conn: Connection, file: str, schemas: tuple[str, ...]) -> list[Row]:
    """The rows of a fixed query over these schemas."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(fixed(file), {"schemas": list(schemas)}).fetchall()


def words(identifier: str) -> list[str]:
    """The words of snake_case, camelCase or spaced names, in lower case."""
    return [w for w in re.split(r"[^0-9a-zÀ-ɏ]+", _CAMEL.sub("_", identifier).lower()) if w]


def is_private(column: str) -> bool:
    """Whether the column, by its name, holds secrets or personal data."""
    return bool(_PRIVATE.search("_".join(words(column))))


def shown(table: Table, column: str) -> str:
    """table.column, for people."""
    return f"{table.name}.{quoted(column)}"


def text_of(column: str) -> sql.Composed:
    """A column as text that compares byte by byte, whatever its type and collation."""
    return sql.SQL('({}::text collate "C")').format(sql.Identifier(column))
