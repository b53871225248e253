"""Findings of the analysis, each with the lines of repot.toml that settle it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from repot.model.catalog import Table
from repot.model.finding import Finding, error, warning
from repot.model.names import quoted

_SECTIONS = {"moves": "move", "back": "back"}


def section(file: str) -> str:
    """The table of repot.toml that belongs to a file: `move.packs` for moves/packs.sql."""
    path = PurePosixPath(file)
    name = path.name.split(".sql", maxsplit=1)[0]
    bare = name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else None
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f"{_SECTIONS.get(path.parent.name, 'move')}.{bare or chr(34) + escaped + chr(34)}"


def underivable(
    file: str, table: Table, why: str, scope: Sequence[str], columns: Sequence[str], default: str
) -> Finding:
    """A table whose changes cannot be followed to the rows they touch."""
    name = _name(table, default)
    columns = columns or table.primary or [c.name for c in table.columns[:1]]
    listed = ", ".join(_toml(c) for c in columns)
    wanted = [quoted(c) for c in scope] or ["<the key's columns>"]
    wanted += [f"<{quoted(c)}> as repot_link_{i}" for i, c in enumerate(columns, start=1)]
    lines = [
        f"[[{section(file)}.link]]",
        f"table = {_toml(name)}",
        f"columns = [{listed}]",
        " ".join(('keys = """select', ", ".join(wanted), f'from … (without {name} itself)"""')),
    ]
    return error(
        "link-underivable",
        f"which rows a change in {name} touches cannot be derived: {why}",
        file=file,
        object=name,
        hint="\n".join(["add to repot.toml, or compare with = in the SELECT:", *lines]),
    )


def no_scope(file: str, key: Sequence[str], why: Sequence[str]) -> Finding:
    """No table gives the key's columns as they are."""
    shown = ", ".join(quoted(c) for c in key)
    reason = f" ({'; '.join(dict.fromkeys(why))})" if why else ""
    return error(
        "scope-underivable",
        f"no table gives any of the key ({shown}) as a column of its own in every arm{reason}",
        file=file,
        object=section(file).split(".", maxsplit=1)[1],
        hint="give the key as plain columns of the table that drives the rows, or use a registry; "
        f"or name another key in repot.toml:\n[{section(file)}]\nkey = [{_toml('…')}]",
    )


def unfollowed(file: str, what: str) -> Finding:
    """A construct that the analysis does not take apart."""
    return error(
        "view-underivable",
        f"rows cannot be traced through {what}",
        file=file,
        hint="write the SELECT over tables, with joins, subqueries and GROUP BY; "
        "name one key's rows by = in it",
    )


def touches_all(file: str, table: Table, default: str) -> Finding:
    """A table that is compared with constants only."""
    name = _name(table, default)
    return warning(
        "link-touches-all",
        f"every change in {name} touches all rows: it is compared with constants only",
        file=file,
        object=name,
        hint="nothing needs to be done where it hardly ever changes",
    )


def not_counted(file: str, table: Table, default: str) -> Finding:
    """Rows of a driving table that cannot be followed into the view's rows one by one."""
    name = _name(table, default)
    return warning(
        "rows-not-counted",
        f"which rows of {name} a row is made of cannot be asked: the proof cannot account for them",
        file=file,
        object=name,
        hint="take LIMIT, HAVING and window functions out of the subqueries that hold it, "
        "or move the table elsewhere as well",
    )


def order_undefined(file: str, what: str) -> Finding:
    """Rows are taken in no stated order."""
    return warning(
        "order-undefined",
        f"{what} takes rows in no stated order: it may change without a write",
        file=file,
        hint="add ORDER BY, down to a unique column",
    )


def in_settings(file: str) -> dict[str, str]:
    """Where the settings of a file's move stand."""
    return {"file": "repot.toml", "object": section(file)}


def _name(table: Table, default: str) -> str:
    return (
        table.name.name
        if table.name.schema_ == default
        else (f"{table.name.schema_}.{table.name.name}")
    )


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
