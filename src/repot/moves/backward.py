"""Compiling the ways back, written or derived, and what a rollback could not bring back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from repot.model.catalog import Column, Table
from repot.model.finding import Finding, error, info, warning
from repot.model.names import Name
from repot.model.plan import Derivation, NotCarried, Registry
from repot.model.project import MoveSetting, SqlFile
from repot.model.schemas import BACK, BACK_SQL, LOOP
from repot.moves.analysis import analyse
from repot.moves.back import derive_back, returns
from repot.moves.coverage import columns_read, mentioned, merged
from repot.moves.fit import check_columns, choose_key
from repot.moves.install import (
    asked,
    create_back_casts,
    create_back_sql,
    create_trace_views,
    named,
)
from repot.moves.statements import check_select
from repot.moves.workshop import Workshop, view_columns, view_definition


def compile_backs(
    shop: Workshop,
    moves: Sequence[Derivation],
    registries: Sequence[Registry],
    broken: Mapping[str, str],
) -> tuple[list[Derivation], list[NotCarried]]:
    """Ways back for every V1 table that a move reads, as far as there are any.

    Those that read the table of a `broken` move are passed over: mend the move first.
    """
    project = shop.project
    left = {entry.name for entry in project.leave.table}
    backs: list[Derivation] = []
    not_carried: list[NotCarried] = []
    tables = {t.name.name: t for t in shop.source.in_schema(project.source.schema_)}
    for name in project.backs:
        if name not in tables:
            shop.findings.append(
                error(
                    "unknown-source-table",
                    f"V1 has no table {name}",
                    file=project.backs[name].path,
                    line=1,
                    hint="a way back is named after its V1 table",
                )
            )
    for name, table in tables.items():
        if name in left:
            continue
        file = project.backs.get(name)
        if broken and (mentioned(name, broken) or (file and _reads_any(file.text, broken))):
            continue
        if file is not None:
            back = _compile(shop, table, file, derived=False)
        else:
            found = derive_back(table, moves, registries, shop.source, shop.target)
            if found.sql is None:
                shop.findings.append(_no_way_back(name, found.why))
                why = f"no way back: {found.why}"
                not_carried.append(NotCarried(table=name, why=why, of_v1=True))
                continue
            path = f"back/{name}.sql (derived)"
            back = _compile(shop, table, SqlFile(path=path, text=found.sql), derived=True)
        if back is not None:
            backs.append(back)
    if not broken:
        not_carried += _v2_not_read(shop, backs)
    return backs, not_carried


def _compile(shop: Workshop, table: Table, file: SqlFile, *, derived: bool) -> Derivation | None:
    name, conn = table.name.name, shop.conn
    findings = check_select(file)
    shop.findings.extend(findings)
    if findings:
        return None
    bare = Derivation(
        name=name,
        table=table.name,
        user_view=Name(schema_=BACK_SQL, name=name),
        view=Name(schema_=BACK, name=name),
        loop=Name(schema_=LOOP, name=name),
        columns=(),
        key=(),
        scope=(),
        outputs=(),
        uses=(),
        sql=file,
        derived=derived,
    )
    with shop.attempt(file, _head_length(bare.user_view)) as done:
        create_back_sql(conn, bare, shop.project.target.schema_)
    back = _described(shop, bare, table) if done else None
    if back is None:
        return None
    back = asked(back, table, "back")
    with shop.attempt(file) as done:
        create_back_casts(conn, back, table)
        create_trace_views(conn, back.uses)
    return back if done else None


def _described(shop: Workshop, back: Derivation, table: Table) -> Derivation | None:
    """The way back with its columns, key and links; None where a finding says why not."""
    project, conn = shop.project, shop.conn
    setting = project.back.get(back.name, MoveSetting())
    given = view_columns(conn, back.user_view)
    findings, defaulted = check_columns(back.sql, given, table)
    if back.derived:  # a key that V2 has in a wider type is read as it is, and cast by the view
        findings = [f for f in findings if not _narrows(f, given, table)]
    key, more = choose_key(back.sql, setting, given, table, f"back.{back.name}")
    # A way back may leave out any column: V1's own value stays, new rows take the default.
    shop.findings += [*(f for f in findings if f.code != "column-defaulted"), *more]
    if more or any(f.code in ("unknown-target-column", "type-mismatch") for f in findings):
        return None
    readable = (*shop.target.tables, *shop.registries.tables, *shop.source.tables)
    analysis = analyse(
        view_definition(conn, back.user_view),
        tables={t.name: t for t in readable},
        key=key,
        columns=tuple(given),
        setting=setting,
        file=back.sql.path,
        default_schema=project.target.schema_,
    )
    shop.findings.extend(analysis.findings)
    return back.model_copy(
        update={
            "columns": tuple(c.name for c in table.columns if c.name in given),
            "defaulted": defaulted,
            "key": key,
            "scope": analysis.scope or key,
            "outputs": tuple(
                o.model_copy(update={"type": given[o.name].type}) for o in analysis.outputs
            ),
            "uses": named(analysis.uses, f"back.{back.name}"),
        }
    )


def _narrows(finding: Finding, given: Mapping[str, Column], table: Table) -> bool:
    """Whether the finding is but about a type of V2's that holds more than V1's."""
    if finding.code != "type-mismatch":
        return False
    name = (finding.object or "").removeprefix(f"{table.name.name}.")
    target = table.column(name)
    return name in given and target is not None and returns(given[name], target)


def _head_length(view: Name) -> int:
    return len(f'create view "{view.schema_}"."{view.name.replace(chr(34), chr(34) * 2)}" as\n')


def _no_way_back(name: str, why: str) -> Finding:
    return warning(
        "no-way-back",
        f"writes made on V2 could not be brought back into {name}: {why}",
        object=name,
        hint=f"write back/{name}.sql: the columns of {name} as a SELECT over V2",
    )


def _reads_any(text: str, tables: Iterable[str]) -> bool:
    return any(table.lower() in text.lower() for table in tables)


def _v2_not_read(shop: Workshop, backs: Sequence[Derivation]) -> list[NotCarried]:
    """V2 tables and columns that no way back reads."""
    reads = merged([columns_read(shop.conn, back.user_view) for back in backs])
    result = []
    for table in shop.target.in_schema(shop.project.target.schema_):
        name = table.name.name
        read = reads.get(table.name)
        if read is None:
            result.append(NotCarried(table=name, why="no way back reads the table"))
            continue
        for column in table.columns:
            if column.name not in read and not column.generated:
                result.append(
                    NotCarried(table=name, column=column.name, why="no way back reads the column")
                )
    for entry in result:
        what = f"{entry.table}.{entry.column}" if entry.column else entry.table
        shop.findings.append(
            info(
                "not-carried-back",
                f"after a rollback, what was written into {what} on V2 is not in V1",
                object=what,
                hint="it is kept in repot_quarantine; a way back that reads it would carry it",
            )
        )
    return result
