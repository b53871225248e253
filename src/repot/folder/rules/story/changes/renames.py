"""RENAME and SET SCHEMA: the object stays, its old name is free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.rules.story.shapes import Gone, Index, Key, Relation, Sort
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World, show

_RELATIONS = {
    pb.OBJECT_TABLE: "table",
    pb.OBJECT_VIEW: "view",
    pb.OBJECT_MATVIEW: "matview",
    pb.OBJECT_INDEX: "index",
    pb.OBJECT_SEQUENCE: "sequence",
    pb.OBJECT_FOREIGN_TABLE: "table",
}
_TYPES = {pb.OBJECT_TYPE, pb.OBJECT_DOMAIN}


def rename(world: World, step: Step) -> None:
    node = step.node
    sort = node.rename_type
    if sort in _RELATIONS:
        relation = _meant(world, step, _RELATIONS[sort])
        if relation is not None:
            _move(world, step, relation, (relation.key[0], node.newname))
    elif sort in _TYPES:
        _move_type(world, step, tree.dotted(node.object.list.items), new=node.newname)
    elif sort == pb.OBJECT_COLUMN:
        _column(world, step)
    elif sort == pb.OBJECT_TABCONSTRAINT:
        _constraint(world, step)
    elif sort == pb.OBJECT_SCHEMA:
        _schema(world, step)
    elif sort in (pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE):
        name = tree.dotted(node.object.object_with_args.objname)
        _move_function(world, step, name, new=node.newname)


def set_schema(world: World, step: Step) -> None:
    node = step.node
    if node.object_type in _RELATIONS:
        relation = _meant(world, step, _RELATIONS[node.object_type])
        if relation is None:
            return
        _move(world, step, relation, (node.newschema, relation.key[1]))
        for number in relation.indexes:
            one = world.relations.get(number)
            if one is not None:
                _move(world, step, one, (node.newschema, one.key[1]))
    elif node.object_type in _TYPES:
        _move_type(world, step, tree.dotted(node.object.list.items), schema=node.newschema)
    elif node.object_type in (pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE):
        name = tree.dotted(node.object.object_with_args.objname)
        _move_function(world, step, name, schema=node.newschema)


def _meant(world: World, step: Step, kind: str) -> Relation | None:
    """The relation that gets another name; None where there is none, which has been told."""
    name = tree.relation(step.node.relation)
    if world.find(name) is None:
        gone = any((Sort.RELATION, key) in world.gone for key in world.candidates(name))
        if step.node.missing_ok or gone:
            return None
    return world.adopt(name, kind)


def _move(world: World, step: Step, relation: Relation, key: Key) -> None:
    if key == relation.key:
        if key[1] == getattr(step.node, "newname", None):
            world.make(Sort.RELATION, key, step.place, soft=False)
        return
    world.names.pop(relation.key, None)
    world.leave(Sort.RELATION, relation.key, Gone(step.place, f"renamed to {show(key)}"))
    world.make(Sort.RELATION, key, step.place, soft=False)
    moved = replace(relation, key=key, made=relation.made or step.place)
    world.put(moved)
    for other in list(world.relations.values()):  # a constraint has the name of its index
        for made in other.constraints:
            if made.index == relation.number and made.name == relation.key[1]:
                same = (replace(c, name=key[1]) if c is made else c for c in other.constraints)
                world.put(replace(other, constraints=tuple(same)))


def _move_type(
    world: World, step: Step, name: tree.Key, new: str | None = None, schema: str | None = None
) -> None:
    type_ = world.adopt_type(name)
    key = (schema or type_.key[0], new or type_.key[1])
    if key == type_.key:
        if new is not None:
            world.make(Sort.TYPE, key, step.place, soft=False)
        return
    world.type_names.pop(type_.key, None)
    world.leave(Sort.TYPE, type_.key, Gone(step.place, f"renamed to {show(key)}"))
    world.make(Sort.TYPE, key, step.place, soft=False)
    world.put_type(replace(type_, key=key, made=type_.made or step.place))


def _move_function(
    world: World, step: Step, name: tree.Key, new: str | None = None, schema: str | None = None
) -> None:
    key = next((k for k in world.candidates(name) if k in world.functions), None)
    if key is None:
        return
    to = (schema or key[0], new or key[1])
    world.functions[to] = world.functions.pop(key) | world.functions.get(to, frozenset())
    world.leave(Sort.FUNCTION, key, Gone(step.place, f"renamed to {show(to)}"))
    world.gone.pop((Sort.FUNCTION, to), None)


def _column(world: World, step: Step) -> None:
    node = step.node
    name = tree.relation(node.relation)
    if node.missing_ok and world.find(name) is None:
        return
    table = world.adopt(name)
    old, new = node.subname, node.newname
    world.use_column(table, old, step.place)
    known = table.columns.get(old)
    if known is None and (table.whole or old in table.gone):
        return
    if new in table.columns and not world.hidden(new):
        what = f"column {table.key[1]}.{new}"
        world.tell("twice", step.place, what, table.columns[new].place)
    table = table.without_column(old, Gone(step.place, f"renamed to {new}"))
    if known is not None:
        table = table.with_column(replace(known, name=new))

    def named(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if n == old else n for n in names)

    table = replace(
        table,
        constraints=tuple(
            replace(c, columns=named(c.columns), set_columns=named(c.set_columns))
            for c in table.constraints
        ),
    )
    world.put(table)
    if not world.down:
        world.waiting_columns.pop((table.number, old), None)
        for early, _what, _whole in world.waiting_columns.pop((table.number, new), []):
            world.tell("early", early, f"column {table.key[1]}.{new}", step.place)
    for other in list(world.relations.values()):
        if other.index is not None and other.index.table == table.number:
            world.put(replace(other, index=_renamed(other.index, old, new)))
        elif table.number in other.reads and old in other.mentions:
            world.put(replace(other, mentions=other.mentions | {new}))
        elif any(c.refers == table.number for c in other.constraints):
            refs = (
                replace(c, ref_columns=named(c.ref_columns)) if c.refers == table.number else c
                for c in other.constraints
            )
            world.put(replace(other, constraints=tuple(refs)))


def _renamed(index: Index, old: str, new: str) -> Index:
    elements = tuple(
        new if plain and e == old else e
        for e, plain in zip(index.elements, index.plain, strict=True)
    )
    return replace(
        index,
        elements=elements,
        where_null=frozenset(new if n == old else n for n in index.where_null),
        where_names=frozenset(new if n == old else n for n in index.where_names),
    )


def _constraint(world: World, step: Step) -> None:
    node = step.node
    table = world.adopt(tree.relation(node.relation))
    made = next((c for c in table.constraints if c.name == node.subname), None)
    if made is None:
        return
    key = (f"{table.number}", node.subname)
    world.leave(Sort.CONSTRAINT, key, Gone(step.place, f"renamed to {node.newname}"))
    renamed = (replace(c, name=node.newname) if c is made else c for c in table.constraints)
    world.put(replace(table, constraints=tuple(renamed)))
    index = world.relations.get(made.index) if made.index is not None else None
    if index is not None:
        world.names.pop(index.key, None)
        world.put(replace(index, key=(index.key[0], node.newname)))


def _schema(world: World, step: Step) -> None:
    node = step.node
    old, new = node.subname, node.newname
    world.use(Sort.SCHEMA, (None, old), step.place)
    world.schemas.pop(old, None)
    world.leave(Sort.SCHEMA, ("", old), Gone(step.place, f"renamed to {new}"))
    world.make(Sort.SCHEMA, ("", new), step.place, soft=False)
    world.schemas[new] = step.place
    for relation in list(world.relations.values()):
        if relation.key[0] == old:
            _move(world, step, relation, (new, relation.key[1]))
    for type_ in list(world.types.values()):
        if type_.key[0] == old:
            _move_type(world, step, type_.key, schema=new)
    for key in [k for k in world.functions if k[0] == old]:
        _move_function(world, step, key, schema=new)


HANDLERS: dict[str, Callable[[World, Step], None]] = {
    "rename_stmt": rename,
    "alter_object_schema_stmt": set_schema,
}
