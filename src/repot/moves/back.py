"""Derives the way back of a V1 table: its columns as a SELECT over V2.

It is derived where a move keeps the table's rows one by one: the move has one arm, the table drives
it, and the table's primary key can be read from the move's key, as it is or through a registry.
What V2 holds as a copy of a V1 column is carried; other columns keep V1's value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repot.model.base import Value
from repot.model.catalog import Catalog, Column, Table
from repot.model.plan import Derivation, Registry, Role, Use
from repot.moves.analysis import ast
from repot.moves.analysis.ast import pb
from repot.moves.back_registry import Sources, key_columns, looked_up_columns, table_of_v2

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


@dataclass
class _Way:
    """What one move makes of the table. `keyed`: V2's key holds V1's key as it is."""

    move: Derivation
    made: Table
    use: Use
    sources: Sources
    keyed: bool


def derive_back(
    table: Table,
    moves: Sequence[Derivation],
    registries: Sequence[Registry],
    source: Catalog,
    target: Catalog,
) -> DerivedBack:
    """The way back of a V1 table.

    The V2 table that keeps most of its columns gives the rows. Another V2 table that is made of it
    too gives what the first has not, where a row of it may be missing without harm: of columns that
    may be NULL.

    :param moves: all compiled moves
    :param source: V1 as it is
    :param target: V2 as target.sql makes it
    """
    if not table.primary:
        return DerivedBack(sql=None, why="it has no primary key")
    reasons: list[str] = []
    ways: list[_Way] = []
    for move in moves:
        use = next((u for u in move.uses if u.source == table.name and _drives(u)), None)
        if use is not None:
            way = _way(table, move, use, registries, target)
            if isinstance(way, str):
                reasons.append(way)
            else:
                ways.append(way)
    if not ways:
        return DerivedBack(sql=None, why="; ".join(reasons) or "no move is driven by it")
    required = {c.name for c in table.columns if _required(c)}
    ways.sort(key=lambda w: (len(required - set(w.sources.columns)), -len(w.sources.columns)))
    return _composed(table, ways[0], ways[1:])


def returns(new: Column, old: Column) -> bool:
    """Whether a value of the V2 column's type may be assigned to the V1 column's: equal types, the
    integers, the texts, and a type with another modifier. A value that does not fit is an error
    when it is written, not a silent change; one that nobody changed on V2 is not written."""
    if new.type == old.type or new.base_type == old.base_type:
        return True
    pair = {new.base_type, old.base_type}
    return pair <= set(_INTEGERS) or pair <= set(_TEXTS)


def _drives(use: Use) -> bool:
    return use.role in (Role.DRIVING, Role.GROUPED)


def _way(
    table: Table,
    move: Derivation,
    use: Use,
    registries: Sequence[Registry],
    target: Catalog,
) -> _Way | str:
    """What the move makes of the table, or why nothing leads back from it."""
    made = target.get(move.table)
    arms = max((len(o.direct) for o in move.outputs), default=0)
    if made is None:
        return f"V2 has no table {move.name}"
    if arms != 1:
        return f"{move.name} is made of {arms} sources (UNION ALL)"
    if use.role is Role.GROUPED:
        return f"{move.name} makes one row of several of its rows"
    sources = Sources("repot_v2", table_of_v2(made.name.name, "repot_v2"))
    keys = key_columns(table, move, use, registries, sources)
    if keys is None:
        return f"its primary key cannot be read from the key of {move.name}"
    columns = _copies(table, move, made, use, sources.alias) | keys
    for name, node in looked_up_columns(table, move, use, registries, sources).items():
        columns.setdefault(name, node)
    sources.columns = columns
    keyed = use.link is not None and use.link.locate is None
    return _Way(move, made, use, sources, keyed)


def _copies(
    table: Table, move: Derivation, made: Table, use: Use, alias: str
) -> dict[str, pb.Node]:
    """V1 columns that V2 keeps as they are, cast back where the type was widened. Those of another
    row of the same table (its parent's name) are none of the row's own."""
    found: dict[str, pb.Node] = {}
    for output in move.outputs:
        copied = output.direct[0]
        ours = made.column(output.name)
        if copied is None or copied[0] != table.name or ours is None or copied[1] in found:
            continue
        if output.own[0] != use.own:
            continue
        theirs = table.column(copied[1])
        if theirs is not None and returns(ours, theirs):
            value = ast.column(alias, ours.name)
            narrower = ours.base_type != theirs.base_type and theirs.base_type in _INTEGERS
            found[theirs.name] = ast.cast(value, _INTEGERS[theirs.base_type]) if narrower else value
    return found


def _composed(table: Table, main: _Way, others: Sequence[_Way]) -> DerivedBack:
    sources, columns = main.sources, main.sources.columns
    for way in others:
        wanted = [
            c.name
            for c in table.columns
            if c.name not in columns and c.name in way.sources.columns and not c.not_null
        ]
        if not wanted or not way.keyed or way.use.link is None:
            continue
        on = [
            (theirs, columns[mine])
            for mine, theirs in zip(way.use.link.capture, way.move.scope, strict=True)
        ]
        alias = sources.join_table(way.made.name.name, on)
        copies = _copies(table, way.move, way.made, way.use, alias)
        columns.update({name: copies[name] for name in wanted if name in copies})
    plain = [c for c in table.columns if not c.generated]
    left_out = [
        LeftOut(column=c.name, why=_why(table, c, main)) for c in plain if c.name not in columns
    ]
    for column in plain:
        if column.name not in columns and _required(column):
            why = _why(table, column, main)
            return DerivedBack(sql=None, why=f"{column.name} must not be NULL, and {why}")
    targets = [ast.target(columns[c.name], c.name) for c in plain if c.name in columns]
    select = ast.query(targets, [sources.item], [])
    return DerivedBack(sql=ast.text_of(select), left_out=tuple(left_out))


def _required(column: Column) -> bool:
    return column.not_null and column.default is None and not column.identity


def _why(table: Table, column: Column, way: _Way) -> str:
    for output in way.move.outputs:
        if output.direct[0] == (table.name, column.name):
            ours = way.made.column(output.name)
            if ours is not None:
                return f"{way.move.name}.{output.name} is {ours.type}, it is {column.type}"
    return f"{way.move.name} has no copy of it"
