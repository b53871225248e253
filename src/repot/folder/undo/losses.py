"""What was lost, told so that people can decide: how much, whose, and which parents lose it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from repot.folder.undo.images import Image, cell
from repot.folder.undo.shapes import Column, Reference, Shape
from repot.folder.undo.touched import Touched
from repot.model.names import quoted
from repot.model.undo import Loss, LossKind, Parent
from repot.postgres.compose import joined
from repot.postgres.connect import Connection

LONG = 60  # characters of a value that is shown
_WHOLE = sql.SQL("l.columns is null")
_PARTS = sql.SQL("l.columns is not null")


def shown(shape: Shape) -> str:
    """The table's name for people; `public` goes without saying."""
    name = shape.name
    return quoted(name.name) if name.schema_ == "public" else str(name)


def read_losses(
    conn: Connection,
    image: Image,
    what: Touched,
    migration: str,
    after: Mapping[int, Shape],
    limit: int | None,
) -> list[Loss]:
    """Whole rows and single values apart; none where nothing is lost.

    limit: how many keys are named of each table and of each parent; None: all.
    """
    found = []
    rows = _count(conn, image, _WHOLE)
    common = {"migration": migration, "table": shown(image.shape)}
    key = tuple(c.name for c in what.key)
    if rows:
        why = "the table is dropped" if what.after is None else "the rows are deleted"
        if what.after is not None and not what.key:
            why = "the rows are deleted or changed"
        found.append(
            Loss(
                **common,
                kind=LossKind.ROWS,
                why=why,
                count=rows,
                rows=rows,
                key=key,
                examples=_examples(conn, image, what, _WHOLE, limit),
                parents=tuple(_parents(conn, image, after, limit)),
            )
        )
    columns = _columns(conn, image)
    if columns:
        gone = {c.name for c in what.dropped}
        whys = [
            word
            for word, there in (
                ("the column is dropped", gone & set(columns)),
                ("the values are overwritten", set(columns) - gone),
            )
            if there
        ]
        found.append(
            Loss(
                **common,
                kind=LossKind.VALUES,
                why=" and ".join(whys),
                count=sum(columns.values()),
                rows=_count(conn, image, _PARTS),
                key=key,
                columns=columns,
                examples=_examples(conn, image, what, _PARTS, limit),
            )
        )
    return found


def _count(conn: Connection, image: Image, condition: sql.SQL) -> int:
    row = conn.execute(
        sql.SQL("select count(*) from {} l where {}").format(image.lost, condition)
    ).fetchone()
    return int(str(row[0])) if row else 0


def _columns(conn: Connection, image: Image) -> dict[str, int]:
    rows = conn.execute(
        sql.SQL(
            "select x, count(*) from {} l cross join unnest(l.columns) x group by x"
            ' order by x collate "C"'
        ).format(image.lost)
    ).fetchall()
    return {str(name): int(str(count)) for name, count in rows}


def _examples(
    conn: Connection, image: Image, what: Touched, condition: sql.SQL, limit: int | None
) -> tuple[str, ...]:
    columns: Sequence[Column] = what.key or image.shape.columns
    if not columns:
        return ()
    rows = conn.execute(
        sql.SQL("select {} from {} i join {} l using (n) where {} order by i.n limit {}").format(
            joined([sql.SQL("{}::text").format(cell(c, "i")) for c in columns]),
            image.table,
            image.lost,
            condition,
            sql.Literal(limit),
        )
    ).fetchall()
    return tuple(told(row, [c.name for c in columns], bool(what.key)) for row in rows)


def told(row: Sequence[object], names: Sequence[str], key: bool) -> str:
    """`id`, or `a = 1, b = 2` where there are several columns or no key."""
    values = ["NULL" if v is None else _cut(str(v)) for v in row]
    if key and len(values) == 1:
        return values[0]
    return ", ".join(f"{quoted(n)} = {v}" for n, v in zip(names, values, strict=True))


def _cut(value: str) -> str:
    return value if len(value) <= LONG else value[: LONG - 1] + "…"


def _parents(
    conn: Connection, image: Image, after: Mapping[int, Shape], limit: int | None
) -> list[Parent]:
    """Those that own the lost rows first."""
    found = []
    for reference in image.shape.references:
        parent = after.get(reference.parent)
        if parent is None or parent.oid == image.shape.oid:
            continue
        columns = [c for n in reference.columns if (c := image.shape.column(n)) is not None]
        one = _parent(conn, image, reference, columns, parent, limit)
        if one is not None:
            found.append(one)
    return found


def _parent(
    conn: Connection,
    image: Image,
    reference: Reference,
    columns: Sequence[Column],
    parent: Shape,
    limit: int | None,
) -> Parent | None:
    cells = joined([sql.SQL("{}::text").format(cell(c, "i")) for c in columns])
    whole = joined([sql.SQL("{} is not null").format(cell(c, "i")) for c in columns], " and ")
    rows = conn.execute(
        sql.SQL(
            "select count(*) over (), x.* from (select distinct {} from {} i join {} l using (n)"
            " where l.columns is null and {}) x order by {} limit {}"
        ).format(
            cells,
            image.table,
            image.lost,
            whole,
            joined([sql.Literal(n) for n in range(2, len(columns) + 2)]),
            sql.Literal(limit),
        )
    ).fetchall()
    if not rows:
        return None
    return Parent(
        table=shown(parent),
        constraint=reference.name,
        columns=reference.referenced,
        owns=reference.owns,
        count=int(str(rows[0][0])),
        keys=tuple(told(row[1:], reference.referenced, True) for row in rows),
    )
