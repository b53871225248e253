"""Indexes that the database has already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import postgast

from repot.folder.data import changes as ch
from repot.folder.data.apply import expression
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.folder.data.tables import Column
from repot.model.finding import Severity
from repot.model.names import quoted


@dataclass(frozen=True)
class _Shape:
    """What an index is, apart from its name."""

    method: str
    parts: tuple[str, ...]
    where: str
    included: tuple[str, ...]
    unique: bool
    nulls_not_distinct: bool

    def serves_for(self, other: _Shape) -> bool:
        """Whether the other one is not needed beside this."""
        same = (self.method, self.parts, self.where) == (other.method, other.parts, other.where)
        strict = not other.unique or (
            self.unique and self.nulls_not_distinct == other.nulls_not_distinct
        )
        return same and strict and set(other.included) <= set(self.included)


def _shape(node: Any) -> _Shape:
    parts = []
    for param in node.index_params:
        elem = param.index_elem
        what = quoted(elem.name) if elem.name else f"({expression(elem.expr)})"
        words = [what, *(".".join(n.string.sval for n in elem.collation),)]
        words += [".".join(n.string.sval for n in elem.opclass)]
        # DESC on a single column reads the same as ASC, but NULLS FIRST does not sort alike
        down = elem.ordering == 3
        first = elem.nulls_ordering == 2 if elem.nulls_ordering > 1 else down
        parts.append("|".join([*words, "desc" if down else "asc", str(first)]))
    return _Shape(
        method=node.access_method or "btree",
        parts=tuple(parts),
        where=expression(node.where_clause) if node.HasField("where_clause") else "",
        included=tuple(p.index_elem.name for p in node.index_including_params),
        unique=bool(node.unique),
        nulls_not_distinct=bool(node.nulls_not_distinct),
    )


@cache
def _of_definition(definition: str) -> _Shape:
    return _shape(postgast.parse(definition).stmts[0].stmt.index_stmt)


def _new(change: ch.AddIndex) -> _Shape:
    if not change.constraint:
        return _shape(change.node)
    parts = tuple(f"{quoted(p.column or '')}|||asc|False" for p in change.parts)
    return _Shape("btree", parts, "", (), True, change.nulls_not_distinct)


def _repeats(m: Moment) -> Iterator[Hit]:
    change = m.change
    if not isinstance(change, ch.AddIndex):
        return
    state = m.world.get(change.table)
    if state is None or state.today is None or any(c.made for c in _used(m, change)):
        return
    new = _new(change)
    schema = state.name.schema_
    for index in state.today.indexes:
        if (schema, index.name) in m.world.dropped_indexes or not index.valid:
            continue
        if index.name == change.name and change.skip_existing:
            return
        if _of_definition(index.definition).serves_for(new):
            name = quoted(change.name) if change.name else "the new key's index"
            yield Hit(
                f"{name} repeats {quoted(index.name)}, which {state.name} has already",
                f"{schema}.{index.name}",
            )
            return


def _used(m: Moment, change: ch.AddIndex) -> list[Column]:
    state = m.world.get(change.table)
    assert state is not None
    return [state.columns[p.column] for p in change.parts if p.column in state.columns]


RULES = (
    DataRule(
        id="index-repeats",
        severity=Severity.WARNING,
        condition="A new index has the same columns, in the same order, the same method and the "
        "same condition as one that the table has already.",
        effect="Every write keeps both up to date, and both take their place on the disk; no "
        "query is faster.",
        remedy="leave it out, or drop the other one in the same file",
        data='create table "Order" (id int primary key, "brandId" int, status text);'
        ' create index "Order_brandId_status_idx" on "Order" ("brandId", status)',
        bad=('create index order_by_brand on "Order" ("brandId", status);',),
        good=('create index order_by_status on "Order" (status, "brandId");',),
        find=_repeats,
    ),
)
