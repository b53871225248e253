"""What in a file is not SQL: every place at once, each with its cause.

PostgreSQL's own parser says where it can't go on; the cause is looked for there. Then that place is
masked and the file is parsed again, until it can be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import postgast

from repot.folder.text import lines
from repot.folder.text.cut import Cut, masked
from repot.folder.text.dialects import foreign

MOST = 25  # troubles of one file that are named

_CONFLICT = re.compile(r"^(<{7}|\|{7}|={7}|>{7})(?:[ \t].*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Trouble:
    """A place that is not SQL; `cut` is what `fix` would change, None where a person must look."""

    code: str
    line: int
    message: str
    hint: str
    cut: Cut | None = None


def examine(text: str) -> tuple[Trouble, ...]:
    """All troubles of a file, in the order of their lines; empty where it can be parsed whole."""
    found, rest = _conflicts(text)
    while len(found) < MOST:
        at, message = _wrong(rest)
        if at is None:
            break
        trouble, start, end = _trouble(text, rest, at, message)
        found.append(trouble)
        rest = masked(rest, start, max(end, start + 1))
    return tuple(sorted(found, key=lambda t: t.line))


def _wrong(text: str) -> tuple[int | None, str]:
    """The character at which the parser stops, and what it says; None where all can be read."""
    try:
        postgast.parse(text)
    except postgast.PgQueryError as wrong:
        return min(max((wrong.cursorpos or 1) - 1, 0), max(len(text) - 1, 0)), str(wrong.message)
    return None, ""


def _conflicts(text: str) -> tuple[list[Trouble], str]:
    """Markers of a merge that was not finished, wherever they are; in the rest ours stays."""
    marks = list(_CONFLICT.finditer(text))
    if not any(m[1] == "<" * 7 for m in marks):
        return [], text
    found, rest, theirs = [], text, None
    for mark in marks:
        rest = masked(rest, mark.start(), mark.end())
        if mark[1] == "<" * 7:
            found.append(
                Trouble(
                    "merge-conflict",
                    lines.number(text, mark.start()),
                    "a merge of two versions of this file was not finished",
                    "keep one of the two versions and take the <<<<<<<, ======= and >>>>>>> out",
                )
            )
        elif mark[1] in ("|" * 7, "=" * 7):
            theirs = mark.end() if theirs is None else theirs
        elif theirs is not None:
            rest = masked(rest, theirs, mark.start())
            theirs = None
    return found, rest


def _trouble(text: str, rest: str, at: int, message: str) -> tuple[Trouble, int, int]:
    """The cause at one place, and the part of the text that is explained by it."""
    number = lines.number(text, at)
    token = lines.word(text, at)
    hidden = next((i for i in range(token.start, token.end) if text[i] in lines.INVISIBLE), None)
    if hidden is not None:
        return _invisible(text, hidden, number)
    colour = lines.COLOUR.match(text, at)
    if colour:
        cut = Cut(colour.start(), colour.end())
        trouble = Trouble(
            "terminal-colours",
            number,
            "a terminal's colour codes are in the file",
            "they came with a program's output; write that to another place than the file",
            cut,
        )
        return trouble, cut.start, cut.end
    if message.startswith("unterminated"):
        trouble = Trouble(
            "unterminated",
            number,
            f"{message.split(' at or near')[0]}: it begins here and never ends",
            "close it; to the end of the file all was read as part of it",
        )
        return trouble, lines.statement(rest, at)[0], len(text)  # its beginning is none alone
    copied = lines.copy_data(rest, at)
    if copied is not None:
        start, end = copied
        trouble = Trouble(
            "copy-from-stdin",
            lines.number(text, start),
            "COPY … FROM stdin with its rows is psql's: no other client reads rows from a file of "
            "statements",
            "write them as INSERT (pg_dump --inserts does)",
        )
        return trouble, start, end
    line = lines.around(rest, at)
    begins = lines.statement(rest, at)[0] >= line.start
    for known in lines.KNOWN:
        if not (begins or known.within):
            continue
        if known.pattern.match(rest[line.start : line.end]):
            whole = lines.whole(text, line)
            trouble = Trouble(
                known.code, number, known.message, known.hint, whole if known.harmless else None
            )
            return trouble, line.start, line.end
    return _statement(text, rest, at, message)


def _invisible(text: str, at: int, number: int) -> tuple[Trouble, int, int]:
    if text[at] == "\ufeff":
        trouble = Trouble(
            "byte-order-mark",
            number,
            "a byte-order mark is in the file",
            "save the file as UTF-8 without a byte-order mark",
            Cut(at, at + 1),
        )
    else:
        trouble = Trouble(
            "invisible-character",
            number,
            f"an invisible character (U+{ord(text[at]):04X}) is in the SQL",
            "it came with text that was pasted; write a plain blank",
            Cut(at, at + 1, " "),
        )
    return trouble, at, at + 1


def _statement(text: str, rest: str, at: int, message: str) -> tuple[Trouble, int, int]:
    """A trouble in the grammar: looked at within its statement."""
    start, end = lines.statement(rest, at)
    number = lines.number(text, at)
    statement = rest[start:end]
    stray = lines.stray(rest, at) if at == start else None
    other = foreign(statement)
    place = start + _found(other.pattern, statement) if other is not None else end
    if other is not None and (stray is None or place < stray.end):
        found = lines.number(text, place)
        return Trouble("not-postgresql", found, other.message, other.hint), start, end
    if stray is not None:
        word = text[stray.start : stray.end].strip()
        trouble = Trouble(
            "stray-text",
            number,
            f"“{word[:60]}” is not SQL",
            "take it out",
            lines.whole(text, stray),
        )
        return trouble, stray.start, stray.end
    before = rest[start:at].rstrip()
    if rest[at] == ")" and before.endswith(","):
        comma = start + len(before) - 1
        trouble = Trouble(
            "trailing-comma",
            lines.number(text, comma),
            "a comma before the closing parenthesis",
            "take the comma out",
            Cut(comma, comma + 1),
        )
        return trouble, comma, comma + 1
    missing = lines.second_statement(rest, start, at)
    if missing is not None:
        trouble = Trouble(
            "missing-semicolon",
            lines.number(text, missing),
            "a statement begins here, and the one before it has no end",
            "put a semicolon at the end of the statement before",
        )
        return trouble, start, missing
    hint = "PostgreSQL's grammar does not allow this here"
    first = re.match(r"\w+", rest[at:]) if at == start else None
    meant = lines.misspelt(first[0]) if first else None
    if meant is not None and first is not None and meant != first[0].upper():
        hint = f"write {meant}"
    return Trouble("sql-syntax", number, message, hint), start, end


def _found(pattern: re.Pattern[str], statement: str) -> int:
    match = pattern.search(statement)
    assert match is not None
    blank = len(match[0]) - len(match[0].lstrip())
    return match.start() + blank
