"""The matrix: every caller × table × operation, each table and caller in a transaction of its own
that is rolled back."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import psycopg

from repot.engine.access.attempt import Again
from repot.engine.access.cells import cells
from repot.engine.access.findings import NEVER, cell_findings, declared_findings, function_findings
from repot.engine.access.functions import read_callables
from repot.engine.access.people import People, check_roles, read_people
from repot.engine.access.scene import (
    Caller,
    Held,
    Place,
    Shape,
    elsewhere,
    prepare,
    read_held,
    read_shapes,
)
from repot.engine.access.standin import stand_in
from repot.engine.access.subject import Subject
from repot.model.access import (
    Access,
    AccessRules,
    Callable,
    Cell,
    Operation,
    Outcome,
    Person,
    Rights,
    TableAccess,
    Try,
)
from repot.model.errors import Refused
from repot.model.finding import Finding
from repot.model.names import quoted
from repot.model.progress import Progress, Silent
from repot.postgres.connect import Connection, connection
from repot.postgres.patience import IN_THE_WAY

ATTEMPTS = 6  # where others write the very rows, or lock the table


def try_access(
    dsn: str,
    rules: AccessRules,
    place: Place,
    progress: Progress = Silent(),  # noqa: B008 (it has no state)
    people: People | None = None,
    only: Collection[str] = (),
) -> tuple[Access, People]:
    """Try all of it, or the tables `only`; nothing stays. `people`: those of an earlier matrix,
    else they are looked up.

    Raises Refused `access-role`, `access-rows-hidden`, `access-empty`.
    """
    began, at = time.monotonic(), datetime.now(UTC)
    with connection(dsn, application="repot access") as conn:
        check_roles(conn, rules)
        shapes = read_shapes(conn, place.schema, [])
        known = {s.name.name: s for s in shapes}
        if place.side != "v1":
            shapes = read_shapes(conn, place.schema, elsewhere(rules, known))
        findings: list[Finding] = declared_findings(rules, place, shapes, only)
        if only:
            shapes = tuple(s for s in shapes if shown(s, place) in only)
        _check_sight(shapes, place)
        if people is None:
            people, nobody = read_people(conn, rules, place)
            findings += nobody
        callers = people.callers
        found: list[Cell] = []
        stood_in: dict[Person, None] = {}
        progress.start("access", "Trying who may do what", len(shapes) * len(callers), "tries")
        held = {r: read_held(conn, r, [s.oid for s in shapes]) for r in _roles(callers)}
        for shape in shapes:
            for one in callers:
                may = held[one.identity.role][shape.oid]
                found += _table(conn, rules, place, shape, may, one, callers)
                progress.advance("access", 1)
            for one in _stand_ins(conn, rules, place, shape, people):
                may = held[one.identity.role][shape.oid]
                found += _table(conn, rules, place, shape, may, one, callers)
                stood_in[one.person] = None
        progress.finish("access")
        callable_ = read_callables(conn, rules, place)
    findings += cell_findings(found)
    findings += function_findings(rules, place, callable_)
    tried = (*(c.person for c in callers), *stood_in)
    return _access(at, began, place, tried, shapes, found, callable_, findings), people


def _access(
    at: datetime,
    began: float,
    place: Place,
    people: Sequence[Person],
    shapes: Sequence[Shape],
    found: Sequence[Cell],
    functions: Sequence[Callable],
    findings: Sequence[Finding],
) -> Access:
    tries = [t for cell in found for t in cell.tries]
    untried = [t for t in tries if t.outcome is Outcome.UNTRIED]
    order = {"error": 0, "warning": 1, "info": 2}
    return Access(
        at=at,
        schema_=place.schema,
        side=place.side,
        people=tuple(people),
        tables=tuple(shown(s, place) for s in shapes),
        cells=tuple(found),
        functions=tuple(functions),
        findings=tuple(sorted(findings, key=lambda f: order[f.severity.value])),
        tries=len(tries) - len(untried),
        untried=sum(t.why not in NEVER for t in untried),
        ms=round((time.monotonic() - began) * 1000),
    )


def shown(shape: Shape, place: Place) -> str:
    """What the table is called in access.toml and in the matrix."""
    name = shape.name
    return name.name if name.schema_ == place.schema else f"{name.schema_}.{name.name}"


def _roles(callers: Sequence[Caller]) -> list[str]:
    return list(dict.fromkeys(c.identity.role for c in callers))


def _check_sight(shapes: Sequence[Shape], place: Place) -> None:
    """Whoever does not see all rows cannot say which of them others should see."""
    if not shapes:
        raise Refused(
            "access-empty",
            f"there are no tables in {quoted(place.schema)}",
            hint="--schema names another one; before the cutover `repot copy` builds V2",
        )
    hidden = [str(s.name) for s in shapes if s.hidden]
    if hidden:
        raise Refused(
            "access-rows-hidden",
            "row security hides rows from this session itself: what others should see is not known",
            evidence="\n".join(hidden),
            hint="connect as the owner of the tables (without FORCE ROW LEVEL SECURITY), or as a "
            "superuser: ALTER ROLE … BYPASSRLS;",
        )


def _declared(
    rules: AccessRules, place: Place, shape: Shape, one: Caller
) -> tuple[TableAccess, Rights | None]:
    """What access.toml says of the table and the caller; a partition's is its root's."""
    name = shown(shape, place)
    if shape.root is not None and name not in rules.tables:
        root = shape.root
        name = root.name if root.schema_ == place.schema else f"{root.schema_}.{root.name}"
    if place.side == "v1":
        table = rules.old.get(name) or rules.tables.get(name) or TableAccess()
        fits = table.owner is None or shape.column(table.owner) is not None
        own = table.own if name in rules.old else None  # written over V2's columns
        return TableAccess(owner=table.owner if fits else None, own=own), None
    table = rules.tables.get(name) or TableAccess()
    if table.owner is not None and shape.column(table.owner) is None:
        return TableAccess(), None  # a finding says so
    return table, rules.rights(name, one.identity.name) if name in rules.tables else None


def _stand_ins(
    conn: Connection, rules: AccessRules, place: Place, shape: Shape, people: People
) -> list[Caller]:
    found = []
    for identity in rules.identities:
        for one in people.more.get(identity.name, ())[:1]:
            table, rights = _declared(rules, place, shape, one)
            found.append(stand_in(conn, place, shape, table, rights, people, identity))
    return [one for one in found if one is not None]


def _table(
    conn: Connection,
    rules: AccessRules,
    place: Place,
    shape: Shape,
    held: Held,
    one: Caller,
    callers: Sequence[Caller],
) -> list[Cell]:
    table, rights = _declared(rules, place, shape, one)
    others = [c.person.sub for c in callers if c.person.sub is not None]
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    try:
        for number in range(ATTEMPTS):
            try:
                with conn.transaction(force_rollback=True):
                    prepare(conn, place, one)
                    subject = Subject(conn, one, shape, held, place.usage, table, rights, others)
                    return list(cells(subject, shown(shape, place)))
            except (Again, *IN_THE_WAY):
                time.sleep(random.uniform(0.02, 0.1) * (number + 1))
    finally:
        if not conn.closed:
            conn.isolation_level = None
    return [_busy(shape, place, one, rights, operation) for operation in Operation]


def _busy(
    shape: Shape, place: Place, one: Caller, rights: Rights | None, operation: Operation
) -> Cell:
    return Cell(
        table=shown(shape, place),
        identity=one.identity.name,
        person=one.person.person,
        operation=operation,
        expected=rights.of(operation) if rights else None,
        found="?",
        tries=(Try(what="any row", outcome=Outcome.UNTRIED, why="others hold locks on it"),),
    )
