"""Ways back through registries: a V2 column that holds a registry's value gives back its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from repot.model.catalog import Table
from repot.model.plan import Derivation, Registry, Use
from repot.moves.analysis import ast
from repot.moves.analysis.ast import pb


@dataclass
class Sources:
    """FROM of a way back: the V2 table, and what is joined to it."""

    alias: str
    item: pb.Node
    count: int = 0
    columns: dict[str, pb.Node] = field(default_factory=dict)  # V1's columns, as found so far

    def join(self, rows: pb.SelectStmt, on: Sequence[tuple[str, str]], *, outer: bool) -> str:
        """Joins a subquery by equality of (its column, the V2 table's column); gives its alias."""
        alias = self._alias("registry")
        item = pb.RangeSubselect(alias=pb.Alias(aliasname=alias))
        item.subquery.select_stmt.CopyFrom(rows)
        quals = [
            ast.equals(ast.column(alias, theirs), ast.column(self.alias, ours))
            for theirs, ours in on
        ]
        self._add(pb.Node(range_subselect=item), quals, outer=outer)
        return alias

    def join_table(self, name: str, on: Sequence[tuple[str, pb.Node]]) -> str:
        """Joins a V2 table, where it has a row, by equality of (its column, a value)."""
        alias = self._alias("v2")
        quals = [ast.equals(ast.column(alias, theirs), value) for theirs, value in on]
        self._add(table_of_v2(name, alias), quals, outer=True)
        return alias

    def _alias(self, kind: str) -> str:
        self.count += 1
        return f"repot_{kind}_{self.count}"

    def _add(self, item: pb.Node, quals: Sequence[pb.Node], *, outer: bool) -> None:
        self.item = pb.Node(
            join_expr=pb.JoinExpr(
                jointype=pb.JOIN_LEFT if outer else pb.JOIN_INNER,
                larg=self.item,
                rarg=item,
                quals=ast.both(quals),
            )
        )


def table_of_v2(name: str, alias: str) -> pb.Node:
    """A V2 table by its bare name: the text is compiled over V2 and over the forward views."""
    table = pb.RangeVar(relname=name, inh=True, relpersistence="p")
    table.alias.aliasname = alias
    return pb.Node(range_var=table)


def key_columns(
    table: Table, move: Derivation, use: Use, registries: Sequence[Registry], sources: Sources
) -> dict[str, pb.Node] | None:
    """The primary key's columns as values of the way back; None where the move's key does not
    fix them, or is not fixed by them."""
    link = use.link
    if link is None or set(link.capture) != set(table.primary) or set(move.scope) != set(move.key):
        return None
    if link.locate is None:
        return {
            mine: ast.column(sources.alias, theirs)
            for mine, theirs in zip(link.capture, move.scope, strict=True)
        }
    # The link says which keys of V2 belong to which of V1; it lasts if only registries say so.
    select = ast.select_of(link.locate)
    if select.op != pb.SETOP_NONE or not _reads_only(select, registries):
        return None
    alias = sources.join(select, [(c, c) for c in move.scope], outer=False)
    return {
        mine: ast.column(alias, f"repot_link_{i}") for i, mine in enumerate(link.capture, start=1)
    }


def _reads_only(select: pb.SelectStmt, registries: Sequence[Registry]) -> bool:
    known = {(r.table.schema_, r.table.name) for r in registries}
    tables = [m for m in ast.everything(select) if isinstance(m, pb.RangeVar)]
    return all((t.schemaname, t.relname) in known for t in tables)


def looked_up_columns(
    table: Table,
    move: Derivation,
    use: Use,
    registries: Sequence[Registry],
    sources: Sources,
) -> dict[str, pb.Node]:
    """V1 columns that V2 keeps as a registry's value: read back by joining the registry."""
    found: dict[str, pb.Node] = {}
    for registry in registries:
        if registry.setting.within:  # the value alone names no key
            continue
        uses = [u for u in move.uses if u.source == registry.table]
        shown = [o for o in move.outputs if o.direct[0] == (registry.table, "value")]
        if len(uses) != 1 or len(shown) != 1 or shown[0].name in move.key:
            continue
        link = uses[0].link
        if link is None or link.locate is None or set(link.capture) != set(registry.setting.key):
            continue
        looked_up = _looked_up(ast.select_of(link.locate), table, use, link.capture)
        if looked_up is None:
            continue
        columns, constants = looked_up
        rows = ast.query(
            [ast.target(ast.column("repot_known", c), c) for c in (*columns, "value")],
            [ast.relation(registry.table.schema_, registry.table.name, "repot_known")],
            [ast.equals(ast.column("repot_known", c), v) for c, v in constants.items()],
        )
        alias = sources.join(rows, [("value", shown[0].name)], outer=True)
        found |= {mine: ast.column(alias, theirs) for theirs, mine in columns.items()}
    return found


def _looked_up(
    select: pb.SelectStmt, table: Table, use: Use, capture: Sequence[str]
) -> tuple[dict[str, str], dict[str, pb.Node]] | None:
    """Of a registry's link: which column of the table, as the use shows it, each of its key columns
    is looked up by, and which are constants."""
    if select.op != pb.SETOP_NONE:
        return None
    aliases = {
        n.range_var.alias.aliasname
        for n in select.from_clause
        if n.HasField("range_var")
        and (n.range_var.schemaname, n.range_var.relname) == (table.name.schema_, table.name.name)
        and n.range_var.alias.aliasname == use.own
    }
    columns: dict[str, str] = {}
    constants: dict[str, pb.Node] = {}
    for name, node in zip(capture, select.target_list[-len(capture) :], strict=True):
        value = node.res_target.val
        if value.HasField("column_ref"):
            alias, column = ast.words(value.column_ref.fields)
            if alias not in aliases:
                return None
            columns[name] = column
        elif value.HasField("a_const") or (
            value.HasField("type_cast") and value.type_cast.arg.HasField("a_const")
        ):
            constants[name] = value
        else:
            return None
    return columns, constants
