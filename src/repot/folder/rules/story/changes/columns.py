"""Columns and constraints, as CREATE TABLE and ALTER TABLE write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.rules.story.shapes import Column, Constraint, Gone, Index, Place, Relation, Sort
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World, show

_SERIAL = {"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"}
_SUFFIX = {"primary": "pkey", "unique": "key", "foreign": "fkey", "check": "check"}
_KINDS = {
    pb.CONSTR_PRIMARY: "primary",
    pb.CONSTR_UNIQUE: "unique",
    pb.CONSTR_FOREIGN: "foreign",
    pb.CONSTR_CHECK: "check",
    pb.CONSTR_EXCLUSION: "exclude",
}
_GENERATED = {pb.CONSTR_DEFAULT, pb.CONSTR_IDENTITY, pb.CONSTR_GENERATED}
_LONGEST = 63


def serial(definition: Any) -> bool:
    """Whether the column fills itself from a sequence of its own."""
    return tree.dotted(definition.type_name.names)[1] in _SERIAL


def column(world: World, step: Step, definition: Any) -> Column:
    """The column that a definition describes, without its constraints on other columns."""
    kinds = {c.constraint.contype for c in definition.constraints}
    name = tree.dotted(definition.type_name.names)
    known = world.find_type(name)
    own = serial(definition)
    return Column(
        name=definition.colname,
        type=tree.written(definition.type_name),
        enum=known.number if known else None,
        not_null=own
        or bool(kinds & {pb.CONSTR_NOTNULL, pb.CONSTR_PRIMARY, pb.CONSTR_IDENTITY})
        or definition.is_not_null,
        default=own or bool(kinds & _GENERATED) or (known is not None and known.kind == "domain"),
        place=step.place,
    )


def add_column(world: World, step: Step, table: Relation, definition: Any) -> Relation:
    """The table with the column, its sequence and the constraints written behind it."""
    made = column(world, step, definition)
    table = table.with_column(made)
    world.put(table)
    if serial(definition):
        sequence(world, step.place, table, made.name)
    for wrapped in definition.constraints:
        one = wrapped.constraint
        if one.contype in _KINDS:
            table = add_constraint(world, step, table, one, (made.name,))
    return table


def sequence(world: World, place: Place, table: Relation, column: str) -> None:
    """The sequence that a serial column makes for itself."""
    key = (table.key[0], fitted(table.key[1], column, "seq"))
    if world.make(Sort.RELATION, key, place, soft=True):
        world.put(Relation(world.number(), "sequence", key, place, True, owner=table.number))


def add_constraint(
    world: World, step: Step, table: Relation, one: Any, own: tuple[str, ...] = ()
) -> Relation:
    """The table with the constraint, and with the index that it makes. own: the column behind
    which it is written."""
    kind = _KINDS.get(one.contype)
    if kind is None:
        if one.contype == pb.CONSTR_NOTNULL:
            table = not_null(world, table, tree.strings(one.keys), step)
        return table
    if kind == "check":
        refs = (tree.strings(c.fields) for c in tree.of(one.raw_expr, "ColumnRef"))
        columns = tuple(dict.fromkeys(names[-1] for names in refs if names))
    else:
        columns = own or tree.strings(one.fk_attrs if kind == "foreign" else one.keys)
    if not (kind == "check" and own):  # it may name a column that stands behind it
        for name in columns:
            world.use_column(table, name, step.place)
    name = one.conname or _name(world, table, kind, columns)
    named = next((c for c in table.constraints if c.name == name), None)
    if named is not None and one.conname and not world.hidden(name):
        what = f"constraint {name} of {show(table.key)}"
        world.tell("twice", step.place, what, named.place)
    if one.indexname:  # USING INDEX: that one becomes the constraint's
        return _adopt_index(world, step, table, one, kind)
    index = None
    if kind in ("primary", "unique", "exclude"):
        index = _index(world, step, table, one, kind, columns, name)
    refers = world.adopt(tree.relation(one.pktable)) if kind == "foreign" else None
    ref_columns = tree.strings(one.pk_attrs)
    if refers is not None:
        for ref in ref_columns:
            # A reference to the table itself may mean a column that the same statement makes.
            where = table if refers.number == table.number else refers
            world.use_column(where, ref, step.place)
    made = Constraint(
        name=name,
        kind=kind,
        columns=columns,
        place=step.place,
        refers=refers.number if refers else None,
        ref_columns=ref_columns,
        on_delete=one.fk_del_action or "a",
        on_update=one.fk_upd_action or "a",
        set_columns=tree.strings(one.fk_del_set_cols),
        index=index,
    )
    table = replace(
        table,
        constraints=(*table.constraints, made),
        indexes=(*table.indexes, index) if index else table.indexes,
    )
    if kind == "primary":
        table = not_null(world, table, columns, step)
    world.put(table)
    return table


def not_null(world: World, table: Relation, names: tuple[str, ...], step: Step) -> Relation:
    """The table with the columns NOT NULL."""
    for name in names:
        known = table.columns.get(name)
        if known is not None:
            table = table.with_column(replace(known, not_null=True, place=step.place))
        else:
            world.use_column(table, name, step.place)
    world.put(table)
    return table


def drop_constraint(world: World, table: Relation, made: Constraint, gone: Gone) -> Relation:
    """The table without the constraint and without its index."""
    if made.index is not None and made.index in world.relations:
        world.remove(world.relations[made.index], gone)
    kept = tuple(c for c in table.constraints if c is not made)
    indexes = tuple(n for n in table.indexes if n != made.index)
    table = replace(table, constraints=kept, indexes=indexes)
    world.put(table)
    return table


def fitted(first: str, second: str, label: str) -> str:
    """The name that PostgreSQL makes of a table, columns and a label: cut to 63 bytes."""
    room = _LONGEST - len(label.encode()) - 1 - (1 if second else 0)
    one, two = first.encode(), second.encode()
    while len(one) + len(two) > room:
        if len(one) > len(two):
            one = one[:-1]
        else:
            two = two[:-1]
    parts = [one.decode(errors="ignore"), *([two.decode(errors="ignore")] if second else []), label]
    return "_".join(parts)


def _name(world: World, table: Relation, kind: str, columns: tuple[str, ...]) -> str:
    """The name that PostgreSQL gives a constraint without one."""
    silent = kind == "primary" or (kind == "check" and len(columns) != 1)
    name = fitted(table.key[1], "" if silent else "_".join(columns), _SUFFIX.get(kind, "excl"))
    if kind in ("primary", "unique", "exclude"):
        return world.free(table.key[0], name)
    taken = {c.name for c in table.constraints}
    numbered = (name, *(f"{name}{n}" for n in range(1, len(taken) + 1)))
    return next(n for n in numbered if n not in taken)


def _index(
    world: World,
    step: Step,
    table: Relation,
    one: Any,
    kind: str,
    columns: tuple[str, ...],
    name: str,
) -> int | None:
    key = (table.key[0], name)
    if not world.make(Sort.RELATION, key, step.place, soft=False):
        return None
    index = Index(
        table=table.number,
        elements=columns,
        plain=(True,) * len(columns),
        how=("",) * len(columns),
        unique=kind != "exclude",
        nulls_not_distinct=one.nulls_not_distinct,
        method="btree" if kind != "exclude" else (one.access_method or "gist"),
        where=tree.spelled(one.where_clause),
        where_null=frozenset(),
        where_names=frozenset(),
        include=tree.strings(one.including),
        made_by=kind,
    )
    number = world.number()
    world.put(Relation(number, "index", key, step.place, True, index=index, owner=table.number))
    return number


def _adopt_index(world: World, step: Step, table: Relation, one: Any, kind: str) -> Relation:
    """ADD CONSTRAINT … USING INDEX: the index takes the constraint's name."""
    found = world.find((table.key[0], one.indexname))
    columns: tuple[str, ...] = ()
    if found is not None and found.index is not None:
        columns = found.index.elements
        key = (found.key[0], one.conname or one.indexname)
        world.names.pop(found.key, None)
        world.put(replace(found, key=key, index=replace(found.index, made_by=kind)))
    number = found.number if found else None
    name = one.conname or one.indexname
    made = Constraint(name, kind, columns, step.place, index=number)
    table = replace(table, constraints=(*table.constraints, made))
    if kind == "primary":
        table = not_null(world, table, columns, step)
    world.put(table)
    return table
