"""What is to become of each archived row or value, decided before anything is written.

new: it goes back; already: it is there; conflict: something else is there; orphan: the row that it
refers to is not there; gone: the row that it belongs to is not there; held: the table has no key
and is not empty.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from repot.folder.undo.restore.place import Place
from repot.folder.undo.shapes import Reference, Shape
from repot.postgres.compose import joined
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Marks:
    """A temporary table: n, name (of the column; empty for rows), mark."""

    name: str

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier("pg_temp", self.name)

    def counts(self, conn: Connection) -> dict[str, int]:
        rows = conn.execute(
            sql.SQL("select mark, count(*) from {} group by mark").format(self.table)
        ).fetchall()
        return {str(mark): int(str(count)) for mark, count in rows}


def mark(
    conn: Connection, place: Place, number: int, shapes: dict[int, Shape], force: bool
) -> Marks:
    """Decide for every row or value of one archived table. force: fill a table without a key that
    is not empty."""
    marks = Marks(f"repot_marks_{number}")
    conn.execute(
        sql.SQL("create temporary table {} (n bigint, name text, mark text) on commit drop").format(
            sql.Identifier(marks.name)
        )
    )
    if place.note.marks is not None:
        for name in place.note.own:
            conn.execute(_values(marks, place, name))
    elif place.note.key:
        conn.execute(_rows(marks, place, shapes))
    else:
        conn.execute(_whole(marks, place, shapes, force))
    return marks


def _rows(marks: Marks, place: Place, shapes: dict[int, Shape]) -> sql.Composed:
    return sql.SQL(
        "insert into {marks} select a.{n}, '', case when t.there is null then"
        " case when {orphan} then 'orphan' else 'new' end"
        " when t.equal then 'already' else 'conflict' end"
        " from {archive} a left join lateral"
        " (select true as there, {same} as equal from {table} t where {on} limit 1) t on true"
    ).format(
        marks=marks.table,
        n=sql.Identifier(place.note.n),
        orphan=_orphan(place, shapes),
        archive=place.note.table,
        same=place.same(place.note.own),
        table=place.table,
        on=place.on,
    )


def _whole(marks: Marks, place: Place, shapes: dict[int, Shape], force: bool) -> sql.Composed:
    return sql.SQL(
        "insert into {marks} select a.{n}, '', case"
        " when not {force} and exists (select from {table}) then 'held'"
        " when {orphan} then 'orphan' else 'new' end from {archive} a"
    ).format(
        marks=marks.table,
        n=sql.Identifier(place.note.n),
        force=sql.Literal(force),
        table=place.table,
        orphan=_orphan(place, shapes),
        archive=place.note.table,
    )


def _orphan(place: Place, shapes: dict[int, Shape]) -> sql.Composable:
    """A foreign key to another table that no row there answers."""
    checks = [
        one
        for reference in place.shape.references
        if (one := _unanswered(place, reference, shapes)) is not None
    ]
    return joined(checks, " or ") if checks else sql.SQL("false")


def _unanswered(
    place: Place, reference: Reference, shapes: dict[int, Shape]
) -> sql.Composed | None:
    parent = shapes.get(reference.parent)
    if parent is None or parent.oid == place.shape.oid:  # the server checks it at the end
        return None
    names = [c.name for n in reference.columns if (c := place.shape.column(n)) is not None]
    if not set(names) <= set(place.note.own):
        return None
    own = [place.archived(n) for n in names]
    return sql.SQL("({} and not exists (select from {} p where {}))").format(
        joined([sql.SQL("{} is not null").format(o) for o in own], " and "),
        sql.Identifier(parent.name.schema_, parent.name.name),
        joined(
            [
                sql.SQL("{} = {}").format(sql.Identifier("p", r), o)
                for r, o in zip(reference.referenced, own, strict=True)
            ],
            " and ",
        ),
    )


def _values(marks: Marks, place: Place, name: str) -> sql.Composed:
    """What stood there when the value was lost may be replaced, and nothing else."""
    note = place.note
    return sql.SQL(
        "insert into {marks} select a.{n}, {name}, case when t.there is null then 'gone'"
        " when t.equal then 'already' when t.untouched then 'new' else 'conflict' end"
        " from {archive} a left join lateral (select true as there, {same} as equal,"
        '   t.{column}::text collate "C" is not distinct from'
        "     a.{afters}[array_position(a.{columns}, {name})] as untouched"
        "   from {table} t where {on} limit 1) t on true"
        " where {name} = any (a.{columns})"
    ).format(
        marks=marks.table,
        n=sql.Identifier(note.n),
        name=sql.Literal(name),
        column=sql.Identifier(name),
        archive=note.table,
        same=place.same([name]),
        afters=sql.Identifier(str(note.afters)),
        columns=sql.Identifier(str(note.marks)),
        table=place.table,
        on=place.on,
    )
