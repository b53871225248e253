"""ALTER TABLE, command by command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.rules.story.changes.columns import (
    add_column,
    add_constraint,
    drop_constraint,
    not_null,
)
from repot.folder.rules.story.shapes import Column, Gone, Relation, Sort
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World, show

# PostgreSQL carries the commands of a statement out in passes, whatever their order in the text.
_PASSES = {
    pb.AT_DropColumn: 0,
    pb.AT_DropConstraint: 0,
    pb.AT_DropNotNull: 0,
    pb.AT_AlterColumnType: 1,
    pb.AT_AddColumn: 2,
}
_LAST = 3
_TABLES = {pb.OBJECT_TABLE, pb.OBJECT_FOREIGN_TABLE}


def alter_table(world: World, step: Step) -> None:
    node = step.node
    name = tree.relation(node.relation)
    if node.missing_ok and world.find(name) is None:
        return
    if node.objtype not in _TABLES:
        return
    table = world.adopt(name)
    commands = [c.alter_table_cmd for c in node.cmds]
    for command in sorted(commands, key=lambda c: _PASSES.get(c.subtype, _LAST)):
        handler = _COMMANDS.get(command.subtype)
        if handler is not None:
            table = handler(world, step, table, command)


def _add_column(world: World, step: Step, table: Relation, command: Any) -> Relation:
    definition = _def(command).column_def
    name = definition.colname
    known = table.columns.get(name)
    if known is not None:
        if not command.missing_ok and not world.hidden(name, table.key[1]):
            what = f"column {table.key[1]}.{name}"
            world.tell("twice", step.place, what, known.place)
        return table
    early = world.waiting_columns.pop((table.number, name), []) if not world.down else []
    for place, _what, whole in early:
        what = f"column {table.key[1]}.{name}"
        world.tell("early", place, what, step.place, certain=whole or not command.missing_ok)
    table = add_column(world, step, table, definition)
    made = table.columns[name]
    if made.not_null and not made.default and _may_have_rows(world, table):
        what = f"{show(table.key)}.{name}"
        world.tell("not-null-added", step.place, what, table.made)
    return table


def _may_have_rows(world: World, table: Relation) -> bool:
    return table.filled or table.transaction != world.transaction


def _def(command: Any) -> Any:
    return getattr(command, "def")


def _drop_column(world: World, step: Step, table: Relation, command: Any) -> Relation:
    name = command.name
    if not command.missing_ok:
        world.use_column(table, name, step.place)
    return drop_column(world, step, table, name, command.behavior == pb.DROP_CASCADE)


def drop_column(
    world: World, step: Step, table: Relation, name: str, cascade: bool = False
) -> Relation:
    """The table without the column, its constraints and its indexes."""
    gone = Gone(step.place, "dropped")
    before = table.columns.get(name)
    if before is None and (table.whole or name in table.gone):
        return table
    world.tell(
        "dropped", step.place, f"column {show(table.key)}.{name}", before.place if before else None
    )
    if cascade:
        world.doubt_views(table.number)
    elif before is not None:
        _read_by(world, step, table, before)
    _referred(world, step, table, name, cascade)
    for made in table.constraints:
        if name in made.columns:
            table = drop_constraint(world, table, made, gone)
    for number in table.indexes:
        one = world.relations.get(number)
        if one is not None and one.index is not None and name in one.index.elements:
            world.remove(one, gone)
    table = world.relations.get(table.number, table).without_column(name, gone)
    world.put(table)
    if not world.down:
        world.waiting_columns.pop((table.number, name), None)
    return table


def _read_by(world: World, step: Step, table: Relation, column: Column) -> None:
    """Views that need the column; where a view reads several tables, it may be another's."""
    for view in world.relations.values():
        if table.number not in view.reads or view.made is None:
            continue
        starred = "*" in view.mentions and column.place < view.made
        if (starred or column.name in view.mentions) and not world.hidden(view.key[1]):
            what = f"column {show(table.key)}.{column.name}"
            detail = f"the {view.kind} {show(view.key)} reads it"
            world.tell(
                "depended", step.place, what, view.made, detail, certain=len(view.reads) == 1
            )


def _referred(world: World, step: Step, table: Relation, name: str, cascade: bool) -> None:
    """Foreign keys of other tables that need the column: dropped with CASCADE, else in the way."""
    for other in list(world.relations.values()):
        for made in other.constraints:
            if made.refers == table.number and name in made.ref_columns:
                if cascade:
                    drop_constraint(world, other, made, Gone(step.place, "dropped"))
                elif other.number != table.number:
                    what = f"column {show(table.key)}.{name}"
                    detail = f"the foreign key {made.name} of {show(other.key)} needs it"
                    world.tell("depended", step.place, what, made.place, detail)


def _default(world: World, step: Step, table: Relation, command: Any) -> Relation:
    return _changed(world, step, table, command.name, default=command.HasField("def"))


def _drop_not_null(world: World, step: Step, table: Relation, command: Any) -> Relation:
    return _changed(world, step, table, command.name, not_null=False)


def _set_not_null(world: World, step: Step, table: Relation, command: Any) -> Relation:
    known = table.columns.get(command.name)
    nullable = known is None or not known.not_null
    filled = (table.number, command.name) in world.written
    if nullable and not filled and _may_have_rows(world, table):
        what = f"{show(table.key)}.{command.name}"
        world.tell("not-null-set", step.place, what, known.place if known else None)
    return not_null(world, table, (command.name,), step)


def _type(world: World, step: Step, table: Relation, command: Any) -> Relation:
    names = _def(command).column_def.type_name
    known = world.find_type(tree.dotted(names.names))
    return _changed(
        world,
        step,
        table,
        command.name,
        type=tree.written(names),
        enum=known.number if known else None,
    )


def _identity(world: World, step: Step, table: Relation, command: Any) -> Relation:
    return _changed(world, step, table, command.name, default=True)


def _changed(world: World, step: Step, table: Relation, name: str, **changes: Any) -> Relation:
    known = table.columns.get(name)
    if known is None:
        world.use_column(table, name, step.place)
        return table
    table = table.with_column(replace(known, **changes))
    world.put(table)
    return table


def _add_constraint(world: World, step: Step, table: Relation, command: Any) -> Relation:
    return add_constraint(world, step, table, _def(command).constraint)


def _drop_constraint(world: World, step: Step, table: Relation, command: Any) -> Relation:
    gone = Gone(step.place, "dropped")
    made = next((c for c in table.constraints if c.name == command.name), None)
    key = (f"{table.number}", command.name)
    if made is None:
        before = world.gone.get((Sort.CONSTRAINT, key))
        if before is not None and not command.missing_ok and not world.hidden(command.name):
            what = f"constraint {command.name} of {show(table.key)}"
            world.tell("gone", step.place, what, before.place, before.how)
        return table
    world.leave(Sort.CONSTRAINT, key, gone)
    return drop_constraint(world, table, made, gone)


def _partition(world: World, step: Step, table: Relation, command: Any) -> Relation:
    table = replace(table, whole=False)
    world.put(table)
    return table


_COMMANDS: dict[int, Callable[[World, Step, Relation, Any], Relation]] = {
    pb.AT_AddColumn: _add_column,
    pb.AT_DropColumn: _drop_column,
    pb.AT_ColumnDefault: _default,
    pb.AT_DropNotNull: _drop_not_null,
    pb.AT_SetNotNull: _set_not_null,
    pb.AT_AlterColumnType: _type,
    pb.AT_AddIdentity: _identity,
    pb.AT_AddConstraint: _add_constraint,
    pb.AT_DropConstraint: _drop_constraint,
    pb.AT_AddInherit: _partition,
    pb.AT_AddOf: _partition,
}

HANDLERS: dict[str, Callable[[World, Step], None]] = {"alter_table_stmt": alter_table}
