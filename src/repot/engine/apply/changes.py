"""Taking logged changes off, and working out which rows they touch (trap 17: now, not then)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.engine.capture import Captured, read
from repot.model.names import Name
from repot.model.plan import Derivation, Registry, Use
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection

TEMP = "pg_temp"


@dataclass(frozen=True)
class Taken:
    """The changes of one source, off its log and in a temporary table of this transaction."""

    captured: Captured
    table: Name
    rows: int
    truncated: bool


@dataclass(frozen=True)
class Touched:
    """Scopes of one derivation, in a temporary table; `all`: every row of it."""

    table: Name
    columns: tuple[str, ...]
    types: tuple[str, ...]
    count: int
    all: bool


def take(conn: Connection, run_id: int, direction: str) -> dict[Name, Taken]:
    """Empty the logs into temporary tables, by source; sources without changes are not in it."""
    taken = {}
    for captured in read(conn, run_id, direction):
        table = Name(schema_=TEMP, name=f"repot_taken_{captured.id}")
        fields = idents(captured.fields)
        conn.execute(
            sql.SQL("create temp table {} (like {}) on commit drop").format(
                sql.Identifier(table.name), ident(captured.log)
            )
        )
        row = conn.execute(
            sql.SQL(
                "with gone as (delete from {log} returning *),"
                " kept as (insert into {table} select distinct * from gone)"
                " select count(*), coalesce(bool_or(op = 'T'), false) from gone"
            ).format(log=ident(captured.log), table=ident(table), fields=fields)
        ).fetchone()
        assert row is not None
        if row[0]:
            taken[captured.name] = Taken(captured, table, int(str(row[0])), bool(row[1]))
    return taken


def touched(
    conn: Connection, owner: Derivation | Registry, number: int, taken: dict[Name, Taken]
) -> Touched | None:
    """The scopes that the changes touch, each once; None where there is none."""
    if isinstance(owner, Registry):
        columns, view = owner.setting.key, owner.view
    else:
        columns, view = owner.scope, owner.view
    relevant = [use for use in owner.uses if use.source in taken]
    if not relevant:
        return None
    types = column_types(conn, view, columns)
    table = Name(schema_=TEMP, name=f"repot_scope_{number}")
    conn.execute(
        sql.SQL("create temp table {} ({}) on commit drop").format(
            sql.Identifier(table.name),
            joined(
                sql.SQL("{} {}").format(sql.Identifier(c), trusted(t))
                for c, t in zip(columns, types, strict=True)
            ),
        )
    )
    everything = False
    for use in relevant:
        change = taken[use.source]
        everything = everything or change.truncated
        _collect(conn, use, change, table, columns)
    conn.execute(
        sql.SQL("delete from {} where {}").format(
            ident(table),
            joined((sql.SQL("{} is null").format(sql.Identifier(c)) for c in columns), " or "),
        )
    )
    conn.execute(
        sql.SQL(
            "delete from {t} a using (select min(ctid) as first, {c} from {t} group by {c}"
            " having count(*) > 1) b where ({ac}) = ({bc}) and a.ctid <> b.first"
        ).format(
            t=ident(table), c=idents(columns), ac=idents(columns, "a"), bc=idents(columns, "b")
        )
    )
    row = conn.execute(sql.SQL("select count(*) from {}").format(ident(table))).fetchone()
    count = int(str(row[0])) if row else 0
    conn.execute(sql.SQL("analyze {}").format(ident(table)))
    return Touched(table, tuple(columns), types, count, everything)


def _collect(conn: Connection, use: Use, change: Taken, into: Name, columns: Sequence[str]) -> None:
    link = use.link
    assert link is not None
    position = dict(zip(change.captured.columns, change.captured.fields, strict=True))
    fields = [position[c] for c in link.capture]
    if link.locate_view is None:
        conn.execute(
            sql.SQL("insert into {} ({}) select distinct {} from {} where op <> 'T'").format(
                ident(into), idents(columns), idents(fields), ident(change.table)
            )
        )
        return
    links = [f"repot_link_{n}" for n in range(1, len(fields) + 1)]
    condition = among(conn, change.table, fields, links, "l")
    if condition is None:
        return
    conn.execute(
        sql.SQL("insert into {} ({}) select distinct {} from {} as l where {}").format(
            ident(into), idents(columns), idents(columns, "l"), ident(link.locate_view), condition
        )
    )


def among(
    conn: Connection, keys: Name, fields: Sequence[str], columns: Sequence[str], alias: str
) -> sql.Composed | None:
    """`alias.columns` are among the values of `fields` in the table `keys`; None if it has none.

    The first column is compared with an array: such a condition is pushed into joins and into views
    that group by it, which a join with the key table is not. The rest is a semi-join on top.
    """
    row = conn.execute(
        sql.SQL(
            "select array_agg(distinct {f})::text, format_type(min(a.atttypid), -1)"
            " from {t}, pg_catalog.pg_attribute a where a.attrelid = {r}::regclass"
            " and a.attname = {n} and {f} is not null"
        ).format(
            f=sql.Identifier(fields[0]),
            t=ident(keys),
            r=sql.Literal(ident(keys).as_string(conn)),
            n=sql.Literal(fields[0]),
        )
    ).fetchone()
    if row is None or row[0] is None:
        return None
    first = sql.SQL("{}.{} = any ({}::{}[])").format(
        sql.Identifier(alias), sql.Identifier(columns[0]), sql.Literal(row[0]), trusted(str(row[1]))
    )
    if len(columns) == 1:
        return sql.Composed([first])
    return first + sql.SQL(" and ({}) in (select {} from {})").format(
        idents(columns, alias), idents(fields), ident(keys)
    )


def column_types(conn: Connection, relation: Name, columns: Sequence[str]) -> tuple[str, ...]:
    """Types of a relation's columns, without modifiers."""
    rows = conn.execute(
        "select a.attname, pg_catalog.format_type(a.atttypid, -1) from pg_catalog.pg_attribute a"
        " join pg_catalog.pg_class c on c.oid = a.attrelid"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname = %s and a.attnum > 0",
        (relation.schema_, relation.name),
    ).fetchall()
    types = {str(name): str(kind) for name, kind in rows}
    return tuple(types[c] for c in columns)
