"""One change of the schema, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.rows import dict_row

from repot.engine.drift.sql import load
from repot.model.base import Value
from repot.model.names import Name
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Change:
    """`text` says what; `oids` are the objects whose DDL may have done it."""

    text: str
    oids: tuple[int, ...] = ()
    kind: str = "table"  # or capture (off), partition (not captured), new (a table)


class Relation(Value):
    """A table of the run: what the plan calls it, and what it is called now (None: dropped)."""

    side: str  # v1, v2 or outside
    planned: Name
    oid: int
    now: Name | None
    unlogged: bool  # since the run began


def relations(conn: Connection, run_id: int) -> list[Relation]:
    """The run's tables, in order of side and name."""
    rows = conn.execute(load("relations.sql").encode(), {"run": run_id}).fetchall()
    return [
        Relation(
            side=str(side),
            planned=Name(schema_=str(schema), name=str(name)),
            oid=int(str(oid)),
            now=None if now is None else Name(schema_=str(nsp), name=str(now)),
            unlogged=bool(unlogged),
        )
        for side, schema, name, oid, nsp, now, unlogged in rows
    ]


def read(conn: Connection, file: str, run_id: int) -> list[dict[str, object]]:
    """The rows of a query of this package about the run, by column."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(load(file).encode(), {"run": run_id}).fetchall()


def column(name: str) -> str:
    """A column's name in a sentence."""
    return '"' + name.replace('"', '""') + '"'
