"""Errors that say what failed, with which evidence, and what to do."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every verb."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3  # a gate: something must be done first
    UNKNOWN = 4  # the outcome is not known: a person must look


class RepotError(Exception):
    """Something failed; `code` is stable, `hint` says what to do next."""

    exit = Exit.FAILED

    def __init__(self, code: str, message: str, *, evidence: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.evidence = evidence
        self.hint = hint


class UsageError(RepotError):
    """The words of the call, or a file of the project, are off."""

    exit = Exit.USAGE


class Refused(RepotError):
    """A gate is closed: nothing was changed."""

    exit = Exit.REFUSED


class OutcomeUnknown(RepotError):
    """It cannot be told whether a transaction was committed."""

    exit = Exit.UNKNOWN
