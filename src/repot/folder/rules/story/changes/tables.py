"""CREATE TABLE, CREATE VIEW and what else makes a relation with columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.rules.story.changes.columns import add_column, add_constraint
from repot.folder.rules.story.shapes import Relation, Sort
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World


def create_table(world: World, step: Step) -> None:
    node = step.node
    key = world.target(tree.relation(node.relation))
    if not world.make(Sort.RELATION, key, step.place, node.if_not_exists):
        return
    elements = [tree.inner(e) for e in node.table_elts]
    # Columns that come from elsewhere are not known by name.
    whole = not (node.inh_relations or node.HasField("of_typename")) and not any(
        e.DESCRIPTOR.name == "TableLikeClause" for e in elements
    )
    if node.if_not_exists:
        whole = False  # it may have been there before, with other columns
    table = Relation(world.number(), "table", key, step.place, whole, transaction=world.transaction)
    _fill(world, step, table, elements)


def _fill(world: World, step: Step, table: Relation, elements: list[Any]) -> None:
    world.put(table)
    # A constraint may name columns that stand behind it.
    definitions = [e for e in elements if e.DESCRIPTOR.name == "ColumnDef"]
    bare = table
    for definition in definitions:
        bare = add_column(world, step, bare, _without_references(definition))
    for definition in definitions:
        for wrapped in definition.constraints:
            if _refers(wrapped):
                bare = add_constraint(world, step, bare, wrapped.constraint, (definition.colname,))
    for element in elements:
        if element.DESCRIPTOR.name == "Constraint":
            bare = add_constraint(world, step, bare, element)


def _refers(wrapped: Any) -> bool:
    return bool(wrapped.constraint.HasField("pktable"))


def _without_references(definition: Any) -> Any:
    if not any(_refers(c) for c in definition.constraints):
        return definition
    other = type(definition)()
    other.CopyFrom(definition)
    del other.constraints[:]
    other.constraints.extend(c for c in definition.constraints if not _refers(c))
    return other


def create_foreign_table(world: World, step: Step) -> None:
    base = step.node.base_stmt
    key = world.target(tree.relation(base.relation))
    if world.make(Sort.RELATION, key, step.place, base.if_not_exists):
        world.put(Relation(world.number(), "table", key, step.place, False, filled=True))


def create_view(world: World, step: Step) -> None:
    name = tree.relation(step.node.view)
    _view(world, step, name, "view", soft=step.node.replace)


def create_table_as(world: World, step: Step) -> None:
    node = step.node
    kind = "matview" if node.objtype == pb.OBJECT_MATVIEW else "table"
    _view(world, step, tree.relation(node.into.rel), kind, soft=node.if_not_exists)


def select_into(world: World, step: Step) -> None:
    if step.node.HasField("into_clause"):
        _view(world, step, tree.relation(step.node.into_clause.rel), "table", soft=False)


def _view(world: World, step: Step, name: tree.Key, kind: str, soft: bool) -> None:
    key = world.target(name)
    if not world.make(Sort.RELATION, key, step.place, soft):
        return
    reads: frozenset[int] = frozenset()
    mentions: frozenset[str] = frozenset()
    if kind != "table":
        mentions = frozenset(_last(c) for c in tree.of(step.node, "ColumnRef"))
        found = [world.find(tree.relation(r)) for r in step.ranges]
        reads = frozenset(r.number for r in found if r is not None and r.key != key)
    world.put(
        Relation(
            world.number(),
            kind,
            key,
            step.place,
            False,
            reads=reads,
            mentions=mentions,
            filled=True,
        )
    )


def _last(column: Any) -> str:
    names = tree.strings(column.fields)
    return "*" if tree.kind(column.fields[-1]) == "a_star" else names[-1]


def create_sequence(world: World, step: Step) -> None:
    key = world.target(tree.relation(step.node.sequence))
    if world.make(Sort.RELATION, key, step.place, step.node.if_not_exists):
        world.put(Relation(world.number(), "sequence", key, step.place, True))


HANDLERS: dict[str, Callable[[World, Step], None]] = {
    "create_stmt": create_table,
    "create_foreign_table_stmt": create_foreign_table,
    "view_stmt": create_view,
    "create_table_as_stmt": create_table_as,
    "create_seq_stmt": create_sequence,
}
