"""What ties each appearance of a table to the scope, worked out from the scope outwards.

The claim, for one scope value v: the arm's rows for v stay the same if from every table only the
*relevant* rows are kept, those whose bound columns have the values that their bindings give.
A binding's values come from the scope itself, from constants, or from relevant rows of
appearances bound in an **earlier** round. So, if no changed row (old or new) of any table is
relevant to v, then going through the rounds the relevant rows are the same before and after, hence
the arm's rows for v are too. A change of a row must therefore reach every v that it is relevant
to *after* all changes; where a row of an earlier round changed as well, that row reaches v itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from repot.moves.analysis.graph import Atom, Col, Graph, Rel, Resolved, Val, wider


@dataclass(frozen=True)
class Binding:
    """The column has the scope's values of those numbers, or else one of the values."""

    scope: frozenset[int] = frozenset()
    values: tuple[Val, ...] = ()

    @property
    def rels(self) -> frozenset[int]:
        return frozenset[int]().union(*(v.rels for v in self.values))


@dataclass
class Bindings:
    """Per appearance its bound columns; `drivers` are appearances of which each row of the arm
    has a row of at least one, with the whole scope in its columns."""

    drivers: tuple[int, ...]
    width: int  # columns of the scope
    bound: dict[int, dict[str, Binding]] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)

    def scope_columns(self, rel: int) -> dict[int, str]:
        """The scope columns that the appearance has, by number."""
        found: dict[int, str] = {}
        for name, binding in self.bound.get(rel, {}).items():
            for number in binding.scope:
                found.setdefault(number, name)
        return found

    def identity(self, rel: int) -> tuple[str, ...] | None:
        """The appearance's columns that are the scope; None if it has not all of it."""
        found = self.scope_columns(rel)
        if len(found) < self.width:
            return None
        return tuple(found[i] for i in range(self.width))


def drivers(
    graph: Graph, key: tuple[str, ...], only: frozenset[int] | None
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The appearances that drive the arm, and the key columns that they determine, in key order.

    Those that determine most; among equals the leftmost. `only`: declared ones.
    """
    outputs = dict(graph.outputs)
    owners: dict[str, list[tuple[int, ...]]] = {}
    for name in key:
        owners[name] = _owners(graph, outputs[name])
    best: tuple[int, ...] = ()
    given: tuple[str, ...] = ()
    for group in sorted({g for groups in owners.values() for g in groups}):
        if only is not None and not only.intersection(group):
            continue
        has = tuple(name for name in key if group in owners[name])
        if len(has) > len(given):
            best, given = group, has
    return best, given


def _owners(graph: Graph, output: Resolved) -> list[tuple[int, ...]]:
    """Groups of appearances that give the output: each value of it is in a row of one of them."""
    if not output.targets or not output.values:
        return []
    cols = [v.col for v in output.values]
    if any(c is None or c not in output.targets for c in cols):
        return []
    if any(graph.rels[c.rel].depends for c in cols if c is not None):
        return []  # made of another table's row: that row may be changed under it
    groups = [tuple(sorted({c.rel for c in cols if c is not None}))]
    if output.col is not None:
        seen, stack = {output.col}, [output.col]
        while stack:
            at = stack.pop()
            for atom in graph.atoms:
                if wider(atom.target.column, at.column) or atom.target in seen:
                    continue
                if atom.strong and atom.source.col == at:
                    seen.add(atom.target)
                    stack.append(atom.target)
                    groups.append((atom.target.rel,))
    return groups


def bind(graph: Graph, scope: tuple[str, ...], driving: tuple[int, ...]) -> Bindings:
    """Binds every appearance that can be; the others are in `failed`."""
    result = Bindings(driving, len(scope))
    bound = result.bound
    outputs = dict(graph.outputs)
    for number, name in enumerate(scope):
        for col in outputs[name].targets:
            mine = bound.setdefault(col.rel, {})
            mine[col.name] = Binding(mine.get(col.name, Binding()).scope | {number})
    _spread(graph, bound)
    done = {r for r in graph.rels if result.identity(r) is not None}
    while True:
        waiting = [r for r in graph.rels.values() if r.id not in done]
        found = [r for r in waiting if _advance(graph, r, result, done)]
        if found:
            done |= {r.id for r in found}
            continue
        free = _free(waiting, result)
        if not free:
            break
        done.add(free.id)
    result.failed = set(graph.rels) - done
    return result


def _spread(graph: Graph, bound: dict[int, dict[str, Binding]]) -> None:
    """An equality with a column that has a scope value gives the other column that value."""
    changed = True
    while changed:
        changed = False
        for atom in graph.atoms:
            mine = bound.setdefault(atom.target.rel, {})
            has = mine.get(atom.target.name, Binding()).scope
            given = [_scope_of(v, atom.target, bound) for v in atom.source.values or ()]
            common = frozenset.intersection(*given) if given else frozenset()
            if not common <= has:
                mine[atom.target.name] = Binding(has | common)
                changed = True


def _scope_of(value: Val, target: Col, bound: dict[int, dict[str, Binding]]) -> frozenset[int]:
    """The scope columns that the value is. Not for a wider integer: what is logged of it becomes a
    value of the scope's type."""
    if value.col is None or wider(target.column, value.col.column):
        return frozenset()
    return bound.get(value.col.rel, {}).get(value.col.name, Binding()).scope


def _advance(graph: Graph, rel: Rel, result: Bindings, done: set[int]) -> bool:
    """Binds the appearance through the scope and what is `done`; False if nothing does."""
    if rel.table is None:
        # Computed rows are there whenever the rows are that they are made of.
        return bool(rel.depends) and rel.depends <= done
    mine = result.bound.setdefault(rel.id, {})
    for atom in graph.atoms:
        if atom.target.rel != rel.id or not _needed(graph, atom) <= done:
            continue
        binding = Binding(values=atom.source.values or ())
        old = mine.get(atom.target.name)
        # A constant says less than another row's value.
        if old is None or (not old.scope and binding.rels and not old.rels):
            mine[atom.target.name] = binding
    return any(b.scope or b.rels for b in mine.values())


def _needed(graph: Graph, atom: Atom) -> frozenset[int]:
    rels = frozenset[int]().union(*(v.rels for v in atom.source.values or ()))
    return rels.union(*(graph.rels[r].depends for r in rels))


def _free(rest: list[Rel], result: Bindings) -> Rel | None:
    """The next appearance that nothing ties to the scope and that may be used all the same:
    fixed rows (VALUES), and tables compared with constants only, which touch every scope."""
    for rel in rest:
        if rel.table is None and not rel.depends and rel.item is not None:
            return rel
    for rel in rest:
        if result.bound.get(rel.id):
            return rel
    return None


def useful(rel: Rel, bound: dict[str, Binding]) -> tuple[str, ...]:
    """The bound columns to find the appearance by: of a unique key if one is bound, else all."""
    assert rel.table is not None
    keys = [u for u in rel.table.uniques if set(u.columns) <= set(bound)]
    for key in sorted(keys, key=lambda u: (not u.primary, len(u.columns), u.columns)):
        if any(bound[c].scope or bound[c].rels for c in key.columns):
            return key.columns
    return tuple(c.name for c in rel.table.columns if c.name in bound)
