"""Moves that make other rows: several of one, one of several, one table of several."""

from __future__ import annotations

from property.model import Move, Output, Table
from property.names import quoted
from property.shapes import Making, copy_of, of, predicate, select
from property.tables import literal
from property.values import ARRAYS, GROUPABLE, SUMMABLE


def unnested(making: Making, table: Table) -> Move | None:
    """A row for each element of an array."""
    arrays = [c for c in table.columns if c.type in ARRAYS]
    if not arrays:
        return None
    names, column = making.column_names(), making.rng.choice(arrays)
    outputs = [copy_of(making, table.column(c), names) for c in table.primary]
    outputs = [Output(o.name, o.text, o.type, True) for o in outputs]
    outputs.append(Output(names.new(), "u.n", "bigint", True))
    key = tuple(o.name for o in outputs)
    outputs.append(Output(names.new(), "u.v", ARRAYS[column.type]))
    source = (
        f"from {quoted(table.name)} t\n"
        f"cross join lateral unnest({of('t', column.name)}) with ordinality as u(v, n)"
    )
    return Move(making.names.new(), frozenset({"split"}), select(outputs, source), outputs, key)


def grouped(making: Making, table: Table, *, alone: bool = False) -> Move | None:
    """One row for all that share a value. `alone`: the table goes nowhere else."""
    columns = [c for c in table.rest if c.type in GROUPABLE]
    if not columns:
        return None
    names, column = making.column_names(), making.rng.choice(columns)
    text = of("t", column.name)
    key = Output(names.new(), text, column.type, not_null=True)
    order = ", ".join(of("t", c) for c in table.primary)
    one = of("t", table.primary[0])
    forms = [
        ("count(*)", "bigint"),
        (f"array_agg({one} order by {order})", f"{table.column(table.primary[0]).type}[]"),
        (f"string_agg({one}::text, ',' order by {order})", "text"),
    ]
    for other in table.rest:
        value = of("t", other.name)
        if other.type in SUMMABLE:
            total = "bigint" if other.type == "integer" else "numeric"
            forms += [(f"sum({value})", total), (f"max({value})", other.type)]
        if other.type == "boolean":
            forms += [
                (f"bool_or({value})", "boolean"),
                (f"count(*) filter (where {value})", "bigint"),
            ]
        forms.append((f"count({value})", "bigint"))
    chosen = making.rng.sample(forms, min(len(forms), making.rng.randint(1, 3)))
    outputs = [key, *(Output(names.new(), t, kind) for t, kind in chosen)]
    source = f"from {quoted(table.name)} t"
    if not column.not_null:
        source += f"\nwhere {text} is not null"
        if alone:
            making.left_rows.append((table.name, f"{quoted(column.name)} is null"))
    source += f"\ngroup by {text}"
    kinds = frozenset({"grouped"})
    return Move(making.names.new(), kinds, select(outputs, source), outputs, (key.name,))


def distinct(making: Making, table: Table) -> Move | None:
    """The values that a column has."""
    columns = [c for c in table.rest if c.type in GROUPABLE]
    if not columns:
        return None
    column, names = making.rng.choice(columns), making.column_names()
    key = Output(names.new(), of("t", column.name), column.type, not_null=True)
    text = f"select distinct {key.text} as {quoted(key.name)} from {quoted(table.name)} t"
    if not column.not_null:
        text += f" where {key.text} is not null"
    return Move(making.names.new(), frozenset({"distinct"}), text, [key], (key.name,))


def unioned(making: Making, tables: list[Table]) -> Move:
    """An arm for each of the tables, whose keys are of one type; some leave rows out."""
    names = making.column_names()
    (first,) = tables[0].primary
    kind = tables[0].column(first).type
    source = Output(names.new(), "", "text", not_null=True)
    key = Output(names.new(), "", kind, not_null=True)
    more = [Output(names.new(), "", "text") for _ in range(making.rng.randint(1, 2))]
    arms = []
    for number, table in enumerate(tables):
        values = [f"'{'abc'[number]}'::text", of("t", table.primary[0])]
        values += [f"{of('t', making.rng.choice(table.columns).name)}::text" for _ in more]
        text = f"select {', '.join(f'{v} as {quoted(o.name)}' for v, o in zip(values, [source, key, *more], strict=True))}\n"
        text += f"from {quoted(table.name)} t"
        if making.chance(0.3):
            column = making.rng.choice(table.columns)
            at = making.rng.getstate()
            text += f"\nwhere {predicate(making, column, 't')}"
            making.rng.setstate(at)
            making.left_rows.append((table.name, f"({predicate(making, column)}) is not true"))
        arms.append(text)
    outputs = [source, key, *more]
    text = "\nunion all\n".join(arms)
    if making.chance(0.15):
        arms_key = tables[0]
        text += (
            f"\nunion all\nselect {literal('z')}, t.{quoted(arms_key.primary[0])}"
            + ", 'again'" * len(more)
            + f" from {quoted(arms_key.name)} t"
        )
    kinds = frozenset({"union"})
    return Move(making.names.new(), kinds, text, outputs, (source.name, key.name))
