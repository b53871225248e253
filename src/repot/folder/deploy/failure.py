"""What the server said of a statement, with its place in the file and without secrets."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from repot.folder.attempts import STEPS, WHOLE
from repot.folder.book import Page
from repot.folder.deploy.result import Failure
from repot.folder.session import understood
from repot.folder.text import Statement
from repot.model.finding import Finding, error

_SHOWN = 600  # characters of a statement
_SECRETS = (
    re.compile(r"(?i)(\bpassword\s*=?\s*)(E?'(?:[^']|'')*')"),
    re.compile(
        r"(?i)((?:secret|token|api_?key|passwd|pwd)\w*\s*(?:=>|:=|=|:)?\s*)('(?:[^']|'')*')"
    ),
    re.compile(r"(://[^\s:/@']+:)([^\s@']+)(?=@)"),
    re.compile(r"()(\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"),
    re.compile(r"()(\b(?:sk|pk|rk|whsec|ghp|gho|xox[abp]|AKIA|sbp)[_-]?[A-Za-z0-9_-]{12,})"),
)


def masked(text: str, dsn: str) -> str:
    """Without the password of the connection, and without what looks like one."""
    try:
        password = conninfo_to_dict(understood(dsn)).get("password")
    except psycopg.ProgrammingError:
        password = None
    if password:
        text = text.replace(str(password), "***")
    for pattern in _SECRETS:
        text = pattern.sub(r"\1***", text)
    return text


def failure(
    page: Page,
    statement: Statement | None,
    wrong: psycopg.Error,
    dsn: str,
    *,
    mode: str = WHOLE,
    kept: int = 0,
) -> Failure:
    """The error of `statement`; None: of the COMMIT, or of what Repot itself does."""
    diagnosis = wrong.diag
    line = statement.line if statement else page.statements[-1].line if page.statements else 1
    place = diagnosis.statement_position
    if statement and place and place.isdigit():
        line += statement.text[: int(place) - 1].count("\n")
    message = diagnosis.message_primary or str(wrong).strip()
    text = statement.text if statement else "COMMIT"
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + " …"
    parts = {
        "message": masked(message, dsn),
        "detail": masked(diagnosis.message_detail or "", dsn),
        "hint": masked(diagnosis.message_hint or "", dsn),
        "context": masked(diagnosis.context or "", dsn),
    }
    logs = [
        f"Migration name: {page.name}",
        f"Database error code: {wrong.sqlstate or 'none'}",
        "Database error:\nERROR: " + parts["message"],
        parts["detail"] and f"DETAIL: {parts['detail']}",
        parts["hint"] and f"HINT: {parts['hint']}",
        parts["context"] and f"CONTEXT: {parts['context']}",
        f"Position: {page.file}, line {line}"
        + (f", statement {statement.number}" if statement else ""),
    ]
    return Failure(
        name=page.name,
        file=page.file,
        line=line,
        statement=statement.number if statement else None,
        sql=masked(shown, dsn),
        message=parts["message"],
        detail="\n".join(p for p in (parts["detail"], parts["context"]) if p),
        hint=parts["hint"],
        sqlstate=wrong.sqlstate,
        mode=mode,
        kept=kept,
        logs="\n\n".join(one for one in logs if one),
    )


def finding(failed: Failure, resolve: bool) -> Finding:
    """The same as a finding. resolve: whether the history wants a word before the next try."""
    said = [failed.message, failed.detail, f"SQLSTATE {failed.sqlstate}" if failed.sqlstate else ""]
    if failed.mode == STEPS:
        stays = f"what stands before it stays ({failed.kept} done)" if failed.kept else ""
        hint = "put right what it failed on and deploy again: it goes on at this statement"
    elif resolve:
        stays = "the file was rolled back whole"
        hint = (
            "put it right, then `repot migrate resolve --rolled-back "
            f"{failed.name}` and deploy again"
        )
    else:
        stays = "the file was rolled back whole"
        hint = "put it right and deploy again"
    return error(
        "migration-statement-failed",
        f"{failed.name}: " + "; ".join(s for s in (*said, stays) if s),
        file=failed.file,
        line=failed.line,
        object=failed.name,
        hint=f"{failed.hint}; {hint}" if failed.hint else hint,
    )
