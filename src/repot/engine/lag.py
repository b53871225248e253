"""How far a follower is behind."""

from __future__ import annotations

from psycopg import sql

from repot.engine import capture, todo
from repot.engine.apply.taking import OTHERS
from repot.model.status import Lag
from repot.postgres.compose import ident, joined, trusted
from repot.postgres.connect import Connection


def lag(conn: Connection, run_id: int, direction: str) -> Lag:
    """What waits to be carried over in this direction, and since when; one count, two round trips
    before it."""
    parts = [
        sql.SQL(
            "select {name} as name, count(*) as changes, 0 as scopes, min(at) as at from {log}"
            " where {others}"
        ).format(name=sql.Literal(c.source), log=ident(c.log), others=trusted(OTHERS))
        for c in capture.read(conn, run_id, direction)
    ]
    parts += [
        sql.SQL("select null, 0, count(*), min(at) from {}").format(ident(t.table))
        for t in todo.read(conn, run_id, direction).values()
    ]
    if not parts:
        return Lag(direction=direction)
    rows = conn.execute(
        sql.SQL(
            "select name, sum(changes), sum(scopes), greatest(0, extract(epoch from"
            " pg_catalog.clock_timestamp() - min(at))) from ({}) as w group by name"
        ).format(joined(parts, " union all "))
    ).fetchall()
    return Lag(
        direction=direction,
        tables={str(n): int(str(c)) for n, c, _, _ in rows if n is not None and int(str(c))},
        changes=sum(int(str(c)) for _, c, _, _ in rows),
        scopes=sum(int(str(s)) for _, _, s, _ in rows),
        seconds=max((float(str(a)) for *_, a in rows if a is not None), default=0.0),
    )
