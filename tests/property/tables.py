"""Random tables of V1: keys of all kinds, unique columns, foreign keys in all directions."""

from __future__ import annotations

import random
from dataclasses import replace

from property.model import NO_ACTION, Column, Foreign, Table, Unique
from property.names import Names, quoted
from property.values import KEY_TYPES, PLAIN, key_domain


def random_tables(rng: random.Random, hostility: float) -> list[Table]:
    """2 to 6 tables; the later ones refer to earlier ones, to themselves, or in a circle."""
    names = Names(rng, hostility)
    tables: list[Table] = []
    for _ in range(rng.choices((2, 3, 4, 5, 6), (2, 4, 4, 2, 1))[0]):
        tables.append(_table(rng, names.new(), Names(rng, hostility), tables))
    if len(tables) > 2 and rng.random() < 0.2:
        _refer(rng, Names(rng, hostility), tables[0], tables[-1], nullable=True)
        for table in tables:  # Repot wants the keys of a circle of tables to wait for the commit
            table.foreign = [replace(key, deferrable=True) for key in table.foreign]
    return tables


def _table(rng: random.Random, name: str, names: Names, earlier: list[Table]) -> Table:
    kind = rng.choice(KEY_TYPES)
    identity = kind in ("integer", "bigint") and rng.random() < 0.3
    key = Column(
        names.new(rng.choice(("id", ""))), kind, key_domain(kind, rng), True, None, identity
    )
    table = Table(name, [key], (key.name,))
    for _ in range(rng.choices((0, 1, 2), (2, 5, 2))[0]):
        parents = [*earlier, *([table] if rng.random() < 0.4 else [])]
        if parents:
            parent = rng.choice(parents)
            # A row that had to refer to one of its own table could only refer to itself.
            nullable = parent is table or rng.random() < 0.6
            _refer(rng, names, table, parent, nullable=nullable)
    _compose(rng, names, table)
    _unique(rng, names, table)
    for _ in range(rng.randint(1, 4)):
        table.columns.append(_plain(rng, names))
    if rng.random() < 0.4:
        array = rng.choice(("text[]", "integer[]"))
        table.columns.append(Column(names.new(), array, PLAIN[array], rng.random() < 0.5))
    return table


def _plain(rng: random.Random, names: Names) -> Column:
    kind = rng.choice(list(PLAIN))
    default = rng.choice(PLAIN[kind]) if rng.random() < 0.3 else None
    return Column(names.new(), kind, PLAIN[kind], rng.random() < 0.3, default)


def _refer(
    rng: random.Random, names: Names, table: Table, parent: Table, *, nullable: bool
) -> None:
    """A foreign key to the parent's primary key, or to a unique column of it."""
    targets = [parent.primary] * 3
    if parent is not table:
        targets += [u.columns for u in parent.uniques if not u.deferrable]
    referenced = rng.choice(targets)
    actions = [NO_ACTION, "restrict", "cascade", "cascade"] + ["set null"] * 2 * nullable
    columns = []
    for name in referenced:
        theirs = parent.column(name)
        own = _fitted(f"{theirs.name}_of") if rng.random() < 0.5 else ""
        while own and own in {c.name for c in table.columns}:
            own += "_"
        column = Column(own or _fresh(names, table), theirs.type, theirs.domain, not nullable)
        columns.append(column.name)
        table.columns.append(column)
    on_delete, on_update = rng.choice(actions), rng.choice(actions)
    table.foreign.append(
        Foreign(tuple(columns), parent.name, referenced, on_delete, on_update, rng.random() < 0.15)
    )


def _fitted(name: str) -> str:
    """A name that the server does not cut."""
    return name.encode()[:40].decode(errors="ignore")


def _fresh(names: Names, table: Table) -> str:
    name = names.new()
    while name in {c.name for c in table.columns}:
        name = names.new()
    return name


def _compose(rng: random.Random, names: Names, table: Table) -> None:
    """Now and then a key of several columns: a link between tables, or a line of something."""
    (key,) = table.primary
    if rng.random() > 0.25 or any(f.parent == table.name for f in table.foreign):
        return
    column = table.column(key)
    if table.foreign and rng.random() < 0.6:
        mine = table.foreign[0].columns
        table.columns = [replace(c, not_null=True) if c.name in mine else c for c in table.columns]
        table.foreign[0] = _without_null(table.foreign[0])
        table.columns.remove(column)
        second = Column(column.name, "integer", ("1", "2", "3"), True)
        table.columns.append(second)
        table.primary = (*mine, second.name)
    else:
        table.columns[0] = replace(column, domain=column.domain[:8], identity=False)
        second = Column(_fresh(names, table), "text", ("", "a", "A", "%s", "é"), True)
        table.columns.append(second)
        table.primary = (column.name, second.name)


def _without_null(key: Foreign) -> Foreign:
    return replace(
        key,
        on_delete="cascade" if key.on_delete == "set null" else key.on_delete,
        on_update="cascade" if key.on_update == "set null" else key.on_update,
    )


def _unique(rng: random.Random, names: Names, table: Table) -> None:
    if rng.random() < 0.55:
        kind = rng.choice(("integer", "text", "character varying(20)"))
        column = Column(_fresh(names, table), kind, key_domain(kind, rng), rng.random() < 0.5)
        table.columns.append(column)
        table.uniques.append(Unique((column.name,), rng.random() < 0.2))
    if rng.random() < 0.15:
        two = [
            Column(_fresh(names, table), kind, key_domain(kind, rng)[:8], rng.random() < 0.5)
            for kind in ("integer", "text")
        ]
        table.columns += two
        table.uniques.append(Unique(tuple(c.name for c in two)))


def table_ddl(schema: str, table: Table) -> str:
    lines = []
    for c in table.columns:
        line = f"{quoted(c.name)} {c.type}"
        if c.identity:
            line += " generated by default as identity (start with 1000)"
        if c.default is not None:
            line += f" default {literal(c.default)}"
        lines.append(line + " not null" * c.not_null)
    lines.append(f"primary key ({columns_list(table.primary)})")
    lines += [
        f"unique ({columns_list(u.columns)})" + " deferrable initially immediate" * u.deferrable
        for u in table.uniques
    ]
    return f"create table {quoted(schema, table.name)} (\n  " + ",\n  ".join(lines) + ");\n"


def foreign_ddl(table: str, parent: str, key: Foreign) -> str:
    """`table` and `parent` as they are written, quoted."""
    return (
        f"alter table {table} add foreign key ({columns_list(key.columns)}) references {parent}"
        f" ({columns_list(key.referenced)}) on delete {key.on_delete} on update {key.on_update}"
        + " deferrable initially deferred" * key.deferrable
        + ";\n"
    )


def columns_list(names: tuple[str, ...]) -> str:
    return ", ".join(quoted(n) for n in names)


def literal(value: str) -> str:
    """A text as it is written in a user's file (standard_conforming_strings)."""
    return "'" + value.replace("'", "''") + "'"
