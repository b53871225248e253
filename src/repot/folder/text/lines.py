"""Lines and statements around a place, and lines that are known not to be SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

import postgast

from repot.folder.text.cut import Cut

INVISIBLE = "\ufeff\u00a0\u200b\u200c\u200d\u2060\u202a\u202c\u200e\u200f"
COLOUR = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_])")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_VERBS = frozenset(
    {
        *("create", "alter", "drop", "insert", "update", "delete", "select", "with", "truncate"),
        *("comment", "grant", "revoke", "set", "reset", "do", "begin", "commit", "rollback"),
        *("start", "end", "copy", "call", "explain", "analyze", "vacuum", "reindex", "cluster"),
        *("lock", "merge", "refresh", "import", "security", "listen", "notify", "unlisten"),
        *("prepare", "execute", "deallocate", "declare", "fetch", "move", "close", "discard"),
        *("load", "checkpoint", "reassign", "show", "values", "table", "savepoint", "release"),
        "abort",
    }
)
# A line with one of these is a statement that somebody meant, whatever is wrong with it.
_MEANT = re.compile(
    r"[;(),'\"]|\b(table|from|into|set|where|values|view|function|column|constraint|policy|type)\b",
    re.IGNORECASE,
)
# Words that begin lines within a statement as well.
_INNER = {"set", "with", "values", "table", "select"}
_COPY = re.compile(r"^\s*copy\s[^;]*\sfrom\s+stdin[^;]*;", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Known:
    """Lines of one sort; harmless: nothing is lost when the line goes; within: also in the middle
    of a statement."""

    code: str
    pattern: re.Pattern[str]
    message: str
    hint: str
    harmless: bool = True
    within: bool = True


def _known(
    code: str,
    pattern: str,
    message: str,
    hint: str,
    harmless: bool = True,
    within: bool = True,
) -> Known:
    return Known(code, re.compile(pattern, re.IGNORECASE), message, hint, harmless, within)


KNOWN = (
    _known(
        "tool-output",
        r"\s*(npm|npx|yarn|pnpm|bun|node)\s+(warn(ing)?|err!?|error|notice|info|http|exec|run|v?\d)",
        "a line that a package manager wrote to the terminal is in the file",
        "the file was made with > from a program that also prints remarks; take the line out",
    ),
    _known(
        "tool-output",
        r"\s*(warning|warn|info|error|notice|debug)\s*:\s",
        "a line that a program wrote to the terminal is in the file",
        "take the line out",
    ),
    _known(
        "tool-output",
        r"\s*(warning|warn|info|error|notice|debug)\s+[\-\[(]*\s*\w",
        "a line that a program wrote to the terminal is in the file",
        "take the line out",
        within=False,  # there it is a column of that name
    ),
    _known(
        "tool-output",
        r"\s*(loaded prisma config|prisma schema loaded|environment variables loaded|datasource "
        r"\"|need to install the following|ok to proceed|\(node:\d+\)|\(use `node|using workdir|"
        r"connecting to (local|remote)|finished supabase|applying migration|pg_dump:|psql:|"
        r"initialising login role|┌|│|└|✔|✓|✖|⚠|╭|╰)",
        "a line that a migration tool wrote to the terminal is in the file",
        "take the line out",
    ),
    _known(
        "markdown",
        r"\s*(```|~~~)",
        "a fence of Markdown is in the file",
        "only the SQL between the fences belongs in it",
    ),
    _known(
        "psql-command",
        r"\s*\\(restrict|unrestrict|connect|c|set|unset|echo|qecho|timing|pset|encoding|q|x|a|t|"
        r"conninfo|password|prompt|!)\b",
        "a command of psql's own: no server and no other client knows it",
        "take the line out; what it should do belongs in the connection or in SQL",
    ),
    _known(
        "psql-command",
        r"\s*\\",
        "a command of psql's own: no server and no other client knows it",
        "write in SQL what it does (an \\i file: put its text here; \\copy: INSERT)",
        harmless=False,
    ),
    _known(
        "not-postgresql",
        r"\s*#",
        "a comment with # is MySQL's",
        "comments begin with --",
        harmless=False,
    ),
)


def number(text: str, at: int) -> int:
    """The line of a character, from 1."""
    return text.count("\n", 0, at) + 1


def word(text: str, at: int) -> Cut:
    """The character and all up to the next plain blank."""
    found = re.compile(r"[^ \t\r\n]*").match(text, at)
    assert found is not None
    return Cut(at, max(found.end(), min(at + 1, len(text))))


def around(text: str, at: int) -> Cut:
    """The line that holds a character, without its end."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return Cut(start, len(text) if end < 0 else end)


def statement(text: str, at: int) -> tuple[int, int]:
    """The statement around a character: from its first word to behind its semicolon.

    Semicolons within strings and bodies are seen by the parser's own scanner, up to the place.
    """
    start = 0
    try:
        tokens = postgast.scan(text[:at]).tokens
    except postgast.PgQueryError:
        tokens = []
    raw = text[:at].encode()
    for token in tokens:
        if raw[token.start : token.end] == b";":
            start = len(raw[: token.end].decode())
    while True:
        blank = re.compile(r"\s+|--[^\n]*|/\*.*?\*/", re.DOTALL).match(text, start)
        if blank is None or blank.end() > at:
            break
        start = blank.end()
    end = text.find(";", at)
    return start, len(text) if end < 0 else end + 1


def stray(text: str, at: int) -> Cut | None:
    """What stands at the beginning of a statement and begins none: up to the next comment, or to
    the end of the line, where that leaves something that begins one; else None."""
    line = around(text, at)
    rest = text[at : line.end]
    word = re.match(r"[^\s(;]+", rest)
    if word is None or word[0].lower() in _VERBS or misspelt(word[0]):
        return None
    comment = rest.find("--")
    if comment > 0:
        return None if _MEANT.search(rest[:comment]) else Cut(at, at + comment)
    verbs = "|".join(sorted(_VERBS - {"set", "values", "table"}))
    verb = re.search(rf"(?<=\s)({verbs})\s", rest, re.IGNORECASE)
    if verb and len(rest[: verb.start()].split()) == 1:
        return Cut(at, at + verb.start())
    if _MEANT.search(rest):
        return None
    for after in _COMMENT.sub("", text[line.end :]).splitlines():
        first = re.match(r"\s*(\w*)", COLOUR.sub("", after).lstrip(INVISIBLE))
        if first and first[1].lower() in _VERBS:
            break
        known = any(k.pattern.match(after) for k in KNOWN)
        if not known and (_MEANT.search(after) or (first and misspelt(first[1]))):
            return None
    return Cut(at, at + len(rest.rstrip()))


def whole(text: str, part: Cut) -> Cut:
    """The part, with the end of its line where nothing else is on it."""
    line = around(text, part.start)
    if text[line.start : part.start].strip() or text[part.end : line.end].strip():
        return part
    return Cut(line.start, min(line.end + 1, len(text)))


def misspelt(word: str) -> str | None:
    """The statement's first word that was meant, if the word is nearly one."""
    found = get_close_matches(word.lower(), sorted(_VERBS), 1, 0.75)
    return found[0].upper() if found else None


def second_statement(text: str, start: int, at: int) -> int | None:
    """Where a line before or at the place begins with a statement's first word, although the
    statement around it has begun before."""
    verbs = "|".join(sorted(_VERBS - _INNER))
    pattern = re.compile(rf"^({verbs}|select)\s", re.IGNORECASE | re.MULTILINE)
    line = around(text, at).start
    last = None
    for found in pattern.finditer(text, start + 1):
        if found.start() > line:
            break
        last = found.start()
    return last


def copy_data(text: str, at: int) -> tuple[int, int] | None:
    """The COPY … FROM stdin whose rows hold the place, from it to behind its end; else None."""
    last = None
    for found in _COPY.finditer(text, 0, at):
        last = found
    if last is None:
        return None
    end = re.compile(r"^\\\.$", re.MULTILINE).search(text, last.end())
    stop = end.end() if end else len(text)
    return (last.start(), stop) if at < stop else None
