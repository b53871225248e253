"""Which scopes logged changes touch: worked out now, not when they were captured (trap 17)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from psycopg import sql

from repot.engine.apply.taking import Taken
from repot.engine.todo import Todo
from repot.model.names import Name
from repot.model.plan import Derivation, Use
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection


def scopes(
    conn: Connection,
    uses: Iterable[Use],
    columns: Sequence[str],
    taken: Mapping[Name, Taken],
    *,
    gone: bool = False,
) -> list[tuple[Taken, sql.Composed]]:
    """A SELECT of scopes (the columns, in order) for each use whose source has changes.

    gone: one more column, whether it comes from the key of a deleted row.
    """
    found = []
    for use in uses:
        change = taken.get(use.source)
        if change is not None:
            query = _scopes(conn, use, change, columns, gone=gone)
            if query is not None:
                found.append((change, query))
    return found


def everything(uses: Iterable[Use], taken: Mapping[Name, Taken]) -> bool:
    """Whether one of the sources was truncated: every scope may be touched."""
    return any(use.source in taken and taken[use.source].truncated for use in uses)


def note_todo(conn: Connection, d: Derivation, todo: Todo, taken: Mapping[Name, Taken]) -> int:
    """Note the scopes of `d` that the changes touch as waiting; gives how many notes."""
    notes = 0
    for change, query in scopes(conn, d.uses, d.scope, taken, gone=True):
        notes += conn.execute(
            sql.SQL(
                "insert into {todo} ({fields}, gone, at)"
                " select {of_q}, bool_or(q.gone), {at}::timestamptz"
                " from ({query}) as q ({fields}, gone) where {given} group by {of_q}"
            ).format(
                todo=ident(todo.table),
                fields=idents(todo.fields),
                of_q=idents(todo.fields, "q"),
                at=sql.Literal(change.oldest),
                query=query,
                given=todo.given("q"),
            )
        ).rowcount
    if everything(d.uses, taken):
        conn.execute(sql.SQL("insert into {} (everything) values (true)").format(ident(todo.table)))
        notes += 1
    return notes


def note_touched(
    conn: Connection, d: Derivation, todo: Todo, taken: Mapping[Name, Taken], epoch: int
) -> None:
    """Note the scopes of the move `d` that the changes touch as not proven any more."""
    for _, query in scopes(conn, d.uses, d.scope, taken):
        mark_touched(conn, todo, query, epoch)
    if everything(d.uses, taken):
        mark_whole(conn, todo, epoch)


def mark_touched(conn: Connection, todo: Todo, query: sql.Composable, epoch: int) -> None:
    """The scopes that the query gives are not proven any more."""
    conn.execute(
        sql.SQL(
            "insert into {touched} ({fields}, epoch) select distinct {of_q}, {epoch}::integer"
            " from ({query}) as q ({fields}) where {given} on conflict do nothing"
        ).format(
            touched=ident(todo.touched),
            fields=idents(todo.fields),
            of_q=idents(todo.fields, "q"),
            epoch=sql.Literal(epoch),
            query=query,
            given=todo.given("q"),
        )
    )


def mark_whole(conn: Connection, todo: Todo, epoch: int) -> None:
    """No scope of the table is proven any more."""
    conn.execute("update repot.work set whole_epoch = %s where id = %s", (epoch, todo.id))


def _scopes(
    conn: Connection, use: Use, change: Taken, columns: Sequence[str], *, gone: bool
) -> sql.Composed | None:
    link = use.link
    assert link is not None
    position = dict(zip(change.captured.columns, change.captured.fields, strict=True))
    fields = [position[c] for c in link.capture]
    if link.locate_view is None:
        return sql.SQL("select {}{} from {} where op not in ('T', 't')").format(
            idents(fields), sql.SQL(", op = 'D'" if gone else ""), ident(change.table)
        )
    links = [f"repot_link_{n}" for n in range(1, len(fields) + 1)]
    condition = Keys(conn, change.table, fields).among(links, "l")
    if condition is None:
        return None
    return sql.SQL("select {}{} from {} as l where {}").format(
        idents(columns, "l"),
        sql.SQL(", false" if gone else ""),
        ident(link.locate_view),
        condition,
    )


class Keys:
    """The values of some columns in a table, to be asked for in conditions; read once, when made.

    The first column is compared with an array: such a condition is pushed into joins and into views
    that group by it, which a join with the key table is not. The rest is a semi-join on top.
    """

    def __init__(self, conn: Connection, table: Name, fields: Sequence[str]) -> None:
        self._table, self._fields = table, fields
        row = conn.execute(
            sql.SQL(
                "select array_agg(distinct {f})::text, pg_typeof(array_agg({f}))::text"
                " from {t} where {f} is not null"
            ).format(f=sql.Identifier(fields[0]), t=ident(table))
        ).fetchone()
        assert row is not None
        self._array = None if row[0] is None else str(row[0])
        self._type = str(row[1])

    def among(self, columns: Sequence[str], alias: str) -> sql.Composed | None:
        """`alias.columns` are among the values; None if there are none."""
        if self._array is None:
            return None
        first = sql.SQL("{} = any ({}::{})").format(
            sql.Identifier(alias, columns[0]), sql.Literal(self._array), trusted(self._type)
        )
        if len(columns) == 1:
            return sql.Composed([first])
        return first + sql.SQL(" and ({}) in (select {} from {})").format(
            idents(columns, alias), idents(self._fields), ident(self._table)
        )


def same_scope(d: Derivation, todo: Todo, alias: str, scoped: str) -> sql.Composed:
    """The row `alias` of the view or the table is in the scope `scoped` (s1 … sn)."""
    return joined(
        (
            sql.SQL("{} = {}").format(sql.Identifier(alias, c), sql.Identifier(scoped, f))
            for c, f in zip(d.scope, todo.fields, strict=True)
        ),
        " and ",
    )
