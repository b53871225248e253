"""Why a proof does not pass: everything, not only the first."""

from __future__ import annotations

from collections.abc import Sequence

from repot.engine.capture import FORWARD
from repot.engine.prove import TouchedProof
from repot.model.access import Access
from repot.model.results import Account, CheckResult, PoisonRow, TableProof
from repot.postgres.connect import Connection

SHOWN = 3


def reasons(
    tables: Sequence[TableProof],
    accounts: Sequence[Account],
    checks: Sequence[CheckResult],
    later: Sequence[TouchedProof],
    set_aside: Sequence[PoisonRow],
    access: Access | None = None,
    proven_later: int = 0,
) -> tuple[str, ...]:
    """Empty: it passes. proven_later: rows that waited in the snapshot and were compared since."""
    found = []
    if not sum(t.rows_compared for t in tables) + proven_later:
        found.append("no row was compared: an empty proof proves nothing")
    for t in tables:
        if t.differences:
            found.append(
                f"{t.table}: {t.missing} missing, {t.extra} extra, {t.changed} changed, "
                f"{t.duplicates} duplicate rows"
            )
    for a in accounts:
        if a.unaccounted:
            found.append(f"{a.table}: {a.unaccounted} rows are not accounted for")
        if not _kept(a):
            found.append(
                f"{a.table}: {a.left} rows are left out and {a.quarantined} of them in quarantine"
            )
    found += [f"{c.file}: {c.failing_rows} failing rows" for c in checks if c.failing_rows]
    for p in later:
        found.append(
            f"{p.move.name}: {p.counts.differences} of the rows that were written during the proof "
            f"differ, for instance {', '.join(str(e.key) for e in p.examples)}"
        )
    for name in dict.fromkeys(row.name for row in set_aside):
        rows = [row for row in set_aside if row.name == name]
        keys = "; ".join(f"({', '.join(row.scope)}): {row.error}" for row in rows[:SHOWN])
        found.append(f"{name}: {len(rows)} changes could not be applied: {keys}")
    found += [f"access: {e.message}" for e in (access.errors if access else ())]
    return tuple(found)


def settled(a: Account) -> bool:
    """Whether an account is as it should be."""
    return not a.unaccounted and _kept(a)


def poison(conn: Connection, run_id: int) -> tuple[PoisonRow, ...]:
    """Changes that could not be applied, oldest first."""
    rows = conn.execute(
        "select name, scope, error, coalesce(sqlstate, '') from repot.poison"
        " where run = %s and direction = %s order by at, name, scope",
        (run_id, FORWARD),
    ).fetchall()
    names = ("name", "scope", "error", "sqlstate")
    return tuple(PoisonRow.model_validate(dict(zip(names, row, strict=True))) for row in rows)


def _kept(a: Account) -> bool:
    return a.whole or a.quarantined == a.left
