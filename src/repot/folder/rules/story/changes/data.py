"""Statements that write rows: the columns they name, and that the table is no longer empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from repot.folder.rules import tree
from repot.folder.rules.story.shapes import Relation
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World


def insert(world: World, step: Step) -> None:
    node = step.node
    table = world.find(tree.relation(node.relation))
    if table is None:
        return
    for column in node.cols:
        world.use_column(table, column.res_target.name, step.place)
    _filled(world, table)


def update(world: World, step: Step) -> None:
    table = world.find(tree.relation(step.node.relation))
    if table is None:
        return
    for target in step.node.target_list:
        world.use_column(table, target.res_target.name, step.place)
        world.written.add((table.number, target.res_target.name))


def delete(world: World, step: Step) -> None:
    name = tree.relation(step.node.relation)
    world.tell("rows-deleted", step.place, ".".join(p for p in name if p))


def truncate(world: World, step: Step) -> None:
    for wrapped in step.node.relations:
        name = tree.relation(wrapped.range_var)
        world.tell("rows-deleted", step.place, ".".join(p for p in name if p))


def copy(world: World, step: Step) -> None:
    if step.node.is_from:
        table = world.find(tree.relation(step.node.relation))
        if table is not None:
            _filled(world, table)


def _filled(world: World, table: Relation) -> None:
    if not table.filled:
        world.put(replace(world.relations[table.number], filled=True))


HANDLERS: dict[str, Callable[[World, Step], None]] = {
    "insert_stmt": insert,
    "update_stmt": update,
    "delete_stmt": delete,
    "truncate_stmt": truncate,
    "copy_stmt": copy,
}
