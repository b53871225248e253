"""What the copy did, read from its checkpoints."""

from __future__ import annotations

from repot.engine.session import Session
from repot.model.results import CopyResult, TableCopy
from repot.postgres.connect import Connection
from repot.stages.copy.sql import load


def read_result(conn: Connection, session: Session, *, ms: int, resumed: bool) -> CopyResult:
    """Rows, chunks and time of each move, over all the runs that it took."""
    rows = conn.execute(load("copy_result.sql").encode(), {"run": session.run.id}).fetchall()
    tables = tuple(
        TableCopy(table=str(t), rows=int(str(n)), chunks=int(str(c)), ms=int(str(m)))
        for t, n, c, m in rows
    )
    return CopyResult(tables=tables, rows=sum(t.rows for t in tables), ms=ms, resumed=resumed)
