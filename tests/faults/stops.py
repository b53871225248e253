"""Places inside a transaction of the program where it can be made to stop, from outside.

A trigger on a table that the program writes to anyway waits there until it is let go. Repot knows
nothing of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType

import psycopg
from psycopg import sql

from support.sql import connect

_KEY = 4711


@dataclass(frozen=True)
class Place:
    """After `event` on repot.`table` where `condition` holds (of `new`, and `old` for a deletion).

    at_commit: not at once, but in the transaction's COMMIT, before the record that makes it so.
    """

    table: str
    event: str = "update"
    condition: str = "true"
    at_commit: bool = False

    def __str__(self) -> str:
        when = "commit" if self.at_commit else self.event
        return f"{when}, {self.table}: {self.condition}"


class Stop:
    """A context manager: inside, whoever comes to the place waits there until `let_go`."""

    def __init__(self, dsn: str, place: Place) -> None:
        self._dsn, self._place = dsn, place
        self._conn = connect(dsn)

    def __enter__(self) -> Stop:
        place = self._place
        self._conn.execute(
            "create schema if not exists faults;"
            " create or replace function faults.stop() returns trigger language plpgsql as $$"
            " begin while not pg_catalog.pg_try_advisory_xact_lock_shared(4711) loop"
            " perform pg_catalog.pg_sleep(0.01); end loop; return null; end $$"
        )
        # One of a kind at a time: each place begins with a database of its own.
        self._conn.execute(
            sql.SQL(
                "create {} trigger faults_stop after {} on repot.{} {} for each row"
                " when ({}) execute function faults.stop()"
            ).format(
                sql.SQL("constraint" if place.at_commit else ""),
                sql.SQL(place.event),  # type: ignore[arg-type]
                sql.Identifier(place.table),
                sql.SQL("deferrable initially deferred" if place.at_commit else ""),
                sql.SQL(place.condition),  # type: ignore[arg-type]
            )
        )
        self._conn.execute("select pg_advisory_lock(%s)", (_KEY,))
        return self

    def wait(self, seconds: float = 60) -> None:
        """Until somebody has come; fails after `seconds`."""
        until = time.monotonic() + seconds
        while not self.held():
            assert time.monotonic() < until, f"nobody came to {self._place}"
            time.sleep(0.01)

    def held(self) -> int:
        """How many are held now."""
        row = self._conn.execute(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and application_name ~ '^repot' and wait_event = 'PgSleep'"
        ).fetchone()
        assert row is not None
        return int(row[0])

    def let_go(self) -> None:
        """Also for all who come later. Fine if the server is gone."""
        try:
            self._conn.execute("select pg_advisory_unlock_all()")
        except psycopg.OperationalError:
            assert self._conn.closed

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.let_go()
        self._conn.close()
