"""Reading the parser's tree: nodes below a node, names, constants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import postgast

Key = tuple[str | None, str]  # schema as written, and name


def below(node: Any) -> Iterator[Any]:
    """The node and all messages below it, in the order of the text."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        found: list[Any] = []
        for field, value in one.ListFields():
            if field.message_type is not None:
                if field.is_repeated:
                    found.extend(value)
                else:
                    found.append(value)
        stack.extend(reversed(found))


def of(node: Any, *names: str) -> Iterator[Any]:
    """Those below the node that are of one of the parser's types (RangeVar, TypeName …)."""
    return (one for one in below(node) if one.DESCRIPTOR.name in names)


def inner(node: Any) -> Any:
    """What a Node holds, whatever it is; None where it is empty."""
    kind = node.WhichOneof("node")
    return getattr(node, kind) if kind else None


def kind(node: Any) -> str:
    """What a Node holds, by the parser's name; empty where it holds nothing."""
    return node.WhichOneof("node") or ""


def strings(nodes: Iterable[Any]) -> tuple[str, ...]:
    """The texts of a list of String nodes."""
    return tuple(n.string.sval for n in nodes if n.WhichOneof("node") == "string")


def dotted(nodes: Iterable[Any]) -> Key:
    """The name that a list of strings spells, with its schema if one is written."""
    parts = strings(nodes)
    if not parts:
        return None, ""
    return (parts[-2] if len(parts) > 1 else None), parts[-1]


def relation(range_var: Any) -> Key:
    """The name of a RangeVar; a temporary one is in `pg_temp`."""
    schema = range_var.schemaname or None
    if range_var.relpersistence == "t":
        schema = "pg_temp"
    return schema, range_var.relname


def text(node: Any) -> str | None:
    """The text of a constant, through casts; None where the node is something else."""
    what = kind(node)
    if what == "a_const" and node.a_const.WhichOneof("val") == "sval":
        return str(node.a_const.sval.sval)
    if what == "type_cast":
        return text(node.type_cast.arg)
    return None


def option(options: Iterable[Any], name: str) -> Any:
    """The value of one option of a statement; None where it is not written."""
    return next((o.def_elem.arg for o in options if o.def_elem.defname == name), None)


def written(type_name: Any) -> str:
    """A type as a person would write it, without its schema if that is pg_catalog."""
    parts = strings(type_name.names)
    shown = ".".join(parts[1:] if parts[:1] == ("pg_catalog",) else parts)
    return shown + "[]" * len(type_name.array_bounds)


def parsed(sql: str) -> tuple[Any, ...]:
    """The statements of a text within a text (the body of a function); none if it is not SQL."""
    try:
        return tuple(s.stmt for s in postgast.parse(sql).stmts)
    except postgast.PgQueryError:
        return ()


def spelled(node: Any) -> str:
    """An expression in a form that can be compared: places in the text are left out of it."""
    parts = []
    for one in below(node):
        name = one.DESCRIPTOR.name
        if name == "String":
            parts.append(one.sval)
        elif name in ("Integer", "Float", "Boolean"):
            parts.append(str(one).strip())
        elif name not in ("Node", "TypeName"):
            scalars = (
                f"{f.name}={v}"
                for f, v in one.ListFields()
                if f.message_type is None and f.name != "location"
            )
            parts.append(f"{name}({','.join(scalars)})")
    return " ".join(parts)
