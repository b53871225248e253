"""PostgreSQL's own grammar as data: the only module that imports the parser.

Trees are libpg_query's protobuf messages (`pb`). They are mutable; `copy` before changing one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from postgast import PgQueryError
from postgast import deparse as _deparse
from postgast import parse as _parse
from postgast import pg_query_pb2 as pb

__all__ = [
    "Message",
    "Unreadable",
    "both",
    "call",
    "cast",
    "column",
    "copy",
    "equals",
    "everything",
    "inner",
    "parts",
    "pb",
    "query",
    "relation",
    "rewrite",
    "same",
    "select_of",
    "target",
    "text_of",
    "union_all",
    "unnested",
    "word",
    "words",
]
M = TypeVar("M", bound=Message)
_PLACES = frozenset(
    {"location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end"}
    | {"stmt_location", "stmt_len", "name_location", "type_location"}
)


class Unreadable(Exception):
    """The text is not one SELECT that the parser reads; `str()` says why."""


def select_of(text: str) -> pb.SelectStmt:
    """The one SELECT statement of `text`.

    :raises Unreadable: a syntax error, another statement, several, or a nesting too deep.
    """
    try:
        parsed = _parse(text)
    except PgQueryError as error:
        raise Unreadable(str(error)) from error
    except DecodeError as error:
        raise Unreadable("the statement is nested too deeply") from error
    if len(parsed.stmts) != 1 or not parsed.stmts[0].stmt.HasField("select_stmt"):
        raise Unreadable("not exactly one SELECT")
    return parsed.stmts[0].stmt.select_stmt


def text_of(select: pb.SelectStmt) -> str:
    """The statement as SQL text.

    :raises Unreadable: the text does not mean the same tree again; a fault of the parser's, which
        must not become a view that looks right
    """
    result = pb.ParseResult()
    result.stmts.add().stmt.select_stmt.CopyFrom(select)
    text: str = _deparse(result)
    again = select_of(text)
    if not same(again, select):
        raise Unreadable(f"the parser does not print this query as it is: {text}")
    return text


def copy(message: M) -> M:
    twin: M = type(message)()
    twin.CopyFrom(message)
    return twin


def inner(message: Message) -> Message | None:
    """What a `Node` wrapper holds; any other message itself; None for an empty wrapper."""
    if not isinstance(message, pb.Node):
        return message
    which = message.WhichOneof("node")
    return getattr(message, which) if which else None


def parts(message: Message) -> Iterator[Message]:
    """The message's direct sub-messages, as they are (wrappers not taken off)."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            yield from [value] if isinstance(value, Message) else value


def everything(message: Message) -> Iterator[Message]:
    """The message and all below it, wrappers left out, outer before inner."""
    stack: list[Message] = [message]
    while stack:
        top = stack.pop()
        if not isinstance(top, pb.Node):
            yield top
        stack.extend(reversed(list(parts(top))))


def rewrite(message: Message, change: Callable[[pb.Node], pb.Node | None]) -> None:
    """Replaces nodes in place: where `change` gives a node it takes the old one's place and is not
    looked into, where it gives None the node's parts are visited."""
    if isinstance(message, pb.Node):
        new = change(message)
        if new is not None:
            message.CopyFrom(new)
            return
    for part in parts(message):
        rewrite(part, change)


def same(one: Message, other: Message) -> bool:
    """Whether two trees are equal, positions in the text aside."""
    return bool(_bare(one) == _bare(other))


def _bare(message: M) -> M:
    twin = copy(message)
    for each in everything(twin):
        for field, _ in each.ListFields():
            if field.name in _PLACES:
                each.ClearField(field.name)
    return twin


def words(nodes: Iterable[pb.Node]) -> tuple[str, ...]:
    """The texts of String nodes: a name's parts."""
    return tuple(n.string.sval for n in nodes if n.HasField("string"))


def word(text: str) -> pb.Node:
    return pb.Node(string=pb.String(sval=text))


def column(*names: str) -> pb.Node:
    """A column reference: `alias.name`, or the bare name."""
    return pb.Node(column_ref=pb.ColumnRef(fields=[word(n) for n in names]))


def equals(left: pb.Node, right: pb.Node) -> pb.Node:
    return pb.Node(a_expr=pb.A_Expr(kind=pb.AEXPR_OP, name=[word("=")], lexpr=left, rexpr=right))


def both(conditions: Iterable[pb.Node]) -> pb.Node | None:
    """The conditions joined by AND; None if there is none."""
    found = list(conditions)
    if len(found) < 2:
        return found[0] if found else None
    return pb.Node(bool_expr=pb.BoolExpr(boolop=pb.AND_EXPR, args=found))


def target(value: pb.Node, name: str) -> pb.Node:
    """`value AS name` in a target list."""
    return pb.Node(res_target=pb.ResTarget(name=name, val=value))


def call(function: str, *args: pb.Node) -> pb.FuncCall:
    """A call of a function of pg_catalog."""
    return pb.FuncCall(
        funcname=[word("pg_catalog"), word(function)],
        args=list(args),
        funcformat=pb.COERCE_EXPLICIT_CALL,
    )


def unnested(array: pb.Node, alias: str, name: str) -> pb.Node:
    """A FROM item: `LATERAL unnest(array) alias(name)`."""
    function = pb.Node(func_call=call("unnest", array))
    item = pb.RangeFunction(
        lateral=True,
        functions=[pb.Node(list=pb.List(items=[function, pb.Node()]))],
        alias=pb.Alias(aliasname=alias, colnames=[word(name)]),
    )
    return pb.Node(range_function=item)


def cast(value: pb.Node, type_name: str) -> pb.Node:
    """The value cast to a type of pg_catalog, without a modifier."""
    name = pb.TypeName(names=[word("pg_catalog"), word(type_name)], typemod=-1)
    return pb.Node(type_cast=pb.TypeCast(arg=value, type_name=name))


def relation(schema: str, name: str, alias: str) -> pb.Node:
    """A FROM item."""
    return pb.Node(
        range_var=pb.RangeVar(
            schemaname=schema,
            relname=name,
            inh=True,
            relpersistence="p",
            alias=pb.Alias(aliasname=alias),
        )
    )


def query(
    targets: Iterable[pb.Node], sources: Iterable[pb.Node], where: Iterable[pb.Node]
) -> pb.SelectStmt:
    """`SELECT targets FROM sources WHERE …`."""
    select = pb.SelectStmt(
        target_list=list(targets),
        from_clause=list(sources),
        limit_option=pb.LIMIT_OPTION_DEFAULT,
        op=pb.SETOP_NONE,
    )
    condition = both(where)
    if condition is not None:
        select.where_clause.CopyFrom(condition)
    return select


def union_all(selects: Iterable[pb.SelectStmt]) -> pb.SelectStmt:
    """The SELECTs, at least one, joined by UNION ALL."""
    first, *rest = selects
    whole = first
    for each in rest:
        whole = pb.SelectStmt(
            op=pb.SETOP_UNION,
            all=True,
            larg=whole,
            rarg=each,
            limit_option=pb.LIMIT_OPTION_DEFAULT,
        )
    return whole
