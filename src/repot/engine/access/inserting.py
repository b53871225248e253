"""Trying INSERT: copies of rows, in one's own name and in another's."""

from __future__ import annotations

from functools import partial

from psycopg import sql

from repot.engine.access.attempt import attempt, counted
from repot.engine.access.rows import Group, cast
from repot.engine.access.scene import Column
from repot.engine.access.subject import Subject, unhurried
from repot.model.access import Operation, Outcome, Try
from repot.postgres.compose import ident, idents, joined

Row = dict[str, str | None]
_NAMES = {
    "own rows": "a row of one's own",
    "others' rows": "a row in another's name",
    "rows as declared": "a row as declared",
    "other rows": "another row",
    "any row": "a row",
}


def try_insert(subject: Subject) -> list[Try]:
    """A copy of a row of each group."""
    groups = subject.groups(Operation.INSERT)
    return [unhurried(_called(g), partial(_try, subject, g)) for g in groups]


def _try(subject: Subject, group: Group) -> Try:
    what = _called(group)
    row, copied = _template(subject, group)
    if row is None:
        return Try(what=what, outcome=Outcome.UNTRIED, why="there is no such row to copy")
    columns = _columns(subject, row)
    may = subject.held.insert
    statement = _insert(subject, columns, row)
    answer = attempt(
        subject.conn,
        subject.caller,
        counted(statement, 1),
        held=subject.holds(bool(may) and may.issuperset(c.name for c in columns)),
        view=subject.shape.is_view,
    )
    if answer.outcome is Outcome.HIDDEN and not copied:
        # It was made of its owner alone, or of nothing: the policy may ask for something else.
        return Try(what=what, outcome=Outcome.UNTRIED, why="there is no row to copy")
    return Try(what=what, outcome=answer.outcome, reached=answer.reached, of=1, why=answer.why)


def _called(group: Group) -> str:
    """The row that is added, in words."""
    return _NAMES.get(group.what, group.what)


def _template(subject: Subject, group: Group) -> tuple[Row | None, bool]:
    """The row to add, and whether it copies one that is there."""
    owner, me = subject.owner, subject.caller.person.sub
    found = _read(subject, group.condition)
    if found is not None:
        return found, True
    if group.mine is None:
        return {}, False
    if owner is None:
        return None, False
    name = me if group.mine else subject.other()
    if name is None:
        return None, False
    found = _read(subject, sql.SQL("true"))
    return {**(found or {}), owner: name}, found is not None


def _read(subject: Subject, condition: sql.Composable) -> Row | None:
    columns = [c.name for c in subject.shape.columns]
    wanted = joined(sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns)
    rows = subject.sample(condition, wanted, 1)
    return dict(zip(columns, rows[0], strict=True)) if rows else None


def _columns(subject: Subject, row: Row) -> list[Column]:
    """The columns to name: those that the role may give; a key with a default makes itself."""
    given = [
        c
        for c in subject.shape.columns
        if c.name in row
        and not c.generated
        and not c.identity
        and not (c.unique and c.has_default and c.name != subject.owner)
    ]
    may = [c for c in given if c.name in subject.held.insert or c.name == subject.owner]
    return may if subject.held.insert else given


def _insert(subject: Subject, columns: list[Column], row: Row) -> sql.Composed:
    table = ident(subject.shape.name)
    if not columns:
        return sql.SQL("insert into {} default values returning 1").format(table)
    return sql.SQL("insert into {} ({}) values ({}) returning 1").format(
        table,
        idents(c.name for c in columns),
        joined(cast(row[c.name], c.type) for c in columns),
    )
