"""From a view's definition to its Analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from repot.model.catalog import Table
from repot.model.finding import Finding
from repot.model.names import Name
from repot.model.plan import Output, Use
from repot.model.project import MoveSetting
from repot.moves.analysis import advice
from repot.moves.analysis.ast import Unreadable, pb, select_of
from repot.moves.analysis.bind import bind
from repot.moves.analysis.build import Builder
from repot.moves.analysis.declared import check_scope, declared_links, unseen
from repot.moves.analysis.functions import of_users
from repot.moves.analysis.graph import Graph
from repot.moves.analysis.inline import Unsupported, arms, merges, plain
from repot.moves.analysis.pairs import Arm
from repot.moves.analysis.passing import own_equality
from repot.moves.analysis.repeatable import unordered
from repot.moves.analysis.result import Analysis
from repot.moves.analysis.scope import choose_scope
from repot.moves.analysis.uses import Context, uses


def analyse(
    viewdef: str,
    *,
    tables: Mapping[Name, Table],
    key: tuple[str, ...],
    columns: tuple[str, ...],
    setting: MoveSetting,
    file: str,
    default_schema: str,
) -> Analysis:
    """How a change of any table that the view reads finds the rows of the view that it touches.

    :param viewdef: `pg_get_viewdef(oid, false)` under an empty search_path
    :param tables: every table that the view may read
    :param key: columns of the view that tell its rows apart
    :param columns: all columns of the view, in order
    :param file: the user's file, relative to the project. Of a `registry/` file only keys that
        are there must be found: a key that is gone keeps its value
    :param default_schema: where a bare table name in `setting` is looked up
    """
    try:
        whole = plain(select_of(viewdef))
        graphs = [_named(Builder(tables).build(a), columns, merges(whole)) for a in arms(whole)]
        result = _described(whole, graphs, key, columns)
        declared, findings = declared_links(tables, setting, file, default_schema)
        scope = choose_scope(graphs, key, setting, file)
        findings += scope.findings
        findings += [advice.order_undefined(file, what) for what in unordered(whole)]
        context = Context(file, default_schema, scope.columns, declared)
        found: list[Use] = []
        if not scope.findings:
            findings += check_scope(declared, scope.columns, file)
            positions = tuple(columns.index(k) for k in key)
            for number, (select, graph) in enumerate(zip(arms(whole), graphs, strict=True)):
                fixed = scope.fixed[number]
                bound = tuple(c for c in scope.columns if c not in fixed)
                bindings = bind(graph, bound, scope.drivers[number])
                arm = Arm(number, select, key, positions, fixed)
                found += uses(arm, graph, bindings, context)
            found += unseen(declared, found, tables)
    except (Unreadable, Unsupported) as problem:
        refused = advice.unfollowed(file, str(problem))
        return Analysis(arms=0, key=key, scope=(), outputs=(), uses=(), findings=(refused,))
    findings += context.findings
    return result.model_copy(
        update={"scope": scope.columns, "uses": tuple(found), "findings": _once(findings)}
    )


def _described(
    whole: pb.SelectStmt, graphs: Sequence[Graph], key: tuple[str, ...], columns: tuple[str, ...]
) -> Analysis:
    """What can be said without a scope."""
    outputs = tuple(
        Output(
            name=name,
            type="",
            direct=tuple(_direct(g, i) for g in graphs),
            own=tuple(_own(g, i) for g in graphs),
        )
        for i, name in enumerate(columns)
    )
    called = tuple(Name(schema_=schema, name=name) for schema, name in of_users(whole))
    return Analysis(
        arms=len(graphs),
        key=key,
        scope=(),
        outputs=outputs,
        uses=(),
        findings=(),
        functions=called,
    )


def _named(graph: Graph, columns: tuple[str, ...], merged: bool) -> Graph:
    """The arm's outputs under the view's names: those of the first arm."""
    graph.outputs = [
        (name, replace(r, targets=()) if merged and own_equality(r) else r)
        for name, (_, r) in zip(columns, graph.outputs, strict=True)
    ]
    return graph


def _direct(graph: Graph, position: int) -> tuple[Name, str] | None:
    col = graph.outputs[position][1].col
    table = graph.rels[col.rel].table if col is not None else None
    return (table.name, col.name) if col is not None and table is not None else None


def _own(graph: Graph, position: int) -> str | None:
    col = graph.outputs[position][1].col
    return graph.rels[col.rel].own if col is not None else None


def _once(findings: list[Finding]) -> tuple[Finding, ...]:
    """The findings, the same one not twice (a table may appear in several arms)."""
    return tuple(f for i, f in enumerate(findings) if f not in findings[:i])
