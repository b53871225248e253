"""A copy of V1 as it was before the cutover: the rollback is held against it, row by row."""

from __future__ import annotations

from psycopg import sql

from repot.model.catalog import ForeignKey, Table
from repot.model.names import Name
from repot.postgres.catalog import read_catalog
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection

KEPT = "demo_kept"


def keep_v1(conn: Connection, schema: str) -> tuple[str, ...]:
    """Copy every table of `schema` aside; gives their names."""
    conn.execute(sql.SQL("create schema {}").format(sql.Identifier(KEPT)))
    names = tuple(t.name.name for t in read_catalog(conn, [schema]).in_schema(schema))
    for name in names:
        conn.execute(
            # As text: a copy with a column of V1's own types would be in the way of the swap.
            sql.SQL(
                "create unlogged table {} as"
                " select v::text as kept, pg_catalog.to_jsonb(v) as cells from {} as v"
            ).format(ident(Name(schema_=KEPT, name=name)), ident(Name(schema_=schema, name=name)))
        )
    return names


def compare_with_kept(conn: Connection, schema: str, names: tuple[str, ...]) -> dict[str, int]:
    """Per table: how many rows are not as they were (new, gone or changed, the larger side).

    A row that went along with its parent, by V1's own ON DELETE CASCADE, is the parent's change.
    """
    tables = {t.name.name: t for t in read_catalog(conn, [schema]).in_schema(schema)}
    changed = {}
    for name in names:
        now, before = Name(schema_=schema, name=name), Name(schema_=KEPT, name=name)
        row = conn.execute(
            sql.SQL(
                "with now as (select v::text as kept from {now} as v), before as (table {before}),"
                " gone as (select kept from before except all table now)"
                " select greatest("
                " (select count(*) from (table now except all select kept from before) as n),"
                " (select count(*) from gone as g where not exists ("
                "   select from before as b where b.kept = g.kept and ({went}))))"
            ).format(now=ident(now), before=ident(before), went=_went_along(tables[name]))
        ).fetchone()
        changed[name] = int(str(row[0])) if row else 0
    conn.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(KEPT)))
    return {name: n for name, n in changed.items() if n}


def _went_along(table: Table) -> sql.Composable:
    """Whether a parent of the row that was kept is not there any more."""
    gone = [_without_parent(key) for key in table.foreign_keys if key.on_delete == "c"]
    return joined(gone, " or ") if gone else sql.SQL("false")


def _without_parent(key: ForeignKey) -> sql.Composable:
    cells = [sql.SQL("b.cells ->> {}").format(sql.Literal(c)) for c in key.columns]
    given = joined((sql.SQL("({}) is not null").format(cell) for cell in cells), " and ")
    same = joined(
        (
            sql.SQL("p.{}::text = ({})").format(sql.Identifier(column), cell)
            for column, cell in zip(key.referenced, cells, strict=True)
        ),
        " and ",
    )
    return sql.SQL("{} and not exists (select from {} as p where {})").format(
        given, ident(key.references), same
    )
