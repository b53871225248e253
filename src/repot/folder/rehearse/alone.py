"""Statements that are no part of a transaction: their locks are gone when they end, so a second
session looks at them while they run.

CREATE INDEX CONCURRENTLY and its like wait for everybody who writes to the table. So the second
session is such a writer: the statement has its locks then and waits, and they can be seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from repot.folder.data.changes import of_list
from repot.folder.rehearse.observe import strongest
from repot.folder.rehearse.sql import load
from repot.folder.rehearse.words import strength
from repot.folder.session import open_session
from repot.folder.text import Statement
from repot.postgres.connect import Connection

_PATIENCE_S = 2.0  # for the statement to come as far as waiting
_POLL_S = 0.002


class Looker:
    """Looks at the locks of a backend until told to stop. held_ms: how long it kept it waiting."""

    def __init__(self, dsn: str, pid: int, table: tuple[str, ...] | None) -> None:
        self._dsn, self._pid, self._table = dsn, pid, table
        self._end = threading.Event()
        self.ready = threading.Event()
        self.locks: dict[int, str] = {}
        self.held_ms = 0.0

    def run(self) -> None:
        with open_session(self._dsn, "repot rehearse") as look:
            writer = self._write() if self._table else None
            began = time.monotonic()
            self.ready.set()
            while not self._end.is_set():
                waiting = self._look(look)
                over = time.monotonic() - began > _PATIENCE_S
                if writer is not None and (waiting or over):
                    self.held_ms = (time.monotonic() - began) * 1000
                    writer.close()
                    writer = None
                time.sleep(_POLL_S)
            if writer is not None:
                writer.close()

    def stop(self) -> None:
        self._end.set()

    def _write(self) -> Connection | None:
        assert self._table
        conn = open_session(self._dsn, "repot rehearse")
        try:
            conn.execute(b"begin")
            conn.execute(
                sql.SQL("lock table {} in row exclusive mode").format(sql.Identifier(*self._table))
            )
        except psycopg.Error:
            conn.close()
            return None
        return conn

    def _look(self, look: Connection) -> bool:
        """Notes the locks; whether the backend waits for somebody."""
        row = look.execute(
            "select exists (select from pg_catalog.pg_locks where pid = %s and not granted)",
            (self._pid,),
        ).fetchone()
        # In this order: what waits now has the locks that are read after it.
        for oid, mode in strongest(look, self._pid).items():
            known = self.locks.get(oid)
            if known is None or strength(mode) < strength(known):
                self.locks[oid] = mode
        return bool(row and row[0])


@contextmanager
def looking(conn: Connection, dsn: str, statement: Statement) -> Iterator[Looker]:
    """A second session that looks at `conn` while the statement runs there."""
    looker = Looker(dsn, conn.info.backend_pid, _table(conn, statement))
    thread = threading.Thread(target=looker.run, name="repot look", daemon=True)
    thread.start()
    looker.ready.wait(_PATIENCE_S)
    try:
        yield looker
    finally:
        looker.stop()
        thread.join()


def _table(conn: Connection, statement: Statement) -> tuple[str, ...] | None:
    """The table whose writers the statement waits for."""
    node = statement.node
    relation = None
    if statement.kind == "index_stmt":
        relation = node.relation
    elif statement.kind == "reindex_stmt" and node.HasField("relation"):
        relation = node.relation
        name = _of_index(conn, relation.relname)
        if name:
            return name
    elif statement.kind == "drop_stmt" and node.objects:
        return _of_index(conn, of_list(node.objects[0].list).relname)
    if relation is None:
        return None
    parts = (relation.schemaname, relation.relname)
    return parts if relation.schemaname else (relation.relname,)


def _of_index(conn: Connection, index: str) -> tuple[str, ...] | None:
    row = conn.execute(load("index_tables.sql"), {"names": [index]}).fetchone()
    return (str(row[2]), str(row[3])) if row else None
