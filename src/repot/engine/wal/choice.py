"""Whether this server can capture from the WAL, and whether these tables can be captured so."""

from __future__ import annotations

from collections.abc import Sequence

from repot.engine.capture import Captured
from repot.engine.wal import family
from repot.engine.wal.sql import load
from repot.engine.wal.standing import PLUGIN
from repot.model.errors import Refused
from repot.postgres.connect import Connection


def available(conn: Connection) -> str | None:
    """Why the server or this role cannot capture from the WAL, in words; None: it can."""
    row = conn.execute(load("available.sql").encode()).fetchone()
    assert row is not None
    version, primary, level, slots, used, replication, role, creates, database, plugins = row
    allowed = [p.strip().strip('"') for p in str(plugins).split(",")]
    reasons = [
        (not version, "the server is older than PostgreSQL 14"),
        (not primary, "this server is a standby"),
        (level != "logical", f"wal_level is {level}: it must be logical, which needs a restart"),
        (
            int(str(used)) >= int(str(slots)),
            f"all {slots} replication slots are in use: drop one, or raise max_replication_slots, "
            "which needs a restart",
        ),
        (
            not replication,
            f"{role} may not use replication slots: as a superuser ALTER ROLE … REPLICATION "
            "(on Amazon RDS: GRANT rds_replication TO …)",
        ),
        (not creates, f"{role} may not create publications: GRANT CREATE ON DATABASE {database}"),
        (
            plugins is not None and PLUGIN not in allowed,
            f"the server does not allow the output plugin {PLUGIN}: "
            "it must be in output_plugin_libraries",
        ),
    ]
    return "; ".join(why for wrong, why in reasons if wrong) or None


def refuse(conn: Connection, captured: Sequence[Captured]) -> None:
    """Raises Refused `wal-not-available` with all the reasons there are."""
    reasons = [why] if (why := available(conn)) else []
    reasons += family.refusals(conn, captured)
    if reasons:
        raise Refused(
            "wal-not-available",
            "changes cannot be captured from the WAL",
            evidence="\n".join(reasons),
            hint="mend it, or take the tables out of [capture] wal: they get triggers then",
        )
