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
    taken = {}
    for one in waiting(conn, captured, whose):
        found = _take(conn, temp, one, whose, limit, commit_times=commit_times)
        if found.rows:  # another applier may have been quicker
            taken[one.name] = found
    return taken


def lay_out(temp: Temporary, captured: Sequence[Captured]) -> None:
    """Make the tables that `take` fills."""
    for one in captured:
        _table(temp, one, "taken")


def copy_logs(
    conn: Connection,
    temp: Temporary,
    captured: Collection[Captured],
    whose: str = OTHERS,
    unread: Unread | None = None,
) -> dict[Name, Taken]:
    """What the logs hold in this snapshot, which stays there; with what is `unread` in it."""
    seen = {one.name: _copy(conn, temp, one, whose) for one in waiting(conn, [*captured], whose)}
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


def _take(
    conn: Connection,
    temp: Temporary,
    captured: Captured,
    whose: str,
    limit: int,
    *,
    commit_times: bool,
) -> Taken:
    table = _table(temp, captured, "taken")
    row = conn.execute(
        sql.SQL(
            "with gone as (delete from {log} where ctid = any (array("
            "  select ctid from {log} where {whose} limit {limit})) returning *, {commit}),"
            " kept as (insert into {table} select op, {fields}, max({at}) from gone"
            "  group by op, {fields})"
            " select count(*), coalesce(bool_or(op in ('T', 't')), false), min(at) from gone"
        ).format(
            log=ident(captured.log),
            whose=trusted(whose),
            limit=sql.Literal(limit),
            table=ident(table),
            fields=idents(captured.fields),
            commit=sql.SQL(_COMMIT if commit_times else "null::timestamptz as committed"),
            at=sql.SQL("coalesce(committed, at)"),
        )
    ).fetchone()
    return _taken(temp, captured, table, row)


def _copy(conn: Connection, temp: Temporary, captured: Captured, whose: str) -> Taken:
    table = _table(temp, captured, "seen")
    row = conn.execute(
        sql.SQL(
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
    ).fetchone()
    return _taken(temp, captured, table, row)


def _taken(
    temp: Temporary, captured: Captured, table: Name, row: tuple[object, ...] | None
) -> Taken:
    assert row is not None
    rows, oldest = int(str(row[0])), row[2]
    assert oldest is None or isinstance(oldest, datetime)
    temp.filled(table, rows)
    return Taken(captured, table, rows, bool(row[1]), oldest)


def _table(temp: Temporary, captured: Captured, what: str) -> Name:
    fields = joined(
        sql.SQL("{} {}").format(sql.Identifier(field), trusted(kind))
        for field, kind in zip(captured.fields, captured.types, strict=True)
    )
    columns = sql.SQL('op "char", {}, at timestamptz').format(fields)
    return temp.table(f"repot_{what}_{captured.id}", columns)
