"""Connections that stop before every statement and every COMMIT, and are used again and again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from interleavings.actor import Actor
from repot.engine.session import Session
from repot.postgres import connect

# How long a lock is waited for is the scheduler's business: the server waits as good as for ever.
_TIMEOUT = re.compile(r"((?:lock|statement)_timeout'?\s*(?:=|,)\s*'?)(\d+|%s)")

_EMPTY_ROW = re.compile(r'insert into "pg_temp"\.\S+ default values')


class SteppingCursor(psycopg.Cursor[Any]):
    """Stops before each statement."""

    def execute(self, query: Any, params: Any = None, **words: Any) -> Any:
        conn = stepping(self.connection)
        with conn.stepped(query):
            return super().execute(conn.edited(query, params), params, **words)

    def executemany(self, query: Any, *rest: Any, **words: Any) -> Any:
        with stepping(self.connection).stepped(query):
            return super().executemany(query, *rest, **words)


class Stepping(psycopg.Connection[Any]):
    """A connection of an actor; `close` gives it back to its pool."""

    actor: Actor | None = None
    pool: Pool | None = None
    limited = False  # a lock is waited for only for a time
    ends_with: type[psycopg.Error] | None = None  # why the scheduler cancels a statement

    @contextmanager
    def stepped(self, what: Any) -> Iterator[None]:
        """Around a statement; one that fails gives back the locks of its transaction."""
        if self.actor is None or _is_private(what):
            yield
            return
        self.actor.point(what, ends=(self._alone and not _begins(what)) or _ends(what))
        try:
            yield
        except psycopg.Error as failed:
            self.actor.gave_back()
            if self.ends_with is not None and isinstance(failed, psycopg.errors.QueryCanceled):
                error, self.ends_with = self.ends_with, None
                raise error(f"{error.__name__}, as the schedule has it") from failed
            raise
        finally:
            if _ends(what):
                self.limited = False

    def edited(self, query: Any, params: Any) -> Any:
        """The statement as it is sent: without short timeouts, and as a mutation wants it."""
        edit = None if self.pool is None else self.pool.edit
        if isinstance(query, sql.Composed) and not edit and not _sets(query):
            return query
        text = query.as_string(self) if isinstance(query, sql.Composable) else query
        text = text.decode() if isinstance(text, bytes) else text
        if "lock_timeout" in text:
            for which, value in _TIMEOUT.findall(text):
                if which.startswith("lock"):
                    self.limited = (params[0] if value == "%s" else value) != "0"
            if "%s" not in text:
                return _TIMEOUT.sub(lambda m: m[1] + m[2] + ("" if m[2] == "0" else "000"), text)
        return edit(text).encode() if edit and isinstance(query, sql.Composable) else query

    @contextmanager
    def transaction(self, *args: Any, **words: Any) -> Iterator[psycopg.Transaction]:  # type: ignore[override]
        outermost, limited = self._alone, self.limited
        try:
            with super().transaction(*args, **words) as transaction:
                try:
                    yield transaction
                except Exception:
                    self._point("rollback")
                    raise
                if outermost or words.get("force_rollback"):
                    self._point("rollback" if words.get("force_rollback") else "commit")
        except BaseException:
            self.limited = limited
            raise
        if outermost or words.get("force_rollback"):
            self.limited = limited

    @property
    def _alone(self) -> bool:
        """Not in a transaction: a statement is one by itself."""
        return self.info.transaction_status == TransactionStatus.IDLE

    def _point(self, what: str) -> None:
        if self.actor is not None:
            self.actor.point(what, ends=True)

    def commit(self) -> None:
        self._point("commit")
        super().commit()
        self.limited = False

    def rollback(self) -> None:
        self._point("rollback")
        super().rollback()
        self.limited = False

    def cancel(self) -> None:
        """Of an idle connection it would hit whoever uses the connection next."""
        if self.info.transaction_status == TransactionStatus.ACTIVE:
            super().cancel()

    def close(self) -> None:
        if self.pool is not None:
            self.pool.give_back(self)
        else:
            super().close()


def _sets(query: sql.Composed) -> bool:
    return _first(query).startswith("set ")


def _is_private(what: Any) -> bool:
    """Whether it only readies temporary tables, or asks what a connection asks once: nobody else
    sees it, and whether it is needed depends on what the connection was used for before."""
    if not isinstance(what, sql.Composed):
        return _words(what).lstrip().startswith("select array(select v.attname")
    start = _first(what)
    if start in ("delete from ", "truncate ") and '"pg_temp"' in what.as_string(None):
        return True
    if start == "insert into ":
        return _EMPTY_ROW.match(what.as_string(None)) is not None
    return start.startswith(("create temp table ", "analyze "))


def _first(query: sql.Composed) -> str:
    first: Any = query
    while isinstance(first, sql.Composed):
        first = next(iter(first), None)
    return first.as_string(None) if isinstance(first, sql.SQL) else ""


def _words(what: Any) -> str:
    if isinstance(what, bytes):
        return what.decode().lower()
    return what.lower() if isinstance(what, str) else ""


def _begins(what: Any) -> bool:
    return _words(what).startswith(("begin", "set ", "start "))


def _ends(what: Any) -> bool:
    text = _words(what)
    return text.startswith(("commit", "rollback", "end")) or "advisory_unlock" in text


def stepping(conn: psycopg.Connection[Any]) -> Stepping:
    """The connection, which is one of an actor."""
    assert isinstance(conn, Stepping)
    return conn


class Pool:
    """Connections of one database: opening one costs more than a schedule may."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.edit: Callable[[str], str] | None = None  # of what Repot composes
        self.free: list[Stepping] = []
        self.taken: list[Stepping] = []

    def take(self, actor: Actor) -> Stepping:
        """A connection for the actor, as good as new but for its temporary tables."""
        conn = self.free.pop() if self.free else self._open()
        self.taken.append(conn)
        conn.actor = actor
        actor.connections[conn.info.backend_pid] = conn
        return conn

    def give_back(self, conn: Stepping) -> None:
        """It waits for its next actor."""
        if conn not in self.taken:
            return
        if conn.actor is not None and not conn._alone:
            conn.actor.point("closed", ends=True)
        actor, conn.actor = conn.actor, None
        self.taken.remove(conn)
        if actor is not None:
            actor.connections.pop(conn.info.backend_pid, None)
        conn.limited, conn.ends_with = False, None
        try:
            if not conn._alone:
                conn.execute("rollback")
            conn.isolation_level = None
            conn.execute("select pg_catalog.pg_advisory_unlock_all(); reset all")
        except psycopg.Error:
            self._end(conn)
            return
        self.free.append(conn)

    def reclaim(self) -> None:
        """End the connections that nobody gave back: their actors were stopped."""
        for conn in self.taken:
            self._end(conn)
        self.taken = []

    def close(self) -> None:
        """End all of them."""
        self.reclaim()
        for conn in self.free:
            self._end(conn)
        self.free = []

    def _open(self) -> Stepping:
        # As startup options, so that RESET ALL comes back to them.
        settings = {name: value.replace(" ", "\\ ") for name, value in connect._SETTINGS.items()}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        conn = stepping(Stepping.connect(self.dsn, autocommit=True, options=options))
        conn.cursor_factory = SteppingCursor
        # The same few texts again and again: planning them each time is most of what they cost.
        conn.prepare_threshold, conn.prepared_max = 2, 2000
        conn.pool = self
        return conn

    def _end(self, conn: Stepping) -> None:
        conn.pool = conn.actor = None
        conn.close()


@dataclass(frozen=True)
class SteppingSession(Session):
    """The session of a stage that an actor runs."""

    actor: Actor | None = None
    pool: Pool | None = None

    def connect(self, application: str = "repot") -> psycopg.Connection[Any]:
        assert self.pool is not None
        assert self.actor is not None
        return self.pool.take(self.actor)
