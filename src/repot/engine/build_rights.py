"""Owner, grants and comments of V2: as target.sql says, else as V1's, else as the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg import sql
from psycopg.rows import dict_row

from repot.engine.build_grants import Grant, replace_grants
from repot.engine.sql import load
from repot.model.base import Value
from repot.model.names import Name, quoted
from repot.model.plan import Plan
from repot.postgres.compose import ident, trusted
from repot.postgres.connect import Connection

_PROBE = "repot_probe"


class _Relation(Value):
    """A row of build_rights.sql."""

    oid: int
    name: str
    kind: str
    owner: str
    mine: bool
    acl: str | None
    behind_column: bool
    behind_table: str | None
    comment: str | None
    grants: tuple[Grant, ...]
    twin: int | None
    twin_owner: str | None
    twin_grants: tuple[Grant, ...]
    twin_comment: str | None


@dataclass
class Rights:
    """What was decided, for the event log."""

    owners: dict[str, str] = field(default_factory=dict)
    not_given: set[str] = field(default_factory=set)  # owners of V1 that this role cannot become
    ungranted: list[str] = field(default_factory=list)  # V2 tables for their owner alone


def fresh_acls(conn: Connection, schema: str) -> dict[str, str | None]:
    """The ACL that a new table (r) and sequence (S) of this role get in `schema` by themselves.

    Whatever target.sql leaves different was granted or revoked there on purpose.
    """
    probe = ident(Name(schema_=schema, name=_PROBE))
    acls: dict[str, str | None] = {}
    for kind, word, columns in (("r", "table", " ()"), ("S", "sequence", "")):
        conn.execute(sql.SQL("create {} {}{}").format(sql.SQL(word), probe, sql.SQL(columns)))
        row = conn.execute(
            "select c.relacl::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n"
            " on n.oid = c.relnamespace where n.nspname = %s and c.relname = %s",
            (schema, _PROBE),
        ).fetchone()
        acls[kind] = str(row[0]) if row and row[0] is not None else None
        conn.execute(sql.SQL("drop {} {}").format(sql.SQL(word), probe))
    return acls


def copy_rights(conn: Connection, plan: Plan, fresh: Mapping[str, str | None]) -> Rights:
    """Give V2's relations their owners, grants and comments. `fresh`: see `fresh_acls`."""
    rights = Rights()
    schemas = {"source": plan.source_schema, "target": plan.target_schema}
    row = conn.execute(load("build_owner.sql").encode(), schemas).fetchone()
    usual = str(row[0]) if row else None
    relations = _relations(conn, schemas)
    for relation in relations:
        _give(conn, plan, relation, relation.twin_owner or usual, rights)
    if usual:
        _give_others(conn, plan, usual, rights)
    granted: dict[str, list[Grant]] = {}
    for relation in _relations(conn, schemas):  # again: a new owner changes the grants
        kind = "S" if relation.kind == "S" else "r"
        before = next(r for r in relations if r.oid == relation.oid)
        grants = list(relation.grants)
        if before.acl == fresh[kind] and not any(g.column for g in before.grants):
            grants = _wanted(conn, plan, relation, kind, granted)
            name = Name(schema_=plan.target_schema, name=relation.name)
            replace_grants(conn, relation.oid, name, kind, set(relation.grants), set(grants))
        granted[relation.name] = grants
        if kind == "r" and not grants:
            rights.ungranted.append(relation.name)
        _comment(conn, plan, relation)
    return rights


def _relations(conn: Connection, schemas: dict[str, str]) -> list[_Relation]:
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(load("build_rights.sql").encode(), schemas)
        return [_Relation.model_validate(row) for row in cursor.fetchall()]


def _may_own(conn: Connection, owner: str) -> bool:
    row = conn.execute(load("build_may_own.sql").encode(), {"owner": owner}).fetchone()
    return bool(row and row[0])


def _give(
    conn: Connection, plan: Plan, relation: _Relation, owner: str | None, rights: Rights
) -> None:
    if owner is None or owner == relation.owner or not relation.mine or relation.behind_column:
        return
    if not _may_own(conn, owner):
        rights.not_given.add(owner)
        return
    # Who is given a table must be able to make one there; foreign keys are checked as the owner.
    conn.execute(
        sql.SQL("grant usage, create on schema {} to {}").format(
            sql.Identifier(plan.target_schema), sql.Identifier(owner)
        )
    )
    conn.execute(
        sql.SQL("alter {} {} owner to {}").format(
            _word(relation.kind),
            ident(Name(schema_=plan.target_schema, name=relation.name)),
            sql.Identifier(owner),
        )
    )
    rights.owners[relation.name] = owner


def _give_others(conn: Connection, plan: Plan, owner: str, rights: Rights) -> None:
    """Functions and types: those that run with their owner's rights must not run with ours."""
    if not _may_own(conn, owner):
        return
    found = conn.execute(
        load("build_other_owned.sql").encode(), {"target": plan.target_schema}
    ).fetchall()
    for word, name in found:
        conn.execute(
            sql.SQL("grant usage, create on schema {} to {}").format(
                sql.Identifier(plan.target_schema), sql.Identifier(owner)
            )
        )
        conn.execute(
            sql.SQL("alter {} {} owner to {}").format(
                trusted(str(word)), trusted(str(name)), sql.Identifier(owner)
            )
        )
        rights.owners[str(name)] = owner


def _wanted(
    conn: Connection, plan: Plan, relation: _Relation, kind: str, granted: dict[str, list[Grant]]
) -> list[Grant]:
    if relation.twin is not None:
        return list(relation.twin_grants)
    rows = conn.execute(
        load("build_default_rights.sql").encode(),
        {"source": plan.source_schema, "kind": kind, "owner": relation.owner},
    ).fetchall()
    grants = [Grant.model_validate(row[0]) for row in rows]
    if relation.behind_table is not None and not grants:
        # Who may insert into the table must be able to draw from the sequence behind its column.
        inserters = [g for g in granted.get(relation.behind_table, ()) if g.privilege == "INSERT"]
        grants = [
            Grant(privilege="USAGE", grantee=g.grantee, grantable=g.grantable, column="")
            for g in inserters
        ]
    return list(dict.fromkeys(grants))


def _comment(conn: Connection, plan: Plan, relation: _Relation) -> None:
    if relation.twin is None or relation.kind not in ("r", "p"):
        return
    table = ident(Name(schema_=plan.target_schema, name=relation.name))
    if relation.comment is None and relation.twin_comment is not None:
        conn.execute(
            sql.SQL("comment on table {} is {}").format(table, sql.Literal(relation.twin_comment))
        )
    rows = conn.execute(
        load("build_column_comments.sql").encode(), {"twin": relation.twin, "table": relation.oid}
    ).fetchall()
    for column, comment in rows:
        conn.execute(
            sql.SQL("comment on column {}.{} is {}").format(
                table, sql.Identifier(str(column)), sql.Literal(comment)
            )
        )


def _word(kind: str) -> sql.SQL:
    words = {"v": "view", "m": "materialized view", "S": "sequence", "f": "foreign table"}
    return sql.SQL(words.get(kind, "table"))


def explain(rights: Rights, plan: Plan) -> list[str]:
    """What a person should know about the decisions, as sentences."""
    lines = [
        f"V2's tables stay with this role: it may not give them to {quoted(owner)}, V1's owner"
        for owner in sorted(rights.not_given)
    ]
    if rights.ungranted and _has_grants(plan):
        names = ", ".join(quoted(n) for n in rights.ungranted)
        lines.append(f"only their owner may use these V2 tables: {names} (GRANT in target.sql)")
    return lines


def _has_grants(plan: Plan) -> bool:
    return any(t.acl for t in plan.source.in_schema(plan.source_schema))
