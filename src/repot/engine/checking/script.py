"""A script cut into its statements, each with what is expected of it; nothing in it is changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import postgast
from psycopg import errors

from repot.model.project import SqlFile
from repot.moves.statements import line_at

_LINE_COMMENT, _BLOCK_COMMENT = 275, 276  # the scanner's tokens
_MARK = re.compile(r"--\s*expect(?P<error>\s+error)?\s*:\s*(?P<text>.*?)\s*\Z", re.IGNORECASE)
_MEANT = re.compile(r"--\s*expect\w*(\s+error)?\s*(:|\Z)|--\s*expect\s+error\b", re.IGNORECASE)
_STATE = re.compile(r"[0-9A-Z]{5}\Z")


@dataclass(frozen=True)
class Expected:
    """no rows, or the error `sqlstate`; text: what must be, in the author's words."""

    text: str
    sqlstate: str | None = None


@dataclass(frozen=True)
class Piece:
    """One statement as it stands in the file; lines count from 1."""

    line: int
    text: str
    expected: Expected | None


@dataclass(frozen=True)
class Script:
    """The statements, or the problems that keep the script from being run."""

    title: str
    pieces: tuple[Piece, ...]
    problems: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class _Comment:
    line: int
    start: int
    end: int
    text: str
    alone: bool  # nothing else is on its line


def read_script(file: SqlFile) -> Script:
    """Cut at the places that PostgreSQL's parser gives."""
    try:
        tree = postgast.parse(file.text)
    except postgast.PgQueryError as wrong:
        at = max(wrong.cursorpos - 1, 0)  # characters here, bytes elsewhere
        line = file.text.count("\n", 0, at) + 1
        return Script("", (), ((line, f"is not SQL: {wrong.message}"),))
    raw = file.text.encode()
    comments = _comments(file.text, raw)
    problems: list[tuple[int, str]] = []
    pieces, before = [], 0
    for parsed in tree.stmts:
        end = parsed.stmt_location + parsed.stmt_len if parsed.stmt_len else len(raw)
        start = _first_word(raw, max(parsed.stmt_location, before), comments)
        line = line_at(file.text, start)
        refused = _refused(parsed.stmt)
        if refused:
            problems.append((line, refused))
        expected = _expected([c for c in comments if before <= c.start < start], problems)
        problems += _inside([c for c in comments if start <= c.start < end])
        pieces.append(Piece(line, raw[start:end].decode(), expected))
        before = end
    problems += [
        (c.line, "expects something, and no statement follows")
        for c in comments
        if c.start >= before and _MEANT.match(c.text)
    ]
    if pieces and not any(p.expected for p in pieces) and not problems:
        problems.append((1, "expects nothing: a script without `-- expect:` proves nothing"))
    if not pieces and not problems:
        problems.append((1, "holds no statement"))
    return Script(_title(comments), tuple(pieces), tuple(sorted(problems)))


def _comments(text: str, raw: bytes) -> list[_Comment]:
    found = []
    for token in postgast.scan(text).tokens:
        if token.token in (_LINE_COMMENT, _BLOCK_COMMENT):
            begin = raw.rfind(b"\n", 0, token.start) + 1
            found.append(
                _Comment(
                    line_at(text, token.start),
                    token.start,
                    token.end,
                    raw[token.start : token.end].decode(),
                    not raw[begin : token.start].strip(),
                )
            )
    return found


def _first_word(raw: bytes, at: int, comments: list[_Comment]) -> int:
    """Past blanks, comments and the semicolon of the statement before."""
    starts = {c.start: c.end for c in comments}
    while at < len(raw):
        if at in starts:
            at = starts[at]
        elif raw[at : at + 1] in (b";", b" ", b"\n", b"\t", b"\r", b"\f", b"\v"):
            at += 1
        else:
            break
    return at


def _expected(comments: list[_Comment], problems: list[tuple[int, str]]) -> Expected | None:
    """What the comments before a statement expect of it."""
    found: list[Expected] = []
    for comment in comments:
        mark = _MARK.match(comment.text)
        if mark is None:
            if _MEANT.match(comment.text):
                problems.append((comment.line, "write `-- expect: …` or `-- expect error: CODE`"))
        elif not comment.alone:
            problems.append((comment.line, "an expectation stands on a line of its own"))
        elif not mark["error"]:
            found.append(Expected(mark["text"] or "no row"))
        else:
            word, _, text = mark["text"].partition(":")
            state = sqlstate_of(word.strip())
            if state is None:
                problems.append(
                    (comment.line, f"{word.strip()!r} is no SQLSTATE and no error's name")
                )
            else:
                found.append(Expected(text.strip() or f"fails with {word.strip()}", state))
    if len(found) > 1:
        problems.append((comments[-1].line, "one expectation for each statement"))
    return found[0] if found else None


def _inside(comments: list[_Comment]) -> list[tuple[int, str]]:
    return [
        (c.line, "an expectation stands before its statement, not within one")
        for c in comments
        if _MEANT.match(c.text)
    ]


def sqlstate_of(word: str) -> str | None:
    """`23514` or `check_violation` as an SQLSTATE; None where it is neither."""
    if _STATE.match(word):
        return word
    known = getattr(errors, "".join(part.capitalize() for part in word.split("_")), None)
    state = getattr(known, "sqlstate", None)
    return state if isinstance(state, str) else None


def _refused(node: Any) -> str | None:
    kind = node.WhichOneof("node")
    if kind == "transaction_stmt":
        return "begins or ends a transaction: a script runs in one, which is rolled back"
    if kind == "copy_stmt":
        statement = node.copy_stmt
        if not statement.filename:
            return "COPY from or to the client is psql's: write INSERT or SELECT"
    return None


def _title(comments: list[_Comment]) -> str:
    """The first comment, if it stands at the top and expects nothing."""
    if not comments or _MEANT.match(comments[0].text):
        return ""
    return comments[0].text.strip("-/* \n").split("\n")[0].strip()
