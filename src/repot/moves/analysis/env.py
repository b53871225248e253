"""Which names an expression of a query can see, and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field

from repot.moves.analysis.ast import column, pb, words
from repot.moves.analysis.graph import UNTYPED, Col, Rel, Resolved, Val
from repot.moves.analysis.inline import Unsupported


@dataclass
class Item:
    """A FROM item by its alias. `open`: a computed one, whose further columns have any name."""

    columns: dict[str, Resolved]
    open: Rel | None = None
    whole: Rel | None = None  # alias.* is its row

    def get(self, name: str) -> Resolved | None:
        found = self.columns.get(name)
        if found is None and self.open is not None:
            return computed(self.open, name)
        return found


@dataclass
class Env:
    """The FROM items of one query, those of the queries around it behind them."""

    parent: Env | None = None
    items: dict[str, Item] = field(default_factory=dict)
    merged: dict[str, Resolved] = field(default_factory=dict)  # columns of JOIN USING

    def lookup(self, ref: pb.ColumnRef) -> tuple[Resolved, bool]:
        """What the reference stands for, and whether it is a whole row.

        :raises Unsupported: a name that the analysis does not know.
        """
        names = words(ref.fields)
        star = len(names) < len(ref.fields)
        if star:
            return self._row(names[-1] if names else ""), True
        if len(names) == 1:
            return self._bare(names[0]), False
        alias, name = names[-2:]
        item = self._item(alias)
        found = item.get(name) if item else None
        if found is None:
            raise Unsupported(f"the name {alias}.{name}")
        return found, False

    def _item(self, alias: str) -> Item | None:
        if alias in self.items:
            return self.items[alias]
        return self.parent._item(alias) if self.parent else None

    def _row(self, alias: str) -> Resolved:
        item = self._item(alias)
        if item is None:
            raise Unsupported(f"the row {alias}.*")
        rels = frozenset[int]().union(*(c.rels for c in item.columns.values()))
        if item.whole is None:
            return Resolved(None, rels=rels | ({item.open.id} if item.open else frozenset()))
        ref = pb.Node(column_ref=pb.ColumnRef(fields=column(item.whole.own).column_ref.fields))
        ref.column_ref.fields.add().a_star.SetInParent()
        whole = frozenset({item.whole.id})
        return Resolved((Val(ref, whole),), rels=whole)

    def _bare(self, name: str) -> Resolved:
        if name in self.merged:
            return self.merged[name]
        found = [i.columns[name] for i in self.items.values() if name in i.columns]
        if len(found) == 1:
            return found[0]
        if found:
            raise Unsupported(f"the name {name}, which several FROM items have")
        if self.parent is not None:
            return self.parent._bare(name)
        raise Unsupported(f"the name {name}")


def computed(rel: Rel, name: str) -> Resolved:
    """A column of rows that a function or VALUES gives."""
    rels = frozenset({rel.id})
    if rel.item is None:
        return Resolved(None, rels=rels | rel.depends)
    col = Col(rel.id, name, UNTYPED)
    value = Val(column(rel.own, name), rels, col)
    return Resolved((value,), (col,), rels | rel.depends, bare=True)
