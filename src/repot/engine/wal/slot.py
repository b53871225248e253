"""The slot and the publication from which a run reads changes: made and removed.

A slot holds the server's WAL back until it is read: a run that ends must `drop` it.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from hashlib import sha256

from psycopg import errors, sql

from repot.engine.capture import Captured
from repot.engine.wal import family
from repot.engine.wal.choice import refuse
from repot.engine.wal.sql import load
from repot.engine.wal.standing import PLUGIN, check, in_use, standing
from repot.model.errors import Refused
from repot.model.names import MAX_BYTES
from repot.model.plan import Plan
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection
from repot.postgres.relations import current
from repot.postgres.retry import blockers, with_lock_retries

PREFIX = "repot"  # of logical messages
PATIENCE = 300.0  # seconds that `create` waits for open transactions
BUSY = 10.0  # seconds that `drop` waits for whoever reads the slot


def create(
    conn: Connection,
    run_id: int,
    plan: Plan,
    captured: Sequence[Captured],
    *,
    patience: float = PATIENCE,
) -> None:
    """Keep all later changes of these tables in the WAL, for `pump`.

    Call it outside a transaction, after their logs are committed and before the copy's first
    snapshot (trap 1). Tables whose replica identity leaves captured columns out get REPLICA
    IDENTITY FULL. The publication is committed before the slot is made, which waits, up to
    `patience` seconds, for all open transactions of the server, in any database, that have written:
    whatever commits afterwards is told, everything else can be seen by every later snapshot. May be
    called again after a crash, and does nothing where all is there.

    Raises Refused `wal-not-available`, `lock-timeout`, `wal-slot-waits`, `wal-name-taken`;
    RepotError `wal-slot-lost`.
    """
    if not captured:
        return
    if (known := standing(conn, run_id)) is not None and known.confirmed is not None:
        check(known, conn, run_id)
        return
    refuse(conn, captured)
    if known is not None:  # an earlier call did not come to its end
        _drop_slot(conn, known.slot)
    with_lock_retries(
        conn,
        lambda _: _publish(conn, run_id, captured),
        lock_timeout_ms=plan.cutover.lock_timeout_ms,
        retries=plan.cutover.retries,
        what="the tables that are captured from the WAL",
    )
    made = standing(conn, run_id)
    assert made is not None
    position = _make_slot(conn, made.slot, patience)
    conn.execute("update repot.wal set confirmed = %s where run = %s", (position, run_id))


def drop(conn: Connection, run_id: int) -> None:
    """Remove slot and publication and give the replica identities back.

    May be called again, and where nothing is there. Call it outside a transaction.

    Raises RepotError `wal-slot-busy`, Refused `lock-timeout`; what is left is noted still.
    """
    known = standing(conn, run_id)
    if known is None:
        return
    _drop_slot(conn, known.slot)  # first: it fills the disk, the rest is only in the way

    def rest(_attempt: int) -> None:
        conn.execute("select from repot.wal where run = %s for update", (run_id,))
        conn.execute(
            sql.SQL("drop publication if exists {}").format(sql.Identifier(known.publication))
        )
        family.put_back(conn, run_id)
        conn.execute("delete from repot.wal where run = %s", (run_id,))

    with_lock_retries(conn, rest, what="the tables that were captured from the WAL")


def mark_own(conn: Connection, run_id: int) -> None:
    """Tell `pump` that this transaction is Repot's own: its changes are not logged.

    The first thing that an applier's transaction does, before it writes V1. Does nothing where the
    run captures nothing from the WAL; `repot.wal` must be there (plan.capture.wal is not empty).
    """
    conn.execute(
        "select pg_catalog.pg_logical_emit_message(true, %s, token) from repot.wal where run = %s",
        (PREFIX, run_id),
    )


def _publish(conn: Connection, run_id: int, captured: Sequence[Captured]) -> None:
    """One transaction: what is noted, the replica identities, the publication."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended('repot.state', 0))")
    conn.execute(load("state.sql").encode())
    publication = f"{PREFIX}_{run_id}"
    row = conn.execute(
        "insert into repot.wal (run, slot, publication, token)"
        " select %(run)s, %(slot)s, %(publication)s, %(token)s"
        " on conflict (run) do nothing returning 1",
        {
            "run": run_id,
            "slot": slot_name(run_id, conn.info.dbname),
            "publication": publication,
            "token": secrets.token_hex(16),
        },
    ).fetchone()
    family.widen(conn, run_id, captured)
    if row is None:  # made by an earlier call that did not come to its end
        conn.execute(sql.SQL("drop publication if exists {}").format(sql.Identifier(publication)))
    try:
        # Partitions as themselves: with publish_via_partition_root, TRUNCATE of one is not told.
        conn.execute(
            sql.SQL("create publication {} for table {} with (publish_via_partition_root = false)")
            .format(
                sql.Identifier(publication), joined(ident(current(conn, c.oid)) for c in captured)
            )
        )  # fmt: skip
    except errors.DuplicateObject:
        raise _taken("publication", publication) from None


def slot_name(run_id: int, database: str) -> str:
    """Slots are the server's, not the database's, and of [a-z0-9_] only, up to 63 characters."""
    plain = re.sub(r"[^a-z0-9_]", "_", database)
    name = f"{PREFIX}_{run_id}_{plain}"
    if plain == database and len(name) <= MAX_BYTES:
        return name
    digest = sha256(database.encode()).hexdigest()[:8]
    return f"{name[: MAX_BYTES - 9]}_{digest}"


def _make_slot(conn: Connection, slot: str, patience: float) -> str:
    """Its first position. No transaction that has written may make one."""
    try:
        with conn.transaction():
            # The wait for open transactions is a wait for locks.
            conn.execute(
                "select pg_catalog.set_config('lock_timeout', %s, true)",
                (f"{int(patience * 1000)}ms",),
            )
            row = conn.execute(
                "select lsn::text from pg_catalog.pg_create_logical_replication_slot(%s, %s)",
                (slot, PLUGIN),
            ).fetchone()
    except errors.LockNotAvailable:
        raise Refused(
            "wal-slot-waits",
            f"open transactions have kept the replication slot from being made for {patience:g} s",
            evidence=blockers(conn),
            hint="end the long transactions named here, and try again",
        ) from None
    except errors.DuplicateObject:
        raise _taken("replication slot", slot) from None
    except (errors.InsufficientPrivilege, errors.ConfigurationLimitExceeded) as failed:
        raise Refused(
            "wal-not-available",
            "changes cannot be captured from the WAL",
            evidence=str(failed.diag.message_primary),
            hint=failed.diag.message_hint or "take the tables out of [capture] wal",
        ) from None
    assert row is not None
    return str(row[0])


def _taken(what: str, name: str) -> Refused:
    return Refused(
        "wal-name-taken",
        f"there is a {what} {name} that this run did not make",
        hint="look at what it is for; if it is left over from an earlier run, drop it",
    )


def _drop_slot(conn: Connection, slot: str) -> None:
    """Drop this database's slot of that name, if there is one; wait a while for its reader."""
    deadline = time.monotonic() + BUSY
    while True:
        try:
            # Of this database only: a copy of it knows the slot of the database it was made from.
            conn.execute(
                "select pg_catalog.pg_drop_replication_slot(s.slot_name)"
                " from pg_catalog.pg_replication_slots s"
                " where s.slot_name = %s and s.database = pg_catalog.current_database()",
                (slot,),
            )
            return
        except errors.UndefinedObject:
            return
        except errors.ObjectInUse as busy:
            if time.monotonic() > deadline:
                raise in_use(slot, busy) from None
            time.sleep(0.1)
