"""Takes an arm apart: which tables appear in it, and which equalities tie them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from repot.model.catalog import Table
from repot.model.names import Name
from repot.model.plan import Role
from repot.moves.analysis.ast import Message, column, copy, everything, inner, parts, pb, words
from repot.moves.analysis.conditions import Conditions, is_equality
from repot.moves.analysis.env import Env, Item, computed
from repot.moves.analysis.expressions import Resolver
from repot.moves.analysis.frame import Columns, Place, implied, renamed, reproduced
from repot.moves.analysis.functions import aggregates
from repot.moves.analysis.graph import Col, Graph, Rel, Resolved, Val
from repot.moves.analysis.inline import Unsupported
from repot.moves.analysis.passing import common_columns, own_equality, passes


class Builder:
    """Builds the graph of one arm.

    :raises Unsupported: by `build`, for what cannot be followed at all.
    """

    def __init__(self, tables: Mapping[Name, Table]) -> None:
        self.tables = tables
        self.graph = Graph()
        self.resolver = Resolver(self.graph, self._subquery)
        self.conditions = Conditions(self.graph, self.resolver)
        self._sublinks: dict[int, Columns] = {}
        self._inside: dict[int, frozenset[int]] = {}

    def build(self, arm: pb.SelectStmt) -> Graph:
        self.graph.outputs = self._select(arm, None, Place(top=True))[0]
        marks = {m.location for m in everything(arm) if isinstance(m, pb.RangeVar)}
        if marks != {rel.mark for rel in self.graph.tables}:
            raise Unsupported("a table in an unusual place")  # never one that is not followed
        return self.graph

    # -- queries

    def _select(
        self, select: pb.SelectStmt, parent: Env | None, place: Place
    ) -> tuple[Columns, set[int]]:
        """The query's columns, and the appearances in its FROM, its subqueries there included."""
        if select.op != pb.SETOP_NONE:
            return self._union(select, parent, place)
        env = Env(parent)
        if select.values_lists:
            for row in select.values_lists:
                self._visit(row, env, place, positive=False)
            width = len(select.values_lists[0].list.items)
            rels = self.resolver.rels(select, env)
            return [(f"column{i}", Resolved(None, rels=rels)) for i in range(1, width + 1)], set()
        grouped = aggregates(select) or bool(select.distinct_clause)
        if grouped and place.role is Role.JOINED:
            place = replace(place, role=Role.GROUPED)
        top, place = place.top, replace(place, top=False)
        below: set[int] = set()
        for node in select.from_clause:
            below |= self._from(node, env, place)[1]
        if select.HasField("where_clause"):
            self._condition(select.where_clause, env, place, below, strong=place.spine)
        for clause in (
            *select.target_list,
            *select.group_clause,
            *select.distinct_clause,
            *select.sort_clause,
            *select.window_clause,
        ):
            self._visit(clause, env, place, positive=False)
        if select.HasField("having_clause"):
            self._visit(select.having_clause, env, replace(place, filtering=True), positive=True)
        for bound in ("limit_count", "limit_offset"):
            if getattr(select, bound).WhichOneof("node"):
                self._visit(getattr(select, bound), env, place, positive=False)
        columns = self._outputs(select, env, frozenset(below))
        if top and grouped:
            shown = [result for _, result in columns]
            self.graph.group = common_columns(select, shown, env, self.resolver)
        return columns, below

    def _union(
        self, select: pb.SelectStmt, parent: Env | None, place: Place
    ) -> tuple[Columns, set[int]]:
        place = replace(place, spine=False)
        left, below_left = self._select(select.larg, parent, place)
        right, below_right = self._select(select.rarg, parent, place)
        limited = select.HasField("limit_count") or select.HasField("limit_offset")
        columns = []
        for (name, one), (_, other) in zip(left, right, strict=True):
            known = one.values is not None and other.values is not None
            values = (*(one.values or ()), *(other.values or ())) if known else None
            targets = () if limited else (*one.targets, *other.targets)
            if not select.all and own_equality(Resolved(None, targets)):
                targets = ()
            columns.append((name, Resolved(values, targets, one.rels | other.rels)))
        return columns, below_left | below_right

    def _outputs(self, select: pb.SelectStmt, env: Env, below: frozenset[int]) -> Columns:
        columns = []
        grouped = aggregates(select)
        for node in select.target_list:
            result = self.resolver.resolve(node.res_target.val, env)
            value = node.res_target.val
            if result.targets and not passes(select, value, result, env, self.resolver):
                result = replace(result, targets=())
            if result.col is not None and result.col.column.generated:
                self.graph.obstacles.append(f"{result.col.name} is a generated column")
            if grouped and result.values is None:
                result = replace(result, rels=result.rels | below)  # count(*) names no column
            columns.append((node.res_target.name or implied(node.res_target.val), result))
        return columns

    # -- FROM

    def _from(self, node: pb.Node, env: Env, place: Place) -> tuple[Columns, set[int]]:
        """Makes the item's names known in `env`; its columns, and the appearances in it."""
        item = inner(node)
        if isinstance(item, pb.RangeVar):
            return self._table(item, env, place)
        if isinstance(item, pb.JoinExpr):
            return self._join(item, env, place)
        if isinstance(item, pb.RangeSubselect):
            if item.subquery.select_stmt.values_lists:
                return self._computed(node, item, env, place)
            around = env if item.lateral else env.parent
            columns, below = self._select(item.subquery.select_stmt, around, place)
            columns = renamed(columns, item.alias)
            env.items[item.alias.aliasname] = Item(dict(columns))
            return columns, below
        if isinstance(item, pb.RangeFunction):
            return self._computed(node, item, env, place)
        if isinstance(item, pb.RangeTableFunc | pb.JsonTable):
            return self._computed(node, item, env, place)
        raise Unsupported("TABLESAMPLE" if isinstance(item, pb.RangeTableSample) else "its FROM")

    def _table(self, item: pb.RangeVar, env: Env, place: Place) -> tuple[Columns, set[int]]:
        name = Name(schema_=item.schemaname or "pg_catalog", name=item.relname)
        table = self.tables.get(name)
        if table is None or table.kind not in ("r", "p"):
            raise Unsupported(f"{name}, which is not a table")
        if table.parent is not None:
            raise Unsupported(f"{name}, a partition of {table.parent}: read the whole table")
        alias = item.alias.aliasname or item.relname
        rel = self._add(alias, place, table=table, mark=item.location)
        columns: Columns = []
        for each in table.columns:
            col = Col(rel.id, each.name, each)
            value = Val(column(rel.own, each.name), frozenset({rel.id}), col)
            # Triggers do not see virtual generated columns: their values cannot be logged.
            targets = () if each.generated else (col,)
            columns.append((each.name, Resolved((value,), targets, value.rels, bare=True)))
        columns = renamed(columns, item.alias)
        env.items[alias] = Item(dict(columns), whole=rel)
        return columns, {rel.id}

    def _computed(
        self,
        node: pb.Node,
        item: pb.RangeSubselect | pb.RangeFunction | pb.RangeTableFunc | pb.JsonTable,
        env: Env,
        place: Place,
    ) -> tuple[Columns, set[int]]:
        """Rows made by a function or VALUES, perhaps of columns of the items before it."""
        for part in parts(item):
            if not isinstance(part, pb.Alias):
                self._visit(part, env, place, positive=False)
        depends = self.resolver.rels(item, env)
        rel = self._add(item.alias.aliasname, place, depends=depends)
        rel.item = reproduced(node, rel, env, self.graph)
        columns: Columns = [(n, computed(rel, n)) for n in words(item.alias.colnames)]
        env.items[item.alias.aliasname] = Item(dict(columns), open=rel)
        return columns, {rel.id}

    def _add(
        self,
        alias: str,
        place: Place,
        *,
        table: Table | None = None,
        depends: frozenset[int] = frozenset(),
        mark: int = 0,
    ) -> Rel:
        rel = self.graph.add(alias, role=place.role, table=table, depends=depends, mark=mark)
        rel.spine, rel.filtering = place.spine, place.filtering
        return rel

    def _join(self, join: pb.JoinExpr, env: Env, place: Place) -> tuple[Columns, set[int]]:
        kind = join.jointype
        loose = replace(place, spine=False)
        right_loose = kind in (pb.JOIN_LEFT, pb.JOIN_FULL)
        left_loose = kind in (pb.JOIN_RIGHT, pb.JOIN_FULL)
        left, in_left = self._from(join.larg, env, loose if left_loose else place)
        right, in_right = self._from(join.rarg, env, loose if right_loose else place)
        # The side whose rows all stay is not filtered by ON.
        filtered = (set() if right_loose else in_left) | (set() if left_loose else in_right)
        strong = place.spine and not (left_loose or right_loose)
        merged: Columns = []
        for name in words(join.using_clause):
            one, other = dict(left)[name], dict(right)[name]
            if not own_equality(one) and not own_equality(other):  # its `=` is not printed
                self.conditions.equal(one, other, filtered, strong=strong)
            if left_loose and right_loose:
                self.conditions.full(one, other)
                both = self.resolver.either(one, other)
            else:
                both = other if left_loose else one
            merged.append((name, both))
        if join.HasField("quals"):
            self._condition(join.quals, env, place, filtered, strong=strong)
            if left_loose and right_loose:
                self.conditions.tied(join.quals, env)
        if right_loose:
            self.graph.nulled |= in_right
        if left_loose:
            self.graph.nulled |= in_left
        names = {n for n, _ in merged}
        columns = merged + [c for c in (*left, *right) if c[0] not in names]
        if join.HasField("join_using_alias"):
            env.items[join.join_using_alias.aliasname] = Item(dict(merged))
        if join.HasField("alias"):
            columns = renamed(columns, join.alias)
            env.items[join.alias.aliasname] = Item(dict(columns))
            for name, result in columns:
                if result.col is not None:
                    shown = self.graph.rels[result.col.rel].shown
                    shown[result.col.name] = (join.alias.aliasname, name)
        else:
            env.merged.update(merged)
        return columns, in_left | in_right

    # -- conditions and the subqueries in expressions

    def _condition(
        self, node: pb.Node, env: Env, place: Place, filtered: set[int], *, strong: bool
    ) -> None:
        self._visit(node, env, replace(place, filtering=True), positive=True)
        self.conditions.read(node, env, filtered, strong=strong)

    def _visit(self, message: Message | None, env: Env, place: Place, *, positive: bool) -> None:
        """Builds the subqueries of an expression. `positive`: only whether it is true counts."""
        if isinstance(message, pb.Node):
            message = inner(message)
        if message is None:
            return
        if isinstance(message, pb.SubLink):
            self._sublink(message, env, place, positive=positive)
            return
        if isinstance(message, pb.BoolExpr):
            positive = positive and message.boolop != pb.NOT_EXPR
            for arg in message.args:
                self._visit(arg, env, place, positive=positive)
            return
        if isinstance(message, pb.CaseExpr) and not message.HasField("arg"):
            for when in message.args:
                inside = replace(place, filtering=place.filtering)
                self._visit(when.case_when.expr, env, inside, positive=True)
                self._visit(when.case_when.result, env, place, positive=False)
            self._visit(message.defresult, env, place, positive=False)
            return
        if isinstance(message, pb.FuncCall) and message.HasField("agg_filter"):
            self._visit(message.agg_filter, env, place, positive=True)
            rest = copy(message)
            rest.ClearField("agg_filter")
            message = rest
        for part in parts(message):
            self._visit(part, env, place, positive=False)

    def _sublink(self, link: pb.SubLink, env: Env, place: Place, *, positive: bool) -> None:
        query = link.subselect.select_stmt
        filtering = place.filtering or link.sub_link_type not in (
            pb.EXPR_SUBLINK,
            pb.ARRAY_SUBLINK,
        )
        if filtering:
            role = Role.FILTER
        elif link.sub_link_type == pb.ARRAY_SUBLINK or aggregates(query):
            role = Role.GROUPED
        else:
            role = place.role
        first = len(self.graph.rels)
        inside = Place(spine=False, role=role, filtering=filtering)
        columns, below = self._select(query, env, inside)
        self._sublinks[link.location] = columns
        self._inside[link.location] = frozenset(range(first, len(self.graph.rels)))
        if link.HasField("testexpr"):
            self._visit(link.testexpr, env, place, positive=False)
        if link.sub_link_type == pb.ANY_SUBLINK and is_equality(link.oper_name):
            if positive:
                self.conditions.contains(link, env, [r for _, r in columns], below)
            else:
                for rel in below:
                    self.graph.note(rel, "a NULL there decides NOT IN; write NOT EXISTS")

    def _subquery(self, link: pb.SubLink) -> tuple[list[Resolved], frozenset[int]]:
        """The columns of a subquery already visited, and the appearances in it."""
        columns = self._sublinks[link.location]
        return [result for _, result in columns], self._inside[link.location]
