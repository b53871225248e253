"""A project, compiled against a real database: the plan, with everything that is wrong with it.

`compile_project` creates schemas and views inside the caller's transaction, which the caller rolls
back once it has probed the data through them: nothing of it is ever committed.
"""

from __future__ import annotations

import hashlib
import json

from psycopg import sql

from repot.model.catalog import Catalog, Table
from repot.model.finding import Finding, error, warning
from repot.model.names import Name, fitted, toml
from repot.model.plan import Plan
from repot.model.project import Project
from repot.model.schemas import ALL, REGISTRY, STATE
from repot.moves.acting_keys import check_keys
from repot.moves.analysis.declared import table_meant
from repot.moves.backward import compile_backs
from repot.moves.coverage import check_coverage, columns_read, merged
from repot.moves.forward import compile_move, compile_registry
from repot.moves.install import VIEW_SCHEMAS, create_schemas, run_target
from repot.moves.statements import check_target, without_foreign_keys
from repot.moves.workshop import Workshop
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import Connection


def compile_project(conn: Connection, project: Project) -> Plan:
    """The plan; its `findings` hold every problem that can be seen without reading rows."""
    shop = Workshop(conn, project)
    source, target = project.source.schema_, project.target.schema_
    _set_aside(conn, target)
    shop.source = read_catalog(conn, [source, *project.source.outside])
    if not shop.source.in_schema(source):
        shop.findings.append(
            error(
                "no-source",
                f"the source schema {source} holds no table",
                file="repot.toml",
                hint="[source] schema = … names the schema that is to be moved",
            )
        )
    _compile_target(shop)
    create_schemas(conn, (REGISTRY, *VIEW_SCHEMAS))
    registries = [r for name in project.registry if (r := compile_registry(shop, name))]
    shop.registries = read_catalog(conn, [REGISTRY])
    moves = [m for name in sorted(project.moves) if (m := compile_move(shop, name))]
    reads = merged([columns_read(conn, move.user_view) for move in moves])
    compiled = {move.name for move in moves}
    broken = {name: file.text for name, file in project.moves.items() if name not in compiled}
    shop.findings.extend(check_coverage(project, shop.source, reads, broken))
    backs, not_carried = compile_backs(shop, moves, registries, broken)
    shop.findings.extend(_tables_without_move(shop))
    shop.findings.extend(check_keys(shop, moves))
    shop.findings.extend(_unknown_sections(project))
    shop.findings.extend(_row_security(shop))
    shop.findings.extend(_captured_from_wal(shop))
    used = set(reads) | {t.name for t in shop.source.in_schema(source)}
    kept = Catalog(tables=tuple(t for t in shop.source.tables if t.name in used or t.parent))
    row = conn.execute("select current_setting('server_version_num')::int / 10000").fetchone()
    return Plan(
        project=project.name,
        digest=digest(project.digest, kept, shop.target),
        project_digest=project.digest,
        server_version=int(str(row[0])) if row else 0,
        source_schema=source,
        outside_schemas=project.source.outside,
        target_schema=target,
        retired_schema=project.target.retired,
        cutover=project.cutover,
        copying=project.copying,
        capture=project.capture,
        leave=project.leave,
        source=kept,
        target=shop.target,
        target_sql=project.target_sql,
        registries=tuple(registries),
        moves=tuple(moves),
        backs=tuple(backs),
        new_tables=project.target.new,
        checks=tuple(project.checks.values()),
        access=project.access,
        outside_sql=tuple(project.outside.values()),
        not_carried=tuple(not_carried),
        findings=tuple(shop.findings),
    )


def digest(project: str, source: Catalog, target: Catalog) -> str:
    """SHA-256 over the project and both shapes; sizes, estimates and oids do not count."""
    volatile = {"oid", "estimate", "bytes", "type_oid", "acl", "owner"}

    def shape(table: Table) -> object:
        data = table.model_dump(mode="json", exclude=volatile)
        for column in data["columns"]:
            column.pop("type_oid", None)
        data["triggers"] = [t for t in data["triggers"] if not t["name"].startswith("repot_")]
        return data

    shapes = [
        [shape(t) for t in sorted(c.tables, key=lambda t: str(t.name))] for c in (source, target)
    ]
    text = json.dumps([project, shapes], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _set_aside(conn: Connection, target: str) -> None:
    """Give an earlier build's schemas other names until the rollback: plan from nothing."""
    for schema in (target, *ALL):
        if schema == STATE:
            continue
        there = conn.execute("select 1 from pg_catalog.pg_namespace where nspname = %s", (schema,))
        if there.fetchone():
            conn.execute(
                sql.SQL("alter schema {} rename to {}").format(
                    sql.Identifier(schema), sql.Identifier(fitted(f"repot_aside_{schema}"))
                )
            )


def _compile_target(shop: Workshop) -> None:
    """Run target.sql, read what it makes, and leave it without foreign keys that lock others."""
    project, conn = shop.project, shop.conn
    target, source = project.target.schema_, project.source.schema_
    file = project.target_sql
    findings = check_target(file)
    shop.findings.extend(findings)
    if findings:
        return
    outward = False
    with shop.attempt(file), conn.transaction(force_rollback=True):
        create_schemas(conn, (target,))
        run_target(conn, target, file, source)
        shop.target = read_catalog(conn, [target])
        outward = any(
            key.references.schema_ != target for t in shop.target.tables for key in t.foreign_keys
        )
    if not shop.target.tables:
        if not shop.failed:
            shop.findings.append(
                error(
                    "no-target",
                    f"target.sql makes no table in {target}",
                    file=file.path,
                    line=1,
                    hint="write CREATE TABLE with bare names: they are made in the target schema",
                )
            )
        return
    shop.findings.extend(_foreign_into_v1(shop))
    create_schemas(conn, (target,))
    run_target(conn, target, without_foreign_keys(file) if outward else file, source)


def _foreign_into_v1(shop: Workshop) -> list[Finding]:
    source = shop.project.source.schema_
    return [
        error(
            "foreign-key-into-v1",
            f"{key.name} of {table.name} points to {key.references}, which is retired with V1",
            file="target.sql",
            object=f"{table.name.name}.{key.name}",
            hint="reference the V2 table",
        )
        for table in shop.target.tables
        for key in table.foreign_keys
        if key.references.schema_ == source
    ]


def _tables_without_move(shop: Workshop) -> list[Finding]:
    project = shop.project
    return [
        error(
            "table-without-move",
            f"no move fills {table.name.name}",
            file="target.sql",
            object=table.name.name,
            hint=f"write moves/{table.name.name}.sql, or say that it starts empty: "
            f"[target] new = [{toml(table.name.name)}]",
        )
        for table in shop.target.in_schema(project.target.schema_)
        if table.name.name not in project.moves and table.name.name not in project.target.new
    ]


def _unknown_sections(project: Project) -> list[Finding]:
    pairs = [(f"move.{n}", n in project.moves) for n in project.move]
    pairs += [(f"registry/{n}.sql", n in project.registry) for n in project.registries]
    return [
        warning(
            "setting-without-file",
            f"{what} belongs to nothing",
            file="repot.toml",
            hint="correct its name or take it out",
        )
        for what, known in pairs
        if not known
    ]


def _row_security(shop: Workshop) -> list[Finding]:
    """V1 hides rows with policies, its namesake in V2 would show them to everybody."""
    project = shop.project
    findings = []
    for table in shop.source.in_schema(project.source.schema_):
        twin = shop.target.get(Name(schema_=project.target.schema_, name=table.name.name))
        if twin and table.row_security and not twin.row_security:
            findings.append(
                warning(
                    "row-security-lost",
                    f"row-level security is on for {table.name} and off for its successor",
                    file="target.sql",
                    object=table.name.name,
                    hint=f"alter table {table.name.name} enable row level security; and policies",
                )
            )
    return findings


def _captured_from_wal(shop: Workshop) -> list[Finding]:
    project, tables = shop.project, {t.name: t for t in shop.source.tables}
    return [
        error(
            "capture-unknown-table",
            f"[capture] wal names the table {text}, which is not there",
            file="repot.toml",
            hint="write schema.table, or the bare name of a table of V1",
        )
        for text in project.capture.wal
        if table_meant(text, tables, project.source.schema_) is None
    ]
