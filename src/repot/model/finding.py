"""Findings: what plan, audit and preflights say, all at once."""

from __future__ import annotations

from enum import StrEnum

from repot.model.base import Value


class Severity(StrEnum):
    ERROR = "error"  # the plan cannot go on
    WARNING = "warning"  # it can, and somebody should know
    INFO = "info"


class Finding(Value):
    """One problem, with its place and its remedy.

    `code` is stable and listed in docs/reference/findings.md; `file` is relative to the project.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    file: str | None = None
    line: int | None = None
    object: str | None = None  # table, column or other object meant
    count: int | None = None  # rows concerned
    examples: tuple[str, ...] = ()  # up to three keys or values


def error(code: str, message: str, **more: object) -> Finding:
    return Finding.model_validate(
        {"code": code, "severity": Severity.ERROR, "message": message, **more}
    )


def warning(code: str, message: str, **more: object) -> Finding:
    return Finding.model_validate(
        {"code": code, "severity": Severity.WARNING, "message": message, **more}
    )


def info(code: str, message: str, **more: object) -> Finding:
    return Finding.model_validate(
        {"code": code, "severity": Severity.INFO, "message": message, **more}
    )
