"""The order that a project gives where the right one is not the names'."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from repot.model.errors import UsageError
from repot.model.finding import Finding, error
from repot.model.folder import Migration

ORDER = "order.txt"
SETTINGS = "repot.toml"


def declared(folder: Path, project: Path) -> tuple[list[str], str] | None:
    """The names in the order to run them, and the file that says so.

    `order.txt` beside the migrations (a name a line, # begins a remark), or `order` in the table
    `[migrations]` of repot.toml in the project. Raises UsageError `order-invalid`.
    """
    file = folder / ORDER
    if file.is_file():
        lines = (line.split("#")[0].strip() for line in file.read_text("utf-8").splitlines())
        return [line.rstrip("/") for line in lines if line], ORDER
    settings = project / SETTINGS
    if not settings.is_file():
        return None
    try:
        table = tomllib.loads(settings.read_text("utf-8")).get("migrations", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise UsageError("order-invalid", f"{settings} cannot be read", evidence=str(wrong)) from (
            wrong
        )
    order = table.get("order") if isinstance(table, dict) else None
    if order is None:
        return None
    if not isinstance(order, list) or not all(isinstance(name, str) for name in order):
        raise UsageError(
            "order-invalid",
            f"migrations.order in {settings} is not a list of names",
            hint='write order = ["20260101000000_first", "20260102000000_second"]',
        )
    return list(order), SETTINGS


def put(
    migrations: Sequence[Migration], order: Sequence[str], file: str
) -> tuple[list[Migration], list[Finding]]:
    """The migrations in the declared order; what it does not name comes last, and is an error."""
    known = {m.name: m for m in migrations}
    findings = [
        error(
            "order-unknown",
            f"{file} names {name}, which is not in the folder",
            file=file,
            hint="take the line out, or bring the migration back",
        )
        for name in order
        if name not in known
    ]
    seen: set[str] = set()
    for name in order:
        if name in seen:
            findings.append(error("order-repeated", f"{file} names {name} twice", file=file))
        seen.add(name)
    rest = [m for m in migrations if m.name not in seen]
    findings += [
        error(
            "order-incomplete",
            f"{file} does not name {m.name}",
            file=file,
            hint="add the name where the migration is to run",
        )
        for m in rest
    ]
    return [known[name] for name in dict.fromkeys(order) if name in known] + rest, findings
