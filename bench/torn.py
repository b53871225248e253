"""Transactions torn across a switch: those that wrote by name into the tables of both sides.

Which tables a transaction wrote, and what they were called when it did, is in the WAL: a slot with
the server's own plugin test_decoding tells it. A name without schema always means the
schema that serves, so a transaction is torn if it wrote tables of that schema before the switch
committed and after it. What does not count, and cannot be told from rows afterwards (by their
xmin): foreign keys to tables outside (auth.users, ON DELETE CASCADE and SET NULL) change rows of
both sides in the application's transaction; but the side that does not serve has another schema.
"""

from __future__ import annotations

from dataclasses import dataclass

from repot.postgres.connect import Connection

SLOT = "bench_torn"
# A change is told with where its record begins, a commit with where it ends: a change that follows
# the switch at once has the same place.
_TORN = """
with told as materialized (
  select lsn, xid::text as xid, data
  from pg_logical_slot_get_changes(%(slot)s, null, null, 'include-xids', '0')
  where data = 'COMMIT' or starts_with(data, 'table ' || %(schema)s || '.')
), switch as (
  select lsn from told where xid = %(switch)s and data = 'COMMIT'
), wrote as (
  select t.xid, bool_or(t.lsn < s.lsn) as before, bool_or(t.lsn >= s.lsn) as after
  from told t, switch s
  where t.data <> 'COMMIT' and t.xid <> %(switch)s
  group by t.xid
)
select (select count(*) from switch), count(*) filter (where before), count(*) filter (where after),
  count(*) filter (where before and after)
from wrote
"""


@dataclass(frozen=True)
class Torn:
    """Transactions since the last look, by when they wrote tables that served."""

    before: int
    after: int
    both: int  # torn


def watch(conn: Connection) -> None:
    """From now on; waits until all transactions that are open have ended. The slot is gone with the
    server."""
    conn.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", (SLOT,))


def switch_xid(conn: Connection, kind: str) -> str:
    """The transaction of the last cutover or rollback (`kind`): it wrote the evidence of it."""
    row = conn.execute(
        "select xmin::text from repot.evidence where kind = %s order by id desc limit 1", (kind,)
    ).fetchone()
    if row is None:
        raise RuntimeError(f"there is no evidence of a {kind}")
    return str(row[0])


def look(conn: Connection, kind: str, schema: str = "public") -> Torn:
    """What was written since the last look, of which one cutover or rollback is part.

    Raises RuntimeError if there was nothing to see on either side of it.
    """
    given = {"slot": SLOT, "schema": schema, "switch": switch_xid(conn, kind)}
    row = conn.execute(_TORN, given).fetchone()
    seen, before, after, both = (int(str(n)) for n in row or (0, 0, 0, 0))
    if not (seen and before and after):
        raise RuntimeError(f"{kind}: seen {seen}, writers before {before} and after {after}")
    return Torn(before, after, both)
