"""Keys, indexes, foreign keys and triggers of V2: taken off for the load, put back after the rows.

Loading into bare tables and indexing afterwards is several times as fast (docs/concepts/copy.md).
Every definition is the catalog's own. Each object is created and marked as done in one transaction,
so a crash leaves it either undone or done, never half made.

Foreign keys to tables that stay are left off until somebody writes to V2 itself: until then V2 is
what V1 says, and a key of it would let the application's deletes there wait for Repot, or fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql
from psycopg.rows import dict_row

from repot.engine.sql import load
from repot.model.base import Value
from repot.model.names import Name
from repot.postgres.compose import ident, trusted
from repot.postgres.connect import Connection

# Within one table: unique indexes of keys are built as indexes, several at once; making a key of
# one is a matter of catalogs.
STEPS = ("index", "key", "foreign_key", "validate", "trigger")
_V2, _OUTWARD = "v2", "outward"  # repot.deferred.side


@dataclass(frozen=True)
class Deferred:
    """One piece of DDL that puts an object back. `table` is V2's, without schema."""

    number: int
    step: str
    object: str
    table: str
    ddl: str
    done: bool


class _Object(Value):
    """A row of deferred_read.sql."""

    part: int
    kind: str
    name: str
    schema_: str
    table: str
    definition: str | None
    index_definition: str | None
    key_words: str | None
    timing: str | None
    as_is: bool
    stays: bool
    outward: bool
    comment: str | None
    index_comment: str | None
    tablespace: str | None
    clustered: bool
    identifies: bool
    statistics: tuple[str, ...]
    children: tuple[dict[str, str], ...]  # indexes of partitions, to be attached

    @property
    def on(self) -> Name:
        return Name(schema_=self.schema_, name=self.table)


def take_off(conn: Connection, run: int, tables: Iterable[int]) -> tuple[str, ...]:
    """Record what stands on the (empty) tables with these oids and drop it.

    Gives what had to stay, as text. Call it inside the build's transaction: dropping a foreign key
    locks the table it points to, so this comes late in it.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(load("deferred_read.sql").encode(), {"tables": list(tables)})
        found = [_Object.model_validate(_renamed(row)) for row in cursor.fetchall()]
    taken = [o for o in found if not o.stays]
    parts = [part for o in taken for part in _put_back(o)]
    parts.sort(key=lambda part: STEPS.index(part[0]))
    for number, (step, object_, ddl) in enumerate(parts, 1):
        conn.execute(
            'insert into repot.deferred (run, number, step, side, object, "table", ddl)'
            " values (%s, %s, %s, %s, %s, %s, %s)",
            (
                *(run, number, step, _OUTWARD if object_.outward else _V2),
                *(object_.name, object_.table, ddl.as_string(conn)),
            ),
        )
    for object_ in taken:
        conn.execute(_take_off(object_))
    return tuple(f"{o.kind} {o.name} of {o.on}" for o in found if o.stays)


def deferred(conn: Connection, run: int) -> list[Deferred]:
    """All that the copy puts back, in the order in which it may."""
    return _read(conn, run, _V2)


def outward(conn: Connection, run: int) -> list[Deferred]:
    """Foreign keys to tables that stay which are not on V2 yet: making them, then their checks."""
    return [item for item in _read(conn, run, _OUTWARD) if not item.done]


def outward_made(conn: Connection, run: int) -> None:
    """Note that all of them are on V2."""
    conn.execute(
        "update repot.deferred set done_at = clock_timestamp()"
        " where run = %s and side = %s and done_at is null",
        (run, _OUTWARD),
    )


def _read(conn: Connection, run: int, side: str) -> list[Deferred]:
    rows = conn.execute(
        'select number, step, object, "table", ddl, done_at is not null from repot.deferred'
        " where run = %s and side = %s order by number",
        (run, side),
    ).fetchall()
    return [
        Deferred(int(str(n)), str(s), str(o), str(t), str(d), bool(x)) for n, s, o, t, d, x in rows
    ]


def put_back(conn: Connection, run: int, number: int) -> bool:
    """Create the object and mark it as done, inside the caller's transaction.

    False: it is done already. The row is locked first: the server may still be at work for a client
    that was killed, and what that commits must not be done twice.
    """
    row = conn.execute(
        "select ddl from repot.deferred where run = %s and number = %s and done_at is null"
        " for update",
        (run, number),
    ).fetchone()
    if row is None:
        return False
    conn.execute(str(row[0]).encode())
    conn.execute(
        "update repot.deferred set done_at = clock_timestamp() where run = %s and number = %s",
        (run, number),
    )
    return True


def _renamed(row: dict[str, object]) -> dict[str, object]:
    return {("schema_" if key == "schema" else key): value for key, value in row.items()}


def _take_off(o: _Object) -> sql.Composed:
    if o.kind == "trigger":
        return sql.SQL("drop trigger {} on {}").format(sql.Identifier(o.name), ident(o.on))
    if o.kind == "index":
        return sql.SQL("drop index {}").format(sql.Identifier(o.schema_, o.name))
    return sql.SQL("alter table {} drop constraint {}").format(ident(o.on), sql.Identifier(o.name))


def _put_back(o: _Object) -> Iterator[tuple[str, _Object, sql.Composable]]:
    """Step, object and DDL of each part of it."""
    if o.kind == "foreign_key":
        yield "foreign_key", o, _statements([_constraint(o, not_valid=not o.as_is), *_comment(o)])
        if not o.as_is:
            yield (
                "validate",
                o,
                sql.SQL("alter table {} validate constraint {}").format(
                    ident(o.on), sql.Identifier(o.name)
                ),
            )
    elif o.kind == "trigger":
        off = sql.SQL("alter table {} disable trigger {}").format(
            ident(o.on), sql.Identifier(o.name)
        )
        yield "trigger", o, _statements([trusted(o.definition or ""), off, *_comment(o)])
    elif o.kind == "index":
        yield "index", o, _statements([*_index(o), *_index_settings(o)])
    elif o.as_is:
        made = [*_tablespace(o), _constraint(o), *_comment(o), *_index_settings(o)]
        yield "key", o, _statements(made)
    else:
        yield "index", o, _statements(_index(o))
        yield "key", o, _statements([_key_of_index(o), *_comment(o), *_index_settings(o)])


def _constraint(o: _Object, *, not_valid: bool = False) -> sql.Composed:
    return sql.SQL("alter table {} add constraint {} {}{}").format(
        ident(o.on),
        sql.Identifier(o.name),
        trusted(o.definition or ""),
        sql.SQL(" not valid" if not_valid else ""),
    )


def _key_of_index(o: _Object) -> sql.Composed:
    return sql.SQL("alter table {} add constraint {} {} using index {} {}").format(
        ident(o.on),
        sql.Identifier(o.name),
        trusted(o.key_words or ""),
        sql.Identifier(o.name),
        trusted(o.timing or ""),
    )


def _index(o: _Object) -> Sequence[sql.Composable]:
    return [*_tablespace(o), trusted(o.index_definition or ""), *_children(o)]


def _children(o: _Object) -> Iterator[sql.Composable]:
    for child in o.children:
        yield trusted(child["definition"])
        yield sql.SQL("alter index {} attach partition {}").format(
            sql.Identifier(child["parent_schema"], child["parent"]),
            sql.Identifier(child["schema"], child["name"]),
        )


def _tablespace(o: _Object) -> Sequence[sql.Composable]:
    # pg_get_indexdef and pg_get_constraintdef leave the tablespace out.
    if o.tablespace is None:
        return []
    return [sql.SQL("set local default_tablespace = {}").format(sql.Literal(o.tablespace))]


def _index_settings(o: _Object) -> Iterator[sql.Composable]:
    """What belongs to an index and is not in its definition."""
    index = sql.Identifier(o.schema_, o.name)
    for setting in o.statistics:
        yield sql.SQL("alter index {} alter column {}").format(index, trusted(setting))
    if o.index_comment is not None:
        yield sql.SQL("comment on index {} is {}").format(index, sql.Literal(o.index_comment))
    if o.clustered:
        yield sql.SQL("alter table {} cluster on {}").format(ident(o.on), sql.Identifier(o.name))
    if o.identifies:
        yield sql.SQL("alter table {} replica identity using index {}").format(
            ident(o.on), sql.Identifier(o.name)
        )


def _comment(o: _Object) -> Iterator[sql.Composable]:
    if o.comment is not None:
        yield sql.SQL("comment on {} {} on {} is {}").format(
            sql.SQL("trigger" if o.kind == "trigger" else "constraint"),
            sql.Identifier(o.name),
            ident(o.on),
            sql.Literal(o.comment),
        )


def _statements(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(";\n").join(parts)
