"""Captured changes that wait, counted in one round trip: it is asked under the lock."""

from __future__ import annotations

from collections.abc import Callable

from psycopg import sql

from repot.engine import capture
from repot.model.names import Name
from repot.postgres.compose import ident
from repot.postgres.connect import Connection


class Logs:
    """The logs of one direction, as they were listed when it was made."""

    def __init__(
        self,
        conn: Connection,
        run: int,
        direction: str,
        wanted: Callable[[Name], bool] = lambda _: True,
    ) -> None:
        """wanted: which sources, as the plan names them."""
        self._logs = {c.source: c.log for c in capture.read(conn, run, direction) if wanted(c.name)}

    def waiting(self, conn: Connection) -> dict[str, int]:
        """Source table (as in the plan) → changes that are not applied; only those with some."""
        parts = [
            sql.SQL("select {}, count(*) from {}").format(sql.Literal(source), ident(log))
            for source, log in self._logs.items()
        ]
        if not parts:
            return {}
        rows = conn.execute(sql.SQL(" union all ").join(parts)).fetchall()
        return {str(source): int(str(n)) for source, n in rows if n}
