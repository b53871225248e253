"""The cells of one table and one caller."""

from __future__ import annotations

from collections.abc import Iterator

from repot.engine.access.columns import try_columns
from repot.engine.access.inserting import try_insert
from repot.engine.access.judge import found, problems
from repot.engine.access.reading import try_select
from repot.engine.access.rows import CannotAsk, TooLong
from repot.engine.access.subject import Subject
from repot.engine.access.writing import deleting, try_giving_away, try_write, updating
from repot.model.access import ALL, NONE, Cell, Operation, Outcome, Try

_CANNOT_WRITE = ("m", "f")  # materialised views cannot; foreign tables lie elsewhere


def cells(subject: Subject, name: str) -> Iterator[Cell]:
    """Every operation, tried."""
    for operation in Operation:
        word = subject.word(operation)
        tries = list(_tries(subject, operation))
        more, less, broken = problems(word, operation, tries)
        if subject.shape.root is not None:
            less = []  # through its parent it is reached
        yield Cell(
            table=name,
            identity=subject.caller.identity.name,
            person=subject.caller.person.person,
            operation=operation,
            expected=word,
            found=_truncated(tries) if operation is Operation.TRUNCATE else found(word, tries),
            tries=tuple(tries),
            problems=tuple(
                [f"more: {p}" for p in more]
                + [f"less: {p}" for p in less]
                + [f"error: {p}" for p in broken]
            ),
        )


def _tries(subject: Subject, operation: Operation) -> Iterator[Try]:
    if operation is Operation.TRUNCATE:
        yield _truncate(subject)
        return
    if operation is not Operation.SELECT and subject.shape.kind in _CANNOT_WRITE:
        why = "it takes no writes" if subject.shape.kind == "m" else "its rows lie elsewhere"
        yield Try(what="any row", outcome=Outcome.UNTRIED, why=why)
        return
    try:
        yield from _asked(subject, operation)
    except CannotAsk as failed:
        yield Try(what="the condition in access.toml", outcome=Outcome.ERROR, why=str(failed))


def _asked(subject: Subject, operation: Operation) -> Iterator[Try]:
    match operation:
        case Operation.SELECT:
            yield from try_select(subject)
        case Operation.INSERT:
            yield from try_insert(subject)
        case Operation.DELETE:
            yield from try_write(subject, deleting(subject))
        case _:
            writing = updating(subject)
            if writing is None:
                yield Try(what="any row", outcome=Outcome.UNTRIED, why="no column can be written")
                return
            yield from try_write(subject, writing)
            try:
                given = try_giving_away(subject)
                yield from [given] if given is not None else []
                yield from try_columns(subject)
            except TooLong:
                pass  # those before have said so


def _truncate(subject: Subject) -> Try:
    """Asked of the catalog: TRUNCATE knows no policy, so the grant is all there is to it, and
    trying it would lock the whole table against everybody."""
    if subject.shape.kind not in ("r", "p"):
        return Try(what="all rows", outcome=Outcome.UNTRIED, why="it cannot be emptied")
    may = subject.holds(subject.held.truncate)
    outcome = Outcome.ALLOWED if may else Outcome.DENIED
    return Try(what="any row", outcome=outcome)


def _truncated(tries: list[Try]) -> str:
    if tries[0].outcome is Outcome.UNTRIED:
        return "?"
    return ALL if tries[0].outcome is Outcome.ALLOWED else NONE
