"""What a stage needs of the server and of this role, asked before the first change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from repot.model.finding import Finding, error, info, warning
from repot.model.names import Name, quoted
from repot.model.schemas import ALL
from repot.postgres.catalog.rights import Facts, Row, facts, name_arrays, read_rights
from repot.postgres.connect import Connection
from repot.postgres.sql import load

__all__ = ["Facts", "Stage", "facts", "missing"]

Stage = Literal["audit", "backup", "plan", "copy", "verify", "cutover", "rollback", "cleanup"]

OLDEST = 140000  # server_version_num of PostgreSQL 14
_WRITING = ("plan", "copy", "verify", "cutover", "rollback", "cleanup")  # plan compiles its views
_SWAPPING = ("cutover", "rollback")


def missing(
    conn: Connection,
    source_tables: Sequence[Name],
    outside_tables: Sequence[Name],
    stage: Stage,
    *,
    swap: str = "tables",
    connections: int = 2,
    pg_dump: int | None = None,
) -> list[Finding]:
    """What `stage` needs and does not have; an empty list lets it begin. Reads catalogs only.

    source_tables: the tables of V1; outside_tables: those that moves read in other schemas, both as
    they are named now. swap: `tables` or `schema`. connections: how many the stage will open.
    pg_dump: the major version of the client program, where the stage uses it.
    Errors stop a stage, warnings and infos do not.
    """
    known = facts(conn)
    rows = read_rights(conn, source_tables), read_rights(conn, outside_tables)
    found = [*_server(known, stage, connections, pg_dump)]
    if stage in _WRITING:
        found += _schemas(conn, known)
    found += _reading(known, (*rows[0], *rows[1]))
    if stage == "copy":
        found += _capturing(known, (*rows[0], *rows[1]))
    if stage in _SWAPPING or stage == "cleanup":
        found += _owning(known, rows[0])
    if stage in _SWAPPING:
        found += _swapping(conn, known, rows[0], swap, source_tables)
        found += _outside(known, rows[1])
    return found


def _table(row: Row) -> str:
    return str(Name(schema_=row["schema"], name=row["name"]))


def _server(known: Facts, stage: Stage, connections: int, pg_dump: int | None) -> Iterator[Finding]:
    major = known.server_version // 10000
    if known.server_version < OLDEST:
        yield error(
            "server-version",
            f"the server is PostgreSQL {major}; Repot needs 14 or later",
            hint="upgrade the server first (pg_upgrade keeps the data in place)",
        )
    if known.standby and stage in _WRITING:
        yield error(
            "server-standby",
            f"this server is a standby: it takes no writes, and `{stage}` needs some",
            hint="give the address of the primary; audit and backup may run on a standby",
        )
    if pg_dump is not None and pg_dump < major:
        yield error(
            "pg-dump-version",
            f"pg_dump is version {pg_dump}, older than the server ({major}): it refuses to dump it",
            hint=f"install the client programs of PostgreSQL {major} or later, "
            "or set REPOT_PG_BIN to their folder",
        )
    if known.free_connections < connections:
        yield warning(
            "server-connections",
            f"{quoted(known.role)} can open {max(known.free_connections, 0)} more connections; "
            f"`{stage}` wants {connections}",
            hint="fewer workers (--workers), or end idle sessions; a pooler in transaction mode "
            "does not help: Repot needs sessions",
        )
    if stage == "copy" and not known.event_triggers:
        yield info(
            "server-event-trigger",
            f"{quoted(known.role)} may not create event triggers: a change of V1's tables while "
            "Repot works is noticed at the next stage, not at once",
            hint="do not change V1's tables until the cutover, or run as a superuser",
        )


def _schemas(conn: Connection, known: Facts) -> Iterator[Finding]:
    if not known.create_schema:
        yield error(
            "right-create-schema",
            f"{quoted(known.role)} may not create schemas in this database",
            hint=f"as its owner: GRANT CREATE ON DATABASE {quoted(known.database)} "
            f"TO {quoted(known.role)};",
        )
    rows = conn.execute(load("catalog_foreign_schemas.sql").encode(), {"schemas": list(ALL)})
    for schema, owner in rows.fetchall():
        yield error(
            "right-state-schema",
            f"the schema {quoted(str(schema))} belongs to {quoted(str(owner))}",
            object=str(schema),
            hint=f"connect as {quoted(str(owner))}, who began this, or: "
            f"GRANT {quoted(str(owner))} TO {quoted(known.role)};",
        )


def _reading(known: Facts, rows: Sequence[Row]) -> Iterator[Finding]:
    role = quoted(known.role)
    for row in rows:
        table = _table(row)
        if not row["found"]:
            yield error(
                "table-missing",
                f"there is no table {table}",
                object=table,
                hint="check the schema's name in repot.toml, and that this is the right database",
            )
        elif not row["usage"] or not row["readable"]:
            needs = (
                "" if row["usage"] else f"GRANT USAGE ON SCHEMA {quoted(row['schema'])} TO {role}; "
            )
            yield error(
                "right-read",
                f"{role} may not read {table}",
                object=table,
                hint=f"as {quoted(row['owner'])}: {needs}GRANT SELECT ON {table} TO {role};",
            )
        elif row["rows_hidden"]:
            yield error(
                "right-rls",
                f"row security hides rows of {table} from {role}"
                + (" although it owns it (FORCE ROW LEVEL SECURITY)" if row["owns"] else ""),
                object=table,
                hint=f"as a superuser: ALTER ROLE {role} BYPASSRLS;"
                + (
                    f" or ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
                    if row["owns"]
                    else f" or connect as {quoted(row['owner'])}, who owns it"
                ),
            )


def _capturing(known: Facts, rows: Sequence[Row]) -> Iterator[Finding]:
    role = quoted(known.role)
    for row in rows:
        if row["found"] and not row["trigger"]:
            yield error(
                "right-trigger",
                f"{role} may not put a trigger on {_table(row)}, so its changes cannot be captured",
                object=_table(row),
                hint=f"as {quoted(row['owner'])}: GRANT TRIGGER ON {_table(row)} TO {role};",
            )


def _owning(known: Facts, rows: Sequence[Row]) -> Iterator[Finding]:
    role = quoted(known.role)
    for row in rows:
        if row["found"] and not row["owns"]:
            yield error(
                "right-owner",
                f"{_table(row)} belongs to {quoted(row['owner'])}: {role} may not move, lock or "
                "drop it",
                object=_table(row),
                hint=f"connect as {quoted(row['owner'])}, or: "
                f"GRANT {quoted(row['owner'])} TO {role};",
            )


def _swapping(
    conn: Connection, known: Facts, rows: Sequence[Row], swap: str, tables: Sequence[Name]
) -> Iterator[Finding]:
    role = quoted(known.role)
    for row in {row["schema"]: row for row in rows}.values():
        schema, owner = quoted(row["schema"]), quoted(row["schema_owner"])
        if swap == "schema" and not row["owns_schema"]:
            yield error(
                "right-schema-owner",
                f"the schema {schema} belongs to {owner}: {role} may not rename it",
                object=row["schema"],
                hint='swap = "tables" needs no right on the schema but CREATE, '
                f"or connect as {owner}",
            )
        elif swap == "tables" and not row["create_in_schema"]:
            yield error(
                "right-schema-create",
                f"{role} may not create tables in the schema {schema}, so V2 cannot move there",
                object=row["schema"],
                hint=f"as {owner}: GRANT CREATE ON SCHEMA {schema} TO {role};",
            )
    found = conn.execute(load("catalog_publications.sql").encode(), name_arrays(tables)).fetchall()
    for publication, holder in found:
        yield error(
            "right-publication",
            f"the publication {quoted(str(publication))} holds tables of V1 and belongs to "
            f"{quoted(str(holder))}: {role} could not put V2's tables in their place",
            object=str(publication),
            hint=f"connect as {quoted(str(holder))}, or: GRANT {quoted(str(holder))} TO {role};",
        )


def _outside(known: Facts, rows: Sequence[Row]) -> Iterator[Finding]:
    for row in rows:
        if row["found"] and not row["owns"]:
            yield warning(
                "right-outside-owner",
                f"{_table(row)} belongs to {quoted(row['owner'])}: {quoted(known.role)} can add "
                "triggers to it, but neither drop nor disable one",
                object=_table(row),
                hint="a trigger there is led to V2 by replacing its function, or connect as "
                f"{quoted(row['owner'])}",
            )
