"""Tables that were emptied since: TRUNCATE is seen at once, by older snapshots too.

A snapshot that is older than a TRUNCATE shows an empty table where it should show the rows of its
time, and the log row of the TRUNCATE is not in it. So what a proof finds wrong is not believed
where a source of the view has another file now than before the snapshot was taken.
"""

from __future__ import annotations

from collections.abc import Mapping

from repot.engine.todo import Todo
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.postgres.connect import Connection

Files = Mapping[Name, str]


def files(conn: Connection, run_id: int) -> Files:
    """The files of the run's tables and their partitions, now, whatever snapshot `conn` has; by the
    plan's name of the table."""
    rows = conn.execute(
        "select r.schema, r.name, (select string_agg(p.relid::oid::text || ':' ||"
        " coalesce(pg_catalog.pg_relation_filenode(p.relid)::text, ''), ',' order by p.relid)"
        " from (select r.oid::regclass as relid union"
        "  select t.relid from pg_catalog.pg_partition_tree(r.oid) as t) as p)"
        " from repot.relation r where r.run = %s",
        (run_id,),
    ).fetchall()
    return {Name(schema_=str(s), name=str(n)): str(file) for s, n, file in rows}


def rewritten(before: Files, after: Files, d: Derivation) -> bool:
    """Whether a table that the view reads has another file than before."""
    return any(before.get(u.source) != after.get(u.source) for u in d.uses)


def prove_later(conn: Connection, todo: Todo) -> None:
    """All of the table is unproven from here on."""
    conn.execute(
        "update repot.work w set whole_epoch = r.epoch from repot.run r"
        " where w.id = %s and r.id = w.run",
        (todo.id,),
    )
