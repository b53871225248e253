"""DROP, with what goes along and what is in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.rules.story.changes.columns import drop_constraint
from repot.folder.rules.story.shapes import Gone, Relation, Sort
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World, show

_RELATIONS = {
    pb.OBJECT_TABLE,
    pb.OBJECT_VIEW,
    pb.OBJECT_MATVIEW,
    pb.OBJECT_INDEX,
    pb.OBJECT_SEQUENCE,
    pb.OBJECT_FOREIGN_TABLE,
}
_FUNCTIONS = {pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE, pb.OBJECT_ROUTINE, pb.OBJECT_AGGREGATE}
_PARTS = {pb.OBJECT_TRIGGER: Sort.TRIGGER, pb.OBJECT_POLICY: Sort.POLICY}


def drop(world: World, step: Step) -> None:
    node = step.node
    sort = node.remove_type
    if sort in _RELATIONS:
        _relations(world, step)
    elif sort in (pb.OBJECT_TYPE, pb.OBJECT_DOMAIN):
        for wrapped in node.objects:
            _type(world, step, tree.dotted(wrapped.type_name.names))
    elif sort in _FUNCTIONS:
        for wrapped in node.objects:
            _function(world, step, wrapped.object_with_args)
    elif sort == pb.OBJECT_SCHEMA:
        for wrapped in node.objects:
            _schema(world, step, wrapped.string.sval)
    elif sort == pb.OBJECT_EXTENSION:
        world.extensions -= set(tree.strings(node.objects))
    elif sort in _PARTS:
        for wrapped in node.objects:
            _part(world, step, _PARTS[sort], tree.strings(wrapped.list.items))


def _relations(world: World, step: Step) -> None:
    node = step.node
    names = [tree.dotted(o.list.items) for o in node.objects]
    found = {r.number: r for r in (world.find(n) for n in names) if r is not None}
    for name in names:
        relation = world.find(name)
        if not node.missing_ok:
            world.use(Sort.RELATION, name, step.place)
        if relation is None:
            # Something that was there before the folder: what came before meant that.
            for key in world.candidates(name)[1:] or world.candidates(name):
                world.leave(Sort.RELATION, key, Gone(step.place, "dropped"))
            if node.remove_type == pb.OBJECT_TABLE and not node.missing_ok:
                world.tell("dropped", step.place, f"table {show(name)}")
            continue
        if node.remove_type == pb.OBJECT_TABLE:
            world.tell("dropped", step.place, f"table {show(relation.key)}", relation.made)
        _dependents(world, step, relation, set(found), node.behavior == pb.DROP_CASCADE)
        if relation.number in world.relations:
            world.remove(world.relations[relation.number], Gone(step.place, "dropped"))


def _dependents(
    world: World, step: Step, relation: Relation, going: set[int], cascade: bool
) -> None:
    """What needs the relation: it goes with CASCADE, else it is in the way."""
    gone = Gone(step.place, "dropped")
    what = f"{relation.kind} {show(relation.key)}"
    if relation.kind == "index":
        _constraint_index(world, step, relation)
        return
    for other in list(world.relations.values()):
        if other.number in going or other.number not in world.relations:
            continue
        if relation.number in other.reads:
            if cascade:
                _dependents(world, step, other, going | {other.number}, cascade)
                world.remove(other, gone)
            elif not world.hidden(other.key[1]):
                detail = f"the {other.kind} {show(other.key)} reads it"
                world.tell("depended", step.place, what, other.made, detail)
        for made in other.constraints:
            if made.refers != relation.number:
                continue
            if cascade:
                other = drop_constraint(world, other, made, gone)
            elif not world.hidden(made.name, other.key[1]):
                detail = f"the foreign key {made.name} of {show(other.key)} refers to it"
                world.tell("depended", step.place, what, made.place, detail)


def _constraint_index(world: World, step: Step, relation: Relation) -> None:
    made_by = relation.index.made_by if relation.index else "index"
    if made_by != "index" and not world.hidden(relation.key[1]):
        detail = f"a {made_by} constraint is made of it: drop that"
        what = f"index {show(relation.key)}"
        world.tell("depended", step.place, what, relation.made, detail)


def _type(world: World, step: Step, name: tree.Key) -> None:
    node = step.node
    if not node.missing_ok:
        world.use(Sort.TYPE, name, step.place)
    type_ = world.find_type(name)
    gone = Gone(step.place, "dropped")
    if type_ is None:
        for key in world.candidates(name)[1:] or world.candidates(name):
            world.leave(Sort.TYPE, key, gone)
        return
    for table in list(world.relations.values()):
        for column in table.columns.values():
            if column.enum != type_.number:
                continue
            if node.behavior == pb.DROP_CASCADE:
                world.doubt_views(table.number)
                world.put(world.relations[table.number].without_column(column.name, gone))
            elif not world.hidden(table.key[1], column.name):
                what = f"type {show(type_.key)}"
                detail = f"the column {show(table.key)}.{column.name} is of it"
                world.tell("depended", step.place, what, column.place, detail)
    world.type_names.pop(type_.key, None)
    world.types.pop(type_.number, None)
    world.leave(Sort.TYPE, type_.key, gone)


def _function(world: World, step: Step, named: Any) -> None:
    name = tree.dotted(named.objname)
    if not step.node.missing_ok:
        world.use(Sort.FUNCTION, name, step.place)
    key = next((k for k in world.candidates(name) if k in world.functions), None)
    gone = Gone(step.place, "dropped")
    if key is None:
        for free in world.candidates(name)[1:] or world.candidates(name):
            world.leave(Sort.FUNCTION, free, gone)
        return
    signature = ",".join(tree.written(a.type_name) for a in named.objargs)
    kept = world.functions[key] - {signature}
    if len(world.functions[key]) > 1 and kept:
        world.functions[key] = kept
        return
    del world.functions[key]
    world.leave(Sort.FUNCTION, key, gone)


def _schema(world: World, step: Step, name: str) -> None:
    gone = Gone(step.place, "dropped")
    if not step.node.missing_ok:
        world.use(Sort.SCHEMA, (None, name), step.place)
    world.schemas.pop(name, None)
    world.leave(Sort.SCHEMA, ("", name), gone)
    for relation in [r for r in world.relations.values() if r.key[0] == name]:
        if relation.kind == "table":
            world.tell("dropped", step.place, f"table {show(relation.key)}", relation.made)
        world.remove(relation, gone)
    for type_ in [t for t in world.types.values() if t.key[0] == name]:
        world.type_names.pop(type_.key, None)
        world.types.pop(type_.number, None)
        world.leave(Sort.TYPE, type_.key, gone)
    for key in [k for k in world.functions if k[0] == name]:
        del world.functions[key]
        world.leave(Sort.FUNCTION, key, gone)


def _part(world: World, step: Step, sort: Sort, names: tuple[str, ...]) -> None:
    """A trigger or a policy: the last word is its own name, those before it the table's."""
    table_name = (names[-3] if len(names) > 2 else None, names[-2])
    table = world.find(table_name)
    if not step.node.missing_ok:
        world.use(Sort.RELATION, table_name, step.place)
    if table is None:
        return
    key = (f"{table.number}", names[-1])
    known = world.parts.pop((sort, table.number, names[-1]), None)
    gone = world.gone.get((sort, key))
    if known is None and gone is not None and not step.node.missing_ok:
        if not world.hidden(names[-1]):
            what = f"{sort} {names[-1]} of {show(table.key)}"
            world.tell("gone", step.place, what, gone.place, gone.how)
        return
    world.leave(sort, key, Gone(step.place, "dropped"))


HANDLERS: dict[str, Callable[[World, Step], None]] = {"drop_stmt": drop}
