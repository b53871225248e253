"""Functions: there, with the declared signature, with the declared rights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repot.engine.checking.look import Look, Row, outcome
from repot.model.checks import Argument, Checked, FunctionCheck
from repot.moves.install import set_search_path

_SCHEMA = re.compile(r'"((?:[^"]|"")*)"|([^",\s]+)')
_INPUT = "ibv"
_MODES = {"i": "", "o": "out ", "b": "inout ", "v": "variadic ", "t": "table column "}

Types = dict[str, tuple[int | None, str]]


def check_functions(look: Look) -> Iterator[Checked]:
    """One after the other, as declared."""
    for declared in look.checking.functions:
        yield _one(look, declared)


def _one(look: Look, declared: FunctionCheck) -> Checked:
    signature = declared.parsed
    schema = signature.schema_ or look.place.schema
    there = look.rows("functions.sql", {"schema": schema, "name": signature.name})
    types = _types(look, declared)
    missing = sorted(shown for oid, shown in types.values() if oid is None)
    if missing:
        return outcome("function", declared.title, [f"there is no type {m}" for m in missing])
    wanted = [types[a.type][0] for a in signature.arguments if a.mode in _INPUT]
    found = next((f for f in there if f["input_types"] == wanted), None)
    if found is None:
        what = ", ".join(f["shown"] for f in there)
        reason = f"it is not there; there is {what}" if there else "there is none of this name"
        return outcome("function", declared.title, [reason])
    reasons = [
        *_signature(declared, types, found),
        *_nature(declared, found),
        *_rights(look, declared, found),
        *_others(look, declared, there),
    ]
    return outcome("function", declared.title, reasons)


def _types(look: Look, declared: FunctionCheck) -> Types:
    """Each declared type: its oid (None: unknown) and its name for people."""
    signature = declared.parsed
    names = {a.type for a in signature.arguments}
    names |= {signature.returns} if signature.returns else set()
    with look.conn.transaction(force_rollback=True):
        set_search_path(look.conn, look.place.schema)
        rows = look.rows("types.sql", {"names": sorted(names)})
    return {
        row["name"]: (row["type"], row["format_type"] if row["type"] else _plain(row["name"]))
        for row in rows
    }


def _plain(quoted: str) -> str:
    return quoted.replace('"', "")


def _signature(declared: FunctionCheck, types: Types, found: Row) -> Iterator[str]:
    signature = declared.parsed
    if found["kind"] != declared.kind:
        yield f"it is a {found['kind']}, not a {declared.kind}"
    own = _arguments(found)
    wanted = [(a.name, a.mode, types[a.type][0]) for a in signature.arguments]
    for number, (is_, is_to_be) in enumerate(zip(own, wanted, strict=False), 1):
        name, mode, type_ = is_to_be
        if is_[0] != name:
            yield f"argument {number} is called {is_[0] or 'nothing'}, not {name or 'nothing'}"
        if is_[1] != mode or is_[2] != type_:
            yield f"argument {number} is not {_shown(signature.arguments[number - 1], types)}"
    if len(own) != len(wanted):
        yield f"it has {len(own)} arguments and columns, not {len(wanted)}: {found['shown']}"
    defaults = [a.name for a in signature.arguments if a.default]
    if found["defaults"] != len(defaults):
        yield f"{found['defaults']} of its arguments have a default, not {len(defaults)}"
    if signature.returns:
        oid, shown = types[signature.returns]
        if oid != found["returns"]:
            yield f"it returns {found['returns_shown']}, not {shown}"
    if signature.returns_set != found["returns_set"]:
        yield "it returns " + ("a set" if found["returns_set"] else "one row, not a set")


def _shown(argument: Argument, types: Types) -> str:
    return _MODES[argument.mode] + types[argument.type][1]


def _arguments(found: Row) -> list[tuple[str, str, int]]:
    """Name, mode and type of each."""
    count = len(found["types"])
    names = found["names"] or [""] * count
    modes = found["modes"] or ["i"] * count
    return list(zip(names, modes, found["types"], strict=True))


def _nature(declared: FunctionCheck, found: Row) -> Iterator[str]:
    definer = found["definer"]
    if declared.security and (declared.security == "definer") != definer:
        is_ = "SECURITY DEFINER" if definer else "SECURITY INVOKER"
        yield f"it is {is_}"
    path = found["search_path"]
    pinned = None if path is None else schemas_of(path)
    if declared.search_path is not None and pinned != declared.search_path:
        is_ = f"pinned to {_path(pinned)}" if pinned is not None else "its caller's"
        yield f"its search_path is {is_}, not pinned to {_path(declared.search_path)}"
    elif declared.search_path is None and declared.security == "definer" and pinned is None:
        yield "its search_path is its caller's: a SECURITY DEFINER function must pin one"
    for key in ("language", "volatility"):
        wanted = getattr(declared, key)
        if wanted and wanted != found[key]:
            yield f"its {key} is {found[key]}, not {wanted}"


def schemas_of(path: str) -> tuple[str, ...]:
    """The schemas of a search_path as proconfig holds it; the empty name stands for none."""
    names = (q.replace('""', '"') or w for q, w in _SCHEMA.findall(path))
    return tuple(n for n in names if n)


def _path(schemas: tuple[str, ...] | None) -> str:
    return ", ".join(schemas or ()) or "the empty one"


def _rights(look: Look, declared: FunctionCheck, found: Row) -> Iterator[str]:
    if declared.execute is None:
        return
    roles = sorted({*look.roles(), *declared.execute})
    for row in look.rows("may_execute.sql", {"function": found["oid"], "roles": roles}):
        role, wanted = row["name"], row["name"] in declared.execute or "public" in declared.execute
        if not row["known"]:
            yield f"there is no role {role}"
        elif wanted and not row["may"]:
            yield f"{role} may not execute it"
        elif wanted and not row["usage"] and look.place.in_place:
            yield f"{role} may execute it and has no USAGE on its schema"
        elif not wanted and row["may"]:
            yield f"{role} may execute it"


def _others(look: Look, declared: FunctionCheck, there: list[Row]) -> Iterator[str]:
    """Of the same name, and not declared."""
    signature = declared.parsed
    same = [
        f.parsed
        for f in look.checking.functions
        if (f.parsed.name, f.parsed.schema_) == (signature.name, signature.schema_)
    ]
    if len(there) > len(same):
        shown = "; ".join(f["shown"] for f in there)
        yield f"{len(there)} functions have this name, {len(same)} declared: {shown}"
