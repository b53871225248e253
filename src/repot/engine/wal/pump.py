"""From the WAL into the logs: what triggers would have logged, some time after the commit.

What holds for whoever reads the logs:

* **Logged means visible.** A transaction's commit is in the WAL, and told by the slot, a moment
  before others can see it (as long as the commit waits for a standby). Only what the pump's own
  snapshot sees is logged, and so every later snapshot sees it too: else an applier could take a
  change off the log and derive its rows without it (trap 17).
* **Visible does not mean logged.** With triggers, a snapshot that sees a change sees it logged or
  applied. Here it may be in the WAL still. `pump_seen`, in the transaction of a REPEATABLE READ
  snapshot, logs exactly what that snapshot sees; `unread` gives the same without logging it.
* **Under locks.** With locks on the captured tables that keep writers out (granted, so every
  earlier writer's transaction has ended), `pump(upto=now_lsn(conn))` on another connection logs all
  there is, that of writers with synchronous_commit = off too: nothing more can come until the locks
  are released. The other connection needs no lock on any of these tables.

Rows and the position that they reach (with the transactions beyond it that are logged already:
what is first in the WAL is not always seen first) are committed together, and only then is the slot
advanced: a crash between the two, or a server that finds its slot at an older position, repeats
nothing. Readers of one run take turns (`still`).

What Repot's appliers write is not logged: where they write V1, triggers note it at once
(capture.watch_own).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import errors
from psycopg.conninfo import make_conninfo

from repot.engine.capture import FORWARD, Captured, read
from repot.engine.wal.decode import lsn_number, lsn_text
from repot.engine.wal.logging import Logs, Seen, Sink, into_logs
from repot.engine.wal.reading import Reading
from repot.engine.wal.standing import Standing, check, in_use, standing
from repot.engine.wal.unread import Unread
from repot.model.errors import RepotError
from repot.model.plan import Plan
from repot.postgres.connect import Connection, connection

LIMIT = 10_000  # messages; a change of one row is one
ALL = 2**31 - 1
IDLE = 1 << 20  # bytes of others' WAL after which the position is noted all the same
AGAIN = 4 << 20  # bytes of WAL that a look at the slot may decode again and again
PATIENCE = 60.0  # seconds that a commit may take from the WAL to being visible


@dataclass(frozen=True)
class Pumped:
    """What was committed before `lsn` (pg_lsn as text) is in the logs; `more`: there was more than
    was read, so pump again."""

    rows: int
    lsn: str
    more: bool = False
    unseen: bool = False  # there is a commit that cannot be seen yet


def sources(conn: Connection, run_id: int, plan: Plan) -> tuple[Captured, ...]:
    """What the run captures from the WAL; no round trip where the plan names no table."""
    if not plan.capture.wal:
        return ()
    return tuple(c for c in read(conn, run_id, FORWARD) if c.wal)


def catch_up(conn: Connection, run_id: int, plan: Plan, *, advance: bool = True) -> int:
    """Log all that is committed by now; gives the rows. Does nothing where the plan names no table.

    Raises what `pump` raises.
    """
    captured = sources(conn, run_id, plan)
    if not captured:
        return 0
    return pump(conn, run_id, captured, upto=now_lsn(conn), advance=advance).rows


def pump(
    conn: Connection,
    run_id: int,
    captured: Sequence[Captured],
    *,
    upto: str | None = None,
    limit: int = LIMIT,
    advance: bool = True,
) -> Pumped:
    """Log what was committed since the last call, each change as the trigger would have logged it.

    upto: a pg_lsn, as `now_lsn` gives it; all that was committed before it is logged then, in
    several transactions if need be. None: one transaction with what is there now, about `limit`
    messages. A transaction of V1 is never cut: one that is bigger than the limit is logged in one
    transaction, in memory that does not grow with it. `at` is the time of the commit (of the pump,
    where the transaction was replicated from another server). advance: let the server have the WAL
    that was read; False leaves that to the next call, which is quicker.

    Changes after `mark_own` in the same transaction are not logged. Where a message does not hold a
    captured column (the replica identity was narrowed, a partition came and went), T is logged: all
    of the table counts as changed.

    conn: in autocommit, outside a transaction. Raises RepotError `wal-slot-lost` (changes were
    lost), `wal-slot-busy`, `wal-not-visible`; nothing of the transaction at hand is logged then.
    """
    if conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise ValueError("the pump commits: give it a connection without a transaction")
    if upto is not None:
        flush(conn, upto)
    rows, deadline, pause = 0, time.monotonic() + PATIENCE, 0.001
    while True:
        with conn.transaction():
            conn.execute("set transaction isolation level read committed")  # else not the newest
            _take_turn(conn, run_id)
            done, noted = _log(conn, run_id, captured, upto, limit if advance else ALL, advance)
        if noted and advance:
            _give_back(conn, run_id)
        rows += done.rows
        if upto is None or not done.more:
            return Pumped(rows, done.lsn, done.more)
        if done.unseen:
            if time.monotonic() > deadline:
                raise _not_visible()
            time.sleep(pause)
            pause = min(0.05, pause * 2)


def pump_seen(conn: Connection, run_id: int, plan: Plan) -> int:
    """In the caller's REPEATABLE READ transaction, taken while it holds `still`: log all that its
    snapshot sees; gives the rows. What it does not see is not logged.

    Raises RepotError `wal-slot-lost`, `wal-slot-busy`.
    """
    captured = sources(conn, run_id, plan)
    if not captured:
        return 0
    upto = now_lsn(conn)
    flush(conn, upto)
    return _log(conn, run_id, captured, upto, ALL, advance=False)[0].rows


def unread(conn: Connection, run_id: int, plan: Plan) -> Unread | None:
    """In the caller's REPEATABLE READ transaction, taken while it holds `still`: what its snapshot
    sees, and no log tells in it. Nothing is noted of it. None: the plan captures nothing from the
    WAL. Raises as `pump_seen` does.
    """
    captured = sources(conn, run_id, plan)
    if not captured:
        return None
    upto = now_lsn(conn)
    flush(conn, upto)
    slot = check(standing(conn, run_id), conn, run_id)
    found = Unread()
    _read(conn, run_id, captured, slot, upto, ALL, found.add, noting=False)
    return found


@contextmanager
def still(conn: Connection, run_id: int, plan: Plan) -> Iterator[None]:
    """Nobody else reads the slot. Enter it before the snapshot is taken, and without a lock that
    somebody else could be waiting for."""
    if not plan.capture.wal:
        yield
        return
    conn.execute("select pg_advisory_lock(hashtextextended('repot.wal', %s))", (run_id,))
    try:
        yield
    finally:
        # After an error within a transaction of the caller's the lock goes with the connection.
        failed = conn.info.transaction_status is psycopg.pq.TransactionStatus.INERROR
        if not conn.closed and not failed:
            conn.execute("select pg_advisory_unlock(hashtextextended('repot.wal', %s))", (run_id,))


def behind(conn: Connection, run_id: int) -> int:
    """Bytes of WAL, of all databases and tables, that were written since the noted position. It
    does not come to zero: Repot's own notes are WAL too, and are not noted for their own sake.

    Raises RepotError `wal-slot-lost` where nothing is noted.
    """
    row = conn.execute(
        "select greatest(0, pg_catalog.pg_current_wal_insert_lsn() - confirmed)::bigint"
        " from repot.wal where run = %s and confirmed is not null",
        (run_id,),
    ).fetchone()
    if row is None:
        check(None, conn, run_id)
    assert row is not None
    return int(str(row[0]))


def now_lsn(conn: Connection) -> str:
    """Behind everything that was committed and can be seen by now: the end of the WAL, flushed or
    not (a commit that does not wait for the flush is visible before it)."""
    row = conn.execute("select pg_catalog.pg_current_wal_insert_lsn()::text").fetchone()
    assert row is not None
    return str(row[0])


def flush(conn: Connection, upto: str) -> None:
    """Have the WAL written to disk up to `upto` at least: slots tell no more than what is.

    A commit of our own that waits for its flush takes everything before it along; one that wrote
    nothing would not. Within a transaction it is another connection's, before PostgreSQL 17.
    """
    row = conn.execute(
        "select pg_catalog.pg_current_wal_flush_lsn() >= %s::pg_lsn", (upto,)
    ).fetchone()
    if row and row[0]:
        return
    if conn.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
        with conn.transaction():
            conn.execute("set local synchronous_commit = 'local'")
            conn.execute("select pg_catalog.pg_logical_emit_message(true, 'repot', 'flush')")
    elif conn.info.server_version >= 170000:
        conn.execute("select pg_catalog.pg_logical_emit_message(false, 'repot', 'flush', true)")
    else:
        dsn = make_conninfo(conn.info.dsn, password=conn.info.password or None)
        with connection(dsn, application="repot wal") as other:
            flush(other, upto)


def _log(
    conn: Connection,
    run_id: int,
    captured: Sequence[Captured],
    upto: str | None,
    limit: int,
    advance: bool,
) -> tuple[Pumped, bool]:
    """Log what the present snapshot sees, and note the position; and whether it was noted."""
    # The slot must never be ahead of what is noted, not even after a crash.
    conn.execute(
        "select pg_catalog.set_config('synchronous_commit', 'local', true)"
        " where pg_catalog.current_setting('synchronous_commit') = 'off'"
    )
    slot = _queue(conn, run_id)
    assert slot.confirmed is not None
    if slot.back and advance:
        _advance(conn, slot.slot, slot.confirmed)
    reading, logs, target = _read(
        conn, run_id, captured, slot, upto, limit, into_logs(conn), noting=True
    )
    if reading is None:
        return Pumped(0, slot.confirmed), False
    reached = target
    if logs.unseen is not None:
        reached = lsn_text(logs.unseen)
    elif reading.full and reading.position is not None:
        reached = lsn_text(reading.position)
    done = Pumped(
        logs.rows, reached, reading.full or logs.unseen is not None, logs.unseen is not None
    )
    # Without rows it is noted now and then only: the note is WAL too, to be read again.
    idle = lsn_number(reached) - lsn_number(slot.confirmed) < IDLE
    if idle and not logs.rows and not reading.full:
        return done, False
    _note(conn, run_id, reached, logs.beyond(lsn_number(reached)))
    return done, True


def _read(
    conn: Connection,
    run_id: int,
    captured: Sequence[Captured],
    slot: Standing,
    upto: str | None,
    limit: int,
    sink: Sink,
    *,
    noting: bool,
) -> tuple[Reading | None, Logs, str]:
    """Give the sink what the present snapshot sees of what is not noted yet; and how far was read
    (None: there was nothing to be read)."""
    target, now, snapshot = _moment(conn, upto)
    assert slot.confirmed is not None
    confirmed = lsn_number(slot.confirmed)
    seen = Seen.of(snapshot, confirmed, slot.beyond)
    logs = Logs(conn, run_id, captured, slot.token, now, seen, sink, noting=noting)
    if lsn_number(target) <= confirmed:
        return None, logs, target
    reading = Reading(conn, slot, target, limit)
    with closing(reading.changes()) as changes:
        for change in changes:
            logs.add(change)
    logs.send()
    return reading, logs, target


def _take_turn(conn: Connection, run_id: int) -> None:
    """As `still`, until the transaction ends."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended('repot.wal', %s))", (run_id,))


def _queue(conn: Connection, run_id: int) -> Standing:
    """The slot, checked, with its row locked."""
    if standing(conn, run_id) is not None:
        conn.execute("select from repot.wal where run = %s for no key update", (run_id,))
    return check(standing(conn, run_id), conn, run_id)


def _moment(conn: Connection, upto: str | None) -> tuple[str, datetime, str]:
    """How far to read, which is on disk; the server's clock; the present snapshot."""
    row = conn.execute(
        "select least(pg_catalog.pg_current_wal_flush_lsn(), %s::pg_lsn)::text,"
        " pg_catalog.clock_timestamp(), pg_catalog.pg_current_snapshot()::text",
        (upto,),
    ).fetchone()
    assert row is not None
    assert isinstance(row[1], datetime)
    return str(row[0]), row[1], str(row[2])


def _note(conn: Connection, run_id: int, reached: str, beyond: list[str]) -> None:
    conn.execute(
        "update repot.wal set confirmed = %s, beyond = %s::pg_lsn[] where run = %s",
        (reached, beyond, run_id),
    )


def _give_back(conn: Connection, run_id: int) -> None:
    """Let the slot follow what is noted."""
    with conn.transaction():
        _take_turn(conn, run_id)
        slot = _queue(conn, run_id)  # another pump may have been here
        _shorten(conn, slot.slot)
        if slot.back and slot.confirmed is not None:
            _advance(conn, slot.slot, slot.confirmed)


def _shorten(conn: Connection, slot: str) -> None:
    """Every look at a slot decodes anew from its restart point, which moves where the server logs
    its running transactions: every 15 seconds, and here, where it may be asked to."""
    if conn.info.server_version < 160000:
        return
    row = conn.execute(
        "select pg_catalog.pg_current_wal_lsn() - restart_lsn > %s and"
        " pg_catalog.has_function_privilege('pg_catalog.pg_log_standby_snapshot()', 'execute')"
        " from pg_catalog.pg_replication_slots where slot_name = %s",
        (AGAIN, slot),
    ).fetchone()
    if row and row[0]:
        conn.execute("select pg_catalog.pg_log_standby_snapshot()")


def _advance(conn: Connection, slot: str, position: str) -> None:
    try:
        conn.execute("select pg_catalog.pg_replication_slot_advance(%s, %s)", (slot, position))
    except errors.ObjectInUse as busy:
        raise in_use(slot, busy) from None


def _not_visible() -> RepotError:
    return RepotError(
        "wal-not-visible",
        f"a transaction is in the WAL and not to be seen after {PATIENCE:g} s",
        hint="commits wait for a standby (synchronous_standby_names) that does not answer",
    )
