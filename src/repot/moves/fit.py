"""Whether a move's columns fit the table they go to: names, types, keys."""

from __future__ import annotations

from collections.abc import Mapping

from repot.model.catalog import Column, Table
from repot.model.finding import Finding, error, info
from repot.model.project import MoveSetting, SqlFile
from repot.moves.statements import line_of

# Casts that never change a value or refuse one (PostgreSQL's implicit casts between these types).
_WIDER = {
    ("smallint", "integer"),
    ("smallint", "bigint"),
    ("integer", "bigint"),
    ("smallint", "numeric"),
    ("integer", "numeric"),
    ("bigint", "numeric"),
    ("real", "double precision"),
    ("character varying", "text"),
    ("text", "character varying"),
    ("date", "timestamp without time zone"),
}

# Casts that fit only where the values do: the plan probes them (see stages/plan).
PROBED = {
    ("text", "character varying"),
    ("character varying", "character varying"),
    ("numeric", "numeric"),
    ("smallint", "numeric"),
    ("integer", "numeric"),
    ("bigint", "numeric"),
}


def fits(has: Column, wants: Column) -> bool:
    """Whether the cast may be left to Repot."""
    pair = (has.base_type, wants.base_type)
    return has.base_type == wants.base_type or pair in _WIDER


def check_columns(
    file: SqlFile, given: Mapping[str, Column], table: Table
) -> tuple[list[Finding], tuple[str, ...]]:
    """Findings, and the table's columns that are left to their defaults."""
    findings: list[Finding] = []
    for name, column in given.items():
        target = table.column(name)
        where = {"file": file.path, "line": line_of(file.text, name)}
        if target is None:
            findings.append(
                error(
                    "unknown-target-column",
                    f"{table.name} has no column {name}",
                    object=f"{table.name.name}.{name}",
                    hint=f"columns of {table.name.name}: "
                    + ", ".join(c.name for c in table.columns),
                    **where,
                )
            )
        elif target.generated:
            findings.append(
                error(
                    "generated-column",
                    f"{table.name}.{name} is generated: it cannot be given a value",
                    object=f"{table.name.name}.{name}",
                    hint="leave it out of the move",
                    **where,
                )
            )
        elif not fits(column, target):
            findings.append(
                error(
                    "type-mismatch",
                    f"{name} is {column.type} in the move and {target.type} in {table.name}",
                    object=f"{table.name.name}.{name}",
                    hint=f"say how it becomes one: (…)::{target.type} as {name}",
                    **where,
                )
            )
    omitted = [c for c in table.columns if c.name not in given and not c.generated]
    for column in omitted:
        if column.not_null and column.default is None and not column.identity:
            findings.append(
                error(
                    "column-not-given",
                    f"{table.name}.{column.name} is NOT NULL without a default, "
                    "and the move does not give it",
                    file=file.path,
                    line=1,
                    object=f"{table.name.name}.{column.name}",
                    hint=f"add it to the SELECT: … as {column.name}",
                )
            )
    left = tuple(c.name for c in omitted)
    if left:
        findings.append(
            info(
                "column-defaulted",
                f"{table.name.name}: {', '.join(left)} take their default in every row",
                file=file.path,
                object=table.name.name,
            )
        )
    return findings, left


def choose_key(
    file: SqlFile, setting: MoveSetting, given: Mapping[str, Column], table: Table, section: str
) -> tuple[tuple[str, ...], list[Finding]]:
    """The columns that join a row of the view with its row of the table."""
    if setting.key:
        unknown = [c for c in setting.key if c not in given]
        if unknown:
            return (), [
                error(
                    "key-not-given",
                    f"the declared key column {', '.join(unknown)} is not among the SELECT's",
                    file="repot.toml",
                    object=table.name.name,
                    hint=f"columns given: {', '.join(given)}",
                )
            ]
        if not any(set(u.columns) <= set(setting.key) for u in table.uniques):
            return (), [
                error(
                    "key-not-unique",
                    f"nothing makes ({', '.join(setting.key)}) unique in {table.name}",
                    file="repot.toml",
                    object=table.name.name,
                    hint="declare a key that a primary key or unique constraint covers",
                )
            ]
        return setting.key, []
    if table.primary and all(c in given for c in table.primary):
        return table.primary, []
    for unique in table.uniques:
        columns = [table.column(c) for c in unique.columns]
        if all(c is not None and c.name in given and c.not_null for c in columns):
            return unique.columns, []
    return (), [
        error(
            "no-key",
            f"{table.name} has no key that {file.path} gives: rows could not be told apart",
            file=file.path,
            line=1,
            object=table.name.name,
            hint=f'give the primary key, or declare one: [{section}] key = ["…"]',
        )
    ]
