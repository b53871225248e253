"""Taking logged changes off: into temporary tables of the transaction that will carry them on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from repot.engine.apply.temporary import Temporary
from repot.engine.capture import Captured
from repot.engine.wal import Unread
from repot.model.names import Name
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.together import together

OTHERS, OWN = "op < 'a'", "op >= 'a'"  # whose writes: Repot's own are logged in small letters
LIMIT = 10_000  # changes of one table in one batch
ALL = 2**31 - 1
_COMMIT = "pg_catalog.pg_xact_commit_timestamp(xmin) as committed"


@dataclass(frozen=True)
class Taken:
    """The changes of one source, off its log: op, c1 … cn, at (the last of equal ones); since when
    the oldest of them waited."""

    captured: Captured
    table: Name
    rows: int
    truncated: bool
    oldest: datetime | None = None


def waiting(
    conn: Connection, captured: Sequence[Captured], whose: str = OTHERS
) -> tuple[Captured, ...]:
    """Those whose log holds something; one round trip."""
    parts = [
        sql.SQL("select {} where exists (select from {} where {})").format(
            sql.Literal(c.id), ident(c.log), trusted(whose)
        )
        for c in captured
    ]
    if not parts:
        return ()
    ids = {row[0] for row in conn.execute(joined(parts, " union all ")).fetchall()}
    return tuple(c for c in captured if c.id in ids)


def take(
    conn: Connection,
    temp: Temporary,
    captured: Sequence[Captured],
    *,
    whose: str = OTHERS,
    limit: int = LIMIT,
    commit_times: bool = False,
) -> dict[Name, Taken]:
    """Take up to `limit` changes off each log, by source; sources without changes are not in it.

    commit_times: `at` is when the writer committed (the server must keep track of that), not when
    it wrote.
    """
    held = waiting(conn, captured, whose)
    with temp.at_once():
        tables = [taken_table(temp, one) for one in held]
    statements = [
        taking(one, table, whose, sql.Literal(limit), commit_times=commit_times)
        for one, table in zip(held, tables, strict=True)
    ]
    found = _taken(conn, temp, held, tables, statements)
    return {t.captured.name: t for t in found if t.rows}  # another applier may have been quicker


def taken_table(temp: Temporary, captured: Captured) -> Name:
    """The table that `take` fills, empty."""
    return _table(temp, captured, "taken")


def copy_logs(
    conn: Connection,
    temp: Temporary,
    captured: Collection[Captured],
    whose: str = OTHERS,
    unread: Unread | None = None,
) -> dict[Name, Taken]:
    """What the logs hold in this snapshot, which stays there; with what is `unread` in it."""
    held = waiting(conn, [*captured], whose)
    with temp.at_once():
        tables = [_table(temp, one, "seen") for one in held]
    statements = [_copy(one, table, whose) for one, table in zip(held, tables, strict=True)]
    seen = {t.captured.name: t for t in _taken(conn, temp, held, tables, statements)}
    for one in captured:
        part = unread.of(one) if unread is not None else None
        if unread is None or part is None:
            continue
        before = seen.get(one.name) or Taken(one, _table(temp, one, "seen"), 0, truncated=False)
        unread.copy_into(conn, one, before.table)
        temp.filled(before.table, before.rows + part.rows)
        oldest = min(t for t in (before.oldest, part.oldest) if t is not None)
        seen[one.name] = Taken(
            one, before.table, before.rows + part.rows, before.truncated or part.truncated, oldest
        )
    return seen


def taking(
    captured: Captured,
    table: Name,
    whose: str,
    limit: sql.Composable,
    *,
    commit_times: bool = False,
) -> sql.Composed:
    """The statement that takes up to `limit` changes off a log; gives how many, whether the source
    was truncated, and since when the oldest waited."""
    return sql.SQL(
        "with gone as (delete from {log} where ctid = any (array("
        "  select ctid from {log} where {whose} limit {limit})) returning *, {commit}),"
        " kept as (insert into {table} select op, {fields}, max({at}) from gone"
        "  group by op, {fields})"
        " select count(*), coalesce(bool_or(op in ('T', 't')), false), min(at) from gone"
    ).format(
        log=ident(captured.log),
        whose=trusted(whose),
        limit=limit,
        table=ident(table),
        fields=idents(captured.fields),
        commit=sql.SQL(_COMMIT if commit_times else "null::timestamptz as committed"),
        at=sql.SQL("coalesce(committed, at)"),
    )


def _copy(captured: Captured, table: Name, whose: str) -> sql.Composed:
    return sql.SQL(
        "with held as (select * from {log} where {whose}),"
        " kept as (insert into {table} select op, {fields}, max(at) from held"
        "  group by op, {fields})"
        " select count(*), coalesce(bool_or(op in ('T', 't')), false), min(at) from held"
    ).format(
        log=ident(captured.log),
        whose=trusted(whose),
        table=ident(table),
        fields=idents(captured.fields),
    )


def _taken(
    conn: Connection,
    temp: Temporary,
    captured: Sequence[Captured],
    tables: Sequence[Name],
    statements: Sequence[sql.Composable],
) -> list[Taken]:
    found = []
    for one, table, answer in zip(captured, tables, together(conn, statements), strict=True):
        count, truncated, oldest = answer.rows[0]
        assert oldest is None or isinstance(oldest, datetime)
        found.append(Taken(one, table, int(str(count)), bool(truncated), oldest))
    temp.filled_all([(t.table, t.rows) for t in found])
    return found


def _table(temp: Temporary, captured: Captured, what: str) -> Name:
    fields = joined(
        sql.SQL("{} {}").format(sql.Identifier(field), trusted(kind))
        for field, kind in zip(captured.fields, captured.types, strict=True)
    )
    columns = sql.SQL('op "char", {}, at timestamptz').format(fields)
    return temp.table(f"repot_{what}_{captured.id}", columns)
