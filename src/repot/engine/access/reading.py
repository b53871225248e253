"""Trying SELECT: which rows a caller sees, and which columns."""

from __future__ import annotations

from functools import partial

from psycopg import sql

from repot.engine.access.attempt import attempt, seen
from repot.engine.access.rows import (
    SAMPLE,
    Group,
    Locator,
    locator,
    source,
    within,
)
from repot.engine.access.subject import Subject, unhurried
from repot.model.access import Operation, Outcome, Try

ALL_ROWS = "all rows"
MANY = 5_000  # rows up to which all that a caller sees is counted


def try_select(subject: Subject) -> list[Try]:
    """Which rows are seen: some of each group by their keys, then all of them counted."""
    word = subject.word(Operation.SELECT)
    shape, held = subject.shape, subject.held
    where = locator(shape, held)
    tries: list[Try] = []
    if where is not None:
        for group in subject.groups(Operation.SELECT):
            tries.append(unhurried(group.what, partial(_seen_of, subject, where, group)))
    tries.append(unhurried(ALL_ROWS, partial(_seen_at_all, subject, word)))
    rights = subject.rights
    if rights is not None and rights.read is not None and held.select:
        tries += _columns(subject, rights.read)
    return tries


def _seen_of(subject: Subject, where: Locator, group: Group) -> Try:
    what = group.what
    keys = subject.sample(group.condition, where.read(), SAMPLE)
    different = list(dict.fromkeys(keys))  # a view may give the same row twice
    if not different:
        return Try(what=what, outcome=Outcome.UNTRIED, of=0, why="there is no such row")
    query = sql.SQL("select distinct {} from {} where {}").format(
        where.read(), source(subject.shape), where.matches(different)
    )
    answer = attempt(
        subject.conn,
        subject.caller,
        seen(query, len(different)),
        held=subject.holds(bool(subject.held.select)),
        view=subject.shape.is_view,
    )
    return Try(
        what=what,
        outcome=answer.outcome,
        reached=answer.reached,
        of=len(different),
        why=answer.why,
    )


def _seen_at_all(subject: Subject, word: str | None) -> Try:
    """All that is seen, counted; by it, a row that the samples miss is found, and a refusal where
    there is no row."""
    inside = within(word, subject.own)
    should = subject.count(inside, MANY + 1) if inside is not None else None
    what = ALL_ROWS
    if should is not None and should > MANY:
        return Try(what=what, outcome=Outcome.UNTRIED, why=f"more than {MANY:,} rows to see")
    query = sql.SQL("select from {}").format(source(subject.shape))
    answer = attempt(
        subject.conn,
        subject.caller,
        seen(query, 1 if should is None else should + 1),
        held=subject.holds(bool(subject.held.select)),
        view=subject.shape.is_view,
    )
    outcome, why = answer.outcome, answer.why
    if outcome is Outcome.HIDDEN and subject.empty():
        outcome, why = Outcome.UNTRIED, "there is no row"
    return Try(what=what, outcome=outcome, reached=answer.reached, of=should, why=why)


def _columns(subject: Subject, allowed: tuple[str, ...]) -> list[Try]:
    """Each column by itself, without a row."""
    tries = []
    for column in subject.shape.columns:
        query = sql.SQL("select {} from {} limit 0").format(
            sql.Identifier(column.name), source(subject.shape)
        )
        answer = attempt(
            subject.conn,
            subject.caller,
            sql.SQL("select 1 from ({}) as few right join (values (1)) as v on true").format(query),
            held=column.name in subject.held.select,
            view=subject.shape.is_view,
        )
        may = "may be read" if column.name in allowed else "is not to be read"
        tries.append(
            Try(what=f"column {column.name}, which {may}", outcome=answer.outcome, why=answer.why)
        )
    return tries
