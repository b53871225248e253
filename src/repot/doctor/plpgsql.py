"""What a PL/pgSQL function does with errors, as its own parser reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from postgast.native import lib

_DATUMS = re.compile(r'"datums":\[.*?\],"action"', re.DOTALL)
_ERROR = 21  # elog_level of RAISE EXCEPTION, and of RAISE alone


def swallows_errors(definition: str) -> int | None:
    """The line of a block that catches every error and raises none (0: not known); else None.

    definition: as pg_get_functiondef prints it. What cannot be read is taken for harmless.
    """
    for node in _walk(_parsed(definition)):
        block = node.get("PLpgSQL_stmt_block")
        if not isinstance(block, dict):
            continue
        for handler in (
            block.get("exceptions", {}).get("PLpgSQL_exception_block", {}).get("exc_list", [])
        ):
            caught = handler.get("PLpgSQL_exception", {})
            if _every(caught) and not _raises(caught.get("action", [])):
                return int(block.get("lineno", 0))
    return None


def _parsed(definition: str) -> Any:
    result = lib.pg_query_parse_plpgsql(definition.encode())
    try:
        if result.error:
            return []
        text = result.plpgsql_funcs.decode()
    finally:
        lib.pg_query_free_plpgsql_parse_result(result)
    try:
        # The list of variables is no JSON where a trigger's own are in it; nobody needs it.
        return json.loads(_DATUMS.sub('"datums":[],"action"', text))
    except json.JSONDecodeError:
        return []


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every node, from above."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _every(handler: dict[str, Any]) -> bool:
    names = [c.get("PLpgSQL_condition", {}).get("condname") for c in handler.get("conditions", [])]
    return "others" in names


def _raises(actions: Any) -> bool:
    return any(
        node["PLpgSQL_stmt_raise"].get("elog_level") == _ERROR
        for node in _walk(actions)
        if "PLpgSQL_stmt_raise" in node
    )
