"""Row security on every table, and what must be gone."""

from __future__ import annotations

from collections.abc import Iterator

from repot.engine.checking.look import Look, outcome
from repot.model.checks import Checked, RowSecurityCheck
from repot.model.names import quoted


def check_row_security(look: Look) -> Iterator[Checked]:
    """All tables of the schema as one check, if it is declared."""
    declared = look.checking.row_security
    if declared is None:
        return
    there = look.rows("row_security.sql", {"schema": look.place.schema})
    reasons = []
    excepted = {look.name(e.table).name for e in declared.exceptions}
    if not there:
        reasons.append(f"the schema {quoted(look.place.schema)} holds no table")
    for name in sorted(excepted - {row["relname"] for row in there}):
        reasons.append(f"{quoted(name)} is excepted and not there")
    for row in there:
        if row["relname"] not in excepted:
            reasons += [f"{quoted(row['relname'])}: {why}" for why in _wrong(declared, row)]
    covered = len(there) - len(excepted)
    title = f"{covered} tables of {quoted(look.place.schema)}"
    if excepted:
        title += f", {len(excepted)} excepted"
    yield outcome("row security", title, reasons)


def _wrong(declared: RowSecurityCheck, row: dict[str, object]) -> Iterator[str]:
    if not row["relrowsecurity"]:
        yield "row security is off"
        return
    if declared.force and not row["relforcerowsecurity"]:
        yield "row security does not hold for its owner"
    if declared.policies and not row["exists"]:
        yield "it has no policy"


def check_absent(look: Look) -> Iterator[Checked]:
    """One check for each name that must be gone."""
    for kind in ("functions", "tables", "types"):
        for relation in getattr(look.checking.absent, kind):
            full = look.name(relation)
            params = {"kind": kind, "schema": full.schema_, "name": full.name}
            count = look.rows("present.sql", params)[0]["count"]
            reasons = [f"the {kind.removesuffix('s')} is there"] if count else []
            yield outcome("absent", str(full), reasons)
