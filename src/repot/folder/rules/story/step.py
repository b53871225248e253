"""One statement with what its tree mentions, gathered in one walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from repot.folder.rules import tree
from repot.folder.rules.story.shapes import Place
from repot.folder.text import Statement

_SORTS = {"RangeVar", "TypeName", "FuncCall", "CommonTableExpr", "IndexElem"}


@dataclass(frozen=True)
class Step:
    """A statement at its place."""

    place: Place
    statement: Statement
    ranges: tuple[Any, ...]
    types: tuple[Any, ...]
    calls: tuple[Any, ...]
    classes: tuple[Any, ...]  # operator classes named in indexes

    @property
    def kind(self) -> str:
        return self.statement.kind

    @property
    def node(self) -> Any:
        return self.statement.node


def step(place: Place, statement: Statement, bodies: bool) -> Step:
    """The statement with what it mentions; bodies: those of SQL functions as well."""
    found: dict[str, list[Any]] = {name: [] for name in _SORTS}
    nodes = [statement.node]
    if bodies and statement.kind == "create_function_stmt":
        nodes += _body(statement.node)
    for node in nodes:
        for one in tree.below(node):
            name = one.DESCRIPTOR.name
            if name in _SORTS:
                found[name].append(one)
    locals_ = {c.ctename for c in found["CommonTableExpr"]}
    ranges = [r for r in found["RangeVar"] if r.schemaname or r.relname not in locals_]
    return Step(
        place,
        statement,
        tuple(ranges),
        tuple(found["TypeName"]),
        tuple(found["FuncCall"]),
        tuple(e.opclass for e in found["IndexElem"] if e.opclass),
    )


def _body(node: Any) -> list[Any]:
    """The statements of an SQL function: PostgreSQL reads them when the function is created."""
    language = tree.option(node.options, "language")
    source = tree.option(node.options, "as")
    if language is None or source is None or language.string.sval.lower() != "sql":
        return []
    texts = tree.strings(source.list.items)
    return [tree.inner(s) for s in tree.parsed(texts[0])] if texts else []
