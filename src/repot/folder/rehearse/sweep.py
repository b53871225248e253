"""What is left unfinished when all has run."""

from __future__ import annotations

from repot.folder.rehearse.sql import load
from repot.model.finding import Finding, info, warning
from repot.model.names import Name, quoted
from repot.postgres.connect import Connection

Left = frozenset[tuple[str, str, str, str]]
_TEXTS = {
    "index": (
        "index-invalid",
        "the index {} of {} is invalid: it is kept up to date, and no query uses it",
        "REINDEX INDEX CONCURRENTLY, or drop it and create it again",
    ),
    "constraint": (
        "constraint-not-validated",
        "the constraint {} of {} holds for new rows only: it was never validated",
        "VALIDATE CONSTRAINT in a later migration: readers and writers go on meanwhile",
    ),
    "trigger": (
        "trigger-disabled",
        "the trigger {} of {} is disabled",
        "ENABLE TRIGGER at the end of the file that disabled it",
    ),
}


def unfinished(conn: Connection) -> Left:
    """Invalid indexes, constraints that are not validated, disabled triggers."""
    rows = conn.execute(load("sweep.sql")).fetchall()
    return frozenset((str(k), str(s), str(t), str(n)) for k, s, t, n in rows)


def told(before: Left, after: Left) -> list[Finding]:
    """A warning for what the files leave, an info for what was there before."""
    found = []
    for one in sorted(after):
        kind, schema, table, name = one
        code, text, hint = _TEXTS[kind]
        where = Name(schema_=schema, name=table)
        old = " (so already in the database)" if one in before else ""
        say = info if old else warning
        message = text.format(quoted(name), where) + old
        found.append(say(code, message, object=f"{where}.{quoted(name)}", hint=hint))
    return found
