"""Which columns of the key are the scope, and which appearances drive each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from repot.model.finding import Finding, error
from repot.model.names import quoted
from repot.model.project import MoveSetting
from repot.moves.analysis import advice
from repot.moves.analysis.ast import pb
from repot.moves.analysis.bind import drivers
from repot.moves.analysis.graph import Graph


@dataclass
class Scope:
    """`drivers` and `fixed` have an entry per arm; `fixed`: scope columns that are constants in the
    arm, with their values (registries only)."""

    columns: tuple[str, ...] = ()
    drivers: list[tuple[int, ...]] = field(default_factory=list)
    fixed: list[dict[str, pb.Node]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def choose_scope(
    graphs: Sequence[Graph], key: tuple[str, ...], setting: MoveSetting, file: str
) -> Scope:
    """The declared scope, else the key columns that the driving tables of all arms give.

    Not a column more: a row whose driving row is gone could not be found by it. A registry's keys
    never go, so its scope has constants, too.
    """
    remembered = PurePosixPath(file).parent.name == "registry"
    wanted = setting.scope or key
    unknown = [c for c in wanted if c not in key]
    if unknown:
        finding = error(
            "scope-not-of-key",
            f"scope names {', '.join(map(quoted, unknown))}, which the key does not have",
            hint=f"columns of the key: {', '.join(map(quoted, key))}",
            **advice.in_settings(file),
        )
        return Scope(findings=[finding])
    if setting.driving and len(setting.driving) != len(graphs):
        finding = error(
            "driving-mismatch",
            f"driving names {len(setting.driving)} tables, the SELECT has {len(graphs)} arms",
            hint="name one table per UNION ALL arm, in order",
            **advice.in_settings(file),
        )
        return Scope(findings=[finding])
    result = Scope()
    common = set(wanted)
    for number, graph in enumerate(graphs):
        fixed = constants(graph, wanted) if remembered else {}
        only = None
        if setting.driving:
            meant = setting.driving[number]
            only = frozenset(r.id for r in graph.tables if _called(r.alias, graph, r.id, meant))
            if not only and graph.tables:
                finding = error(
                    "driving-unknown",
                    f"arm {number + 1} reads no table {meant}",
                    hint="it reads " + ", ".join(r.alias for r in graph.tables),
                    **advice.in_settings(file),
                )
                return Scope(findings=[finding])
        by, given = drivers(graph, tuple(c for c in wanted if c not in fixed), only)
        result.drivers.append(by)
        result.fixed.append(fixed)
        if graph.tables:
            common &= {*given, *fixed}
    result.columns = tuple(c for c in wanted if c in common)
    arms = zip(result.fixed, graphs, strict=True)
    told = all(set(result.columns) - set(fixed) for fixed, graph in arms if graph.tables)
    if not result.columns or not told or (setting.scope and len(result.columns) < len(wanted)):
        why = [reason for g in graphs for reason in g.obstacles]
        missing = tuple(c for c in wanted if c not in common)
        result.findings.append(advice.no_scope(file, missing, why))
    return result


def constants(graph: Graph, columns: Sequence[str]) -> dict[str, pb.Node]:
    """The columns that are constants in the arm, with their values."""
    outputs = dict(graph.outputs)
    found = {}
    for name in columns:
        values = outputs[name].values
        if values is not None and len(values) == 1 and not values[0].rels:
            found[name] = values[0].node
    return found


def _called(alias: str, graph: Graph, rel: int, meant: str) -> bool:
    table = graph.rels[rel].table
    assert table is not None
    name = table.name
    return meant in (alias, name.name, str(name), ".".join((name.schema_, name.name)))
