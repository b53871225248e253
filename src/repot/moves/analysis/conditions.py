"""Equalities of WHERE, ON and IN, as atoms of the graph.

Why an equality may be used (`Atom`). Let the arm be asked for the rows of one scope value only.
A predicate `X.u = y` *filters* X where no row of X with another u can change the answer:

* WHERE, and ON of an inner join: a combination of rows that fails it is dropped. NULLs that an
  outer join put in X's place fail it too, so such a row of X cannot matter by taking their place.
* ON of `L LEFT JOIN R`: it filters tables of R (a row of R that fails it never meets the row of L),
  and no table of L, whose rows all stay. RIGHT JOIN likewise; FULL JOIN filters neither side.
* In a subquery's own WHERE or ON it filters the subquery's tables, whatever is made of the result
  (count, NOT EXISTS, LIMIT 1): the subquery never sees the other rows. It says nothing of the
  tables outside that it compares with.
* `y IN (SELECT X.u …)` where only true counts (not under NOT, not in the SELECT list): rows with
  another u do not make it true. Under NOT they may: one NULL turns NOT IN from true to NULL.
* Through a subquery in FROM down to the column that it gives, unless LIMIT, GROUP BY, DISTINCT ON
  or a window function stands between and needs the other rows (`passing`).
"""

from __future__ import annotations

from collections.abc import Iterable

from repot.moves.analysis.ast import Message, inner, pb, unnested, words
from repot.moves.analysis.env import Env, computed
from repot.moves.analysis.expressions import Resolver
from repot.moves.analysis.graph import Atom, Col, Graph, Resolved, Val, comparable


class Conditions:
    """Reads conditions into the graph of one arm."""

    def __init__(self, graph: Graph, resolver: Resolver) -> None:
        self.graph = graph
        self.resolver = resolver

    def read(self, node: pb.Node, env: Env, filtered: set[int], *, strong: bool) -> None:
        """A condition of WHERE or ON that filters the appearances `filtered`; `strong`: it holds
        for every row of the arm."""
        for part in _conjuncts(node):
            if not isinstance(part, pb.A_Expr) or not is_equality(part.name):
                continue
            if part.kind == pb.AEXPR_OP and part.HasField("lexpr"):
                left = self.resolver.resolve(part.lexpr, env)
                right = self.resolver.resolve(part.rexpr, env)
                self.equal(left, right, filtered, strong=strong)
                self._note(part, env, filtered)
            elif part.kind == pb.AEXPR_OP_ANY:
                self._one_of(part, env, filtered)

    def equal(
        self, one: Resolved, other: Resolved, filtered: set[int], *, strong: bool = False
    ) -> None:
        """`one = other`, as a filter of the appearances `filtered`."""
        for ends, source in ((one, other), (other, one)):
            if not source.values:
                continue  # not known, or NULL always: an equality that says nothing
            for target in ends.targets:
                if target.rel in filtered and self._usable(target, source.values):
                    # Of every row: not of those only that a UNION takes from this table.
                    sure = strong and ends.col == target and len(source.values) == 1
                    self.graph.atoms.append(Atom(target, source, sure))

    def _usable(self, target: Col, values: Iterable[Val]) -> bool:
        if not target.column.deterministic:
            return False
        for value in values:
            if value.col is not None and not comparable(target.column, value.col.column):
                self.graph.note(target.rel, f"{target.name} is compared with another type")
                return False
            if value.col is None and target.column.base_type == "character":
                return False
            depends = (self.graph.rels[r].depends for r in value.rels)
            if target.rel in value.rels.union(*depends):
                return False
        return True

    def contains(
        self, link: pb.SubLink, env: Env, columns: list[Resolved], below: set[int]
    ) -> None:
        """`x IN (SELECT …)`, where only true counts."""
        test = inner(link.testexpr)
        sides = list(test.args) if isinstance(test, pb.RowExpr) else [link.testexpr]
        for side, result in zip(sides, columns, strict=True):
            self.equal(self.resolver.resolve(side, env), result, below)

    def tied(self, node: pb.Node, env: Env) -> None:
        """ON of a FULL JOIN: it filters nothing, but rows that are matched are equal."""
        for part in _conjuncts(node):
            if (
                isinstance(part, pb.A_Expr)
                and part.kind == pb.AEXPR_OP
                and is_equality(part.name)
                and part.HasField("lexpr")
            ):
                left = self.resolver.resolve(part.lexpr, env)
                self.full(left, self.resolver.resolve(part.rexpr, env))

    def full(self, one: Resolved, other: Resolved) -> None:
        """Remembers two columns that a FULL JOIN ties: where both are there, they are equal."""
        if one.col and other.col and comparable(one.col.column, other.col.column):
            self.graph.full.add(frozenset({one.col, other.col}))

    def _one_of(self, test: pb.A_Expr, env: Env, filtered: set[int]) -> None:
        """`a = ANY (ARRAY[x, y])`, `a = ANY (array)`: a is one of the elements."""
        array = inner(test.rexpr)
        while isinstance(array, pb.TypeCast):
            array = inner(array.arg)
        mine = self.resolver.resolve(test.lexpr, env)
        if not isinstance(array, pb.A_ArrayExpr):
            whole = self.resolver.resolve(test.rexpr, env)
            values = [v for v in whole.values or () if v.rels]
            if len(values) == 1 and whole.values is not None and len(whole.values) == 1:
                self.equal(mine, self._element(values[0]), filtered)
            return
        elements = [self.resolver.resolve(e, env) for e in array.elements]
        if all(e.values is not None for e in elements):
            given = tuple(v for e in elements for v in e.values or ())
            self.equal(mine, Resolved(given), filtered)

    def _element(self, array: Val) -> Resolved:
        """An element of the array: a column of `unnest(array)`, which is not in the view itself."""
        depends = array.rels.union(*(self.graph.rels[r].depends for r in array.rels))
        rel = self.graph.add("unnest", depends=depends)
        rel.item = unnested(array.node, rel.own, "element")
        return computed(rel, "element")

    def _note(self, part: pb.A_Expr, env: Env, filtered: set[int]) -> None:
        """Why an equality does not find the row: worth saying where nothing else does."""
        for side in (part.lexpr, part.rexpr):
            cast = inner(side)
            value = cast.arg if isinstance(cast, pb.TypeCast) else side
            col = self.resolver.resolve(value, env).col if value.HasField("column_ref") else None
            if col is None or col.rel not in filtered:
                continue
            if col.column.generated:
                self.graph.note(col.rel, f"{col.name} is a generated column: it cannot be logged")
            elif isinstance(cast, pb.TypeCast):
                self.graph.note(
                    col.rel, f"{col.name} is compared through a cast; cast the other side instead"
                )


def is_equality(name: Iterable[pb.Node]) -> bool:
    """The plain `=`; other types' operators are printed with their schema. IN has no name."""
    return words(name) in ((), ("=",), ("pg_catalog", "="))


def _conjuncts(node: pb.Node) -> list[Message | None]:
    held = inner(node)
    if isinstance(held, pb.BoolExpr) and held.boolop == pb.AND_EXPR:
        return [part for arg in held.args for part in _conjuncts(arg)]
    return [held]
