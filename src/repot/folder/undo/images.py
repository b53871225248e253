"""What a table held before a script, beside it while the script runs, and what of it is lost then.

Values are compared as text, strictly: 1.0 is not 1.00. What a script turned into another type and
cannot be told from loss counts as lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from repot.folder.undo.shapes import Column, Shape
from repot.folder.undo.touched import Touched
from repot.postgres.compose import joined, trusted
from repot.postgres.connect import Connection

Sql = sql.Composable


@dataclass(frozen=True)
class Image:
    """A temporary table with the rows of `shape`: n, and c1, c2 … by the columns' numbers.

    fresh: by column number, what the column would hold if it were added anew (as text, None for
    NULL); columns that are not in it hold something of their own in every row.
    """

    name: str
    shape: Shape
    fresh: dict[int, str | None]

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier("pg_temp", self.name)

    @property
    def lost(self) -> sql.Identifier:
        """n, columns, afters: a row for each that lost something; columns NULL: it is all gone."""
        return sql.Identifier("pg_temp", self.lost_name)

    @property
    def lost_name(self) -> str:
        return f"{self.name}_lost"


def cell(column: Column, alias: str | None = None) -> sql.Identifier:
    """The column of an image that holds the values of `column`."""
    name = f"c{column.num}"
    return sql.Identifier(alias, name) if alias else sql.Identifier(name)


def text(value: Sql) -> Sql:
    """The value as text, compared byte by byte."""
    return sql.SQL('({})::text collate "C"').format(value)


def take(conn: Connection, shape: Shape, number: int) -> Image:
    """Copy the rows as they are now; takes no more than a reader's lock."""
    image = Image(f"repot_image_{number}", shape, _fresh(conn, shape))
    columns = [
        sql.SQL("{}::{} as {}").format(sql.Identifier("t", c.name), c.kept_type, cell(c))
        for c in shape.columns
    ]
    conn.execute(
        sql.SQL(
            "create temporary table {} on commit drop as"
            " select row_number() over (order by t.tableoid, t.ctid) as n, {} from {} as t"
        ).format(
            sql.Identifier(image.name), joined(columns) if columns else sql.SQL("1"), shape.rows
        )
    )
    return image


def _fresh(conn: Connection, shape: Shape) -> dict[int, str | None]:
    found: dict[int, str | None] = {}
    for column in shape.columns:
        if column.fresh is None:
            continue
        row = conn.execute(
            sql.SQL("select ({})::{}::text").format(trusted(column.fresh), trusted(column.type))
        ).fetchone()
        found[column.num] = None if row is None or row[0] is None else str(row[0])
    return found


def find_lost(conn: Connection, image: Image, what: Touched) -> None:
    """Fill `image.lost` by comparing the image with the table as it is now."""
    lost = sql.Identifier(image.lost_name)
    conn.execute(sql.SQL("drop table if exists pg_temp.{}").format(lost))
    conn.execute(
        sql.SQL(
            "create temporary table {} (n bigint, columns text[], afters text[]) on commit drop"
        ).format(lost)
    )
    if what.after is None:
        query = sql.SQL("select i.n, null, null from {} i").format(image.table)
    elif what.key:
        query = _by_key(image, what, what.after)
    else:
        query = _by_row(image, what, what.after)
    conn.execute(sql.SQL("insert into {} {}").format(image.lost, query))


def _differs(image: Image, before: Column, after: Column | None, alias: str) -> tuple[Sql, Sql]:
    """Whether the value of one column is lost, and what stands there now, both as SQL."""
    old = text(cell(before, "i"))
    if after is not None:
        new = text(sql.Identifier(alias, after.name))
        return sql.SQL("{} is distinct from {}").format(old, new), new
    if before.num not in image.fresh:
        return sql.SQL("true"), sql.SQL("null::text")
    fresh = sql.Literal(image.fresh[before.num])
    return sql.SQL("{} is distinct from {}::text").format(old, fresh), fresh


def _compared(what: Touched) -> list[tuple[Column, Column | None]]:
    """Generated columns hold nothing of their own."""
    return [(b, a) for b, a in what.pairs if not b.generated]


def _by_key(image: Image, what: Touched, after: Shape) -> sql.Composed:
    pairs = dict(what.pairs)
    on = []
    for column in what.key:
        now = pairs[column]
        assert now is not None  # a key's columns stay
        new = text(sql.Identifier("a", now.name))
        on.append(sql.SQL("{} = {}").format(text(cell(column, "i")), new))
    cells = []
    for before, now in _compared(what):
        if before in what.key:
            continue
        lost, new = _differs(image, before, now, "a")
        cells.append(
            sql.SQL("({}, {}, {}, ({})::text)").format(
                before.num, sql.Literal(before.name), lost, new
            )
        )
    if not cells:
        return sql.SQL(
            "select i.n, null, null from {} i left join {} a on {} where a.tableoid is null"
        ).format(image.table, after.rows, joined(on, " and "))
    return sql.SQL(
        "select i.n, case when a.tableoid is not null then x.columns end,"
        " case when a.tableoid is not null then x.afters end"
        " from {} i left join {} a on {}"
        " cross join lateral (select array_agg(v.name order by v.num) as columns,"
        "   array_agg(v.after order by v.num) as afters"
        "   from (values {}) v (num, name, lost, after) where v.lost) x"
        " where a.tableoid is null or x.columns is not null"
    ).format(image.table, after.rows, joined(on, " and "), joined(cells))


def _by_row(image: Image, what: Touched, after: Shape) -> sql.Composed:
    """Without a key: rows as a whole, as often as they occur."""
    stays = [(b, a) for b, a in _compared(what) if a is not None]
    old = joined([text(cell(b, "i")) for b, _ in stays] or [sql.SQL("null")])
    new = joined([text(sql.Identifier("a", a.name)) for _, a in stays] or [sql.SQL("null")])
    gone = [_differs(image, b, None, "a")[0] for b in what.dropped]
    return sql.SQL(
        "select i.n, null, null from ("
        "  select i.*, row({old})::text as own, row_number() over"
        "    (partition by row({old})::text order by i.n) as nth from {image} i) i"
        " where {gone} or not exists (select from ("
        "  select row({new})::text as own, row_number() over (partition by row({new})::text) as nth"
        "    from {now} a) a where a.own = i.own and a.nth = i.nth)"
    ).format(
        old=old,
        new=new,
        image=image.table,
        now=after.rows,
        gone=joined(gone, " or ") if gone else sql.SQL("false"),
    )
