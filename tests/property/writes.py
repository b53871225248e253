"""Random statements on V1: everything that an application may do to its tables."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from property.model import Column, Foreign, Table
from property.sessions import Source, Statement


def rows_of(table: Table, rng: random.Random, number: int) -> list[dict[str, str | None]]:
    return [_row(table, rng) for _ in range(number)]


def _row(table: Table, rng: random.Random) -> dict[str, str | None]:
    row = {
        c.name: value(c, rng)
        for c in table.columns
        if not (c.identity and rng.random() < 0.3) and not (c.default and rng.random() < 0.3)
    }
    first = table.columns[0]
    return row or {first.name: value(first, rng)}


def value(column: Column, rng: random.Random) -> str | None:
    if not column.not_null and rng.random() < 0.2:
        return None
    return rng.choice(column.domain)


def insert(schema: str, table: str, row: dict[str, str | None]) -> sql.Composed:
    return sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(schema, table), _names(list(row)), _values(list(row.values()))
    )


def _names(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _values(values: Sequence[str | None]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Literal, values))


def writes_on(schema: str, tables: Sequence[Table], *, truncate: bool) -> Source:
    """A source of statements on these tables."""

    def source(rng: random.Random) -> list[Statement]:
        kinds = [_insert] * 5 + [_update] * 4 + [_upsert] * 2 + [_delete, _bulk, _key, _hands]
        if truncate and rng.random() < 0.02:
            return _emptied(schema, tables, rng)
        return rng.choice(kinds)(schema, rng.choice(tables), rng)

    return source


def filling(
    conn: psycopg.Connection, schema: str, tables: Sequence[Table], rng: random.Random
) -> Iterator[sql.Composed]:
    """Rows for all tables, most of which refer to rows that are there. Parents may come after their
    children: twice."""
    for table in [*tables] * 2:
        rows = rows_of(table, rng, 7)
        for key in table.foreign:
            found = _referable(conn, schema, key)
            for row in rows:
                if found and (rng.random() < 0.8 or table.column(key.columns[0]).not_null):
                    row.update(zip(key.columns, rng.choice(found), strict=True))
        yield from (insert(schema, table.name, row) + _ignoring(table) for row in rows)


def _referable(conn: psycopg.Connection, schema: str, key: Foreign) -> list[tuple[str, ...]]:
    columns = sql.SQL(", ").join(
        sql.SQL("{}::text").format(sql.Identifier(c)) for c in key.referenced
    )
    query = sql.SQL("select distinct {} from {} where {} is not null order by {}").format(
        columns, sql.Identifier(schema, key.parent), sql.Identifier(key.referenced[0]), columns
    )
    return conn.execute(query).fetchall()


def _insert(schema: str, table: Table, rng: random.Random) -> list[Statement]:
    return [insert(schema, table.name, row) for row in rows_of(table, rng, rng.randint(1, 3))]


def _update(schema: str, table: Table, rng: random.Random) -> list[Statement]:
    """Some columns, of the rows that have some value in some column."""
    columns = rng.sample(table.columns, min(len(table.columns), rng.randint(1, 2)))
    columns = [c for c in columns if c.name not in table.primary] or table.rest[:1]
    if not columns:
        return _delete(schema, table, rng)
    return [_set(schema, table, [(c, value(c, rng)) for c in columns], _where(table, rng))]


def _set(
    schema: str,
    table: Table,
    changes: Sequence[tuple[Column, str | None]],
    where: sql.Composable,
) -> sql.Composed:
    sets = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(c.name), sql.Literal(v)) for c, v in changes
    )
    return sql.SQL("update {} set {} where {}").format(
        sql.Identifier(schema, table.name), sets, where
    )


def _where(table: Table, rng: random.Random) -> sql.Composable:
    column = rng.choice([*(table.column(c) for c in table.primary), *table.columns])
    if not column.not_null and rng.random() < 0.1:
        return sql.SQL("{} is null").format(sql.Identifier(column.name))
    some = [rng.choice(column.domain) for _ in range(rng.randint(1, 2))]
    return sql.SQL("{}::text in ({})").format(sql.Identifier(column.name), _values(some))


def _delete(schema: str, table: Table, rng: random.Random) -> list[Statement]:
    key = table.column(rng.choice(table.primary))
    where = sql.SQL("{} = {}").format(sql.Identifier(key.name), sql.Literal(rng.choice(key.domain)))
    if rng.random() < 0.1:
        where = _where(table, rng)
    return [sql.SQL("delete from {} where {}").format(sql.Identifier(schema, table.name), where)]


def _upsert(schema: str, table: Table, rng: random.Random) -> list[Statement]:
    (row,) = rows_of(table, rng, 1)
    targets = [table.primary, *(u.columns for u in table.uniques if not u.deferrable)]
    statement = insert(schema, table.name, row)
    changed = [n for n in row if n not in table.primary]
    if changed and rng.random() < 0.7:
        sets = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(n)) for n in changed
        )
        on = sql.SQL(" on conflict ({}) do update set {}")
        return [statement + on.format(_names(rng.choice(targets)), sets)]
    return [statement + _ignoring(table)]


def _ignoring(table: Table) -> sql.Composed:
    """Deferrable keys cannot be named there."""
    return sql.SQL(" on conflict ({}) do nothing").format(_names(table.primary))


def _bulk(schema: str, table: Table, rng: random.Random) -> list[Statement]:
    """All rows, or all that are alike."""
    loose = [c for c in table.rest if not any(c.name in u.columns for u in table.uniques)]
    if not loose:
        return _update(schema, table, rng)
    column = rng.choice(loose)
    return [_set(schema, table, [(column, value(column, rng))], sql.SQL("true"))]


def _key(schema: str, table: Table, rng: random.Random) -> list[Statement]:
    """A row gets another key."""
    column = table.column(rng.choice(table.primary))
    where = sql.SQL("{} = {}").format(
        sql.Identifier(column.name), sql.Literal(rng.choice(column.domain))
    )
    return [_set(schema, table, [(column, rng.choice(column.domain))], where)]


def _hands(schema: str, table: Table, rng: random.Random) -> list[Statement]:
    """A unique value changes hands: two rows exchange theirs, or one gets what another gave up."""
    singles = [u for u in table.uniques if len(u.columns) == 1]
    if not singles:
        return _key(schema, table, rng)
    unique = rng.choice(singles)
    column = table.column(unique.columns[0])
    one, other = rng.sample(column.domain, 2)
    name = sql.Identifier(column.name)
    at = sql.Identifier(schema, table.name)
    if unique.deferrable:
        text = (
            "update {0} set {1} = case when {1} = {2} then {3}::{4} else {2}::{4} end"
            " where {1} in ({2}, {3})"
        )
        kind = sql.SQL(column.type)
        return [sql.SQL(text).format(at, name, sql.Literal(one), sql.Literal(other), kind)]
    move = "update {0} set {1} = {2} where {1} = {3}"
    spare = sql.Literal("-77")
    steps = [(spare, sql.Literal(one)), (sql.Literal(one), sql.Literal(other))]
    if rng.random() < 0.7:
        steps.append((sql.Literal(other), spare))
    return [sql.SQL(move).format(at, name, to, was) for to, was in steps]


def _emptied(schema: str, tables: Sequence[Table], rng: random.Random) -> list[Statement]:
    """TRUNCATE, and new rows for what it took."""
    table = sql.Identifier(schema, rng.choice(tables).name)
    fresh = [
        insert(schema, t.name, row) + _ignoring(t) for t in tables for row in rows_of(t, rng, 4)
    ]
    return [sql.SQL("truncate {} cascade").format(table), *fresh]
