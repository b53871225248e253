"""What a follower does beside applying: tells how far behind it is, and keeps the logs small."""

from __future__ import annotations

import time

import psycopg
from psycopg import sql

from repot.engine import capture, drift, todo, wal
from repot.engine.apply import both_ways
from repot.engine.lag import lag
from repot.engine.prove.differing import note_uncarried
from repot.engine.session import Session
from repot.model.errors import RepotError
from repot.model.names import Name
from repot.model.schemas import STATE
from repot.model.status import Lag
from repot.postgres.compose import ident
from repot.postgres.connect import Connection

SWEEP = 20.0  # seconds between vacuums of Repot's own busy tables
SAY = 1.0
WEIGH = 2.0  # seconds between looks at what V1 has no place for


class Upkeep:
    """Of one connection of the follower."""

    def __init__(self, session: Session, conn: Connection, *, once: bool = False) -> None:
        """once: the follower ends when nothing waits, so it must know at each look."""
        self._session, self._conn, self._once = session, conn, once
        self._read_again, self._slot_lost = 0.0, False
        self._swept = self._said = time.monotonic()
        self._weighed, self._lost = 0.0, 0
        self._shape: str | None = None  # of both schemas, as they were looked at last
        session.progress.start("follow", "Following", None, "changes")

    def look(self, direction: str) -> Lag:
        """How far behind it is, now. Raises RepotError `wal-slot-lost` while V1 is followed."""
        self._read_wal(direction)
        found = lag(self._conn, self._session.run.id, direction)
        if time.monotonic() - self._said > SAY:
            self._said = time.monotonic()
            way = "V1 → V2" if direction == todo.FORWARD else "V2 → V1"
            self._session.progress.note(
                "follow", f"{way}: {found.waiting:,} waiting, {found.seconds:,.1f} s behind"
            )
        if (
            direction == todo.BACK
            and time.monotonic() - self._weighed > WEIGH
            and not found.waiting
        ):
            self._weigh()
        if time.monotonic() - self._swept > SWEEP:
            self._sweep(direction)
            self._swept = time.monotonic()
        return found

    def guard(self, conn: Connection) -> None:
        """Nothing is committed that rests on another schema than the plan. Raises what
        `drift.check` raises."""
        self._shape = drift.check(conn, self._session.run.id, self._session.plan, self._shape)

    def did(self, changes: int) -> None:
        """So many changes were applied."""
        self._session.progress.advance("follow", changes)

    def finish(self) -> None:
        self._session.progress.finish("follow")

    def _read_wal(self, direction: str) -> None:
        """Log what the WAL tells. A look may be long where it has to begin far back: then it is
        taken less often, and leaves at least half of the time to what triggers have logged."""
        run, plan, began = self._session.run.id, self._session.plan, time.monotonic()
        if not plan.capture.wal or (began < self._read_again and not self._once):
            return
        captured = wal.sources(self._conn, run, plan)
        try:
            if captured and not (self._slot_lost and direction == todo.BACK):
                upto = wal.now_lsn(self._conn) if self._once else None
                wal.pump(self._conn, run, captured, upto=upto)
        except RepotError as lost:
            one_way = direction == todo.BACK and both_ways(self._conn, run) is None
            if lost.code != wal.LOST or not one_way:
                raise
            self._slot_lost = True  # the way back needs nothing of it
            self._session.progress.say(f"{lost.message}: {lost.evidence}")
        self._read_again = 2 * time.monotonic() - began

    def _weigh(self) -> None:
        """What V1 has no place for is counted as it is written."""
        self._weighed = time.monotonic()
        rows = note_uncarried(self._session)
        if rows and rows != self._lost:
            self._session.progress.say(
                f"{rows:,} rows written on V2 have no place in V1: `repot status` counts them"
            )
        self._lost = rows if rows is not None else self._lost

    def _sweep(self, direction: str) -> None:
        """Rows come and go in the logs faster than autovacuum looks at them."""
        run = self._session.run.id
        tables = [c.log for c in capture.read(self._conn, run, direction)]
        for t in todo.read(self._conn, run, direction).values():
            tables += [t.table, t.touched] if direction == todo.FORWARD else [t.table]
        tables.append(Name(schema_=STATE, name="own_transaction"))
        for table in tables:
            try:
                self._conn.execute(sql.SQL("vacuum (truncate false) {}").format(ident(table)))
            except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
                return  # the run has moved on; or another role made the tables, and sweeps them
