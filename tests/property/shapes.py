"""Parts that SELECTs of moves are composed of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from property.model import Column, Output, Table
from property.names import Names, quoted
from property.tables import literal
from property.values import TEXTS, WIDER


@dataclass
class Making:
    """What a move's maker is given: chance, all tables, and the names that V2 has taken."""

    rng: random.Random
    tables: list[Table]
    names: Names
    hostility: float
    left_rows: list[tuple[str, str]] = field(default_factory=list)  # table, condition
    registries: list[Registry] = field(default_factory=list)

    def table(self, name: str) -> Table:
        return next(t for t in self.tables if t.name == name)

    def column_names(self) -> Names:
        return Names(self.rng, self.hostility)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability


@dataclass(frozen=True)
class Registry:
    name: str
    kind: str
    key: tuple[str, ...]
    text: str | None
    select: str


def of(alias: str, column: str) -> str:
    return f"{alias}.{quoted(column)}"


def same(left: str, ours: Sequence[str], right: str, theirs: Sequence[str]) -> str:
    return " and ".join(
        f"{of(left, a)} = {of(right, b)}" for a, b in zip(ours, theirs, strict=True)
    )


def select(outputs: Iterable[Output], source: str) -> str:
    listed = ",\n  ".join(f"{o.text} as {quoted(o.name)}" for o in outputs)
    return f"select {listed}\n{source}"


def copy_of(making: Making, column: Column, names: Names, alias: str = "t") -> Output:
    """A column of V2 that holds one of V1, perhaps under another name and in a wider type."""
    kind = column.type
    if kind in WIDER and making.chance(0.25):
        kind = making.rng.choice(WIDER[kind])
    name = names.new(column.name if making.chance(0.6) else "")
    return Output(name, of(alias, column.name), kind, column.not_null, column.name, column.identity)


def computed(making: Making, column: Column, names: Names, alias: str = "t") -> Output:
    """A column of V2 that is worked out from one of V1."""
    text = of(alias, column.name)
    if column.type in TEXTS:
        forms = [
            (f"upper({text})", "text"),
            (f"coalesce({text}, '-')", "text"),
            (f"nullif(btrim({text}), '')", "text"),
            (f"length({text})", "integer"),
            (f"case when {text} = 'a' then 1 else 0 end", "integer"),
        ]
    elif column.type in ("integer", "bigint"):
        forms = [
            (f"({text} % 7)::integer", "integer"),
            (f"{text}::text || '#'", "text"),
            (f"{text} is not null", "boolean"),
        ]
    elif column.type == "jsonb":
        forms = [(f"{text} ->> 'a'", "text"), (f"jsonb_typeof({text})", "text")]
    elif column.type.endswith("[]"):
        forms = [
            (f"cardinality({text})", "integer"),
            (f"array_to_string({text}, '/', '-')", "text"),
        ]
    else:
        forms = [(f"{text}::text", "text"), (f"{text} is null", "boolean")]
    form, kind = making.rng.choice(forms)
    return Output(names.new(), form, kind)


def predicate(making: Making, column: Column, alias: str = "") -> str:
    """A condition that some rows fulfil; without an alias, as leave.toml writes it."""
    text = of(alias, column.name) if alias else quoted(column.name)
    seed = making.rng.randrange(3)
    some = [literal(v) for v in column.domain[1 : max(2, len(column.domain) * 2 // 3)]]
    if column.type in ("jsonb", "double precision") or column.type.endswith("[]"):
        return f"{text} is not null" if not column.not_null else f"{text}::text <> {some[0]}"
    if seed == 0 and not column.not_null:
        return f"{text} is not null"
    if seed == 1:
        return f"{text} <> {literal(column.domain[0])}"
    return f"{text} in ({', '.join(some)})"
