"""One value that changes when the schema does."""

from __future__ import annotations

from repot.engine.drift.ground import ensure
from repot.engine.drift.sql import load
from repot.model.plan import Plan
from repot.postgres.connect import Connection


def fingerprint(conn: Connection, run_id: int, plan: Plan) -> str:
    """A digest (32 hexadecimal digits) of all in the catalogs on which what Repot writes depends.

    One query, a few milliseconds; it locks nothing but catalogs, and may be called in any
    transaction (READ COMMITTED, or it tells of the past). Data, statistics, vacuum, plain indexes,
    grants on tables and comments do not change it; nor does the copy, until V2 is complete and its
    keys begin to count. It may change without harm (a unique index, a new schema phase): `explain`
    decides.
    """
    ensure(conn)
    row = conn.execute(
        load("fingerprint.sql").encode(),
        {
            "run": run_id,
            "source": plan.source_schema,
            "target": plan.target_schema,
            "retired": plan.retired_schema,
        },
        prepare=True,  # a switch asks again under its locks
    ).fetchone()
    assert row is not None
    return str(row[0])
