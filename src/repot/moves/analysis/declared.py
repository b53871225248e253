"""Links that the user declares, for tables whose changes cannot be followed by derivation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repot.model.catalog import Table
from repot.model.finding import Finding, error, warning
from repot.model.names import Name, quoted
from repot.model.plan import Link, Role, Use
from repot.model.project import DeclaredLink, MoveSetting
from repot.moves.analysis import advice
from repot.moves.analysis.ast import Unreadable, everything, pb, select_of
from repot.moves.analysis.frame import implied


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


def check_scope(
    declared: Mapping[Name, Sequence[DeclaredLink]], scope: Sequence[str], file: str
) -> list[Finding]:
    """Links that do not give the scope as they must, and links whose SELECT reads the very table
    whose rows may be gone."""
    findings = []
    for name, given in declared.items():
        for link in given:
            if link.keys is None and len(link.columns) != len(scope):
                findings.append(
                    error(
                        "link-not-the-scope",
                        f"the link of {name} has no keys and names other columns than the scope",
                        hint=f"name the columns that are ({', '.join(scope)}), or write keys",
                        **advice.in_settings(file),
                    )
                )
            if link.keys is not None:
                findings += _check_keys(name, link, select_of(link.keys), scope, file)
    return findings


def _check_keys(
    name: Name, link: DeclaredLink, select: pb.SelectStmt, scope: Sequence[str], file: str
) -> list[Finding]:
    findings = []
    first = select
    while first.op != pb.SETOP_NONE:
        first = first.larg
    wanted = [*scope, *(f"repot_link_{i}" for i in range(1, len(link.columns) + 1))]
    given = [n.res_target.name or implied(n.res_target.val) for n in first.target_list]
    stars = [m for t in first.target_list for m in everything(t) if isinstance(m, pb.A_Star)]
    if not stars and given != wanted:
        findings.append(
            error(
                "link-keys-columns",
                f"keys of the link of {name} gives ({', '.join(given)})",
                hint=f"it must give ({', '.join(wanted)}), so named and in this order",
                **advice.in_settings(file),
            )
        )
    tables = [m for m in everything(select) if isinstance(m, pb.RangeVar)]
    if any(t.relname == name.name and t.schemaname in ("", name.schema_) for t in tables):
        findings.append(
            warning(
                "link-reads-itself",
                f"keys of the link of {name} reads {name} itself: rows that are gone find nothing",
                hint="give the keys from the tables that look the row up",
                **advice.in_settings(file),
            )
        )
    return findings


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
