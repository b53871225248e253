"""Cutting large tables into ranges of the key.

A range costs a scan of the whole table where the rows do not lie in the order of the key, so there
are only as many as give every worker something to do, or as keep a hash table in bounds.
"""

from __future__ import annotations

from itertools import pairwise

from psycopg import sql

from repot.engine.compare import Where, between, everywhere, is_exact, is_text
from repot.model.catalog import Column
from repot.model.names import Name
from repot.postgres.compose import trusted
from repot.postgres.connect import Connection

SMALLEST = 300_000  # rows
LARGEST = 4_000_000  # rows: beyond that, one hash join writes too much to disk


def share(rows: int, workers: int) -> int:
    """How many rows a piece may have at most, of `rows` in all tables."""
    if workers == 1:
        return LARGEST
    return min(LARGEST, max(SMALLEST, -(-rows // workers)))


def rows_of(conn: Connection, name: Name) -> int:
    """The planner's estimate; of a partitioned table, its partitions'."""
    row = conn.execute(
        "select sum(greatest(c.reltuples, 0))::bigint from pg_catalog.pg_class c"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p') and c.oid in (select relid from"
        " pg_catalog.pg_partition_tree((select r.oid from pg_catalog.pg_class r"
        "  join pg_catalog.pg_namespace m on m.oid = r.relnamespace"
        "  where m.nspname = %s and r.relname = %s)) where isleaf)",
        (name.schema_, name.name),
    ).fetchone()
    return int(str(row[0])) if row and row[0] is not None else 0


def wheres(conn: Connection, name: Name, column: Column, count: int) -> list[Where]:
    """About `count` ranges that leave no row out, NULLs in the first; at least one."""
    bounds = _bounds(conn, name, column, count)
    edges = [None, *bounds, None]
    return [between(column, lo, hi) for lo, hi in pairwise(edges)] if bounds else [everywhere]


def _bounds(conn: Connection, name: Name, column: Column, count: int) -> list[str]:
    """Values that cut the column into `count` parts of about one size, in order.

    They come from the statistics and need not be exact: each part begins where the one before ends.
    """
    if count < 2 or not (is_exact(column) or column.base_type == "numeric"):
        return []
    row = conn.execute(
        "select s.histogram_bounds::text from pg_catalog.pg_stats s"
        " where s.schemaname = %s and s.tablename = %s and s.attname = %s"
        " order by s.inherited desc limit 1",
        (name.schema_, name.name, column.name),
    ).fetchone()
    if row is None or row[0] is None:
        return []
    # Sorted by what `between` compares with, which for text is not what the statistics go by.
    values = conn.execute(
        sql.SQL("select b::text from unnest({}::{}[]) as b group by b order by b{}").format(
            sql.Literal(row[0]),
            trusted(column.base_type if is_text(column) else column.type),
            sql.SQL(' collate "C"' if is_text(column) else ""),
        )
    ).fetchall()
    if len(values) < count + 1:
        return []
    step = (len(values) - 1) / count
    chosen = [str(values[round(step * n)][0]) for n in range(1, count)]
    return list(dict.fromkeys(chosen))
