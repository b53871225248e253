"""CREATE INDEX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.rules.story.changes.columns import fitted
from repot.folder.rules.story.shapes import Index, Relation, Sort
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World

_PLAIN_ORDER = {
    (pb.SORTBY_DEFAULT, pb.SORTBY_NULLS_DEFAULT),
    (pb.SORTBY_ASC, pb.SORTBY_NULLS_DEFAULT),
    (pb.SORTBY_ASC, pb.SORTBY_NULLS_LAST),
}


def create_index(world: World, step: Step) -> None:
    node = step.node
    table = world.adopt(tree.relation(node.relation))
    elements = [e.index_elem for e in node.index_params]
    including = [e.index_elem.name for e in node.index_including_params]
    for name in [e.name for e in elements if e.name] + including:
        world.use_column(table, name, step.place)
    names = tuple(e.name or tree.spelled(e.expr) for e in elements)
    middle = "_".join(e.name or "expr" for e in elements)
    name = node.idxname or world.free(table.key[0], fitted(table.key[1], middle, "idx"))
    key = (table.key[0], name)
    if not world.make(Sort.RELATION, key, step.place, node.if_not_exists):
        return
    index = Index(
        table=table.number,
        elements=names,
        plain=tuple(bool(e.name) for e in elements),
        how=tuple(_how(e) for e in elements),
        unique=node.unique,
        nulls_not_distinct=node.nulls_not_distinct,
        method=node.access_method or "btree",
        where=tree.spelled(node.where_clause),
        where_null=frozenset(_null(node.where_clause)),
        where_names=frozenset(
            tree.dotted(c.fields)[1] for c in tree.of(node.where_clause, "ColumnRef")
        ),
        include=tuple(sorted(including)),
        made_by="index",
    )
    number = world.number()
    world.put(Relation(number, "index", key, step.place, True, index=index, owner=table.number))
    table = world.relations[table.number]
    world.put(replace(table, indexes=(*table.indexes, number)))


def _how(element: Any) -> str:
    """Order, operator class and collation, where they are not the usual ones."""
    order = (element.ordering, element.nulls_ordering)
    parts = ["" if order in _PLAIN_ORDER else f"{order}"]
    parts += [".".join(tree.strings(element.opclass)), ".".join(tree.strings(element.collation))]
    return " ".join(p for p in parts if p)


def _null(where: Any) -> list[str]:
    tests = tree.of(where, "NullTest")
    return [
        tree.dotted(t.arg.column_ref.fields)[1]
        for t in tests
        if t.nulltesttype == pb.IS_NULL and tree.kind(t.arg) == "column_ref"
    ]


HANDLERS: dict[str, Callable[[World, Step], None]] = {"index_stmt": create_index}
