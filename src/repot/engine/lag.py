"""How far a follower is behind."""

from __future__ import annotations

from psycopg import errors, sql
from psycopg.pq import TransactionStatus

from repot.engine import capture, todo, wal
from repot.engine.apply.taking import OTHERS
from repot.model.errors import RepotError
from repot.model.status import Lag, SlotStatus
from repot.postgres.compose import ident, joined, trusted
from repot.postgres.connect import Connection

LOOKS = 3
FEW = 300  # changes that are sooner applied under a switch's locks than beside them


def lag(conn: Connection, run_id: int, direction: str) -> Lag:
    """What waits to be carried over in this direction, and since when; one count, two round trips
    before it."""
    for _ in range(LOOKS - 1):
        try:
            return _lag(conn, run_id, direction)
        except errors.UndefinedTable:  # a switch, or a restart, has just removed a log
            if conn.info.transaction_status is not TransactionStatus.IDLE:
                raise
    return _lag(conn, run_id, direction)


def few_wait(conn: Connection, run_id: int, direction: str) -> bool:
    """Whether what waits is few enough to be left for a switch's locks."""
    return lag(conn, run_id, direction).waiting <= FEW


def _lag(conn: Connection, run_id: int, direction: str) -> Lag:
    parts = [
        sql.SQL(
            "select {name} as name, count(*) as changes, 0 as scopes, min(at) as at from {log}"
            " where {others}"
        ).format(name=sql.Literal(c.source), log=ident(c.log), others=trusted(OTHERS))
        for c in capture.read(conn, run_id, direction)
    ]
    parts += [
        sql.SQL("select null, 0, count(*), min(at) from {}").format(ident(t.table))
        for t in todo.read(conn, run_id, direction).values()
    ]
    if not parts:
        return Lag(direction=direction)
    rows = conn.execute(
        sql.SQL(
            "select name, sum(changes), sum(scopes), greatest(0, extract(epoch from"
            " pg_catalog.clock_timestamp() - min(at))) from ({}) as w group by name"
        ).format(joined(parts, " union all "))
    ).fetchall()
    return Lag(
        direction=direction,
        tables={str(n): int(str(c)) for n, c, _, _ in rows if n is not None and int(str(c))},
        changes=sum(int(str(c)) for _, c, _, _ in rows),
        scopes=sum(int(str(s)) for _, _, s, _ in rows),
        seconds=max((float(str(a)) for *_, a in rows if a is not None), default=0.0),
    )


def slot_status(conn: Connection, run_id: int) -> SlotStatus | None:
    """The slot of the run and what is not read of it; None: there is none."""
    known = wal.standing(conn, run_id)
    if known is None:
        return None
    try:
        wal.check(known, conn, run_id)
    except RepotError as lost:
        return SlotStatus(name=known.slot, trouble=lost.evidence)
    behind = wal.behind(conn, run_id)  # asked first: what is kept is no less
    row = conn.execute(
        "select pg_catalog.pg_current_wal_insert_lsn() - restart_lsn"
        " from pg_catalog.pg_replication_slots where slot_name = %s",
        (known.slot,),
    ).fetchone()
    kept = int(str(row[0])) if row and row[0] is not None else 0
    return SlotStatus(name=known.slot, behind=behind, kept=max(0, kept))
