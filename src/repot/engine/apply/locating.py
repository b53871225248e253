"""Which scopes logged changes touch: worked out now, not when they were captured (trap 17)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from psycopg import sql

from repot.engine.apply.taking import Taken
from repot.engine.todo import Todo
from repot.model.names import Name
from repot.model.plan import Derivation, Use
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.together import together


def scopes(
    conn: Connection,
    uses: Iterable[Use],
    columns: Sequence[str],
    taken: Mapping[Name, Taken],
    *,
    gone: bool = False,
    known: Arrays | None = None,
) -> list[tuple[Taken, sql.Composed]]:
    """A SELECT of scopes (the columns, in order) for each use whose source has changes.

    gone: one more column, whether it comes from the key of a deleted row. known: the changes' keys,
    where `changed_keys` has read them.
    """
    found = []
    for use in uses:
        change = taken.get(use.source)
        if change is not None:
            asked = None
            if located(use):
                asked = Keys(conn, change.table, link_fields(use, change), known)
            query = touched_scopes(use, change, columns, asked, gone=gone)
            if query is not None:
                found.append((change, query))
    return found


def changed_keys(conn: Connection, uses: Iterable[Use], taken: Mapping[Name, Taken]) -> Arrays:
    """The keys that `scopes` will ask for, in one round trip."""
    wanted = []
    for use in uses:
        change = taken.get(use.source)
        if change is not None and located(use):
            wanted.append((change.table, link_fields(use, change)[0]))
    return arrays(conn, wanted)


def everything(uses: Iterable[Use], taken: Mapping[Name, Taken]) -> bool:
    """Whether one of the sources was truncated: every scope may be touched."""
    return any(use.source in taken and taken[use.source].truncated for use in uses)


def note_todo(
    conn: Connection,
    derivations: Iterable[Derivation],
    todos: Mapping[str, Todo],
    taken: Mapping[Name, Taken],
) -> int:
    """Note the scopes that the changes touch as waiting; gives how many notes."""
    derivations = [d for d in derivations if d.name in todos]
    known = changed_keys(conn, (u for d in derivations for u in d.uses), taken)
    statements = []
    for d in derivations:
        todo = todos[d.name]
        for change, query in scopes(conn, d.uses, d.scope, taken, gone=True, known=known):
            statements.append(note(todo, sql.Literal(change.oldest), query))
        if everything(d.uses, taken):
            insert = sql.SQL("insert into {} (everything) values (true)")
            statements.append(insert.format(ident(todo.table)))
    return sum(answer.count for answer in together(conn, statements))


def note(todo: Todo, at: sql.Composable, query: sql.Composable) -> sql.Composed:
    """The statement that notes the scopes (and whether they are gone) that the query gives as
    waiting; at: since when."""
    return sql.SQL(
        "insert into {todo} ({fields}, gone, at)"
        " select {of_q}, bool_or(q.gone), {at}::timestamptz"
        " from ({query}) as q ({fields}, gone) where {given} group by {of_q}"
    ).format(
        todo=ident(todo.table),
        fields=idents(todo.fields),
        of_q=idents(todo.fields, "q"),
        at=at,
        query=query,
        given=todo.given("q"),
    )


def note_touched(
    conn: Connection,
    moves: Iterable[Derivation],
    todos: Mapping[str, Todo],
    taken: Mapping[Name, Taken],
    epoch: int,
) -> None:
    """Note the scopes of the moves that the changes touch as not proven any more."""
    moves = [move for move in moves if move.name in todos]
    known = changed_keys(conn, (u for move in moves for u in move.uses), taken)
    statements = []
    for move in moves:
        todo = todos[move.name]
        for _, query in scopes(conn, move.uses, move.scope, taken, known=known):
            statements.append(touched(todo, query, epoch))
        if everything(move.uses, taken):
            statements.append(touched_whole(todo, epoch))
    together(conn, statements)


def touched(todo: Todo, query: sql.Composable, epoch: int | sql.Composable) -> sql.Composed:
    """The statement that notes: the scopes that the query gives are not proven any more."""
    return sql.SQL(
        "insert into {touched} ({fields}, epoch) select distinct {of_q}, {epoch}::integer"
        " from ({query}) as q ({fields}) where {given} on conflict do nothing"
    ).format(
        touched=ident(todo.touched),
        fields=idents(todo.fields),
        of_q=idents(todo.fields, "q"),
        epoch=epoch if isinstance(epoch, sql.Composable) else sql.Literal(epoch),
        query=query,
        given=todo.given("q"),
    )


def touched_whole(todo: Todo, epoch: int) -> sql.Composed:
    """The same: no scope of the table is proven any more."""
    return sql.SQL("update repot.work set whole_epoch = {} where id = {}").format(
        sql.Literal(epoch), sql.Literal(todo.id)
    )


def located(use: Use) -> bool:
    """Whether its scopes are looked up in a view; else the logged values are the scopes."""
    return use.link is not None and use.link.locate_view is not None


def link_fields(use: Use, change: Taken) -> list[str]:
    """The fields of the log by which the use's scopes are found."""
    assert use.link is not None
    position = dict(zip(change.captured.columns, change.captured.fields, strict=True))
    return [position[c] for c in use.link.capture]


def touched_scopes(
    use: Use, change: Taken, columns: Sequence[str], asked: Among | None, *, gone: bool = False
) -> sql.Composed | None:
    """A SELECT of the scopes (the columns, in order) that the change touches; None if there are
    none. asked: the logged values, where they are `located`."""
    link = use.link
    assert link is not None
    fields = link_fields(use, change)
    if link.locate_view is None:
        return sql.SQL("select {}{} from {} where op not in ('T', 't')").format(
            idents(fields), sql.SQL(", op = 'D'" if gone else ""), ident(change.table)
        )
    links = [f"repot_link_{n}" for n in range(1, len(fields) + 1)]
    assert asked is not None
    condition = asked.among(links, "l")
    if condition is None:
        return None
    return sql.SQL("select {}{} from {} as l where {}").format(
        idents(columns, "l"),
        sql.SQL(", false" if gone else ""),
        ident(link.locate_view),
        condition,
    )


Arrays = Mapping[tuple[Name, str], tuple[str | None, str]]
"""The values of a table's column as an array's text, None where there is none; and its type."""


def arrays(conn: Connection, wanted: Iterable[tuple[Name, str]]) -> Arrays:
    """The values of columns of (small) tables; one round trip."""
    places = list(dict.fromkeys(wanted))
    if not places:
        return {}
    query = joined(
        (
            sql.SQL(
                "select {n}, array_agg(distinct {f})::text, pg_typeof(array_agg({f}))::text"
                " from {t} where {f} is not null"
            ).format(n=sql.Literal(n), f=sql.Identifier(field), t=ident(table))
            for n, (table, field) in enumerate(places)
        ),
        " union all ",
    )
    found: dict[tuple[Name, str], tuple[str | None, str]] = {}
    for number, values, kind in conn.execute(query).fetchall():
        found[places[int(str(number))]] = (None if values is None else str(values), str(kind))
    return found


class Among(Protocol):
    """Values of some columns in a table, to be asked for in conditions."""

    def among(self, columns: Sequence[str], alias: str) -> sql.Composed | None:
        """`alias.columns` are among the values; None if there are none."""


class Asked:
    """The same, asked by the statement itself: for one that is planned before there are values."""

    def __init__(self, table: Name, fields: Sequence[str]) -> None:
        self._table, self._fields = table, fields

    def among(self, columns: Sequence[str], alias: str) -> sql.Composed:
        first = sql.SQL("{} = any (array(select {} from {}))").format(
            sql.Identifier(alias, columns[0]), sql.Identifier(self._fields[0]), ident(self._table)
        )
        if len(columns) == 1:
            return first
        return first + _semi_join(columns, alias, self._table, self._fields)


class Keys:
    """The same; the values are read once, when it is made.

    The first column is compared with an array: such a condition is pushed into joins and into views
    that group by it, which a join with the key table is not. The rest is a semi-join on top.
    """

    def __init__(
        self, conn: Connection, table: Name, fields: Sequence[str], known: Arrays | None = None
    ) -> None:
        self._table, self._fields = table, fields
        place = (table, fields[0])
        if known is None or place not in known:
            known = arrays(conn, [place])
        self._array, self._type = known[place]

    def among(self, columns: Sequence[str], alias: str) -> sql.Composed | None:
        """`alias.columns` are among the values; None if there are none."""
        if self._array is None:
            return None
        first = sql.SQL("{} = any ({}::{})").format(
            sql.Identifier(alias, columns[0]), sql.Literal(self._array), trusted(self._type)
        )
        if len(columns) == 1:
            return sql.Composed([first])
        return first + _semi_join(columns, alias, self._table, self._fields)


def _semi_join(
    columns: Sequence[str], alias: str, table: Name, fields: Sequence[str]
) -> sql.Composed:
    return sql.SQL(" and ({}) in (select {} from {})").format(
        idents(columns, alias), idents(fields), ident(table)
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
