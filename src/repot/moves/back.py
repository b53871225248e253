"""Derives the way back of a V1 table: its columns as a SELECT over V2.

It is derived where one move keeps the table's rows one by one: the move has one arm, the table
drives it, and the table's primary key can be read from the move's key, as it is or through a
registry. What V2 holds as a copy of a V1 column is carried; other columns keep V1's value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from repot.model.base import Value
from repot.model.catalog import Catalog, Column, Table
from repot.model.plan import Derivation, Registry, Role, Use
from repot.moves.analysis import ast
from repot.moves.analysis.ast import pb

_INTEGERS = {"smallint": "int2", "integer": "int4", "bigint": "int8"}
_TEXTS = ("text", "character varying")


class LeftOut(Value):
    """A V1 column that the derived way back does not carry."""

    column: str
    why: str


class DerivedBack(Value):
    """`sql`: V1's columns as a SELECT over V2, tables of V2 by their bare names; None: it cannot
    be derived, and `why` says why."""

    sql: str | None
    why: str = ""
    left_out: tuple[LeftOut, ...] = ()


def derive_back(
    table: Table,
    moves: Sequence[Derivation],
    registries: Sequence[Registry],
    source: Catalog,
    target: Catalog,
) -> DerivedBack:
    """The way back of a V1 table.

    :param moves: all compiled moves
    :param source: V1 as it is; part of the signature so that foreign keys may be followed
    :param target: V2 as target.sql makes it
    """
    if not table.primary:
        return _no("it has no primary key")
    reasons: list[str] = []
    found: list[DerivedBack] = []
    for move in moves:
        use = next((u for u in move.uses if u.source == table.name and _drives(u)), None)
        if use is None:
            continue
        result = _through(table, move, use, registries, target)
        if result.sql is None:
            reasons.append(result.why)
        else:
            found.append(result)
    if not found:
        return _no("; ".join(reasons) or "no move is driven by it")
    # Several V2 tables may be made of it; the one that keeps most of its columns speaks for it.
    return min(found, key=lambda back: len(back.left_out))


def _no(why: str) -> DerivedBack:
    return DerivedBack(sql=None, why=why)


def _drives(use: Use) -> bool:
    return use.role in (Role.DRIVING, Role.GROUPED)


@dataclass
class _Sources:
    """FROM of the way back: the V2 table, and registries joined to it."""

    alias: str
    item: pb.Node
    count: int = 0
    seen: dict[str, str] = field(default_factory=dict)

    def join(self, rows: pb.SelectStmt, on: Sequence[tuple[str, str]], *, outer: bool) -> str:
        """Joins a subquery by equality of (its column, the V2 table's column); its alias."""
        self.count += 1
        alias = f"repot_registry_{self.count}"
        item = pb.RangeSubselect(alias=pb.Alias(aliasname=alias))
        item.subquery.select_stmt.CopyFrom(rows)
        quals = ast.both(
            ast.equals(ast.column(alias, theirs), ast.column(self.alias, ours))
            for theirs, ours in on
        )
        self.item = pb.Node(
            join_expr=pb.JoinExpr(
                jointype=pb.JOIN_LEFT if outer else pb.JOIN_INNER,
                larg=self.item,
                rarg=pb.Node(range_subselect=item),
                quals=quals,
            )
        )
        return alias


def _through(
    table: Table,
    move: Derivation,
    use: Use,
    registries: Sequence[Registry],
    target: Catalog,
) -> DerivedBack:
    made = target.get(move.table)
    arms = max((len(o.direct) for o in move.outputs), default=0)
    if made is None:
        return _no(f"V2 has no table {move.name}")
    if arms != 1:
        return _no(f"{move.name} is made of {arms} sources (UNION ALL)")
    if use.role is Role.GROUPED:
        return _no(f"{move.name} makes one row of several of its rows")
    alias = "repot_v2"
    v2 = pb.RangeVar(relname=made.name.name, inh=True, relpersistence="p")
    v2.alias.aliasname = alias
    sources = _Sources(alias, pb.Node(range_var=v2))
    values = _direct(table, move, made, alias)
    keys = _key(table, move, use, registries, sources)
    if keys is None:
        return _no(f"its primary key cannot be read from the key of {move.name}")
    values.update(keys)
    for column, node in _through_registries(table, move, registries, sources).items():
        values.setdefault(column, node)
    left_out = [
        LeftOut(column=c.name, why=_why(table, c, move, made))
        for c in table.columns
        if c.name not in values and not c.generated
    ]
    for missing in left_out:
        lost = table.column(missing.column)
        if lost and lost.not_null and lost.default is None and not lost.identity:
            return _no(f"{missing.column} must not be NULL, and {missing.why}")
    targets = [
        ast.target(values[c.name], c.name)
        for c in table.columns
        if c.name in values and not c.generated
    ]
    select = ast.query(targets, [sources.item], [])
    return DerivedBack(sql=ast.text_of(select), left_out=tuple(left_out))


def _direct(table: Table, move: Derivation, made: Table, alias: str) -> dict[str, pb.Node]:
    """V1 columns that V2 keeps as they are, cast back where the type was widened."""
    found: dict[str, pb.Node] = {}
    for output in move.outputs:
        copied = output.direct[0]
        ours = made.column(output.name)
        if copied is None or copied[0] != table.name or ours is None or copied[1] in found:
            continue
        theirs = table.column(copied[1])
        if theirs is not None and returns(ours, theirs):
            value = ast.column(alias, ours.name)
            narrower = ours.base_type != theirs.base_type and theirs.base_type in _INTEGERS
            found[theirs.name] = ast.cast(value, _INTEGERS[theirs.base_type]) if narrower else value
    return found


def returns(new: Column, old: Column) -> bool:
    """Whether a value of the V2 column's type may be assigned to the V1 column's: equal types, the
    integers, the texts, and a type with another modifier. A value that does not fit is an error
    when it is written, not a silent change; one that nobody changed on V2 is not written."""
    if new.type == old.type or new.base_type == old.base_type:
        return True
    pair = {new.base_type, old.base_type}
    return pair <= set(_INTEGERS) or pair <= set(_TEXTS)


def _key(
    table: Table,
    move: Derivation,
    use: Use,
    registries: Sequence[Registry],
    sources: _Sources,
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


def _through_registries(
    table: Table, move: Derivation, registries: Sequence[Registry], sources: _Sources
) -> dict[str, pb.Node]:
    """V1 columns that V2 keeps as a registry's value: read back by joining the registry."""
    found: dict[str, pb.Node] = {}
    for registry in registries:
        uses = [u for u in move.uses if u.source == registry.table]
        shown = [o for o in move.outputs if o.direct[0] == (registry.table, "value")]
        if len(uses) != 1 or len(shown) != 1 or shown[0].name in move.key:
            continue
        link = uses[0].link
        if link is None or link.locate is None or set(link.capture) != set(registry.setting.key):
            continue
        looked_up = _looked_up(ast.select_of(link.locate), table, link.capture)
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
    select: pb.SelectStmt, table: Table, capture: Sequence[str]
) -> tuple[dict[str, str], dict[str, pb.Node]] | None:
    """Of a registry's link: which column of the table each of its key columns is looked up by,
    and which are constants."""
    if select.op != pb.SETOP_NONE:
        return None
    aliases = {
        n.range_var.alias.aliasname
        for n in select.from_clause
        if n.HasField("range_var")
        and (n.range_var.schemaname, n.range_var.relname) == (table.name.schema_, table.name.name)
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
        elif value.HasField("type_cast") or value.HasField("a_const"):
            constants[name] = value
        else:
            return None
    return columns, constants


def _why(table: Table, column: Column, move: Derivation, made: Table) -> str:
    for output in move.outputs:
        if output.direct[0] == (table.name, column.name):
            ours = made.column(output.name)
            if ours is not None:
                return f"{move.name}.{output.name} is {ours.type}, it is {column.type}"
    return f"{move.name} has no copy of it"
