"""The database held against what the writers know: whichever dialect serves, row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from .facts import Cols, Key, Option, Orphan, State, States, of_v1
from .statements import LOOKS, WRITES

_CHUNK = 5000  # keys a query
_ENDS = {"vote": ("request", "user"), "tagged": ("product", "tag")}  # without foreign keys in V1
_STILL_THERE = "was deleted, and is there"
Connection = psycopg.Connection[Any]


def serving(conn: Connection) -> int:
    """1 or 2: whose tables search_path finds. Raises LookupError if that cannot be said."""
    row = conn.execute(WRITES[1]["dialect"]).fetchone()
    if row is None or row[0] == row[1]:
        raise LookupError("search_path finds neither V1 nor V2, or both")
    return 1 if row[0] else 2


def look(conn: Connection, dialect: int, kind: str, keys: Sequence[Key]) -> dict[Key, list[State]]:
    """The rows of a kind that the database has under these keys."""
    found: defaultdict[Key, list[State]] = defaultdict(list)
    links = len(keys[0]) - 1 if keys else 0
    for start in range(0, len(keys), _CHUNK):
        part = keys[start : start + _CHUNK]
        given = {f"k{n}": [key[n] for key in part] for n in range(1, links + 1)}
        cursor = conn.execute(LOOKS[dialect][kind], given)
        names = [column.name for column in cursor.description or ()]
        for row in cursor:
            cols = dict(zip(names[links:], row[links:], strict=True))
            state = of_v1(kind, cols) if dialect == 1 else State(cols)
            found[(kind, *row[:links])].append(state)
    return found


def differences(conn: Connection, states: States, left: list[str]) -> Iterator[str]:
    """A sentence for each row that is in none of the states that it may be in.

    Those of links that V1 shows though they were deleted, and whose other end is gone, go to
    `left`: V1 has no foreign keys there, and may be left with votes of nobody and tags of nothing.
    """
    dialect = serving(conn)
    kinds: defaultdict[str, list[Key]] = defaultdict(list)
    for key in states:
        kinds[key[0]].append(key)
    for kind, keys in sorted(kinds.items()):
        found = look(conn, dialect, kind, keys)
        for key in keys:
            trouble = _trouble(key, states[key], found.get(key, []), dialect)
            if not trouble:
                continue
            sentence = f"{kind} {' of '.join(key[1:])}: {trouble}"
            if dialect == 1 and trouble == _STILL_THERE and _other_end_gone(key, states):
                left.append(sentence)
            else:
                yield sentence
    if dialect == 2:
        yield from _counts(conn, kinds)


def shared_differences(conn: Connection, shared: Mapping[Key, Sequence[int]]) -> Iterator[str]:
    """A sentence for each common counter that is not its base plus what was added."""
    dialect = serving(conn)
    for kind in sorted({key[0] for key in shared}):
        keys = [key for key in shared if key[0] == kind]
        found = look(conn, dialect, kind, keys)
        for key in keys:
            base, added, perhaps = shared[key]
            (row,) = found.get(key) or [State({"n": None})]
            least, n = base + added, row.cols["n"]
            if n is None or not least <= n <= least + perhaps:
                yield f"{kind} {key[1]}: {n} instead of {least}" + (
                    f" to {least + perhaps}" if perhaps else ""
                )


def _other_end_gone(key: Key, states: States) -> bool:
    ends = zip(_ENDS.get(key[0], ()), key[1:], strict=False)
    return any(None in states.get(end, ()) for end in ends)


def _trouble(
    key: Key, options: Sequence[Option], rows: Sequence[State], dialect: int
) -> str | None:
    if len(rows) > 1:
        return f"there {len(rows)} times"
    row = rows[0] if rows else None
    troubles = [_difference(option, row, dialect) for option in options]
    return None if None in troubles else troubles[-1]


def _difference(option: Option, row: State | None, dialect: int) -> str | None:
    if option is Orphan.LINK and dialect == 1:
        return None
    if not isinstance(option, State):
        return None if row is None else _STILL_THERE
    if row is None:
        return "not there"
    wrong = [
        f"{name} is {row.cols[name]!r} instead of {value!r}"
        for name, value in option.cols.items()
        if name in row.cols and not _same(row.cols[name], value)
    ]
    if dialect == 1 and not wrong:
        wrong = [
            f"{name} is {row.raw.get(name)!r} instead of {value!r}, as it was written"
            for name, value in option.raw.items()
            if not _same(row.raw.get(name), value)
        ]
    return "; ".join(wrong) or None


def _same(found: object, expected: object) -> bool:
    """Equal, and true is not 1."""
    return found == expected and isinstance(found, bool) == isinstance(expected, bool)


def _counts(conn: Connection, kinds: Mapping[str, Sequence[Key]]) -> Iterator[str]:
    """V2 keeps numbers of rows: each must be the number of rows that there are."""
    given = {
        f"{kind}s": [key[1] for key in kinds.get(kind, ())] for kind in ("product", "pack", "tag")
    }
    for what, kept, counted in conn.execute(LOOKS[2]["counts"], given):
        if kept != counted:
            yield f"{what}: {kept}, and there are {counted}"


def known(cols: Cols, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Columns to remember of a row that was there before."""
    return {name: value for name, value in cols.items() if name not in without}
