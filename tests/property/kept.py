"""Moves that keep a table's rows one by one: plain, filtered, joined, with a registry, in halves."""

from __future__ import annotations

from property.model import Column, Move, Output, Table, Unique
from property.names import Names, quoted
from property.shapes import Making, Registry, computed, copy_of, of, predicate, same, select
from property.values import TEXTS


def plain(making: Making, table: Table, *kinds: str) -> Move:
    """Copies, with something worked out and something left behind; `kinds` may add to it."""
    names = making.column_names()
    keep = [c for c in table.rest if c.not_null or not making.chance(0.12)]
    outputs = [copy_of(making, table.column(c), names) for c in table.primary]
    outputs += [copy_of(making, c, names) for c in keep]
    if making.chance(0.4):
        outputs.append(computed(making, making.rng.choice(table.columns), names))
    source = f"from {quoted(table.name)} t"
    judged: frozenset[str] = frozenset()
    if "joined" in kinds:
        more, joins = _joined(making, table, names)
        outputs += more
        source += joins
    if "registry" in kinds:
        more, joins, key = _registry(making, table, names)
        outputs += more
        source += joins
    else:
        key = ()
    if "filtered" in kinds:
        column = making.rng.choice(table.rest or table.columns)
        at = making.rng.getstate()
        source += f"\nwhere {predicate(making, column, 't')}"
        making.rng.setstate(at)
        making.left_rows.append((table.name, f"({predicate(making, column)}) is not true"))
        judged = frozenset({column.name})
    if len(outputs) > 3 and making.chance(0.3):
        making.rng.shuffle(outputs)
    move = Move(
        making.names.new(table.name if making.chance(0.3) else ""),
        frozenset(kinds or ("plain",)),
        select(outputs, source),
        outputs,
        key,
        table,
        judged=judged,
        filtered="filtered" in kinds,
        fixed="registry" in kinds,
    )
    return keyed(move, table)


def keyed(move: Move, table: Table) -> Move:
    """With the key and the unique columns that V1's give to V2."""
    copies = move.copies
    mine = tuple(copies[c] for c in table.primary)
    if move.key:
        move.uniques.append(Unique(mine))
    else:
        move.key = mine
    for unique in table.uniques:
        if set(unique.columns) <= set(copies):
            columns = tuple(copies[c] for c in unique.columns)
            move.uniques.append(Unique(columns, unique.deferrable))
    return move


def halves(making: Making, table: Table) -> list[Move]:
    """Two tables out of one: both have the key, each has a part of the rest."""
    moves, rest = [], list(table.rest)
    making.rng.shuffle(rest)
    cut = making.rng.randint(1, max(1, len(rest) - 1))
    for number, part in enumerate((rest[:cut], rest[cut:])):
        names = making.column_names()
        outputs = [copy_of(making, table.column(c), names) for c in table.primary]
        outputs += [copy_of(making, c, names) for c in part]
        text = select(outputs, f"from {quoted(table.name)} t")
        name = making.names.new(table.name if number == 0 and making.chance(0.3) else "")
        kinds = frozenset({"halves"})
        moves.append(keyed(Move(name, kinds, text, outputs, (), table, fixed=True), table))
    return moves


def _registry(
    making: Making, table: Table, names: Names
) -> tuple[list[Output], str, tuple[str, ...]]:
    """A slug, or a new key in the old one's place."""
    texts = [c for c in table.columns if c.type in TEXTS]
    kind = making.rng.choice(["uuid", "number"] + ["slug"] * 2 * bool(texts))
    text = making.rng.choice(texts).name if kind == "slug" else None
    listed = [*table.primary, *([text] if text and text not in table.primary else [])]
    name = f"reg_{len(making.registries)}"
    if making.chance(making.hostility):
        name += ' "É" %'
    query = f"select {', '.join(quoted(c) for c in listed)} from {quoted(table.name)}"
    making.registries.append(Registry(name, kind, table.primary, text, query))
    join = f"\njoin {quoted(name)} r on {same('r', table.primary, 't', table.primary)}"
    types = {"slug": "text", "uuid": "uuid", "number": "bigint"}
    output = Output(names.new(), of("r", "value"), types[kind], not_null=True)
    return [output], join, (output.name,) if kind != "slug" and making.chance(0.5) else ()


def _joined(making: Making, table: Table, names: Names) -> tuple[list[Output], str]:
    """One to three things looked up in other tables, or counted there."""
    makers = [_parent] * 2 * bool(table.foreign)
    makers += [_children] * 2 * bool(_referring(making, table)) + [_by_value]
    outputs: list[Output] = []
    joins = ""
    for number in range(making.rng.randint(1, 2)):
        found = making.rng.choice(makers)(making, table, names, number)
        if found is None:
            found = _by_value(making, table, names, number)
        if found is not None:
            outputs += found[0]
            joins += found[1]
    return outputs, joins


def _parent(
    making: Making, table: Table, names: Names, number: int
) -> tuple[list[Output], str] | None:
    """What the row refers to; and, now and then, what that refers to."""
    key = making.rng.choice(table.foreign)
    parent, alias = making.table(key.parent), f"p{number}"
    always = all(table.column(c).not_null for c in key.columns)
    word = "join" if always and making.chance(0.5) else "left join"
    joins = (
        f"\n{word} {quoted(parent.name)} {alias} on {same(alias, key.referenced, 't', key.columns)}"
    )
    column = making.rng.choice(parent.columns)
    outputs = [Output(names.new(), of(alias, column.name), column.type)]
    if parent.foreign and making.chance(0.4):
        further = making.rng.choice(parent.foreign)
        grand, other = making.table(further.parent), f"g{number}"
        on = same(other, further.referenced, alias, further.columns)
        joins += f"\nleft join {quoted(grand.name)} {other} on {on}"
        column = making.rng.choice(grand.columns)
        outputs.append(Output(names.new(), of(other, column.name), column.type))
    return outputs, joins


def _referring(making: Making, table: Table) -> list[tuple[Table, int]]:
    return [
        (child, n)
        for child in making.tables
        for n, key in enumerate(child.foreign)
        if key.parent == table.name
    ]


def _children(
    making: Making, table: Table, names: Names, number: int
) -> tuple[list[Output], str] | None:
    """What is counted, listed or asked of the rows that refer to this one."""
    child, at = making.rng.choice(_referring(making, table))
    key, alias = child.foreign[at], f"c{number}"
    on = same(alias, key.columns, "t", key.referenced)
    listed = ", ".join(f"{of(alias, c)}::text" for c in child.primary)
    order = ", ".join(of(alias, c) for c in child.primary)
    inner = f"from {quoted(child.name)} {alias} where {on}"
    forms = [
        (f"(select count(*) {inner})", "bigint", ""),
        (f"exists (select {inner})", "boolean", ""),
        (
            f"(select string_agg(concat_ws('.', {listed}), ',' order by {order}) {inner})",
            "text",
            "",
        ),
        (
            f"coalesce(s{number}.n, 0)",
            "bigint",
            f"\nleft join (select {', '.join(of(alias, c) for c in key.columns)}, count(*) as n"
            f" from {quoted(child.name)} {alias}"
            f" group by {', '.join(of(alias, c) for c in key.columns)}) s{number}"
            f" on {same(f's{number}', key.columns, 't', key.referenced)}",
        ),
        (
            f"l{number}.one",
            "text",
            f"\nleft join lateral (select concat_ws('.', {listed}) as one {inner}"
            f" order by {order} limit 1) l{number} on true",
        ),
    ]
    text, kind, join = making.rng.choice(forms)
    return [Output(names.new(), text, kind)], join


def _by_value(
    making: Making, table: Table, names: Names, number: int
) -> tuple[list[Output], str] | None:
    """A unique column that no foreign key points to, by a value of the same type."""
    found: list[tuple[Table, Column, Column]] = []
    for other in making.tables:
        singles = [u.columns[0] for u in other.uniques if len(u.columns) == 1]
        if len(other.primary) == 1:
            singles.append(other.primary[0])
        for theirs in map(other.column, singles):
            found += [(other, theirs, mine) for mine in table.columns if mine.type == theirs.type]
    if not found:
        return None
    other, theirs, mine = making.rng.choice(found)
    alias = f"v{number}"
    join = f"\nleft join {quoted(other.name)} {alias} on {of(alias, theirs.name)} = {of('t', mine.name)}"
    column = making.rng.choice(other.columns)
    return [Output(names.new(), of(alias, column.name), column.type)], join
