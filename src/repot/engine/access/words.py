"""The matrix in few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repot.engine.access.judge import AS_DECLARED, FAILED, SOME, UNKNOWN
from repot.model.access import ALL, NONE, ROWS, Access, Operation

VERBS = {
    Operation.SELECT: "read",
    Operation.INSERT: "add",
    Operation.UPDATE: "change",
    Operation.DELETE: "delete",
    Operation.TRUNCATE: "empty",
}
_WRITE = ["add", "change", "delete"]
Words = Mapping[tuple[str, str, Operation], str]


def by_cell(access: Access) -> Words:
    """One word for each table, identity and operation, all its people together."""
    words: dict[tuple[str, str, Operation], list[str]] = {}
    for cell in access.cells:
        words.setdefault((cell.table, cell.identity, cell.operation), []).append(cell.found)
    return {key: _together(found) for key, found in words.items()}


def in_words(access: Access) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """The identities; and each table with one text for each of them, such as "read some, write
    own", "-" for nothing, "?" for what could not be tried."""
    who = tuple(dict.fromkeys(p.identity for p in access.people))
    words = by_cell(access)
    rows = tuple((t, tuple(_text(words, t, one) for one in who)) for t in access.tables)
    return who, rows


def _text(words: Words, table: str, who: str) -> str:
    found = {o: words.get((table, who, o), UNKNOWN) for o in Operation}
    verbs: dict[str, list[str]] = {}
    for operation in ROWS:
        if found[operation] not in (NONE, UNKNOWN):
            word = SOME if found[operation] == AS_DECLARED else found[operation]
            verbs.setdefault(word, []).append(VERBS[operation])
    parts = [_phrase(word, said) for word, said in verbs.items()]
    if found[Operation.TRUNCATE] == ALL:
        parts.append("empty")
    return ", ".join(parts) or ("-" if NONE in found.values() else "?")


def _phrase(word: str, verbs: list[str]) -> str:
    if len(verbs) == len(ROWS):
        return word
    if verbs[-3:] == _WRITE:
        verbs = [*verbs[:-3], "write"]
    return f"{' and '.join(verbs)} {word}"


def _together(found: Sequence[str]) -> str:
    """One word for several people's: what differs is "some"."""
    known = list(dict.fromkeys(f for f in found if f != UNKNOWN))
    if not known:
        return UNKNOWN
    if FAILED in known:
        return FAILED
    if len(known) == 1:
        return known[0]
    # somebody without rows of their own reaches "none" where others reach "own"
    rest = [f for f in known if f != NONE]
    return rest[0] if len(rest) == 1 and rest[0] != ALL else SOME
