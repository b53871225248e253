"""One applier, or several that share a large backlog.

Each scope is always in the same worker's share. Where rows of one share need rows of another (a
parent, a unique value that changes hands), the share is undone and one applier does what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg

from repot.engine.apply import Bucket, apply_share, locate, step, step_both
from repot.engine.apply.temporary import forget_tables
from repot.engine.session import Session
from repot.model.results import DrainResult
from repot.model.status import Lag
from repot.postgres.connect import Connection

MANY = 5_000  # changes and scopes that are worth sharing
SHARE = 2_000  # scopes in one transaction of a worker
_TOGETHER = (
    psycopg.IntegrityError,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
)


class Crew:
    """Connections of the workers, closed with the stack."""

    def __init__(self, session: Session, workers: int, stack: ExitStack) -> None:
        self._session = session
        self._conns = [
            stack.enter_context(session.connect("repot follow"))
            for _ in range(workers if workers > 1 else 0)
        ]

    def forget_tables(self, conn: Connection) -> None:
        """The temporary tables of all the sessions are dropped; what is needed is made anew."""
        for one in (conn, *self._conns):
            forget_tables(one)

    def batch(
        self,
        conn: Connection,
        direction: str,
        waiting: Lag,
        guard: Callable[[Connection], None] | None,
        rule: str | None = None,
    ) -> DrainResult:
        """Apply a batch; raises what `step` raises. rule: both sides are written."""
        run, plan = self._session.run.id, self._session.plan
        if rule is not None and waiting.waiting:
            return step_both(conn, run, plan, rule, guard=guard)
        if not self._conns or waiting.waiting < MANY:
            if not waiting.waiting:
                return DrainResult(changes=0, keys=0, written=0)
            return step(conn, run, plan, direction, guard=guard)
        found = locate(conn, run, plan, direction)
        with ThreadPoolExecutor(len(self._conns)) as pool:
            shares = pool.map(
                lambda n: self._share(self._conns[n], direction, n, guard),
                range(len(self._conns)),
            )
            done = [found, *(result for share in shares for result in share)]
        return DrainResult(
            changes=sum(d.changes for d in done),
            keys=sum(d.keys for d in done),
            written=sum(d.written for d in done),
        )

    def _share(
        self,
        conn: Connection,
        direction: str,
        number: int,
        guard: Callable[[Connection], None] | None,
    ) -> list[DrainResult]:
        run, plan = self._session.run.id, self._session.plan
        bucket, results = Bucket(number, len(self._conns)), []
        while True:
            try:
                done = apply_share(conn, run, plan, direction, bucket, limit=SHARE, guard=guard)
            except _TOGETHER:
                results.append(step(conn, run, plan, direction, guard=guard))
                return results
            results.append(done)
            if not done.keys:
                return results
