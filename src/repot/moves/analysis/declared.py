"""Links that the user declares, for tables whose changes cannot be followed by derivation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repot.model.catalog import Table
from repot.model.finding import Finding, error
from repot.model.names import Name, quoted
from repot.model.plan import Link, Role, Use
from repot.model.project import DeclaredLink, MoveSetting
from repot.moves.analysis import advice
from repot.moves.analysis.ast import Unreadable, select_of


def declared_links(
    tables: Mapping[Name, Table], setting: MoveSetting, file: str, default_schema: str
) -> tuple[dict[Name, list[DeclaredLink]], list[Finding]]:
    """The declared links by table, and what is wrong with them."""
    found: dict[Name, list[DeclaredLink]] = {}
    findings = []
    for link in setting.link:
        table = table_meant(link.table, tables, default_schema)
        if table is None:
            findings.append(
                error(
                    "link-unknown-table",
                    f"the link names the table {link.table}, which is not there",
                    hint="write schema.table, or the bare name of a table of V1 or of a registry",
                    **advice.in_settings(file),
                )
            )
            continue
        missing = [c for c in link.columns if table.column(c) is None]
        if missing:
            shown = ", ".join(quoted(c) for c in missing)
            findings.append(
                error(
                    "link-unknown-column",
                    f"the link names columns that {table.name} has not: {shown}",
                    hint="its columns: " + ", ".join(quoted(c.name) for c in table.columns),
                    **advice.in_settings(file),
                )
            )
            continue
        if link.keys is not None:
            try:
                select_of(link.keys)
            except Unreadable as problem:
                findings.append(
                    error(
                        "link-keys-unreadable",
                        f"keys of the link of {link.table} is not one SELECT: {problem}",
                        hint="write one SELECT: the scope columns, then repot_link_1 …",
                        **advice.in_settings(file),
                    )
                )
                continue
        found.setdefault(table.name, []).append(link)
    return found, findings


def table_meant(text: str, tables: Mapping[Name, Table], default_schema: str) -> Table | None:
    """The table that a setting names: `schema.table`, quoted or not, or a bare name (of the
    default schema, else of the only other schema that has it)."""
    bare = [t for n, t in tables.items() if text in (n.name, quoted(n.name))]
    for table in bare:
        if table.name.schema_ == default_schema:
            return table
    for name, table in tables.items():
        if text in (str(name), ".".join((name.schema_, name.name))):
            return table
    return bare[0] if len(bare) == 1 else None


def links(table: Table, given: Sequence[DeclaredLink]) -> list[Link]:
    return [Link(source=table.name, capture=d.columns, locate=d.keys) for d in given]


def too_narrow(link: Link, scope: Sequence[str]) -> bool:
    """Whether a link without SELECT captures something else than the scope."""
    return link.locate is None and len(link.capture) != len(scope)


def unseen(
    declared: Mapping[Name, Sequence[DeclaredLink]],
    found: Sequence[Use],
    tables: Mapping[Name, Table],
) -> list[Use]:
    """Uses of tables that are declared but not read by name: read by a function, say."""
    named = {use.source for use in found}
    return [
        Use(arm=0, source=name, alias=name.name, role=Role.FILTER, link=link)
        for name, given in declared.items()
        if name not in named
        for link in links(tables[name], given)
    ]
