"""What V2 should hold, asked of PostgreSQL without Repot: each move's text beside its table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from property.model import Generated, Move

Rows = Counter[str]
Texts = dict[tuple[str | None, ...], dict[str, str | None]]


@dataclass
class Compared:
    """rows: by move, what was compared. wrong: sentences, with the rows."""

    rows: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def compare(conn: psycopg.Connection, project: Generated, v1: str, v2: str) -> Compared:
    """Every move's SELECT over V1 in the schema `v1`, and its table in the schema `v2`: the same
    multisets of rows, written as text, in one snapshot."""
    done = Compared()
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        find_in(conn, v1, project.layout.source)
        for move in project.moves:
            wanted = _rows(conn, sql.SQL(move.text), move)
            table = sql.Identifier(v2, move.name)
            found = _rows(conn, sql.SQL("select * from {}").format(table), move)
            done.rows[move.name] += wanted.total() + found.total()
            lacking, more = wanted - found, found - wanted
            for words, rows in (("lacks", lacking), ("has too much", more)):
                if rows:
                    some = ", ".join(repr(r) for r in list(rows.elements())[:4])
                    done.wrong.append(f"{move.name} {words} {rows.total()}: {some}")
    return done


def find_in(conn: psycopg.Connection, *schemas: str) -> None:
    """Bare names are V1's, then the registries', until the transaction ends."""
    path = [*dict.fromkeys([schemas[0], "repot_registry", *schemas[1:]])]
    conn.execute(
        sql.SQL("set local search_path = {}").format(sql.SQL(", ").join(map(sql.Identifier, path)))
    )


def _rows(conn: psycopg.Connection, source: sql.Composable, move: Move) -> Rows:
    """A row as the text of each of its columns: 1.0 is not 1.00, and NULL is not ''."""
    columns = sql.SQL(", ").join(
        sql.SQL("m.{}::{}").format(sql.Identifier(o.name), sql.SQL(o.type)) for o in move.outputs
    )
    query = sql.SQL("select row({})::text from ({}\n) m").format(columns, source)
    return Counter(str(row[0]) for row in conn.execute(query).fetchall())


def texts(
    conn: psycopg.Connection, schema: str, table: str, columns: list[str], key: tuple[str, ...]
) -> Texts:
    """A table's rows by key, each value as its text."""
    listed = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(c)) for c in columns)
    query = sql.SQL("select {} from {}").format(listed, sql.Identifier(schema, table))
    found: Texts = {}
    for values in conn.execute(query).fetchall():
        row = dict(zip(columns, values, strict=True))
        found[tuple(row[c] for c in key)] = row
    return found
