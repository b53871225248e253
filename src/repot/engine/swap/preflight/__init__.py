"""What the swap would break or change, found in the catalogs before anything is touched."""

from __future__ import annotations

from repot.engine.swap import outside_sql
from repot.engine.swap.namesakes import Namesakes
from repot.engine.swap.preflight.around import around
from repot.engine.swap.preflight.bodies import bodies
from repot.engine.swap.preflight.names import names
from repot.engine.swap.preflight.outside import outside
from repot.engine.swap.preflight.rights import rights
from repot.engine.swap.preflight.tables import tables
from repot.engine.swap.survey import Survey, survey
from repot.engine.swap.things import forward
from repot.model.finding import Finding
from repot.model.plan import Plan
from repot.postgres.connect import Connection

__all__ = ["examine", "preflight"]


def preflight(conn: Connection, plan: Plan, swap: str) -> list[Finding]:
    """Everything a cutover of kind `swap` (tables or schema) would break or change.

    V2 must stand in the target schema (in the plan's transaction it does). Reads catalogs only.
    Codes and remedies: docs/concepts/cutover.md.
    """
    return examine(conn, plan, survey(conn, forward(plan), swap))


def examine(conn: Connection, plan: Plan, swap: Survey) -> list[Finding]:
    """The same for a survey that has been made."""
    known = Namesakes(conn, swap)
    return [
        *outside_sql.wrong(plan.outside_sql),
        *rights(conn, plan, swap),
        *names(conn, swap),
        *outside(conn, plan, swap, known),
        *tables(conn, plan, swap),
        *bodies(conn, plan, swap),
        *around(conn, swap),
    ]
