"""A file parsed whole: statements with their places, or the troubles that prevent it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import postgast

from repot.folder.text.places import Places
from repot.folder.text.troubles import Trouble, examine
from repot.model.folder import Script

_BLANK = re.compile(rb"(?:\s|--[^\n]*(?:\n|$)|;)+")


@dataclass(frozen=True)
class Statement:
    """One statement as it stands in the file; lines count from 1.

    kind: the parser's name of it (create_stmt, alter_table_stmt …); node: the parser's tree.
    """

    number: int
    line: int
    kind: str
    text: str
    node: Any


@dataclass(frozen=True)
class Reading:
    """A script and what became of reading it; with troubles there are no statements."""

    script: Script
    statements: tuple[Statement, ...]
    troubles: tuple[Trouble, ...]


def read_script(script: Script) -> Reading:
    """Parse a file with PostgreSQL's own grammar; it is never run here."""
    troubles = examine(script.text)
    if troubles:
        return Reading(script, (), troubles)
    tree = postgast.parse(script.text)
    raw = script.text.encode()
    places = Places(script.text)
    found = []
    for number, parsed in enumerate(tree.stmts, 1):
        start = parsed.stmt_location
        end = start + parsed.stmt_len if parsed.stmt_len else len(raw)
        start = _skip(raw, start, end)
        kind = parsed.stmt.WhichOneof("node")
        text = raw[start:end].decode().strip()
        found.append(Statement(number, places.line(start), kind, text, getattr(parsed.stmt, kind)))
    return Reading(script, tuple(found), ())


def _skip(raw: bytes, start: int, end: int) -> int:
    """Past blanks and comments before a statement."""
    while start < end:
        blank = _BLANK.match(raw, start, end)
        if blank:
            start = blank.end()
        elif raw.startswith(b"/*", start):
            start = _past_comment(raw, start, end)
        else:
            break
    return start


def _past_comment(raw: bytes, start: int, end: int) -> int:
    """Comments of this form nest."""
    depth, at = 0, start
    while at < end:
        if raw.startswith(b"/*", at):
            depth, at = depth + 1, at + 2
        elif raw.startswith(b"*/", at):
            depth, at = depth - 1, at + 2
            if not depth:
                return at
        else:
            at += 1
    return end
