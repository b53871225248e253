"""Random statements on V2, of which V1 can take each; and what V1 must be after the rollback."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from property.judge import Texts, texts
from property.model import Column, Generated, Move, Table
from property.sessions import Source, Statement
from property.values import KEYS
from property.writes import insert, value

V1 = dict[str, Texts]


@dataclass(frozen=True)
class Writable:
    """What may be written on one table of V2 so that V1 can take it. `free`: rows may be made,
    deleted, and given other keys."""

    move: Move
    table: Table
    columns: tuple[str, ...]  # of V1, beside the key
    free: bool


def writable(project: Generated) -> list[Writable]:
    """Tables of V2 that a derived way back carries, as far as V1's constraints are V2's too."""
    found = []
    for move in project.moves:
        table = move.source
        if table is None or (len(_homes(project, table)) > 1 and not move.fixed):
            continue
        mirrored = _mirrored(move, table)
        foreign = {c for k in table.foreign for c in k.columns}
        unique = {
            c
            for u in table.uniques
            if move.filtered or not set(u.columns) <= set(move.copies)
            for c in u.columns
        }
        referred = {
            c
            for t in project.tables
            for k in t.foreign
            if k.parent == table.name
            for c in k.referenced
        }
        columns = tuple(
            c
            for c in move.copies
            if c not in table.primary
            and c not in move.judged
            and (c not in foreign or c in mirrored)
            # V1 alone may know who has the value: a row that was left out, a half-copied pair.
            and c not in unique
            and (c not in referred or _free(project, move, table))
        )
        found.append(Writable(move, table, columns, _free(project, move, table)))
    return [w for w in found if w.columns or w.free]


def _homes(project: Generated, table: Table) -> list[Move]:
    return [m for m in project.moves if m.source is table]


def _mirrored(move: Move, table: Table) -> set[str]:
    """Columns of V1's foreign keys that V2 checks as well."""
    ours = {key.columns for key in move.foreign}
    copies = move.copies
    kept = [
        key
        for key in table.foreign
        if set(key.columns) <= set(copies) and tuple(copies[c] for c in key.columns) in ours
    ]
    lost = {c for key in table.foreign if key not in kept for c in key.columns}
    return {c for key in kept for c in key.columns} - lost


def _free(project: Generated, move: Move, table: Table, above: tuple[str, ...] = ()) -> bool:
    """Whether nothing of V1 that V2 does not know hangs on the rows, or on what goes with them."""
    if move.fixed or move.filtered:
        return False
    if not {c for key in table.foreign for c in key.columns} <= _mirrored(move, table):
        return False
    if any(
        c.not_null and c.default is None and not c.identity and c.name not in move.copies
        for c in table.columns
    ):
        return False
    for child in project.tables:
        for key in child.foreign:
            if key.parent != table.name:
                continue
            homes = _homes(project, child)
            if len(homes) != 1 or homes[0].filtered or homes[0].fixed:
                return False
            if not set(key.columns) <= _mirrored(homes[0], child):
                return False
            seen = (*above, table.name)
            if child.name not in seen and not _free(project, homes[0], child, seen):
                return False
    return True


def writes_on_v2(schema: str, ways: Sequence[Writable]) -> Source:
    """A source of statements on V2's tables, named as they are after the cutover."""

    def source(rng: random.Random) -> list[Statement]:
        way = rng.choice(ways)
        kind = rng.choice("uuuidk" if way.free else "u")
        if kind == "i" or not way.columns:
            return [_insert(schema, way, rng)] if way.free else []
        if kind == "d":
            text = "delete from {} where {}"
            return [sql.SQL(text).format(sql.Identifier(schema, way.move.name), _at(way, rng))]
        columns = [_column(way, rng.choice(way.columns))]
        if kind == "k":
            columns = [_column(way, rng.choice(way.table.primary))]
        sets = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(c.name), sql.Literal(value(c, rng)))
            for c in columns
        )
        text = "update {} set {} where {}"
        where = sql.SQL("true") if rng.random() < 0.04 else _at(way, rng)
        return [sql.SQL(text).format(sql.Identifier(schema, way.move.name), sets, where)]

    return source


def _column(way: Writable, name: str) -> Column:
    """V1's column under its name in V2."""
    return replace(way.table.column(name), name=way.move.copies[name])


def _at(way: Writable, rng: random.Random) -> sql.Composed:
    column = way.table.column(rng.choice(way.table.primary))
    some = [rng.choice(column.domain) for _ in range(max(2, KEYS // 6))]
    return sql.SQL("{} in ({})").format(
        sql.Identifier(way.move.copies[column.name]), sql.SQL(", ").join(map(sql.Literal, some))
    )


def _insert(schema: str, way: Writable, rng: random.Random) -> sql.Composed:
    row = {mine: value(way.table.column(theirs), rng) for theirs, mine in way.move.copies.items()}
    return insert(schema, way.move.name, row)


def read_v1(conn: psycopg.Connection, project: Generated, schema: str) -> V1:
    """All rows of V1."""
    return {
        t.name: texts(conn, schema, t.name, [c.name for c in t.columns], t.primary)
        for t in project.tables
    }


def expected(
    conn: psycopg.Connection, project: Generated, v2: str, before: V1
) -> dict[str, tuple[Texts, Texts]]:
    """V1 as it must be: what it was at the cutover, with what V2's tables hold now.

    A column that V2 holds as a copy is V2's; every other keeps V1's value, or takes its default. A
    row that went and came back may be the old one or a new one: a follower may have seen it go. So
    each table has its rows twice, which differ in what V2 does not hold.
    """
    result = {}
    for table in project.tables:
        kept = again = before[table.name]
        for move in _homes(project, table):
            rows = _copies(conn, move, table, v2)
            if not (move.fixed or move.filtered):
                fresh = {c.name: _default(conn, c) for c in table.columns}
                kept = {key: kept.get(key, fresh) for key in rows}
                again = dict.fromkeys(rows, fresh)
            kept = {key: {**row, **rows.get(key, {})} for key, row in kept.items()}
            again = {key: {**row, **rows.get(key, {})} for key, row in again.items()}
        result[table.name] = (kept, again)
    return result


def _copies(conn: psycopg.Connection, move: Move, table: Table, v2: str) -> Texts:
    """What V2 holds of V1's rows, under V1's names."""
    copies = move.copies
    key = tuple(copies[c] for c in table.primary)
    now = texts(conn, v2, move.name, list(copies.values()), key)
    return {k: {c: row[mine] for c, mine in copies.items()} for k, row in now.items()}


def _default(conn: psycopg.Connection, column: Column) -> str | None:
    """A default as the server writes it."""
    if column.default is None:
        return None
    query = sql.SQL("select {}::{}::text").format(sql.Literal(column.default), sql.SQL(column.type))
    (row,) = conn.execute(query).fetchall()
    return str(row[0])


def difference(must: Mapping[str, tuple[Texts, Texts]], now: V1, deletes: bool) -> list[str]:
    """How V1 differs from what it must be. `deletes`: rows may have gone and come back on V2."""
    wrong = []
    for table, (kept, again) in must.items():
        for key in kept.keys() | now[table].keys():
            found = now[table].get(key)
            if found != kept.get(key) and not (deletes and found == again.get(key)):
                wrong.append(f"{table} {key}: must be {kept.get(key)}, is {found}")
    return wrong
