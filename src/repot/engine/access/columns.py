"""Trying which columns an UPDATE may change: each to a value that it does not have."""

from __future__ import annotations

from uuid import uuid4

from psycopg import sql

from repot.engine.access.attempt import attempt, counted
from repot.engine.access.rows import Locator, cast, locator, source
from repot.engine.access.scene import Column
from repot.engine.access.subject import Subject
from repot.model.access import Operation, Outcome, Try

# By pg_type.typcategory: a value that differs from the column's own; others take another row's.
_OTHERWISE = {
    "B": "(not coalesce({c}, false))::text",
    "N": "(coalesce({c}, 0) + 1)::text",
    "S": "coalesce({c}::text, '') || 'x'",
    "D": "(coalesce({c}, '2000-01-01') + interval '1 day')::text",
}


def try_columns(subject: Subject) -> list[Try]:
    """Each column, in one row that the caller may update; nothing where `columns` is not said."""
    rights = subject.rights
    if rights is None or rights.columns is None or subject.shape.is_view:
        return []
    where = locator(subject.shape, subject.held)
    rows: list[tuple[str, ...]] = []
    for group in subject.groups(Operation.UPDATE):
        if where is not None and group.should and not rows:
            rows = subject.sample(group.condition, where.read(), 1)
    tries = []
    for column in subject.shape.columns:
        if not column.generated and not column.identity:
            tries.append(_try(subject, column, where, rows, column.name in rights.columns))
    return tries


def _try(
    subject: Subject,
    column: Column,
    where: Locator | None,
    rows: list[tuple[str, ...]],
    allowed: bool,
) -> Try:
    what = f"column {column.name}, which " + (
        "may be changed" if allowed else "is not to be changed"
    )
    held = column.name in subject.held.update
    if where is None or not rows:
        if held != allowed:
            return Try(what=what, outcome=Outcome.ALLOWED if held else Outcome.DENIED)
        return Try(what=what, outcome=Outcome.UNTRIED, why="there is no row to try it with")
    name = sql.Identifier(column.name)
    condition = where.matches(rows)
    old, new = _values(subject, column, condition)
    changed: sql.Composable = sql.SQL("true as changed")
    # A trigger may have put the old value back.
    if column.name in subject.held.select and new != old:
        changed = sql.SQL("({}.{} is distinct from {}) as changed").format(
            sql.Identifier("row"), name, cast(old, column.type)
        )
    if column.category not in (*_OTHERWISE, "U", "E", "A", "G", "I"):
        changed = sql.SQL("true as changed")  # such as json, which has no equality
    statement = sql.SQL("update {} set {} = {} where {} returning {}").format(
        source(subject.shape), name, cast(new, column.type), condition, changed
    )
    answer = attempt(
        subject.conn,
        subject.caller,
        counted(statement, 1, sql.SQL("where changed")),
        held=subject.holds(held),
    )
    return Try(what=what, outcome=answer.outcome, reached=answer.reached, of=1, why=answer.why)


def _values(
    subject: Subject, column: Column, condition: sql.Composable
) -> tuple[str | None, str | None]:
    """The row's value, and another one."""
    name = sql.Identifier(column.name)
    text = sql.SQL("{}::text").format(name)
    old = subject.sample(condition, text, 1)[0][0]
    template = _OTHERWISE.get(column.category)
    if template is not None:
        new = subject.sample(condition, sql.SQL(template).format(c=name), 1)
        return old, new[0][0]
    different = sql.SQL("{}::text is distinct from {}").format(name, sql.Literal(old))
    others = subject.sample(different, text, 1)
    if not others and column.type == "uuid":
        return old, str(uuid4())
    return old, others[0][0] if others else old
