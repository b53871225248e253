"""Everything that two databases must have in common for the one to have had no accident."""

from __future__ import annotations

import time
from importlib.resources import files

import psycopg
from psycopg import sql

from support.sql import connect

Lines = dict[str, str]
_TABLES = """
select n.nspname, c.relname,
       array_agg(a.attname::text order by a.attnum) filter (where a.atttypid <> 'uuid'::regtype),
       array_agg(a.attname::text order by a.attnum) filter (where a.atttypid = 'uuid'::regtype)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where c.relkind in ('r', 'm')
   and (n.nspname !~ '^(pg_|information_schema$|repot|faults)'
        or n.nspname in ('repot_registry', 'repot_quarantine'))
   and a.attname <> 'repot_at'
 group by 1, 2 order by 1, 2
"""
_SEQUENCES = "select schemaname || '.' || sequencename, last_value from pg_sequences"
_AHEAD = 33  # values that a crash may skip: a sequence is logged 32 values ahead


def read(dsn: str) -> Lines:
    """Contents and definitions of all schemas, and Repot's state, as lines to compare.

    A table's contents: the number of rows and the sum of their hashes, whatever their order. Keys
    that a registry drew at random stand for what they were drawn for.
    """
    with connect(dsn) as conn:
        conn.execute("set search_path = ''; set timezone = utc")
        lines = {}
        for file in ("catalog.sql", "state.sql"):
            for what, value in conn.execute(_load(file).encode()).fetchall():
                assert what not in lines, what
                lines[what] = value
        known = conn.execute("select to_regclass('repot_registry.item_key') is not null").fetchone()
        for schema, table, columns, uuids in conn.execute(_TABLES.encode()).fetchall():
            name = sql.Identifier(schema, table)
            lines[f"rows of {schema}.{table}"] = _contents(
                conn, name, columns or [], uuids or [], known=bool(known and known[0])
            )
        return lines


def sequences(dsn: str) -> dict[str, int]:
    """The last value of each sequence outside Repot's schemas."""
    with connect(dsn) as conn:
        return {
            str(name): int(last or 0)
            for name, last in conn.execute(_SEQUENCES.encode()).fetchall()
            if not str(name).startswith(("repot", "faults"))
        }


def same_sequences(found: dict[str, int], expected: dict[str, int]) -> bool:
    """Whether none was set back; after a crash some values may have been skipped."""
    return found.keys() == expected.keys() and all(
        expected[name] <= last <= expected[name] + _AHEAD for name, last in found.items()
    )


def differences(found: Lines, expected: Lines) -> list[str]:
    """What is not the same, one line each."""
    return [
        f"{what}: {found.get(what, 'not there')} instead of {expected.get(what, 'nothing')}"
        for what in sorted(found.keys() | expected.keys())
        if found.get(what) != expected.get(what)
    ]


def wait_until_idle(dsn: str, seconds: float = 20) -> None:
    """Until no session of a client that was killed is left; fails after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        with connect(dsn) as conn:
            left = conn.execute(_load("idle.sql").encode()).fetchall()
        if not left:
            return
        assert time.monotonic() < until, left
        time.sleep(0.02)


def _contents(
    conn: psycopg.Connection[tuple[object, ...]],
    name: sql.Identifier,
    columns: list[str],
    uuids: list[str],
    *,
    known: bool,
) -> str:
    values: list[sql.Composable] = [sql.SQL("t.{}").format(sql.Identifier(c)) for c in columns]
    joins: list[sql.Composable] = []
    for number, column in enumerate(uuids):
        alias = sql.Identifier(f"k{number}")
        if not known:
            continue
        values.append(sql.SQL("{a}.kind, {a}.id").format(a=alias))
        joins.append(
            sql.SQL(" left join repot_registry.item_key {a} on {a}.value = t.{c}").format(
                a=alias, c=sql.Identifier(column)
            )
        )
    row = conn.execute(
        sql.SQL(
            "select count(*), sum(hashtextextended(row({})::text, 0)::numeric) from {} t{}"
        ).format(sql.SQL(", ").join(values), name, sql.Composed(joins))
    ).fetchone()
    assert row is not None
    return f"{row[0]} rows, {row[1]}"


def _load(file: str) -> str:
    return (files(__package__) / "sql" / file).read_text(encoding="utf-8")
