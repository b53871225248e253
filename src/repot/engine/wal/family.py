"""The tables captured from the WAL with their partitions and children: what rules capture out, and
their replica identities, which say which old values the WAL holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.engine.capture import Captured
from repot.engine.wal.sql import load
from repot.model.names import Name
from repot.postgres.compose import ident
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Member:
    """A captured table (`oid` = `root`), or a partition or child of one, as it is now."""

    root: int
    oid: int
    name: Name
    kind: str  # pg_class.relkind
    persistence: str
    identity: str  # pg_class.relreplident
    index: int | None  # that gives the identity
    identity_columns: frozenset[str]
    keyed: bool  # has a primary key that is checked at once
    generated: frozenset[str]
    owned: bool
    column_list: bool  # some publication has it with a list of columns

    def lacks(self, captured: Captured) -> bool:
        """Whether the WAL would not hold the old values that capture needs. A partitioned table
        has no rows of its own, hence no old values."""
        known = self.identity_columns
        return self.kind == "r" and not (known and known.issuperset(captured.columns))


def members(conn: Connection, captured: Sequence[Captured]) -> list[Member]:
    """All of them, in order of root and oid."""
    rows = conn.execute(load("family.sql").encode(), {"oids": [c.oid for c in captured]}).fetchall()
    return [
        Member(
            root=int(str(root)),
            oid=int(str(oid)),
            name=Name(schema_=str(schema), name=str(name)),
            kind=str(kind),
            persistence=str(persistence),
            identity=str(identity),
            index=None if index is None else int(str(index)),
            identity_columns=_texts(columns),
            keyed=bool(keyed),
            generated=_texts(generated),
            owned=bool(owned),
            column_list=bool(column_list),
        )
        for root, oid, schema, name, kind, persistence, identity, index, columns, keyed,
        generated, owned, column_list in rows
    ]  # fmt: skip


def refusals(conn: Connection, captured: Sequence[Captured]) -> list[str]:
    """Why these tables cannot be captured from the WAL: one line for each reason."""
    found = members(conn, captured)
    return [
        reason
        for one in captured
        for reason in _refusals(one, [m for m in found if m.root == one.oid])
    ]


def _refusals(captured: Captured, family: Sequence[Member]) -> Iterator[str]:
    for member in family:
        if not member.owned:
            yield f"{member.name} belongs to another role: only its owner can publish it"
        if member.kind not in ("r", "p"):
            yield f"{member.name} is no table of this database: its changes are not in the WAL"
        elif member.persistence != "p":
            yield f"{member.name} is UNLOGGED: its changes are not in the WAL"
        generated = sorted(member.generated.intersection(captured.columns))
        if generated:
            yield f"{member.name}: {', '.join(generated)} is generated, which is not published"
        if member.kind == "p" and not member.keyed:
            # What is set on a table or its partitions is not passed on to a new partition.
            yield (
                f"{member.name} is partitioned and has no primary key: once it is published, "
                "UPDATE and DELETE in a new partition would fail for the application"
            )
    if any(m.lacks(captured) for m in family) and any(m.column_list for m in family):
        yield (
            f"{captured.source} is in another publication with a list of columns, and would need "
            "REPLICA IDENTITY FULL, which that publication does not allow"
        )


def widen(conn: Connection, run_id: int, captured: Sequence[Captured]) -> None:
    """Note all members, and give REPLICA IDENTITY FULL to those whose old values would be missing.

    Takes ACCESS EXCLUSIVE on these: the caller sets lock_timeout.
    """
    by_oid = {c.oid: c for c in captured}
    found = members(conn, captured)
    note(conn, run_id, found)
    for oid in sorted({m.oid for m in found if m.lacks(by_oid[m.root])}):
        member = next(m for m in found if m.oid == oid)
        conn.execute(
            "insert into repot.wal_identity (run, oid, identity, index) values (%s, %s, %s, %s)"
            " on conflict do nothing",
            (run_id, oid, member.identity, member.index if member.identity == "i" else None),
        )
        conn.execute(_identity(member.name, sql.SQL("full")))


def note(conn: Connection, run_id: int, found: Sequence[Member]) -> None:
    """Remember which table belongs to which: partitions may be gone when their changes are read."""
    roots = {m.oid for m in found if m.kind == "p"}
    for member in found:
        # CREATE PUBLICATION lists inheritance children, but of a partitioned table only itself.
        listed = member.root == member.oid or member.root not in roots
        conn.execute(
            "insert into repot.wal_table (run, root, oid, listed) values (%s, %s, %s, %s)"
            " on conflict do nothing",
            (run_id, member.root, member.oid, listed),
        )


def put_back(conn: Connection, run_id: int) -> None:
    """Give back the replica identities that `widen` changed, unless somebody changed them since.

    Takes ACCESS EXCLUSIVE on these tables: the caller sets lock_timeout.
    """
    rows = conn.execute(
        "select n.nspname, c.relname, w.identity::text, i.relname"
        " from repot.wal_identity w join pg_catalog.pg_class c on c.oid = w.oid"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " left join pg_catalog.pg_index x on x.indexrelid = w.index and x.indrelid = c.oid"
        " left join pg_catalog.pg_class i on i.oid = x.indexrelid"
        " where w.run = %s and c.relreplident = 'f' order by c.oid",
        (run_id,),
    ).fetchall()
    for schema, name, identity, index in rows:
        words: sql.Composable = sql.SQL("nothing" if identity == "n" else "default")
        if identity == "i" and index is not None:
            words = sql.SQL("using index {}").format(sql.Identifier(str(index)))
        conn.execute(_identity(Name(schema_=str(schema), name=str(name)), words))


def widened(conn: Connection) -> dict[int, tuple[str, list[str] | None]]:
    """Tables (by oid) that `widen` has changed: their replica identity, as it was, and the columns
    of the index that gave it."""
    row = conn.execute("select to_regclass('repot.wal_identity') is not null").fetchone()
    if not row or not row[0]:
        return {}
    rows = conn.execute(
        "select w.oid::bigint, w.identity::text,"
        " (select array_agg(a.attname::text order by k.position)"
        "  from pg_catalog.pg_index i"
        "  cross join lateral unnest(i.indkey::int2[]) with ordinality k(attnum, position)"
        "  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum"
        "  where i.indexrelid = w.index and k.position <= i.indnkeyatts)"
        " from repot.wal_identity w"
    ).fetchall()
    return {
        int(str(oid)): (str(identity), columns if isinstance(columns, list) else None)
        for oid, identity, columns in rows
    }


def _identity(table: Name, words: sql.Composable) -> sql.Composed:
    return sql.SQL("alter table only {} replica identity {}").format(ident(table), words)


def _texts(value: object) -> frozenset[str]:
    assert isinstance(value, list)
    return frozenset(str(v) for v in value)
