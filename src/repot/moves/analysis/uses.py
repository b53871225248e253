"""From a bound arm to its Uses: role, link and pairs of each appearance of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from repot.model.catalog import Table
from repot.model.finding import Finding
from repot.model.names import Name
from repot.model.plan import Constants, Link, Role, Use
from repot.model.project import DeclaredLink
from repot.model.schemas import REGISTRY
from repot.moves.analysis import advice, ast
from repot.moves.analysis.bind import Bindings, useful
from repot.moves.analysis.declared import links
from repot.moves.analysis.graph import Graph, Rel
from repot.moves.analysis.locate import TooMany, locate
from repot.moves.analysis.pairs import Arm, pairs
from repot.moves.analysis.scope import constants


@dataclass
class Context:
    """What all arms share."""

    file: str
    default_schema: str
    scope: tuple[str, ...]
    declared: Mapping[Name, Sequence[DeclaredLink]]
    findings: list[Finding] = field(default_factory=list)


def uses(arm: Arm, graph: Graph, bindings: Bindings, context: Context) -> list[Use]:
    """A Use for each appearance of a table in the arm (several where several are declared)."""
    shown = frozenset[int]().union(*(r.rels for _, r in graph.outputs))
    found: list[Use] = []
    fixed = _constants(arm, graph)
    for rel in graph.tables:
        table = rel.table
        assert table is not None
        role = _role(rel, graph, bindings)
        contributes = role is not Role.FILTER and (role is not Role.JOINED or rel.id in shown)
        rows = None
        if contributes and table.primary:
            # Rows joined to each other before they are grouped come more than once.
            merged = graph.group is not None or role is Role.GROUPED
            rows = pairs(arm, rel, repeated=merged and len(graph.rels) > 1)
            if rows is None and rel.id in bindings.drivers:
                finding = advice.not_counted(context.file, table, context.default_schema)
                context.findings.append(finding)
        use = Use(
            arm=arm.number,
            source=table.name,
            alias=rel.alias,
            own=rel.own,
            role=role,
            link=None,
            pairs=rows,
            constants=fixed,
        )
        given = context.declared.get(table.name)
        if given:
            found += _declared(use, table, given)
            continue
        link, why = _link(arm, rel, table, graph, bindings, context)
        found.append(use.model_copy(update={"link": link, "why": why}))
    return found


def _constants(arm: Arm, graph: Graph) -> Constants | None:
    found = constants(graph, arm.key)
    if not found:
        return None
    select = ast.query([ast.target(node, name) for name, node in found.items()], [], [])
    try:
        return Constants(columns=tuple(found), select=ast.text_of(select))
    except ast.Unreadable:
        return None  # the arm's rows are then not told from others' of the same scope


def _declared(use: Use, table: Table, given: Sequence[DeclaredLink]) -> list[Use]:
    """A use for each link; the source's rows are counted by the first alone."""
    first, *others = (use.model_copy(update={"link": link}) for link in links(table, given))
    return [first, *(other.model_copy(update={"pairs": None}) for other in others)]


def _role(rel: Rel, graph: Graph, bindings: Bindings) -> Role:
    if rel.role is Role.FILTER or rel.filtering:
        return Role.FILTER
    role = rel.role
    if graph.group is not None and role is Role.GROUPED and rel.table is not None:
        fixed = {c.name for c in graph.group if c.rel == rel.id}
        if rel.table.primary and set(rel.table.primary) <= fixed:
            role = Role.JOINED  # each row is of one group of its own
    return Role.DRIVING if role is Role.JOINED and _drives(rel, graph, bindings) else role


def _drives(rel: Rel, graph: Graph, bindings: Bindings) -> bool:
    """Whether the arm's rows are the table's rows. Where a registry gives the scope, the table
    meant is the leftmost one whose key finds its row of the registry."""
    if not any(_is_registry(graph.rels[d]) for d in bindings.drivers):
        return rel.id in bindings.drivers
    found = [r for r in graph.tables if r.spine and not r.filtering and not _is_registry(r)]
    for each in found:
        bound = bindings.bound.get(each.id, {})
        values = [
            v
            for c in (each.table.primary if each.table else ())
            if c in bound
            for v in bound[c].values
        ]
        if values and all(v.rels <= set(bindings.drivers) for v in values):
            return each is rel
    return False


def _is_registry(rel: Rel) -> bool:
    return rel.table is not None and rel.table.name.schema_ == REGISTRY


def _link(
    arm: Arm, rel: Rel, table: Table, graph: Graph, bindings: Bindings, context: Context
) -> tuple[Link | None, str]:
    identity = bindings.identity(rel.id)
    if identity is not None and not arm.fixed:
        return Link(source=table.name, capture=identity), ""
    said = graph.notes.get(rel.id)
    why = "; ".join(said) if said else "nothing ties its columns by = to the rows it goes into"
    if rel.id not in bindings.failed:
        try:
            columns, select = locate(graph, bindings, context.scope, rel, arm.fixed)
            text = ast.text_of(select)
            if not any(b.scope or b.rels for b in bindings.bound[rel.id].values()):
                found = advice.touches_all(context.file, table, context.default_schema)
                context.findings.append(found)
        except TooMany:
            why = "there are too many ways to reach it"
        except ast.Unreadable as problem:
            why = str(problem)
        else:
            return Link(source=table.name, capture=columns, locate=text), ""
    columns = useful(rel, bindings.bound.get(rel.id, {}))
    context.findings.append(
        advice.underivable(context.file, table, why, context.scope, columns, context.default_schema)
    )
    return None, why
