"""Some of the rows that differ, for people."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from repot.engine.compare.count import compared_columns
from repot.engine.compare.sides import HERE, sides
from repot.engine.compare.values import any_differs
from repot.engine.compare.where import Where, everywhere
from repot.model.catalog import Column, Table
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.model.results import Difference
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection

WIDTH = 80  # characters of a value
READ = 20_000  # characters in which the first difference is looked for


def examples(
    conn: Connection,
    d: Derivation,
    table: Table,
    now: Name,
    where: Where = everywhere,
    limit: int = 3,
) -> tuple[Difference, ...]:
    """The first differing rows by key, with both values of each column that differs."""
    compared, _ = compared_columns(d, table)
    both = sides(conn, d, now)
    columns: list[sql.Composable] = [_text("v", HERE), _text("t", HERE)]
    for c in d.key:
        columns.append(sql.SQL("coalesce({}, {})").format(_text("v", c), _text("t", c)))
    for column in compared:
        columns += [
            any_differs([column], "v", "t"),
            _text("v", column.name),
            _text("t", column.name),
        ]
    rows = conn.execute(
        sql.SQL(
            "select {columns} from {joined} where v.{here} is null or t.{here} is null"
            " or {changed} order by {order} limit {limit}"
        ).format(
            columns=joined(columns),
            joined=both.joined(compared, where),
            here=sql.Identifier(HERE),
            changed=any_differs(compared, "v", "t"),
            order=both.order(),
            limit=sql.Literal(limit),
        )
    ).fetchall()
    return tuple(_difference(d, compared, row) for row in rows)


def duplicate_examples(
    conn: Connection,
    d: Derivation,
    where: Where = everywhere,
    limit: int = 3,
    *,
    table: Name | None = None,
) -> tuple[Difference, ...]:
    """Keys that the view gives more than once; with `table`, those that the table holds so."""
    rows = conn.execute(
        sql.SQL(
            "select {texts} from {relation} as v where {where} group by {keys}"
            " having count(*) > 1 order by {keys} limit {limit}"
        ).format(
            texts=joined(_text("v", c) for c in d.key),
            relation=ident(table or d.view),
            where=where("v"),
            keys=idents(d.key, "v"),
            limit=sql.Literal(limit),
        )
    ).fetchall()
    return tuple(
        Difference(
            table=d.name,
            key={k: _str(v) for k, v in zip(d.key, row, strict=True)},
            kind="extra" if table else "duplicate",
        )
        for row in rows
    )


def _text(alias: str, column: str) -> sql.Composed:
    return sql.SQL("pg_catalog.left({}::text, {})").format(
        sql.Identifier(alias, column), sql.Literal(READ)
    )


def _str(value: object) -> str | None:
    return None if value is None else str(value)[:WIDTH]


def _cut(one: object, other: object) -> tuple[str | None, str | None]:
    """Both values, cut to where they differ if they begin alike."""
    if one is None or other is None:
        return _str(one), _str(other)
    left, right = str(one), str(other)
    pairs = enumerate(zip(left, right, strict=False))
    same = next((n for n, (a, b) in pairs if a != b), min(len(left), len(right)))
    start = same - WIDTH // 4
    if max(len(left), len(right)) <= WIDTH or start <= 0:
        return left[:WIDTH], right[:WIDTH]
    end = start + WIDTH - 1
    return "…" + left[start:end], "…" + right[start:end]


def _difference(d: Derivation, compared: Sequence[Column], row: tuple[object, ...]) -> Difference:
    in_view, in_table = row[0] is not None, row[1] is not None
    key = {k: _str(v) for k, v in zip(d.key, row[2:], strict=False)}
    changed: dict[str, tuple[str | None, str | None]] = {}
    if in_view and in_table:
        for number, column in enumerate(compared):
            differ, left, right = row[2 + len(d.key) + 3 * number :][:3]
            if differ:
                changed[column.name] = _cut(left, right)
    kind = "changed" if in_view and in_table else "missing" if in_view else "extra"
    return Difference(table=d.name, key=key, kind=kind, columns=changed)
