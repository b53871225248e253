"""What of access.toml can be seen before V2 holds a row: for the plan."""

from __future__ import annotations

from collections.abc import Iterator

from repot.engine.access.findings import FILE, declared_findings
from repot.engine.access.people import check_roles
from repot.engine.access.scene import Place, elsewhere, read_shapes
from repot.model.errors import Refused
from repot.model.finding import Finding, error
from repot.model.plan import Plan
from repot.postgres.connect import Connection


def foreseen(conn: Connection, plan: Plan) -> Iterator[Finding]:
    """Tables and columns that access.toml leaves out or invents, and roles that this session may
    not act as; asked while V2 stands in the plan's transaction."""
    rules = plan.access
    if rules is None:
        return
    try:
        check_roles(conn, rules)
    except Refused as closed:
        for line in closed.evidence.splitlines():
            yield error(
                closed.code,
                f"{closed.message}: {line}",
                hint=f"`repot verify` tries it. {closed.hint}",
                file=FILE,
            )
    place = Place(plan.target_schema, "v2")
    known = {s.name.name: s for s in read_shapes(conn, place.schema, [])}
    if known:
        shapes = read_shapes(conn, place.schema, elsewhere(rules, known))
        yield from declared_findings(rules, place, shapes)
