"""Places inside a transaction of the program where it is made to stop, from outside.

A trigger on a table of Repot's state that the program writes to anyway waits there until it is let
go; Repot knows nothing of it. What waits in a COMMIT does so before the record that makes it so.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from support.sql import connect

# The number of the place is its argument. Nothing of a transaction but its locks and its name in
# pg_stat_activity can be seen from outside.
_FUNCTION = """
create schema faults;
create function faults.stop() returns trigger language plpgsql as $$
begin
  while not pg_catalog.pg_try_advisory_xact_lock_shared(4711, tg_argv[0]::integer) loop
    perform pg_catalog.set_config('application_name', 'repot at ' || tg_argv[0], false),
            pg_catalog.pg_sleep(0.01);
  end loop;
  return null;
end $$
"""


@dataclass(frozen=True)
class Place:
    """After `event` on a row of repot.`table` for which `where` holds (of `new` or `old`).

    at_commit: not at once, but in the transaction's COMMIT.
    """

    table: str
    where: str
    event: str = "update"
    at_commit: bool = False

    def __str__(self) -> str:
        return f"{'commit of ' * self.at_commit}{self.event} of {self.table}: {self.where}"


class Stops:
    """All places at once, in a database that has none yet; nobody passes one until it is open."""

    def __init__(self, dsn: str, places: Sequence[Place]) -> None:
        self._dsn, self._places = dsn, places
        self._conn = connect(dsn)
        self._open: set[int] = set()
        self._conn.execute(_FUNCTION)
        for number, place in enumerate(places):
            self._conn.execute(
                sql.SQL(
                    "create {} trigger {} after {} on repot.{} {} for each row"
                    " when ({}) execute function faults.stop({})"
                ).format(
                    sql.SQL("constraint" if place.at_commit else ""),
                    sql.Identifier(f"faults_stop_{number}"),
                    sql.SQL(place.event),  # type: ignore[arg-type]
                    sql.Identifier(place.table),
                    sql.SQL("deferrable initially deferred" if place.at_commit else ""),
                    sql.SQL(place.where),  # type: ignore[arg-type]
                    sql.Literal(number),
                )
            )
        self._close()

    def wait(self, number: int, seconds: float = 60) -> None:
        """Until somebody has come to the place; fails after `seconds`."""
        until = time.monotonic() + seconds
        while not self._ask(
            "select from pg_stat_activity where datname = current_database()"
            f" and application_name = 'repot at {number}'"
        ):
            assert time.monotonic() < until, f"nobody came to {self._places[number]}"
            time.sleep(0.005)

    def waiting_behind(self) -> bool:
        """Whether a session of Repot's waits for another's lock."""
        return self._ask(
            "select from pg_stat_activity where datname = current_database()"
            " and application_name ~ '^repot' and wait_event_type = 'Lock'"
        )

    def let_go(self, number: int) -> None:
        """Open the place for good, also for those who come later."""
        self._open.add(number)
        self._conn.execute("select pg_advisory_unlock(4711, %s)", (number,))

    def server_is_back(self, number: int) -> None:
        """After a crash: the places are closed again, but for this one and those before."""
        self._open.add(number)
        self._conn.close()
        self._conn = connect(self._dsn)
        self._close()

    def end(self) -> None:
        self._conn.close()

    def _close(self) -> None:
        for number in range(len(self._places)):
            if number not in self._open:
                self._conn.execute("select pg_advisory_lock(4711, %s)", (number,))

    def _ask(self, query: str) -> bool:
        return bool(self._conn.execute(query.encode()).fetchall())
