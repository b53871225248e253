"""Trying UPDATE and DELETE: with a WHERE as an application writes it, and without one.

Without a WHERE a statement reads nothing, so that SELECT's policies do not protect the rows: what a
policy of UPDATE or DELETE lets through is seen then only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from psycopg import sql

from repot.engine.access.attempt import attempt, counted
from repot.engine.access.rows import (
    WRITES,
    Group,
    Locator,
    cast,
    locator,
    source,
    within,
)
from repot.engine.access.scene import Column
from repot.engine.access.subject import Subject, unhurried
from repot.model.access import OWN, Operation, Outcome, Try

WHOLE = "rows without a WHERE"
MANY = 200  # rows up to which a write without WHERE is counted
NULL = sql.SQL("null::text")
EVERY = sql.SQL("true")

Make = Callable[[str | None, sql.Composable], sql.Composed]  # value and WHERE → the statement


@dataclass(frozen=True)
class Writing:
    """UPDATE (of `column`) or DELETE, as far as they are alike."""

    operation: Operation
    make: Make
    column: Column | None
    held: bool


def deleting(subject: Subject) -> Writing:
    def make(_: str | None, where: sql.Composable) -> sql.Composed:
        return sql.SQL("delete from {} {} returning 1").format(source(subject.shape), where)

    return Writing(Operation.DELETE, make, None, subject.holds(subject.held.delete))


def updating(subject: Subject) -> Writing | None:
    """With the column that says least; None where no column can be written at all."""
    column = _plain_column(subject)
    if column is None:
        return None
    held = subject.holds(column.name in subject.held.update)
    return Writing(Operation.UPDATE, _setter(subject, column), column, held)


def _setter(subject: Subject, column: Column) -> Make:
    def make(value: str | None, where: sql.Composable) -> sql.Composed:
        return sql.SQL("update {} set {} = {} {} returning 1").format(
            source(subject.shape), sql.Identifier(column.name), cast(value, column.type), where
        )

    return make


def _plain_column(subject: Subject) -> Column | None:
    """A column that the role may write, if there is one, and that is neither key nor owner."""
    rights, shape = subject.rights, subject.shape
    wanted = set(rights.columns or ()) if rights else set()
    own = subject.table.owner

    def cost(column: Column) -> tuple[bool, bool, bool, bool]:
        return (
            column.name not in subject.held.update,
            bool(wanted) and column.name not in wanted,
            column.unique,
            column.name == own,
        )

    fitting = [c for c in shape.columns if not c.generated and not c.identity]
    return min(fitting, key=cost, default=None)


def try_write(subject: Subject, writing: Writing) -> list[Try]:
    """Own rows, others' rows, and whatever is reached without a WHERE."""
    word = subject.word(writing.operation)
    where = locator(subject.shape, subject.held)
    tries = []
    if where is not None:
        for group in subject.groups(writing.operation):
            tries.append(unhurried(group.what, partial(_of, subject, writing, group, where)))
    return [*tries, unhurried(WHOLE, partial(_blind, subject, writing, word))]


def _of(subject: Subject, writing: Writing, group: Group, where: Locator) -> Try:
    """Some rows of a group, one by one."""
    value = (
        sql.SQL("{}::text").format(sql.Identifier(writing.column.name)) if writing.column else NULL
    )
    wanted = sql.SQL("{}, {}").format(where.read(), value)
    rows = subject.sample(group.condition, wanted, WRITES)
    if not rows:
        return Try(what=group.what, outcome=Outcome.UNTRIED, of=0, why="there is no such row")
    answers = []
    for row in rows:
        condition = sql.SQL("where {}").format(where.matches([row[:-1]]))
        statement = counted(writing.make(row[-1], condition), 1)
        answers.append(
            attempt(
                subject.conn,
                subject.caller,
                statement,
                held=writing.held,
                view=subject.shape.is_view,
            )
        )
    worst = next((a for a in answers if a.outcome is Outcome.ERROR), None)
    shown = worst or next((a for a in answers if a.outcome is Outcome.ALLOWED), answers[0])
    return Try(
        what=group.what,
        outcome=shown.outcome,
        reached=sum(a.reached for a in answers),
        of=len(rows),
        why=shown.why,
    )


def _blind(subject: Subject, writing: Writing, word: str | None) -> Try:
    what = WHOLE
    inside = within(word, subject.own)
    should = subject.count(inside, MANY + 1) if inside is not None else None
    if should is not None and should > MANY:
        return Try(what=what, outcome=Outcome.UNTRIED, why=f"more than {MANY:,} rows to reach")
    value = None
    if writing.column is not None:
        column = sql.SQL("{}::text").format(sql.Identifier(writing.column.name))
        some = subject.sample(inside or EVERY, column, 1) or subject.sample(EVERY, column, 1)
        value = some[0][0] if some else None
    statement = counted(writing.make(value, sql.SQL("")), 1 if should is None else should + 1)
    answer = attempt(
        subject.conn, subject.caller, statement, held=writing.held, view=subject.shape.is_view
    )
    outcome, why = answer.outcome, answer.why
    if outcome is Outcome.HIDDEN and subject.empty():
        outcome, why = Outcome.UNTRIED, "there is no row"
    return Try(what=what, outcome=outcome, reached=answer.reached, of=should, why=why)


def try_giving_away(subject: Subject) -> Try | None:
    """UPDATE of one's own row to somebody else's name; None where that is nothing to ask."""
    owner, other = subject.owner, subject.other()
    where = locator(subject.shape, subject.held)
    if subject.word(Operation.UPDATE) != OWN or owner is None or where is None:
        return None
    what = "giving one's row away"
    column = subject.shape.column(owner)
    assert column is not None
    assert subject.own is not None
    rows = subject.sample(subject.own, where.read(), 1)
    if not rows or other is None:
        why = "there is no such row" if other else "nobody else to give it to"
        return Try(what=what, outcome=Outcome.UNTRIED, why=why)
    statement = _setter(subject, column)(other, sql.SQL("where {}").format(where.matches(rows)))
    answer = attempt(
        subject.conn,
        subject.caller,
        counted(statement, 1),
        held=subject.holds(owner in subject.held.update),
        view=subject.shape.is_view,
    )
    return Try(what=what, outcome=answer.outcome, reached=answer.reached, of=1, why=answer.why)
