"""One snapshot, several connections: what the workers see is one and the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from threading import Event
from types import TracebackType
from typing import TypeVar

import psycopg
from psycopg import sql

from repot.engine import wal
from repot.engine.prove import Aside
from repot.engine.prove.rewritten import Files, files
from repot.engine.session import Session
from repot.postgres.connect import Connection
from repot.postgres.patience import without_trace

T = TypeVar("T")
U = TypeVar("U")

_SETTINGS = (
    "set work_mem = '256MB'",
    "set jit = off",  # the comparison is one long expression: compiling it costs more than it saves
    "set max_parallel_workers_per_gather = 0",  # the workers are the parallelism
)


class Snapshot:
    """A REPEATABLE READ moment shared by `workers` connections; a context manager.

    What is asked of it waits in one queue, so that no worker is idle while there is work.
    """

    def __init__(self, session: Session, workers: int) -> None:
        self._session = session
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers)
        self._free: SimpleQueue[Connection] = SimpleQueue()
        self._all: list[Connection] = []
        self._stopped = Event()
        self._asides: dict[int, Aside] = {}
        self._unread: wal.Unread | None = None
        self.files: Files = {}  # of the tables, from before the snapshot
        self.id = ""  # pg_current_snapshot(): xmin:xmax:in progress

    def __enter__(self) -> Snapshot:
        try:
            run, plan, exported = self._session.run.id, self._session.plan, ""
            with (
                self._session.connect("repot verify") as other,
                wal.still(other, run, plan),
            ):
                self.files = files(other, run)
                for number in range(self.workers):
                    conn = self._session.connect("repot verify")
                    self._all.append(conn)
                    for setting in _SETTINGS:
                        conn.execute(setting.encode())
                    # Not READ ONLY: what is set aside goes to temporary tables. It is rolled back.
                    conn.execute("begin transaction isolation level repeatable read")
                    if number == 0:
                        row = conn.execute(
                            "select pg_export_snapshot(), pg_current_snapshot()::text"
                        ).fetchone()
                        assert row is not None
                        exported, self.id = str(row[0]), str(row[1])
                        self._unread = wal.unread(conn, run, plan)
                    else:
                        self._join(conn, exported)
                    self._free.put(conn)
        except BaseException:
            self._close()
            raise
        return self

    def _join(self, conn: Connection, exported: str) -> None:
        """Let the connection see what the first one sees."""
        try:
            conn.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(exported)))
        except (psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue):
            # A snapshot goes with the connection that gave it: if that is lost, it says so.
            self._all[0].execute("select 1")
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        """Whatever still runs (after an error, or Ctrl-C) is cancelled, in the server too."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for conn in self._all:
            with suppress(psycopg.Error):  # there may be no server: what is raised says why
                conn.cancel()
        self._pool.shutdown(wait=True)
        for conn in self._all:
            conn.close()

    def aside(self, conn: Connection) -> Aside:
        """What waits in this moment, for one of its connections."""
        found = self._asides.get(id(conn))
        if found is None:
            found = self._asides[id(conn)] = Aside(
                conn, self._session.run.id, self._session.plan, self._stopped, self._unread
            )
        return found

    def begin(self, ask: Callable[[Connection, T], U], items: Sequence[T]) -> list[Future[U]]:
        """`ask(connection, item)` for each item, several at once, in the order of the items."""

        def one(item: T) -> U:
            return self.ask(lambda conn: ask(conn, item))

        return [self._pool.submit(one, item) for item in items]

    def map(self, ask: Callable[[Connection, T], U], items: Sequence[T]) -> list[U]:
        """`ask(connection, item)` for each item, several at once; results in order of the items."""
        return [future.result() for future in self.begin(ask, items)]

    def ask(self, what: Callable[[Connection], U]) -> U:
        """`what(connection)`, as soon as a connection is free. Raises Refused `lock-timeout`."""
        conn = self._free.get()
        try:
            self.aside(conn)  # its temporary tables must stay
            # Whoever truncates a table, and all who come behind, wait for one question and not for
            # all of them.
            return without_trace(conn, lambda: what(conn), "the proof", self._stopped)
        finally:
            self._free.put(conn)
