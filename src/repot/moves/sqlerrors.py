"""What PostgreSQL says of a user's file, as a finding at its line."""

from __future__ import annotations

import psycopg

from repot.model.finding import Finding, error
from repot.model.project import SqlFile

_CODES = {
    "42703": "unknown-column",
    "42P01": "unknown-table",
    "42601": "sql-syntax",
    "42883": "unknown-function",
    "42804": "type-mismatch",
    "42846": "type-mismatch",
    "22P02": "type-mismatch",
    "42701": "duplicate-column",
    "42702": "ambiguous-column",
    "42704": "unknown-object",
    "42501": "no-permission",
    "42P07": "already-exists",
    "42P10": "wrong-column-reference",
    "3F000": "unknown-schema",
}

_HINTS = {
    "unknown-table": "bare names are looked up in the source schema and among the registries; "
    "write schema.table for others",
    "unknown-column": "the column is not in the tables this SELECT reads; "
    "an unquoted name is folded to lower case",
    "duplicate-column": "give each column its own name with AS",
    "type-mismatch": "write the cast that is meant: expression::type",
}


def from_server(file: SqlFile, failed: psycopg.Error, offset: int = 0) -> Finding:
    """The finding; `offset` is the length in characters of what stood before the file's text."""
    code = _CODES.get(failed.sqlstate or "", "sql-error")
    diagnosis = failed.diag
    line = None
    if diagnosis.statement_position:
        at = int(diagnosis.statement_position) - 1 - offset
        line = file.text[: max(at, 0)].count("\n") + 1
    message = diagnosis.message_primary or str(failed).strip()
    hint = diagnosis.message_hint or _HINTS.get(code, "")
    return error(code, message, file=file.path, line=line, hint=hint)
