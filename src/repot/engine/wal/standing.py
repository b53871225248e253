"""The slot and the publication of a run: what is noted of them, what is there, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import errors

from repot.engine.wal.sql import load
from repot.model.errors import RepotError
from repot.postgres.connect import Connection
from repot.postgres.relations import current

PLUGIN = "pgoutput"
LOST = "wal-slot-lost"  # the code of `lost`


@dataclass(frozen=True)
class Standing:
    """What is noted of a run's slot, and what is there. Positions are pg_lsn as text."""

    slot: str
    publication: str
    token: str
    confirmed: str | None  # None: `create` did not come to its end
    there: bool
    here: bool  # it belongs to this database
    plugin: str | None
    status: str | None  # pg_replication_slots.wal_status
    position: str | None
    ahead: bool  # the slot was read further than is noted
    back: bool  # the slot has to be advanced still
    beyond: tuple[str, ...]  # commits behind `confirmed` that are logged already
    reader: int | None  # process
    published: bool
    unpublished: tuple[int, ...]  # captured tables that the publication does not name any more


def standing(conn: Connection, run_id: int) -> Standing | None:
    """What there is; None: nothing of the run is captured from the WAL."""
    if not _has_state(conn):
        return None
    row = conn.execute(load("standing.sql").encode(), {"run": run_id}).fetchone()
    if row is None:
        return None
    slot, publication, token, confirmed, there, here, plugin, status, position, *rest = row
    ahead, back, beyond, reader, published, unpublished = rest
    assert isinstance(unpublished, list)
    assert isinstance(beyond, list)
    return Standing(
        slot=str(slot),
        publication=str(publication),
        token=str(token),
        confirmed=None if confirmed is None else str(confirmed),
        there=bool(there),
        here=bool(here),
        plugin=None if plugin is None else str(plugin),
        status=None if status is None else str(status),
        position=None if position is None else str(position),
        ahead=bool(ahead),
        back=bool(back),
        beyond=tuple(map(str, beyond)),
        reader=None if reader is None else int(str(reader)),
        published=bool(published),
        unpublished=tuple(int(str(oid)) for oid in unpublished),
    )


def check(known: Standing | None, conn: Connection, run_id: int) -> Standing:
    """The slot as it must be. Raises RepotError `wal-slot-lost` where changes may have been lost.

    Only Repot reads the slot, and notes how far before it advances it: a slot that is further than
    noted was read, or dropped and made again, by somebody else.
    """
    if known is None or known.confirmed is None:
        why = f"nothing is noted of a slot of run {run_id}"
    elif not known.there:
        why = f"the replication slot {known.slot} is not there any more"
    elif not known.here or known.plugin != PLUGIN:
        why = f"the replication slot {known.slot} is another's: it reads another database"
    elif known.status == "lost" or known.position is None:
        why = f"the server has given up the replication slot {known.slot} (wal_status is lost)"
    elif known.ahead:
        why = f"the replication slot {known.slot} stands at {known.position}, past what was read"
    elif not known.published:
        why = f"the publication {known.publication} is not there any more"
    elif known.unpublished:
        names = ", ".join(str(current(conn, oid)) for oid in known.unpublished)
        why = f"the publication {known.publication} lacks {names}"
    else:
        return known
    raise lost(why)


def lost(why: str) -> RepotError:
    """Changes that were not read cannot be had any more."""
    return RepotError(
        "wal-slot-lost",
        "changes of V1 were lost: they were to be read from the WAL",
        evidence=why,
        hint="V2 must be copied anew: `repot copy --restart`; see max_slot_wal_keep_size, and do "
        "not drop, advance or read the slot, nor change the publication",
    )


def in_use(slot: str, error: errors.ObjectInUse) -> RepotError:
    """Another session reads the slot."""
    return RepotError(
        "wal-slot-busy",
        f"the replication slot {slot} is being read by somebody else",
        evidence=error.diag.message_primary or "",
        hint="end that process; only Repot may read its slot",
    )


def _has_state(conn: Connection) -> bool:
    row = conn.execute("select to_regclass('repot.wal') is not null").fetchone()
    return bool(row and row[0])
