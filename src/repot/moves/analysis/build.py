"""Takes an arm apart: which tables appear in it, and which equalities tie them together.

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
  or a window function stands between and needs the other rows (`_passes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from repot.model.catalog import Table
from repot.model.names import Name
from repot.model.plan import Role
from repot.moves.analysis.ast import Message, column, copy, inner, parts, pb, rewrite, same, words
from repot.moves.analysis.env import Env, Item, computed
from repot.moves.analysis.expressions import Resolver
from repot.moves.analysis.functions import aggregates, windows
from repot.moves.analysis.graph import Atom, Col, Graph, Rel, Resolved, Val, comparable
from repot.moves.analysis.inline import Unsupported

Columns = list[tuple[str, Resolved]]


@dataclass(frozen=True)
class Place:
    """Where a query stands: what its tables are to the arm."""

    top: bool = False  # the arm itself
    spine: bool = True  # a row of the arm needs a row of each table here
    role: Role = Role.JOINED
    filtering: bool = False


class Builder:
    """Builds the graph of one arm.

    :raises Unsupported: by `build`, for what cannot be followed at all.
    """

    def __init__(self, tables: Mapping[Name, Table]) -> None:
        self.tables = tables
        self.graph = Graph()
        self.resolver = Resolver(self.graph, self._subquery)
        self._sublinks: dict[int, Columns] = {}
        self._inside: dict[int, frozenset[int]] = {}

    def build(self, arm: pb.SelectStmt) -> Graph:
        self.graph.outputs = self._select(arm, None, Place(top=True))[0]
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
            self.graph.group = self._group(select, columns, env)
        return columns, below

    def _group(self, select: pb.SelectStmt, columns: Columns, env: Env) -> frozenset[Col]:
        by = [*select.group_clause, *(n for n in select.distinct_clause if n.WhichOneof("node"))]
        found = [self.resolver.resolve(n, env) for n in by] if by else [c for _, c in columns]
        cols = {r.col for r in found if r.col is not None}
        grown = True
        while grown:
            before = len(cols)
            for atom in self.graph.atoms:
                ends = {atom.target, atom.source.col}
                if atom.source.col is not None and ends & cols:
                    cols |= {atom.target, atom.source.col}
            grown = len(cols) > before
        return frozenset(cols)

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
            columns.append((name, Resolved(values, targets, one.rels | other.rels)))
        return columns, below_left | below_right

    def _outputs(self, select: pb.SelectStmt, env: Env, below: frozenset[int]) -> Columns:
        columns = []
        grouped = aggregates(select)
        for node in select.target_list:
            result = self.resolver.resolve(node.res_target.val, env)
            if result.targets and not self._passes(select, node.res_target.val, result, env):
                result = replace(result, targets=())
            if grouped and result.values is None:
                result = replace(result, rels=result.rels | below)  # count(*) names no column
            columns.append((node.res_target.name or _implied(node.res_target.val), result))
        return columns

    def _passes(self, select: pb.SelectStmt, node: pb.Node, result: Resolved, env: Env) -> bool:
        """Whether a filter on the column may be applied before the query's other clauses."""
        if select.HasField("limit_count") or select.HasField("limit_offset"):
            self.graph.obstacles.append("LIMIT or OFFSET")
            return False
        # Needs the rows of equal values together, and no others: the column must be one of them.
        apart = windows(select)
        if aggregates(select):
            apart.append(list(select.group_clause))
        if any(n.WhichOneof("node") for n in select.distinct_clause):
            apart.append(list(select.distinct_clause))
        for group in apart:
            if any(n.HasField("grouping_set") for n in group):
                self.graph.obstacles.append("GROUPING SETS")
                return False
            if not self._among(node, result, group, env):
                self.graph.obstacles.append(
                    "GROUP BY, DISTINCT ON or a window function over other columns"
                )
                return False
        return True

    def _among(self, node: pb.Node, result: Resolved, group: list[pb.Node], env: Env) -> bool:
        if any(same(node, each) for each in group):
            return True
        col = result.col
        if col is None:
            return False
        cols = {self.resolver.resolve(each, env).col for each in group}
        table = self.graph.rels[col.rel].table
        names = {c.name for c in cols if c is not None and c.rel == col.rel}
        # The primary key in the group fixes the whole row.
        return col in cols or (
            table is not None and bool(table.primary) and set(table.primary) <= names
        )

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
            columns = _renamed(columns, item.alias)
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
            raise Unsupported(f"{name}, which is not a table that Repot follows")
        alias = item.alias.aliasname or item.relname
        rel = self._add(alias, place, table=table, mark=item.location)
        columns: Columns = []
        for each in table.columns:
            col = Col(rel.id, each.name, each)
            value = Val(column(rel.own, each.name), frozenset({rel.id}), col)
            columns.append((each.name, Resolved((value,), (col,), value.rels, bare=True)))
        columns = _renamed(columns, item.alias)
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
        rel.item = self._reproduced(node, rel, env)
        columns: Columns = [(n, computed(rel, n)) for n in words(item.alias.colnames)]
        env.items[item.alias.aliasname] = Item(dict(columns), open=rel)
        return columns, {rel.id}

    def _reproduced(self, node: pb.Node, rel: Rel, env: Env) -> pb.Node | None:
        """The item under its own alias, over the tables' own aliases; None if that cannot be."""
        if rel.depends & self.graph.nulled:
            return None  # it may make rows of a NULL, where the table has none
        twin, failed = copy(node), False

        def change(inside: pb.Node) -> pb.Node | None:
            nonlocal failed
            failed |= inside.HasField("sub_link")
            if not inside.HasField("column_ref"):
                return None
            values = env.lookup(inside.column_ref)[0].values
            if values is None or len(values) != 1:
                failed = True
                return inside
            return copy(values[0].node)

        rewrite(twin, change)
        held = inner(twin)
        assert isinstance(
            held, pb.RangeSubselect | pb.RangeFunction | pb.RangeTableFunc | pb.JsonTable
        )
        held.alias.aliasname = rel.own
        held.lateral = bool(rel.depends)
        return None if failed else twin

    def _add(
        self,
        alias: str,
        place: Place,
        *,
        table: Table | None = None,
        depends: frozenset[int] = frozenset(),
        mark: int = 0,
    ) -> Rel:
        number = len(self.graph.rels)
        rel = Rel(
            id=number,
            alias=alias,
            own=f"repot_{number}",
            role=place.role,
            mark=mark,
            table=table,
            depends=depends,
            spine=place.spine,
            filtering=place.filtering,
        )
        self.graph.rels[number] = rel
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
            self._equal(one, other, filtered, strong)
            if left_loose and right_loose:
                self._full(one, other)
                both = self.resolver.either(one, other)
            else:
                both = other if left_loose else one
            merged.append((name, both))
        if join.HasField("quals"):
            if left_loose and right_loose:
                for part in _conjuncts(join.quals):
                    if isinstance(part, pb.A_Expr) and part.kind == pb.AEXPR_OP:
                        self._full_condition(part, env)
            self._condition(join.quals, env, place, filtered, strong=strong)
        if right_loose:
            self.graph.nulled |= in_right
        if left_loose:
            self.graph.nulled |= in_left
        names = {n for n, _ in merged}
        columns = merged + [c for c in (*left, *right) if c[0] not in names]
        if join.HasField("join_using_alias"):
            env.items[join.join_using_alias.aliasname] = Item(dict(merged))
        if join.HasField("alias"):
            columns = _renamed(columns, join.alias)
            env.items[join.alias.aliasname] = Item(dict(columns))
        else:
            env.merged.update(merged)
        return columns, in_left | in_right

    def _full_condition(self, part: pb.A_Expr, env: Env) -> None:
        if _is_equality(part.name) and part.HasField("lexpr"):
            self._full(
                self.resolver.resolve(part.lexpr, env), self.resolver.resolve(part.rexpr, env)
            )

    def _full(self, one: Resolved, other: Resolved) -> None:
        """Remembers two columns that a FULL JOIN ties: where both are there, they are equal."""
        if one.col and other.col and comparable(one.col.column, other.col.column):
            self.graph.full.add(frozenset({one.col, other.col}))

    # -- conditions

    def _condition(
        self, node: pb.Node, env: Env, place: Place, filtered: set[int], *, strong: bool
    ) -> None:
        """A condition of WHERE or ON that filters the appearances `filtered`."""
        self._visit(node, env, replace(place, filtering=True), positive=True)
        for part in _conjuncts(node):
            if not isinstance(part, pb.A_Expr) or not _is_equality(part.name):
                continue
            if part.kind == pb.AEXPR_OP and part.HasField("lexpr"):
                left = self.resolver.resolve(part.lexpr, env)
                right = self.resolver.resolve(part.rexpr, env)
                self._equal(left, right, filtered, strong)
            elif part.kind == pb.AEXPR_OP_ANY:
                self._one_of(part, env, filtered)

    def _equal(self, one: Resolved, other: Resolved, filtered: set[int], strong: bool) -> None:
        for ends, source in ((one, other), (other, one)):
            if not source.values:
                continue  # not known, or NULL always: an equality that says nothing
            for target in ends.targets:
                if target.rel not in filtered or not target.column.deterministic:
                    continue
                values = source.values
                if any(v.col and not comparable(target.column, v.col.column) for v in values):
                    continue
                if target.column.base_type == "character" and any(v.col is None for v in values):
                    continue
                if any(target.rel in self._with_dependencies(v.rels) for v in values):
                    continue
                sure = strong and len(ends.targets) == 1 and len(values) == 1
                self.graph.atoms.append(Atom(target, source, sure))

    def _with_dependencies(self, rels: frozenset[int]) -> frozenset[int]:
        return rels.union(*(self.graph.rels[r].depends for r in rels))

    def _one_of(self, test: pb.A_Expr, env: Env, filtered: set[int]) -> None:
        """`a = ANY (ARRAY[x, y])`: a is one of the elements."""
        array = inner(test.rexpr)
        while isinstance(array, pb.TypeCast):
            array = inner(array.arg)
        if not isinstance(array, pb.A_ArrayExpr):
            return
        elements = [self.resolver.resolve(e, env) for e in array.elements]
        if any(e.values is None for e in elements):
            return
        values = tuple(v for e in elements for v in e.values or ())
        self._equal(self.resolver.resolve(test.lexpr, env), Resolved(values), filtered, False)

    # -- subqueries in expressions

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
        if link.sub_link_type == pb.ANY_SUBLINK and positive and _is_equality(link.oper_name):
            test = inner(link.testexpr)
            sides = list(test.args) if isinstance(test, pb.RowExpr) else [link.testexpr]
            for side, (_, result) in zip(sides, columns, strict=True):
                self._equal(self.resolver.resolve(side, env), result, below, False)

    def _subquery(self, link: pb.SubLink) -> tuple[list[Resolved], frozenset[int]]:
        """The columns of a subquery already visited, and the appearances in it."""
        columns = self._sublinks[link.location]
        return [result for _, result in columns], self._inside[link.location]


def _renamed(columns: Columns, alias: pb.Alias) -> Columns:
    names = words(alias.colnames)
    return [(n, c) for n, (_, c) in zip(names, columns, strict=False)] + columns[len(names) :]


def _conjuncts(node: pb.Node) -> list[Message | None]:
    held = inner(node)
    if isinstance(held, pb.BoolExpr) and held.boolop == pb.AND_EXPR:
        return [part for arg in held.args for part in _conjuncts(arg)]
    return [held]


def _is_equality(name: Iterable[pb.Node]) -> bool:
    """The plain `=`; other types' operators are printed with their schema. IN has no name."""
    return words(name) in ((), ("=",), ("pg_catalog", "="))


def _implied(node: pb.Node) -> str:
    """The column's name where the query gives none: a column's own."""
    held = inner(node)
    return words(held.fields)[-1] if isinstance(held, pb.ColumnRef) else ""
