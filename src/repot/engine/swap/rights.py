"""Owner, rights and comment of an object that is made anew, exactly as they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from psycopg import sql

from repot.engine.swap.sql import load
from repot.postgres.compose import joined, trusted
from repot.postgres.connect import Connection


def owner_and_rights(
    conn: Connection, kind: str, name: sql.Composable, detail: Mapping[str, Any]
) -> Iterator[sql.Composable]:
    """Statements; `detail` has owner, acl as (grantee or None, right, grantable), and comment.

    Default privileges may have given rights to others at the creation: those are taken back.
    """
    what = {"table": "view"}.get(kind, kind)
    if detail.get("method"):
        what = "materialized view"
    owner = str(detail["owner"])
    yield sql.SQL("alter {} {} owner to {}").format(trusted(what), name, sql.Identifier(owner))
    grantees = {g for g, _, _ in detail["acl"] or ()} | by_default(conn) | {owner, None}
    for grantee in sorted(grantees, key=str):
        yield sql.SQL("revoke all on {} {} from {} cascade").format(
            trusted(kind), name, role(grantee)
        )
    yield from grants(kind, name, detail["acl"] or ())
    if detail["comment"] is not None:
        yield sql.SQL("comment on {} {} is {}").format(
            trusted(what), name, sql.Literal(detail["comment"])
        )


def grants(
    kind: str, name: sql.Composable, acl: Iterable[tuple[str | None, str, bool]]
) -> Iterator[sql.Composable]:
    """One GRANT per grantee and kind of right (with or without grant option)."""
    together: dict[tuple[str | None, bool], list[str]] = {}
    for grantee, right, grantable in acl:
        together.setdefault((grantee, grantable), []).append(right)
    for (grantee, grantable), rights in together.items():
        yield sql.SQL("grant {} on {} {} to {}{}").format(
            joined(trusted(r) for r in rights),
            trusted(kind),
            name,
            role(grantee),
            sql.SQL(" with grant option" if grantable else ""),
        )


def role(name: str | None) -> sql.Composable:
    """A role's name; None is PUBLIC."""
    return sql.SQL("public") if name is None else sql.Identifier(name)


def by_default(conn: Connection) -> set[str | None]:
    """Everybody to whom some default privilege gives something."""
    rows = conn.execute(load("default_grantees.sql")).fetchall()
    return {None if r[0] is None else str(r[0]) for r in rows}
