"""One transaction, tried until its locks are had, and settled if its COMMIT is lost on the wire."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import psycopg
from psycopg import errors, sql

from repot.engine.session import Session
from repot.engine.swap.blockers import Pushed, pushing
from repot.engine.swap.locks import NotLocked, NotStill
from repot.engine.swap.outcome import settle
from repot.model.errors import Refused, RepotError
from repot.postgres.connect import Connection, connect, without_password
from repot.postgres.outcome import Truth
from repot.postgres.plans import plan_once
from repot.postgres.retry import blockers
from repot.postgres.state import record_event

P = TypeVar("P")
T = TypeVar("T")

# What is prepared is the session's own: nothing is lost with it.
_PREPARING = "set synchronous_commit = off; set lock_timeout = {}"
_PREPARED = "reset synchronous_commit; set lock_timeout = 0"
_BEGIN = "begin isolation level read committed read write"
_ONLY_ON_DEMAND = 2**31

PUSH_FROM = 2  # the attempt (from 0) from which blockers are pushed aside, where that was asked for


class TooLong(Exception):
    """The locks have been held for as long as may be: roll back, try again."""


@dataclass
class Clock:
    """How long the locks have been held. Milliseconds."""

    limit_ms: float | None
    attempt: int
    moved: int = 0  # earlier tries in which the catalogs changed
    first: float | None = None  # time.monotonic() at the first lock, and when all were had
    last: float | None = None
    now: Callable[[], float] = time.monotonic

    def locked(self, first: float) -> None:
        """All the locks that stop writers are had."""
        self.first, self.last = first, self.now()

    def held_ms(self) -> tuple[float, float]:
        """Since the last and since the first lock."""
        at = self.now()
        return (
            0.0 if self.last is None else (at - self.last) * 1000,
            0.0 if self.first is None else (at - self.first) * 1000,
        )

    def check(self) -> None:
        """Raises TooLong beyond the limit."""
        if self.limit_ms is not None and self.held_ms()[1] > self.limit_ms:
            raise TooLong

    def guard(self, conn: Connection) -> None:
        """The next statement may take only what is left of the limit. Raises TooLong."""
        self.check()
        for statement in self.guarding():
            conn.execute(statement)

    def guarding(self) -> list[sql.Composed]:
        """The statement that does it; none where there is no limit."""
        if self.limit_ms is None or self.first is None:
            return []
        left = max(1, int(self.limit_ms - self.held_ms()[1]))
        return [sql.SQL("set local statement_timeout = {}").format(sql.Literal(left))]


@dataclass(frozen=True)
class Done(Generic[T]):
    """What the body gave, and how long the locks were held until the commit was acknowledged."""

    value: T
    pause_ms: float
    locked_ms: float
    attempts: int
    pushed: tuple[str, ...] = field(default=())


def in_one_transaction(
    session: Session,
    prepare: Callable[[Connection], P],
    body: Callable[[Connection, Clock, P], T],
    *,
    what: str,
    truth: Truth,
    max_pause_ms: float | None = None,
    cancel_blockers: bool = False,
) -> Done[T]:
    """Run `body` in a transaction of its own and commit; again and again while it raises NotLocked
    or TooLong (lock_timeout_ms and retries of the plan).

    prepare: what is done once in a session, before its transactions, outside of any; its result is
    handed to `body`, which may close the connection to have it done anew.
    Raises Refused `lock-timeout` or `pause-too-long`; RepotError `connection-lost` where the
    connection broke and nothing was done; OutcomeUnknown where that cannot be found out.
    """
    setting = session.plan.cutover
    pushed: list[str] = []
    late = moved = 0
    with _place(session, what, prepare) as place:
        for attempt in range(setting.retries + 1):
            watcher = _watcher(session) if cancel_blockers and attempt >= PUSH_FROM else None
            clock, aside, conn = Clock(max_pause_ms, attempt, moved), list[Pushed](), None
            try:
                conn, prepared = place.get()
                grace = setting.lock_timeout_ms / 4000
                with (
                    pushing(watcher, conn.info.backend_pid, grace) as aside,
                    _no_collection(),
                ):
                    conn.execute(_BEGIN)
                    row = conn.execute("select pg_catalog.pg_current_xact_id()::text").fetchone()
                    value = body(conn, clock, prepared)
                    clock.check()
                    _commit(session, conn, str(row[0]) if row else "", what, truth)
                    pause, locked = clock.held_ms()
                pushed += [str(p) for p in aside]
                return Done(value, pause, locked, attempt + 1, tuple(pushed))
            except (NotLocked, errors.LockNotAvailable, errors.DeadlockDetected) as failed:
                pushed += [str(p) for p in aside]
                moved += isinstance(failed, NotStill)
            except TooLong:
                late += 1
            except errors.QueryCanceled as failed:
                if clock.limit_ms is None or clock.held_ms()[1] < clock.limit_ms * 0.9:
                    raise _failed(session, conn, what, failed) from failed
                late += 1
            except psycopg.Error as failed:
                raise _failed(session, conn, what, failed) from failed
            finally:
                place.undo()
                if watcher is not None:
                    watcher.close()
            if attempt < setting.retries:
                time.sleep(random.uniform(0.5, 1.0) * min(2.0, 0.02 * 1.5**attempt))
    raise _given_up(session, what, late, pushed, max_pause_ms)


class _Place(Generic[P]):
    """The connection of a switch and what was prepared in it, kept for the next try."""

    def __init__(self, session: Session, what: str, prepare: Callable[[Connection], P]) -> None:
        self._session, self._what, self._prepare = session, what, prepare
        self._conn: Connection | None = None
        self._ready: tuple[Connection, P] | None = None

    def get(self) -> tuple[Connection, P]:
        """Both, made anew where the connection is gone."""
        if self._ready is None or self._ready[0].closed:
            self.close()
            self._conn = conn = self._session.connect(application=f"repot {self._what}")
            conn.prepare_threshold = _ONLY_ON_DEMAND
            plan_once(conn)  # what says prepare=True is done before the locks, and under them
            timeout = sql.Literal(self._session.plan.cutover.lock_timeout_ms)
            conn.execute(sql.SQL(_PREPARING).format(timeout))
            self._ready = conn, self._prepare(conn)
            conn.execute(_PREPARED)
        return self._ready

    def undo(self) -> None:
        """Roll back whatever is open."""
        if self._conn is not None and not self._conn.closed:
            try:
                self._conn.rollback()
            except psycopg.Error:
                self.close()

    def close(self) -> None:
        """What is open in it is rolled back by the server."""
        if self._conn is not None:
            self._conn.close()
        self._conn = self._ready = None


@contextmanager
def _place(session: Session, what: str, prepare: Callable[[Connection], P]) -> Iterator[_Place[P]]:
    place = _Place(session, what, prepare)
    try:
        yield place
    finally:
        place.close()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python does not look for garbage while others wait."""
    was = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _commit(session: Session, conn: Connection, xid: str, what: str, truth: Truth) -> None:
    try:
        status = conn.execute("commit").statusmessage
    except psycopg.OperationalError as failed:
        if not lost(conn, failed):
            raise
        why = without_password(str(failed), session.dsn)
        settle(session, xid, what, truth, why)
        return
    if status != "COMMIT":
        raise RepotError("not-committed", f"the {what} was rolled back: {status}")


def _failed(session: Session, conn: Connection | None, what: str, why: psycopg.Error) -> RepotError:
    evidence = without_password(str(why), session.dsn)
    # Without a code of the server's it is another connection of the switch's that is gone.
    if lost(conn, why) or (isinstance(why, psycopg.OperationalError) and not why.sqlstate):
        return RepotError(
            "connection-lost",
            f"the connection broke before the {what} was committed: nothing was changed",
            evidence=evidence,
            hint=f"`repot {what}` again",
        )
    return RepotError(
        f"{what}-failed",
        f"the {what} failed and was rolled back: {why.diag.message_primary or why}",
        evidence=evidence,
        hint="nothing was changed; `repot plan` lists what a switch needs",
    )


def lost(conn: Connection | None, why: psycopg.Error) -> bool:
    """Whether the error is that the connection is gone. conn: None where it was not handed out."""
    return isinstance(why, psycopg.OperationalError) and (
        (conn is not None and conn.closed)
        or isinstance(why, errors.AdminShutdown | errors.CrashShutdown)
    )


def _watcher(session: Session) -> Connection:
    return connect(session.dsn, application="repot watcher")


def _given_up(
    session: Session, what: str, late: int, pushed: list[str], max_pause_ms: float | None
) -> Refused:
    setting = session.plan.cutover
    with session.connect() as conn:
        evidence = blockers(conn)
        record_event(
            conn, session.run.id, what, "given up", {"evidence": evidence, "pushed": pushed}
        )
    if late > setting.retries // 2:
        return Refused(
            "pause-too-long",
            f"the {what} could not be done within {max_pause_ms:g} ms ({late} tries)",
            evidence=evidence,
            hint="allow a longer pause (--max-pause), or try in a quieter hour",
        )
    return Refused(
        "lock-timeout",
        f"the {what} could not have its locks in {setting.retries + 1} tries of "
        f"{setting.lock_timeout_ms} ms",
        evidence=evidence,
        hint="end the long transactions named here, try in a quieter hour, or give "
        "--cancel-blockers",
    )
