"""Names and signatures as people write them in settings, read with PostgreSQL's own grammar."""

from __future__ import annotations

import re
from typing import Any

import postgast

from repot.model.checks import Argument, Relation, Signature

_PART = r'"(?:[^"]|"")+"|[^\s".]+'
_NAME = re.compile(rf"(?:({_PART})\s*\.\s*)?({_PART})\Z")
_MODES = {
    "FUNC_PARAM_IN": "i",
    "FUNC_PARAM_DEFAULT": "i",
    "FUNC_PARAM_OUT": "o",
    "FUNC_PARAM_INOUT": "b",
    "FUNC_PARAM_VARIADIC": "v",
    "FUNC_PARAM_TABLE": "t",
}


def read_name(text: str) -> Relation:
    """`orders`, `auth.users` or `"Order"`. Raises ValueError where it is no name."""
    found = _NAME.match(text.strip())
    if not found:
        raise ValueError(f'{text!r} is not a name: write table, schema.table or "Table"')
    schema, name = (_folded(part) if part else None for part in found.groups())
    return Relation(schema_=schema, name=name or "")


def _folded(part: str) -> str:
    """Without quotes; a name that has none is folded to lower case, as PostgreSQL does."""
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()


def read_signature(text: str) -> Signature:
    """What follows the words CREATE FUNCTION, up to the result; it is parsed and never run.

    Raises ValueError with what is wrong.
    """
    try:
        tree = postgast.parse(f"create function {text}\n language sql as ''")
    except postgast.PgQueryError as wrong:
        raise ValueError(f"is not a signature: {wrong.message}") from wrong
    if len(tree.stmts) != 1 or tree.stmts[0].stmt.WhichOneof("node") != "create_function_stmt":
        raise ValueError("is not one signature: name(arguments) returns type")
    node = tree.stmts[0].stmt.create_function_stmt
    if len(node.options) > 2:  # LANGUAGE and AS are ours
        raise ValueError("holds more than name, arguments and result: those have keys of their own")
    names = [n.string.sval for n in node.funcname]
    if len(names) > 2:
        raise ValueError("names a database: write schema.function")
    arguments = tuple(_argument(p.function_parameter) for p in node.parameters)
    columns = any(a.mode == "t" for a in arguments)  # RETURNS TABLE: its columns are the arguments
    has_result = node.HasField("return_type") and not columns
    return Signature(
        schema_=names[0] if len(names) == 2 else None,
        name=names[-1],
        arguments=arguments,
        returns=_type(node.return_type) if has_result else None,
        returns_set=columns or (node.HasField("return_type") and node.return_type.setof),
    )


def _argument(node: Any) -> Argument:
    mode = node.DESCRIPTOR.fields_by_name["mode"].enum_type.values_by_number[node.mode].name
    return Argument(
        name=node.name,
        type=_type(node.arg_type),
        mode=_MODES[mode],
        default=node.HasField("defexpr"),
    )


def _type(node: Any) -> str:
    """The type's name, as to_regtype() reads it; what is in brackets after it counts for nothing
    in a function's signature."""
    if node.pct_type:
        raise ValueError("uses %TYPE: write the type that is meant")
    # Always quoted: "char" is not char, and a type may be called user.
    name = ".".join('"' + n.string.sval.replace('"', '""') + '"' for n in node.names)
    return name + "[]" * min(len(node.array_bounds), 1)
