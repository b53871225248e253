"""Replica identity: a V2 table for which target.sql says nothing takes its V1 namesake's."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import TABLES, Thing
from repot.engine.wal.family import widened
from repot.postgres.compose import ident
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Change:
    """`statement` gives `table` the identity; None: it has no index on the same columns."""

    table: Thing
    statement: sql.Composable | None


def changes(conn: Connection, swap: Survey) -> list[Change]:
    """What to change on the tables that come."""
    pairs = [(t, n) for t in swap.outgoing if t.kind in TABLES and (n := swap.namesake(t))]
    oids = [t.oid for pair in pairs for t in pair]
    known = {
        int(str(oid)): (str(identity), columns, candidates or [])
        for oid, identity, columns, candidates in conn.execute(
            load("replica_identity.sql"), {"oids": oids}
        ).fetchall()
    }
    for oid, was in widened(conn).items():  # by Repot, for the time of the move
        if oid in known:
            known[oid] = (*was, known[oid][2])
    result = []
    for old, new in pairs:
        identity, columns, _ = known[old.oid]
        if identity == "d" or known[new.oid][0] != "d":
            continue
        candidates = known[new.oid][2]
        assert isinstance(candidates, list)
        index = next((name for name, cols in candidates if cols == columns), None)
        words: sql.Composable | None = {"f": sql.SQL("full"), "n": sql.SQL("nothing")}.get(identity)
        if identity == "i" and index is not None:
            words = sql.SQL("using index {}").format(sql.Identifier(index))
        statement = words and sql.SQL("alter table only {} replica identity {}").format(
            ident(new.full_name), words
        )
        result.append(Change(new, statement))
    return result


def take_over(conn: Connection, swap: Survey) -> list[sql.Composable]:
    """The statements, for before the move."""
    return [c.statement for c in changes(conn, swap) if c.statement is not None]
