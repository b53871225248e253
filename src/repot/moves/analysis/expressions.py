"""Expressions: what is known of the value that one gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from google.protobuf.message import Message

from repot.moves.analysis.ast import copy, inner, pb, rewrite, words
from repot.moves.analysis.env import Env
from repot.moves.analysis.functions import is_aggregate, is_set_returning, outside_subqueries
from repot.moves.analysis.graph import Graph, Resolved, Val, keeps_value

Subquery = Callable[[pb.SubLink], tuple[list[Resolved], frozenset[int]]]
_MOST = 8  # values that an expression may take


class Resolver:
    """Resolves expressions of one arm.

    :param subquery: gives the columns of a SubLink's query, and the appearances in it
    """

    def __init__(self, graph: Graph, subquery: Subquery) -> None:
        self.graph = graph
        self.subquery = subquery

    def resolve(self, node: pb.Node, env: Env) -> Resolved:
        """What is known of the expression at a place where `env` is seen."""
        held = inner(node)
        if isinstance(held, pb.ColumnRef):
            return env.lookup(held)[0]
        if isinstance(held, pb.A_Const):
            return Resolved(() if held.isnull else (Val(copy(node), frozenset()),))
        if isinstance(held, pb.TypeCast):
            return self._cast(held, env)
        if isinstance(held, pb.CoalesceExpr):
            # A COALESCE gives one of its arguments, whatever the others are.
            args = [self.resolve(a, env) for a in held.args]
            if len(args) == 2 and frozenset({args[0].col, args[1].col}) in self.graph.full:
                return self.either(*args)
            return self._one_of(args, held, env)
        if isinstance(held, pb.CaseExpr):
            results = [w.case_when.result for w in held.args]
            results += [held.defresult] if held.HasField("defresult") else []
            return self._one_of([self.resolve(r, env) for r in results], held, env)
        if isinstance(held, pb.SubLink) and held.sub_link_type == pb.EXPR_SUBLINK:
            columns, inside = self.subquery(held)
            return Resolved(columns[0].values, rels=columns[0].rels | inside)
        return self._computed(node, env)

    def either(self, one: Resolved, other: Resolved) -> Resolved:
        """COALESCE of the two columns that a FULL JOIN ties. It is x only where a row of either
        side has x, and a row of one side that has not is not matched with one that has."""
        if one.values is None or other.values is None:
            return Resolved(None, rels=one.rels | other.rels)
        if frozenset({one.col, other.col}) not in self.graph.full:
            return Resolved((*one.values, *other.values), rels=one.rels | other.rels)
        return Resolved(
            (*one.values, *other.values),
            (*one.targets, *other.targets),
            one.rels | other.rels,
        )

    def rels(self, message: Message, env: Env) -> frozenset[int]:
        """All appearances that the expression depends on, those in its subqueries too."""
        found: frozenset[int] = frozenset()
        for each in outside_subqueries(message):
            if isinstance(each, pb.ColumnRef):
                found |= env.lookup(each)[0].rels
            elif isinstance(each, pb.SubLink):
                columns, inside = self.subquery(each)
                found = found.union(inside, *(c.rels for c in columns))
        return found

    def _cast(self, cast: pb.TypeCast, env: Env) -> Resolved:
        arg = self.resolve(cast.arg, env)
        if arg.col is not None and keeps_value(arg.col.column, cast.type_name):
            return arg
        if arg.values is None:
            return Resolved(None, rels=arg.rels)
        values = []
        for value in arg.values:
            # A cast of NULL is NULL. (PostgreSQL's own; a type of the user's might differ.)
            if not _builtin(cast.type_name) and value.rels & self.graph.nulled:
                return Resolved(None, rels=arg.rels)
            outer = pb.TypeCast(arg=value.node, type_name=cast.type_name)
            values.append(Val(pb.Node(type_cast=outer), value.rels))
        return Resolved(tuple(values), rels=arg.rels)

    def _one_of(self, parts: Iterable[Resolved], whole: Message, env: Env) -> Resolved:
        rels = self.rels(whole, env)
        values: list[Val] = []
        for part in parts:
            if part.values is None:
                return Resolved(None, rels=rels)
            values += part.values
        if len(values) > _MOST:
            return Resolved(None, rels=rels)
        return Resolved(tuple(values), rels=rels)

    def _computed(self, node: pb.Node, env: Env) -> Resolved:
        """An operator or function over columns: a value of the rows that they are of."""
        rels = self.rels(node, env)
        unknown = Resolved(None, rels=rels)
        for each in outside_subqueries(node):
            if isinstance(each, pb.SubLink | pb.CollateClause | pb.SetToDefault):
                return unknown
            if isinstance(each, pb.FuncCall) and each.HasField("over"):
                return unknown
            if is_aggregate(each) or is_set_returning(each):
                return unknown
        twin = copy(node)
        used: set[int] = set()
        failed = False

        def change(inside: pb.Node) -> pb.Node | None:
            nonlocal failed
            if not inside.HasField("column_ref"):
                return None
            values = env.lookup(inside.column_ref)[0].values
            if values is None or len(values) != 1:
                failed = True
                return inside
            col = values[0].col
            failed |= col is not None and not col.column.deterministic
            used.update(values[0].rels)
            return copy(values[0].node)

        rewrite(twin, change)
        # Any function may make something of NULL, so each row must surely be there.
        if failed or used & self.graph.nulled:
            return unknown
        return Resolved((Val(twin, frozenset(used)),), rels=rels)


def _builtin(name: pb.TypeName) -> bool:
    names = words(name.names)
    return len(names) == 1 or names[0] == "pg_catalog"
