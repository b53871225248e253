"""V1 keeps what V2 did not change.

A way back may lose detail: V1's ACTIVE and PUBLISHED are one PUBLISHED in V2. The loop view, which
is the way back over the forward views, gives what V2 would say of V1's row as it is; where V2 says
the same now, nothing was changed there and V1's own value stays.
"""

from __future__ import annotations

from psycopg import sql

from repot.engine.apply.work import Work, same_key
from repot.engine.compare import differs
from repot.model.names import Name
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection


def kept_values(conn: Connection, work: Work, remembered: Name) -> None:
    """Replace, in the wanted rows, each value that V2 did not change by V1's own."""
    d = work.derivation
    columns = [c for c in d.columns if c not in d.key]
    if not columns:
        return
    values = joined(
        sql.SQL("{c} = case when {changed} then w.{c} else v.{c} end").format(
            c=sql.Identifier(c),
            changed=differs(
                sql.SQL("w.{}").format(sql.Identifier(c)),
                sql.SQL("l.{}").format(sql.Identifier(c)),
                work.described(c),
            ),
        )
        for c in columns
    )
    conn.execute(
        sql.SQL("update {} as w set {} from {} as l, {} as v where {} and {}").format(
            ident(work.wanted),
            values,
            ident(remembered),
            ident(work.table),
            same_key(d, "w", "l"),
            same_key(d, "w", "v"),
        )
    )
