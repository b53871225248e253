"""Every V1 table and column is read by a move or left behind with a reason."""

from __future__ import annotations

from collections.abc import Mapping

from repot.model.catalog import Catalog
from repot.model.finding import Finding, error, warning
from repot.model.names import Name, toml
from repot.model.project import Leave, Project
from repot.postgres.connect import Connection

Reads = Mapping[Name, frozenset[str]]


def columns_read(conn: Connection, view: Name) -> dict[Name, frozenset[str]]:
    """Tables and columns that a view reads, by PostgreSQL's own book-keeping (pg_depend)."""
    rows = conn.execute(
        "select n.nspname, c.relname, a.attname"
        " from pg_catalog.pg_rewrite r"
        " join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass"
        "  and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass"
        " join pg_catalog.pg_class c on c.oid = d.refobjid and c.oid <> r.ev_class"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid"
        "  and d.refobjsubid > 0"
        " join pg_catalog.pg_class v on v.oid = r.ev_class"
        " join pg_catalog.pg_namespace vn on vn.oid = v.relnamespace"
        " where vn.nspname = %s and v.relname = %s",
        (view.schema_, view.name),
    ).fetchall()
    found: dict[Name, set[str]] = {}
    for schema, relation, column in rows:
        columns = found.setdefault(Name(schema_=str(schema), name=str(relation)), set())
        if column is not None:
            columns.add(str(column))
    return {name: frozenset(columns) for name, columns in found.items()}


def merged(reads: list[dict[Name, frozenset[str]]]) -> dict[Name, frozenset[str]]:
    """What several views read together."""
    total: dict[Name, frozenset[str]] = {}
    for one in reads:
        for name, columns in one.items():
            total[name] = total.get(name, frozenset()) | columns
    return total


def mentioned(table: str, texts: Mapping[str, str]) -> bool:
    """Whether one of the broken files names the table: then nothing can be said of it yet."""
    return any(table.lower() in text.lower() for text in texts.values())


def check_coverage(
    project: Project, source: Catalog, reads: Reads, broken: Mapping[str, str]
) -> list[Finding]:
    """What neither a move reads nor leave.toml names, and stale entries of leave.toml.

    Tables named in the texts of `broken` moves are passed over: mend those first.
    """
    schema, leave = project.source.schema_, project.leave
    left_tables = {entry.name for entry in leave.table}
    left_columns = {(entry.table, entry.column) for entry in leave.column}
    findings: list[Finding] = []
    for table in source.in_schema(schema):
        name = table.name.name
        read = reads.get(table.name)
        if name in left_tables:
            if read:
                findings.append(_stale(f"table {name} is left behind, yet a move reads it"))
            continue
        if mentioned(name, broken):
            continue
        if read is None:
            findings.append(
                error(
                    "table-not-covered",
                    f"no move reads {table.name} (about {max(table.estimate, 0)} rows)",
                    file="leave.toml",
                    object=name,
                    hint=f"write a move that reads it, or leave it behind on purpose: "
                    f"[[table]] name = {toml(name)} reason = …",
                )
            )
            continue
        missing = [
            c.name
            for c in table.columns
            if c.name not in read and (name, c.name) not in left_columns and not c.generated
        ]
        findings.extend(
            error(
                "column-not-covered",
                f"no move reads {table.name}.{column}",
                file="leave.toml",
                object=f"{name}.{column}",
                hint="read it in a move, or leave it behind on purpose: "
                f"[[column]] table = {toml(name)} column = {toml(column)} reason = …",
            )
            for column in missing
        )
    return findings + _unknown_entries(schema, leave, source)


def _unknown_entries(schema: str, leave: Leave, source: Catalog) -> list[Finding]:
    tables = {t.name.name: t for t in source.in_schema(schema)}
    named = [(e.name, None) for e in leave.table] + [(e.table, e.column) for e in leave.column]
    named += [(e.table, None) for e in leave.rows]
    findings = []
    for table, column in named:
        if table not in tables:
            findings.append(_stale(f"V1 has no table {table}"))
        elif column and tables[table].column(column) is None:
            findings.append(_stale(f"V1 has no column {table}.{column}"))
    return findings


def _stale(message: str) -> Finding:
    return warning(
        "leave-entry-stale", message, file="leave.toml", hint="take the entry out or correct it"
    )
