"""A copy of V1 as it was before the cutover: the rollback is held against it, row by row."""

from __future__ import annotations

from psycopg import sql

from repot.model.names import Name
from repot.postgres.catalog import read_catalog
from repot.postgres.compose import ident
from repot.postgres.connect import Connection

KEPT = "demo_kept"


def keep_v1(conn: Connection, schema: str) -> tuple[str, ...]:
    """Copy every table of `schema` aside; gives their names."""
    conn.execute(sql.SQL("create schema {}").format(sql.Identifier(KEPT)))
    names = tuple(t.name.name for t in read_catalog(conn, [schema]).in_schema(schema))
    for name in names:
        conn.execute(
            # As text: a copy with a column of V1's own types would be in the way of the swap.
            sql.SQL("create unlogged table {} as select v::text as kept from {} as v").format(
                ident(Name(schema_=KEPT, name=name)), ident(Name(schema_=schema, name=name))
            )
        )
    return names


def compare_with_kept(conn: Connection, schema: str, names: tuple[str, ...]) -> dict[str, int]:
    """Per table: how many rows are not as they were (new, gone or changed, the larger side)."""
    changed = {}
    for name in names:
        now, before = Name(schema_=schema, name=name), Name(schema_=KEPT, name=name)
        row = conn.execute(
            sql.SQL(
                "with now as (select v::text as kept from {now} as v), before as (table {before})"
                " select greatest("
                " (select count(*) from (table now except all table before) as n),"
                " (select count(*) from (table before except all table now) as g))"
            ).format(now=ident(now), before=ident(before))
        ).fetchone()
        changed[name] = int(str(row[0])) if row else 0
    conn.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(KEPT)))
    return {name: n for name, n in changed.items() if n}
