"""Where archived rows go: the table as it is now, and what in it stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from repot.folder.undo.restore.book import Note
from repot.folder.undo.shapes import Column, Shape
from repot.folder.undo.sql import load
from repot.model.finding import Finding, error
from repot.postgres.compose import joined, trusted
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Place:
    """An archived table and the one that takes its rows; columns: of the latter, by name."""

    note: Note
    shape: Shape
    columns: Mapping[str, Column]

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier(self.shape.name.schema_, self.shape.name.name)

    def archived(self, name: str, alias: str = "a") -> sql.Composed:
        """An archived value in the type that its column has now."""
        return sql.SQL("({}::{})").format(
            sql.Identifier(alias, name), trusted(self.columns[name].type)
        )

    def same(self, names: Sequence[str], old: str = "a", now: str = "t") -> sql.Composed:
        """Whether the archived values are those of the table, strictly, as text."""
        if not names:
            return sql.Composed([sql.SQL("true")])
        return joined(
            [
                sql.SQL('{}::text collate "C" is not distinct from {}::text collate "C"').format(
                    self.archived(n, old), sql.Identifier(now, n)
                )
                for n in names
            ],
            " and ",
        )

    @property
    def on(self) -> sql.Composed:
        """Archived row a and row t of the table are the same one."""
        return joined(
            [
                sql.SQL("{} = {}").format(self.archived(n), sql.Identifier("t", n))
                for n in self.note.key
            ],
            " and ",
        )


def find_place(note: Note, shapes: Mapping[int, Shape]) -> Place | Finding:
    """By the table's name; a finding where the table or a column is not there."""
    shape = next((s for s in shapes.values() if s.name == note.name), None)
    hint = f"deploy {note.migration} again first: the rows go back where they were"
    if shape is None:
        return error(
            "restore-no-place",
            f"{note.shown} is not there to take {note.rows:,} archived rows",
            object=note.shown,
            hint=hint,
        )
    columns = {c.name: c for c in shape.columns}
    missing = [c for c in dict.fromkeys((*note.key, *note.own)) if c not in columns]
    if missing:
        return error(
            "restore-no-place",
            f"{note.shown} has no column {', '.join(missing)}, of which the archive holds values",
            object=note.shown,
            hint=hint,
        )
    return Place(note, shape, columns)


def parents_first(places: list[Place]) -> list[Place]:
    """Tables that others of them refer to come before those."""
    left, done, found = list(places), set[int](), []
    oids = {p.shape.oid for p in places}
    while left:
        ready = [
            p
            for p in left
            if all(
                r.parent in done or r.parent not in oids or r.parent == p.shape.oid
                for r in p.shape.references
            )
        ] or left[:1]  # in a cycle anything is first
        found += ready
        done |= {p.shape.oid for p in ready}
        left = [p for p in left if p not in ready]
    return found


@contextmanager
def quiet(conn: Connection, shapes: Sequence[Shape]) -> Iterator[None]:
    """Users' triggers are off: what they did when the rows were written is in the rows."""
    put_on: list[sql.Composed] = []
    for shape in shapes:
        table = sql.Identifier(shape.name.schema_, shape.name.name)
        conn.execute(sql.SQL("lock table {} in share row exclusive mode").format(table))
        found = conn.execute(load("user_triggers.sql").encode(), {"table": shape.oid}).fetchall()
        for name, word in found:
            trigger = sql.Identifier(str(name))
            conn.execute(sql.SQL("alter table {} disable trigger {}").format(table, trigger))
            how = sql.SQL("enable always" if word == "enable always" else "enable")
            put_on.append(sql.SQL("alter table {} {} trigger {}").format(table, how, trigger))
    yield
    # Foreign keys are checked now: with checks waiting, a table cannot be altered.
    conn.execute("set constraints all immediate")
    for one in put_on:
        conn.execute(one)


def advance_sequences(conn: Connection, shape: Shape) -> None:
    """A sequence that fills a column goes on behind the greatest value that came back."""
    table = sql.Identifier(shape.name.schema_, shape.name.name)
    for column, schema, name in conn.execute(
        load("sequences.sql").encode(), {"table": shape.oid}
    ).fetchall():
        sequence = sql.Identifier(str(schema), str(name))
        conn.execute(
            sql.SQL(
                "select pg_catalog.setval({}, m.top) from (select max({}) as top from {}) m, {} s"
                " where m.top > s.last_value or (m.top = s.last_value and not s.is_called)"
            ).format(
                sql.Literal(sequence.as_string(conn)),
                sql.Identifier(str(column)),
                table,
                sequence,
            )
        )
