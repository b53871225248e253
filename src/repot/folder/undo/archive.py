"""The schema repot_archive: what was lost, with when, by which migration and which rollback.

A table of its own for each table and rollback: the columns under their own names, in their own
types where those are built in and as text (with the type's name beside) where a script could drop
them.
No constraint, default or collation is carried, so nothing that happens later can take rows away.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql
from psycopg.types.json import Jsonb

from repot.folder.schemas import lacks
from repot.folder.undo.images import Image, cell
from repot.folder.undo.shapes import Column, Shape
from repot.folder.undo.sql import load
from repot.folder.undo.touched import Touched
from repot.model.names import fitted
from repot.model.undo import Loss, LossKind
from repot.postgres.compose import joined, trusted
from repot.postgres.connect import Connection

SCHEMA = "repot_archive"


def ensure(conn: Connection) -> None:
    """Create the schema where it is missing. Refused `no-right`."""
    use = "where lost rows are kept"
    hint = "as the owner of the database: GRANT CREATE ON DATABASE … TO …"
    if lacks(conn, SCHEMA, use, hint):
        conn.execute(load("archive.sql").encode())


def new_entry(conn: Connection, what: str, layout: str, client: str) -> int:
    """A rollback (or a restore that displaces rows); gives its number."""
    row = conn.execute(
        "insert into repot_archive.rollback (what, layout, client) values (%s, %s, %s)"
        " returning id",
        (what, layout, client),
    ).fetchone()
    assert row is not None
    return int(str(row[0]))


def keep(conn: Connection, entry: int, image: Image, what: Touched, loss: Loss) -> Loss:
    """Move what `image.lost` names into the archive; gives the loss with its archive's name."""
    names = [c.name for c in image.shape.columns]
    if loss.kind is LossKind.ROWS:
        columns = list(image.shape.columns)
        marks = afters = None
    else:
        columns = [c for c in image.shape.columns if c in what.key or c.name in loss.columns]
        marks, afters = _free("repot_columns", names), _free("repot_afters", names)
    n = _free("repot_n", names)
    table = create(conn, entry, image.shape, loss, columns, n, marks, afters)
    extra = [sql.SQL("l.columns"), sql.SQL("l.afters")] if marks else []
    cells = [_lost_cell(c, what, marks) for c in columns]
    done = conn.execute(
        sql.SQL(
            "insert into {} select {} from {} i join {} l using (n) where {} order by i.n"
        ).format(
            table,
            joined([sql.SQL("i.n"), *extra, *cells]),
            image.table,
            image.lost,
            sql.SQL("l.columns is not null" if marks else "l.columns is null"),
        )
    )
    if done.rowcount != loss.rows:
        raise AssertionError(f"{done.rowcount} rows archived of {loss.rows}")
    seal(conn, table)
    return loss.model_copy(update={"archive": table.as_string(None)})


def _lost_cell(column: Column, what: Touched, marks: str | None) -> sql.Composable:
    """Of a row that stays only what it lost, and its key."""
    if marks is None or column in what.key:
        return cell(column, "i")
    return sql.SQL("case when {} = any (l.columns) then {} end").format(
        sql.Literal(column.name), cell(column, "i")
    )


def create(
    conn: Connection,
    entry: int,
    shape: Shape,
    loss: Loss,
    columns: Sequence[Column],
    n: str,
    marks: str | None,
    afters: str | None,
) -> sql.Identifier:
    """A new, empty table of the archive, and the note of it."""
    row = conn.execute(
        "select pg_catalog.nextval(pg_catalog.pg_get_serial_sequence('repot_archive.kept', 'id'))"
    ).fetchone()
    assert row is not None
    number = int(str(row[0]))
    name = fitted(f"{number}_{shape.name.name}")
    table = sql.Identifier(SCHEMA, name)
    own = [sql.SQL("{} bigint not null").format(sql.Identifier(n))]
    own += [sql.SQL("{} text[]").format(sql.Identifier(m)) for m in (marks, afters) if m]
    own += [sql.SQL("{} {}").format(sql.Identifier(c.name), c.kept_type) for c in columns]
    conn.execute(sql.SQL("create table {} ({})").format(table, joined(own)))
    conn.execute(
        "insert into repot_archive.kept (id, rollback, migration, schema, name, kind, why, archive,"
        " columns, key, n, marks, afters, count, rows) overriding system value"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            number,
            entry,
            loss.migration,
            shape.name.schema_,
            shape.name.name,
            loss.kind.value,
            loss.why,
            name,
            Jsonb(
                [
                    {"name": c.name, "type": c.type, "builtin": c.builtin, "generated": c.generated}
                    for c in columns
                ]
            ),
            Jsonb(list(loss.key)),
            n,
            marks,
            afters,
            loss.count,
            loss.rows,
        ),
    )
    return table


def seal(conn: Connection, table: sql.Identifier) -> None:
    """From here on nothing in it is changed."""
    conn.execute(
        sql.SQL(
            "create trigger append_only before insert or update or delete or truncate on {}"
            " for each statement execute function {}"
        ).format(table, trusted("repot_archive.append_only()"))
    )


def _free(wanted: str, taken: Sequence[str]) -> str:
    while wanted in taken:
        wanted += "_"
    return wanted
