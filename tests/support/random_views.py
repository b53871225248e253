"""Random views over the tables of `support.links`: joins of every kind, subqueries everywhere."""

from __future__ import annotations

import random
from collections.abc import Sequence

# Integer columns; text columns.
_TABLES: dict[str, tuple[list[str], list[str]]] = {
    "a": (["id", "x", "y"], ["t", "v"]),
    "b": (["id", "x", "a_id", "n"], ["v"]),
    "c": (["id", "b_id"], ["name"]),
    "d": (["id", "c_id", '"B"'], []),
    "own": (["a_id", "b_id", "q"], []),
}
Seen = list[tuple[str, str]]  # (alias, column): integers that may be named


class Maker:
    """Makes one SELECT; the same generator state makes the same one."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.count = 0
        self.queries: list[str] = []  # names of WITH queries that may be read

    def view(self) -> tuple[str, tuple[str, ...]]:
        """A SELECT and the names of its key."""
        rng = self.rng
        arms = 2 if rng.random() < 0.15 else 1
        width = 2 if rng.random() < 0.25 else 1
        before = ""
        if rng.random() < 0.25:
            before = f"with q1(f) as ({self.subquery(1, [], [])[0]}) "
            self.queries = ["q1"]
        texts = [self.arm(width) for _ in range(arms)]
        word = " union all " if rng.random() < 0.7 else " union "
        return before + word.join(texts), tuple(f"k{i}" for i in range(width))

    def arm(self, width: int) -> str:
        rng = self.rng
        source, seen = self.source(2, [])
        keys = rng.sample(seen, min(width, len(seen)))
        keys += [keys[0]] * (width - len(keys))
        where = f" where {self.condition(seen, 2)}" if rng.random() < 0.5 else ""
        shown = [f"{_ref(k)} as k{i}" for i, k in enumerate(keys)]
        kind = rng.choice(["plain"] * 5 + ["group", "group", "distinct", "window", "on"])
        if kind == "group":
            by = ", ".join(dict.fromkeys(map(_ref, keys)))
            if rng.random() < 0.3:
                by += f", {_ref(rng.choice(seen))}"
            having = f" having count(*) {rng.choice(['>', '<'])} 2" if rng.random() < 0.4 else ""
            shown += ["count(*) as n", f"max({_ref(rng.choice(seen))}) as m"]
            return f"select {', '.join(shown)} from {source}{where} group by {by}{having}"
        shown += [f"{self.value(seen, 2)} as o", f"{self.value(seen, 1)} as p"]
        if kind == "window":
            part = _ref(rng.choice([*keys, rng.choice(seen)]))
            shown[-1] = f"count(*) over (partition by {part}) as p"
        head = "select"
        tail = ""
        if kind == "distinct":
            head = "select distinct"
        if kind == "on":
            on = _ref(rng.choice([keys[0], rng.choice(seen)]))
            head, tail = f"select distinct on ({on})", f" order by {on}, 1, 2, 3"
        text = f"{head} {', '.join(shown)} from {source}{where}{tail}"
        return f"({text})" if tail else text

    # -- FROM

    def source(self, depth: int, outer: Seen) -> tuple[str, Seen]:
        rng = self.rng
        text, seen = self.leaf(depth, outer, [])
        for _ in range(rng.choice([0, 1, 1, 2, 2, 3])):
            kind = rng.choice(["join"] * 3 + ["left join"] * 4 + ["right join", "full join"])
            if rng.random() < 0.15 and depth > 0:
                other, more = self.source(depth - 1, outer)
                other = f"({other})" if " join " in other else other
            else:
                lateral = seen if kind in ("join", "left join") else []
                other, more = self.leaf(depth, outer, lateral)
            same = {c for _, c in seen} & {c for _, c in more} & {"id", "x", "a_id", "b_id"}
            single = [c for c in sorted(same) if [n for _, n in seen].count(c) == 1]
            if single and rng.random() < 0.15 and "(" not in other and kind != "full join":
                text, seen = f"{text} {kind} {other} using ({rng.choice(single)})", seen + more
                continue
            if kind == "full join":
                on = f"{_ref(rng.choice(seen))} = {_ref(rng.choice(more))}"
            else:
                on = self.on(seen, more, outer, depth)
            text, seen = f"{text} {kind} {other} on {on}", seen + more
        return text, seen

    def leaf(self, depth: int, outer: Seen, lateral: Seen) -> tuple[str, Seen]:
        rng = self.rng
        if depth > 0 and rng.random() < 0.25:
            alias = self.alias()
            text, names = self.subquery(depth - 1, lateral if rng.random() < 0.5 else [], outer)
            return f"lateral ({text}) {alias}", [(alias, n) for n in names]
        if lateral and rng.random() < 0.08:
            alias = self.alias()
            two = f"{_ref(rng.choice(lateral))}, {_ref(rng.choice(lateral))}"
            return f"lateral unnest(array[{two}]) {alias}(u)", [(alias, "u")]
        if rng.random() < 0.04:
            alias = self.alias()
            return f"(values (1, 2), (3, 4)) {alias}(m, w)", [(alias, "m"), (alias, "w")]
        if self.queries and rng.random() < 0.2:
            alias = self.alias()
            return f"{rng.choice(self.queries)} {alias}", [(alias, "f"), (alias, "g")]
        table, alias = rng.choice(list(_TABLES)), self.alias()
        return f"{table} {alias}", [(alias, c) for c in _TABLES[table][0]]

    def subquery(self, depth: int, lateral: Seen, outer: Seen) -> tuple[str, list[str]]:
        """A derived table's SELECT and its integer columns."""
        rng = self.rng
        source, seen = self.source(depth, outer + lateral)
        first, second = rng.choice(seen), rng.choice(seen)
        around = lateral + outer
        where = ""
        if rng.random() < 0.5 or (lateral and rng.random() < 0.7):
            where = f" where {self.condition(seen, depth, around)}"
        kind = rng.choice(["plain", "plain", "group", "limit", "on", "union", "distinct", "window"])
        if kind == "group":
            by = rng.choice([_ref(first), f"{_ref(first)}, {_ref(second)}"])
            text = (
                f"select {_ref(first)} as f, count(*)::int as g from {source}{where} group by {by}"
            )
        elif kind == "limit":
            text = (
                f"select {_ref(first)} as f, {_ref(second)} as g from {source}{where}"
                f" order by 1, 2 limit {rng.randint(1, 2)}"
            )
        elif kind == "on":
            on = _ref(rng.choice([first, second]))
            text = (
                f"select distinct on ({on}) {_ref(first)} as f, {_ref(second)} as g"
                f" from {source}{where} order by {on}, 1, 2"
            )
        elif kind == "union":
            other, more = self.source(depth, outer + lateral)
            word = rng.choice(["union all", "union", "except", "intersect"])
            text = (
                f"select {_ref(first)} as f, {_ref(second)} as g from {source}{where} {word} "
                f"select {_ref(rng.choice(more))}, {_ref(rng.choice(more))} from {other}"
            )
        elif kind == "window":
            text = (
                f"select {_ref(first)} as f, (count(*) over (partition by {_ref(second)}))::int"
                f" as g from {source}{where}"
            )
        else:
            word = "select distinct" if kind == "distinct" else "select"
            value = self.value(seen, 0)
            text = f"{word} {_ref(first)} as f, ({value})::int as g from {source}{where}"
        return text, ["f", "g"]

    # -- conditions

    def on(self, left: Seen, right: Seen, outer: Seen, depth: int) -> str:
        rng = self.rng
        parts = [f"{_ref(rng.choice(left))} = {_ref(rng.choice(right))}"]
        if rng.random() < 0.12:
            parts = [f"{self.value(left, 0)} = {_ref(rng.choice(right))}"]
        if rng.random() < 0.4:
            parts.append(self.condition(left + right, depth - 1, outer))
        return " and ".join(rng.sample(parts, len(parts)))

    def condition(self, seen: Seen, depth: int, outer: Sequence[tuple[str, str]] = ()) -> str:
        rng = self.rng
        one, two = _ref(rng.choice(seen)), _ref(rng.choice([*seen, *outer]))
        kinds = ["eq", "eq", "const", "less", "null", "or", "and", "any"]
        if depth > 0:
            kinds += ["exists", "exists", "not exists", "in", "not in", "scalar"]
        kind = rng.choice(kinds)
        if kind in ("eq", "any"):
            other = _ref(rng.choice(seen))
            return f"{one} = {two}" if kind == "eq" else f"{one} = any (array[{two}, {other}])"
        if kind == "const":
            return f"{one} = {rng.randint(1, 4)}"
        if kind == "less":
            return f"{one} < {two}"
        if kind == "null":
            return f"{one} is not null" if rng.random() < 0.5 else f"{one} is distinct from {two}"
        if kind in ("or", "and"):
            left, right = (self.condition(seen, depth - 1, outer) for _ in range(2))
            return f"({left} {kind} {right})"
        around = [*seen, *outer]
        if kind in ("in", "not in"):
            text, _ = self.subquery(depth - 1, around, [])
            return f"({one}, {two}) {kind} ({text})"
        source, inside = self.source(depth - 1, around)
        where = self.condition(inside, depth - 1, around)
        if rng.random() < 0.8:
            where = f"{_ref(rng.choice(inside))} = {_ref(rng.choice(around))} and {where}"
        if kind == "scalar":
            return f"{one} = (select max({_ref(rng.choice(inside))}) from {source} where {where})"
        return f"{kind} (select 1 from {source} where {where})"

    def value(self, seen: Seen, depth: int) -> str:
        rng = self.rng
        one, two = _ref(rng.choice(seen)), _ref(rng.choice(seen))
        kind = rng.choice(["col", "col", "coalesce", "case", "plus", "count", "lookup", "exists"])
        if kind == "coalesce":
            return f"coalesce({one}, {two})"
        if kind == "plus":
            return f"({one} + 1)"
        if kind == "case":
            return f"case when {self.condition(seen, depth)} then {one} else {two} end"
        if kind in ("count", "lookup", "exists") and depth > 0:
            source, inside = self.source(depth - 1, seen)
            tie = f"{_ref(rng.choice(inside))} = {one}"
            if kind == "exists":
                condition = self.condition(inside, depth - 1, seen)
                return f"exists (select 1 from {source} where {tie} and {condition})::int"
            if kind == "count":
                return f"(select count(*) from {source} where {tie})"
            pick = _ref(rng.choice(inside))
            return f"(select {pick} from {source} where {tie} order by 1 limit 1)"
        return one

    def alias(self) -> str:
        self.count += 1
        return f"t{self.count}"


def _ref(column: tuple[str, str]) -> str:
    return f"{column[0]}.{column[1]}"
