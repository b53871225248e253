"""Putting rows and values back, and proving that they are there."""

from __future__ import annotations

from psycopg import sql

from repot.folder.undo import archive
from repot.folder.undo.restore.mark import Marks
from repot.folder.undo.restore.place import Place
from repot.model.errors import RepotError
from repot.model.undo import Loss, LossKind
from repot.postgres.compose import idents, joined
from repot.postgres.connect import Connection


def put_back(conn: Connection, place: Place, marks: Marks) -> None:
    """What is marked new goes back; what is marked conflict replaces what is there."""
    if place.note.marks is not None:
        for name in place.note.own:
            _set_value(conn, place, marks, name)
        return
    names = place.note.own
    values = joined([place.archived(n) for n in names])
    conn.execute(
        sql.SQL(
            "insert into {} ({}) overriding system value select {} from {} a join {} m"
            " on m.n = a.{n} where m.mark = 'new' order by a.{n}"
        ).format(
            place.table,
            idents(names),
            values,
            place.note.table,
            marks.table,
            n=sql.Identifier(place.note.n),
        )
        if names
        else sql.SQL("insert into {} select from {} m where m.mark = 'new'").format(
            place.table, marks.table
        )
    )
    rest = [n for n in names if n not in place.note.key]
    if rest and place.note.key:
        _update(conn, place, marks, rest, sql.SQL("m.mark = 'conflict'"))


def _set_value(conn: Connection, place: Place, marks: Marks, name: str) -> None:
    _update(
        conn,
        place,
        marks,
        [name],
        sql.SQL("m.mark in ('new', 'conflict') and m.name = {}").format(sql.Literal(name)),
    )


def _update(
    conn: Connection, place: Place, marks: Marks, names: list[str], which: sql.Composable
) -> None:
    settings = [sql.SQL("{} = {}").format(sql.Identifier(n), place.archived(n)) for n in names]
    conn.execute(
        sql.SQL("update {} t set {} from {} a join {} m on m.n = a.{} where {} and {}").format(
            place.table,
            joined(settings),
            place.note.table,
            marks.table,
            sql.Identifier(place.note.n),
            which,
            place.on,
        )
    )


def displace(conn: Connection, place: Place, marks: Marks, entry: int) -> int:
    """Rows that a conflict replaces or changes go into the archive whole; gives their number."""
    shape, note = place.shape, place.note
    where = sql.SQL(
        "exists (select from {} a join {} m on m.n = a.{} where m.mark = 'conflict' and {})"
    )
    chosen = where.format(note.table, marks.table, sql.Identifier(note.n), place.on)
    row = conn.execute(
        sql.SQL("select count(*) from {} t where {}").format(place.table, chosen)
    ).fetchone()
    count = int(str(row[0])) if row else 0
    if not count:
        return 0
    loss = Loss(
        migration=note.migration,
        table=note.shown,
        kind=LossKind.ROWS,
        why="archived rows or values took their place",
        count=count,
        rows=count,
        key=note.key,
    )
    n = "repot_n"
    while shape.named(n):
        n += "_"
    table = archive.create(conn, entry, shape, loss, shape.columns, n, None, None)
    values = [
        sql.SQL("{}::{}").format(sql.Identifier("t", c.name), c.kept_type) for c in shape.columns
    ]
    conn.execute(
        sql.SQL("insert into {} select row_number() over (), {} from {} t where {}").format(
            table, joined(values), place.table, chosen
        )
    )
    archive.seal(conn, table)
    return count


def prove(conn: Connection, place: Place, expected: int) -> None:
    """So many of the archived rows or values are in the table now, each as it is archived.

    Raises RepotError `restore-not-proven`.
    """
    note = place.note
    if not note.key:
        same = place.same(note.own)
        query = sql.SQL(
            "select count(*) from {} a where exists (select from {} t where {})"
        ).format(note.table, place.table, same)
    elif note.marks is None:
        query = sql.SQL(
            "select count(*) from {} a where exists (select from {} t where {} and {})"
        ).format(note.table, place.table, place.on, place.same(note.own))
    else:
        query = sql.SQL(" union all ").join(
            sql.SQL(
                "select count(*) from {} a where {} = any (a.{})"
                " and exists (select from {} t where {} and {})"
            ).format(
                note.table,
                sql.Literal(name),
                sql.Identifier(note.marks),
                place.table,
                place.on,
                place.same([name]),
            )
            for name in note.own
        )
    found = sum(int(str(row[0])) for row in conn.execute(query).fetchall())
    if found < expected if not note.key else found != expected:
        raise RepotError(
            "restore-not-proven",
            f"of {note.shown} {expected:,} should be there after the restore, {found:,} are",
            evidence=f"archive: {note.table.as_string(conn)}",
            hint="nothing was changed; a rule or a generated column may change what is written",
        )
