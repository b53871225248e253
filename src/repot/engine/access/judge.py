"""What tries amount to, and how that differs from what is declared."""

from __future__ import annotations

from collections.abc import Sequence

from repot.model.access import ALL, NONE, OWN, Operation, Outcome, Try

_OWN = ("own rows", "a row of one's own")
_INSIDE = (*_OWN, "rows as declared", "a row as declared")
_OUTSIDE = ("others' rows", "a row in another's name", "other rows", "another row")
_WHOLE = ("all rows", "rows without a WHERE")
_ANY = ("any row", "a row")
AS_DECLARED = "as declared"
SOME, FAILED, UNKNOWN = "some", "error", "?"


def _reaches(t: Try) -> bool:
    return t.outcome is Outcome.ALLOWED and t.reached != 0


def _fully(t: Try) -> bool:
    return _reaches(t) and (t.of is None or t.reached is None or t.reached >= t.of)


def _too_many(t: Try) -> bool:
    """Counted without keys: more rows than are declared."""
    return t.what in _WHOLE and t.of is not None and _reaches(t) and (t.reached or 0) > t.of


def _of_rows(tries: Sequence[Try]) -> list[Try]:
    return [t for t in tries if t.what in (*_INSIDE, *_OUTSIDE, *_WHOLE, *_ANY)]


def found(word: str | None, tries: Sequence[Try]) -> str:
    """In a word: which rows are reached."""
    rows = _of_rows(tries)
    if any(t.outcome is Outcome.ERROR for t in rows):
        return FAILED
    tried = [t for t in rows if t.outcome is not Outcome.UNTRIED]
    if not tried:
        return UNKNOWN
    reaching = [t for t in tried if _reaches(t)]
    if not reaching:
        return NONE
    outside = [t for t in tried if t.what in (*_OUTSIDE, *_ANY)]
    inside = [t for t in tried if t.what in _INSIDE]
    beyond = any(_reaches(t) for t in outside) or any(_too_many(t) for t in tried)
    if not beyond and inside and all(map(_fully, inside)):
        return OWN if inside[0].what in _OWN else AS_DECLARED
    if beyond and all(map(_fully, [*inside, *outside])):
        return ALL
    if inside or outside or beyond or word is None or not all(map(_fully, tried)):
        return SOME
    return word if word in (ALL, OWN) else AS_DECLARED  # counted only


def problems(
    word: str | None, operation: Operation, tries: Sequence[Try]
) -> tuple[list[str], list[str], list[str]]:
    """What is reached beyond what is declared, what is not reached, what fails; in words."""
    more: list[str] = []
    less: list[str] = []
    broken = list(dict.fromkeys(f"{t.what}: {t.why}" for t in tries if t.outcome is Outcome.ERROR))
    if word is None:
        return more, less, broken
    for t in tries:
        should = _should(word, t)
        if t.outcome in (Outcome.ERROR, Outcome.UNTRIED) or should is None:
            continue
        if not should and _reaches(t):
            more.append(f"{t.what}{_figures(t)}")
        if should and not _fully(t):
            less.append(f"{t.what}: {_refusal(t, operation)}")
    for t in tries:
        if _too_many(t):
            than = f"more than the {t.of:,} that are meant" if t.of else "some"
            more.append(f"{t.what}: {than}")
    if not less and not broken:
        less += [
            f"{t.what}: {t.reached or 0:,} of {t.of:,}; {_refusal(t, operation)}"
            for t in tries
            if _too_few(t, tries)
        ]
    return more, less, broken


def _too_few(t: Try, tries: Sequence[Try]) -> bool:
    """Counted without keys: fewer rows than are declared. A write is only held to that where no
    row of it could be tried by its key: where some rows may not become what they are, a statement
    without a WHERE fails as a whole."""
    if t.what not in _WHOLE or not t.of or t.outcome is Outcome.UNTRIED:
        return False
    keyed = any(o.what in _INSIDE and o.outcome is not Outcome.UNTRIED for o in tries)
    return (t.reached or 0) < t.of and (t.what == "all rows" or not keyed)


def _should(word: str, t: Try) -> bool | None:
    """Whether the rows of a try are to be reached; None for those that are counted only."""
    if t.what.startswith("column "):
        return ", which may be " in t.what
    if t.what == "giving one's row away":
        return False
    if t.what in _WHOLE:
        return None if t.of is not None else (True if word == ALL else None)
    if word in (NONE, ALL):
        return word == ALL
    return t.what in _INSIDE


def _figures(t: Try) -> str:
    if t.of is None or t.reached is None or t.of <= 1:
        return ""
    return f" ({t.reached:,} of {t.of:,} tried)"


def _refusal(t: Try, operation: Operation) -> str:
    match t.outcome:
        case Outcome.DENIED:
            return f"denied by grant ({t.why})" if t.why else "denied by grant"
        case Outcome.REFUSED:
            return f"refused by a trigger or function ({t.why})"
        case Outcome.ALLOWED:
            return f"only {t.reached} of {t.of}"
        case _:
            return "refused by a policy" if operation is Operation.INSERT else "hidden by a policy"


def unseen(people: Sequence[Sequence[Try]], word: str) -> str:
    """Why nobody could try what an identity is meant to reach, or anything; empty: somebody did."""
    tries = [t for of_one in people for t in _of_rows(of_one)]
    wanted = [t for t in tries if _should(word, t)] if word != NONE else tries
    wanted = wanted or tries
    if not wanted or any(t.outcome is not Outcome.UNTRIED for t in wanted):
        return ""
    return wanted[0].why or "it could not be tried"
