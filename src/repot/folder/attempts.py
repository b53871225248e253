"""Repot's own notes put together: what is known of each attempt at a migration."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from repot.folder.history.own import Event, Kind
from repot.folder.text import Statement

WHOLE, STEPS = "whole", "steps"  # the modes: one transaction, or statement by statement
_ENDED = {
    Kind.APPLIED,
    Kind.CANCELLED,
    Kind.GIVEN_UP,
    Kind.RESOLVED_APPLIED,
    Kind.RESOLVED_ROLLED_BACK,
}


@dataclass
class Attempt:
    """One start of a migration by Repot. Statements count from 1.

    done: how many statements are committed; reached: one that is no part of a transaction was
    about to run (`found`: what was noted before it); ended: it is no longer open; failed: the
    error's text.
    """

    id: str
    migration: str
    mode: str
    at: datetime
    who: str
    client: str | None
    pid: int
    alive: bool
    checksum: str | None
    done: int = 0
    prefix: str | None = None
    reached: int | None = None
    found: dict[str, object] = field(default_factory=dict)
    failed: str | None = None
    statement: int | None = None
    duration_ms: float | None = None
    fingerprint: str | None = None
    ended: Kind | None = None

    @property
    def resumable(self) -> bool:
        """Whether another attempt goes on where this one stopped."""
        return self.ended is None and (self.mode == STEPS or self.failed is None)


def attempts(events: Iterable[Event]) -> dict[str, Attempt]:
    """By the id of the row in the history, oldest first."""
    found: dict[str, Attempt] = {}
    for event in events:
        if event.kind is Kind.STARTED:
            found[event.attempt] = Attempt(
                event.attempt,
                event.migration,
                event.mode or WHOLE,
                event.at,
                event.who,
                event.client,
                event.pid,
                event.alive,
                event.checksum,
                done=event.statement or 0,
                prefix=event.prefix,
                reached=_number(event.detail.get("reached")),
                found=_mapping(event.detail.get("found")),
            )
        elif event.attempt in found:
            _add(found[event.attempt], event)
        elif event.kind in (Kind.RESOLVED_APPLIED, Kind.RESOLVED_ROLLED_BACK):
            for one in found.values():  # a resolution ends every attempt at that migration
                if one.migration == event.migration and one.ended is None:
                    one.ended = event.kind
    return found


def _add(one: Attempt, event: Event) -> None:
    if event.kind is Kind.REACHED:
        one.reached, one.found = event.statement, dict(event.detail)
    elif event.kind is Kind.DONE:
        one.done, one.prefix = event.statement or 0, event.prefix
        one.reached, one.found = None, {}
    elif event.kind is Kind.FAILED:
        one.failed, one.statement = str(event.detail.get("error", "")), event.statement
    elif event.kind in _ENDED:
        one.ended = event.kind
        one.duration_ms, one.fingerprint = event.duration_ms, event.fingerprint


def prefix_of(statements: Sequence[Statement], count: int) -> str:
    """SHA-256 of the first `count` statements: what is done must not be edited afterwards."""
    text = "\0".join(s.text for s in statements[:count])
    return hashlib.sha256(text.encode()).hexdigest()


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}
