"""What is wrong with V1's structure: keys, indexes, sequences, types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from psycopg import sql

from repot.model.catalog import Table
from repot.model.finding import Finding, info, warning
from repot.model.names import Name, quoted
from repot.postgres.connect import Connection
from repot.stages.audit.query import Row
from repot.stages.audit.scan import Scan

NEAR_END = 0.75  # of a sequence's values used up
_UNUSED_BYTES = 1 << 20  # smaller indexes cost nothing worth a word
_NO_ZONE = 1114  # timestamp without time zone


def tables(table: Table, sizes: Row) -> Iterator[Finding]:
    """What the catalogs say of one table."""
    if not table.primary:
        keys = [u for u in table.uniques if all(_not_null(table, c) for c in u.columns)]
        yield warning(
            "table-no-key",
            f"{table.name} has no primary key"
            + (f", but {quoted(keys[0].name)} is unique and never NULL" if keys else ""),
            hint="its rows cannot be told apart: changes cannot be captured or proven; give it a "
            "key first (ALTER TABLE … ADD PRIMARY KEY), or declare the move's key",
            object=str(table.name),
        )
    zoneless = [c.name for c in table.columns if c.type_oid == _NO_ZONE]
    if zoneless:
        yield info(
            "timestamp-no-zone",
            f"{table.name} has timestamps without time zone: {', '.join(map(quoted, zoneless))}",
            hint="for timestamptz in V2 say in the move which zone they meant: "
            "x AT TIME ZONE 'UTC'",
            object=str(table.name),
            count=len(zoneless),
        )
    if sizes.get("inherited"):
        yield warning(
            "table-inherited",
            f"other tables inherit from {table.name}: reading it reads their rows too",
            hint="write FROM ONLY in the move, and a move for each child",
            object=str(table.name),
        )
    if sizes.get("unlogged"):
        yield info(
            "table-unlogged",
            f"{table.name} is unlogged: it is empty after a crash, and on standbys",
            hint="say in target.sql whether V2's table is to be the same",
            object=str(table.name),
        )


def _not_null(table: Table, column: str) -> bool:
    found = table.column(column)
    return found is not None and found.not_null


def indexes(rows: Sequence[Row], known: Sequence[Table]) -> Iterator[Finding]:
    """Duplicate, redundant, unused and invalid indexes, and foreign keys without one."""
    by_table: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_table[row["oid"]].append(row)
    for table in known:
        own = by_table[table.oid]
        yield from _doubles(table, own)
        yield from _keys_without_index(table, own)
        for row in own:
            name = quoted(row["name"])
            if not row["valid"] and not row["partitioned"]:
                yield warning(
                    "index-invalid",
                    f"the index {name} of {table.name} is invalid: it is written, but never read",
                    hint="a CREATE INDEX CONCURRENTLY failed: drop it, or "
                    "REINDEX INDEX CONCURRENTLY",
                    object=f"{table.name}, {name}",
                )
            elif not row["scans"] and not row["unique"] and row["bytes"] >= _UNUSED_BYTES:
                yield info(
                    "index-unused",
                    f"no query has read the index {name} of {table.name} ({row['bytes']} bytes) "
                    "since the statistics began",
                    hint="V2 may do without it; look at the standbys' statistics too",
                    object=f"{table.name}, {name}",
                )


def _doubles(table: Table, rows: Sequence[Row]) -> Iterator[Finding]:
    seen: dict[str, Row] = {}
    strongest = sorted(rows, key=lambda r: (not r["primary"], not r["constraint"], not r["unique"]))
    for row in strongest:
        first = seen.setdefault(row["signature"], row)
        wider = next((r for r in rows if _begins(row, r)), None)
        if first is not row:
            yield _double("index-duplicate", "holds the same as", table, row, first)
        elif wider and not row["unique"]:
            yield _double("index-redundant", "is the beginning of", table, row, wider)


def _begins(narrow: Row, wide: Row) -> bool:
    """Whether the one's keys are the first of the other's, so that the other serves its queries."""
    short, long = narrow["covers"], wide["covers"]
    return bool(short and long and len(short) < len(long) and long[: len(short)] == short)


def _double(code: str, how: str, table: Table, row: Row, other: Row) -> Finding:
    return info(
        code,
        f"the index {quoted(row['name'])} of {table.name} {how} {quoted(other['name'])}",
        hint="V2 can do without it",
        object=f"{table.name}, {quoted(row['name'])}",
    )


def _keys_without_index(table: Table, rows: Sequence[Row]) -> Iterator[Finding]:
    for key in table.foreign_keys:
        if any(
            set(row["columns"][: len(key.columns)]) == set(key.columns)
            for row in rows
            if row["valid"] and not row["partial"]
        ):
            continue
        yield info(
            "foreign-key-no-index",
            f"the foreign key {quoted(key.name)} of {table.name} has no index on "
            f"({', '.join(map(quoted, key.columns))}): a delete of a parent reads the whole table",
            hint="an index in V2, if parents are ever deleted or joined to",
            object=f"{table.name}, {quoted(key.name)}",
        )


def sequences(
    conn: Connection, rows: Sequence[Row], scans: Mapping[Name, Scan]
) -> Iterator[Finding]:
    """Sequences that are nearly used up, or behind the greatest value of their column."""
    for row in rows:
        detail, path = row["detail"], row["name"]
        last, most, column = detail["last"], detail["max"], detail["column"]
        place = str(Name(schema_=path[0], name=path[1]))
        if last and most > 0 and last > most * NEAR_END:
            yield warning(
                "sequence-near-end",
                f"the sequence {place} has used {last} of {most} values",
                hint="bigint in V2 (the column and its sequence), before inserts fail",
                object=place,
                count=most - last,
            )
        owner = Name(schema_=row["table"][0], name=row["table"][1]) if row["table"] else None
        if owner is None or owner not in scans or not detail["readable"] or detail["increment"] < 0:
            continue
        greatest = scans[owner].counts.get((column, "greatest"))
        if greatest is None or (last or 0) >= greatest:
            continue
        upcoming = _next_value(conn, path, detail["increment"])
        if upcoming <= greatest:
            yield warning(
                "sequence-behind",
                f"the sequence {place} gives {upcoming} next, but {owner}.{quoted(column)} goes up "
                f"to {greatest}: inserts will meet keys that are there",
                hint="SELECT setval(…) on V1; V2's sequences are set at the cutover",
                object=place,
                count=greatest - upcoming + 1,
            )


def _next_value(conn: Connection, path: Sequence[str], increment: int) -> int:
    """What nextval would give. Sequences live outside snapshots: it may be later, never earlier."""
    row = conn.execute(
        sql.SQL("select last_value, is_called from {}").format(sql.Identifier(*path))
    ).fetchone()
    assert row is not None
    return int(str(row[0])) + (increment if row[1] else 0)
