"""Who is tried: the people that access.toml's SELECTs give; whether this session may be them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from repot.engine.access.scene import LOCK_MS, Caller, Place, caller
from repot.engine.access.sql import load
from repot.model.access import AccessRules, Identity
from repot.model.errors import Refused
from repot.model.finding import Finding, error, warning
from repot.model.names import quoted
from repot.moves.install import set_search_path
from repot.moves.statements import query_of
from repot.postgres.connect import Connection

PEOPLE = 3  # of one identity
MORE = 200  # who may stand in where these have no row of a table
SECONDS = 30  # that its SELECT may take


@dataclass(frozen=True)
class People:
    """Who is tried with each table, and who may stand in, by identity."""

    callers: tuple[Caller, ...]
    more: Mapping[str, tuple[Caller, ...]]

    def of(self, identity: str) -> tuple[Caller, ...]:
        return tuple(c for c in self.callers if c.identity.name == identity)


def check_roles(conn: Connection, rules: AccessRules) -> None:
    """Raises Refused `access-role`: a role is not there, or this session may not SET ROLE to it."""
    roles = list(dict.fromkeys(i.role for i in rules.identities))
    found = conn.execute(load("roles.sql").encode(), {"roles": roles}).fetchall()
    missing = [str(name) for name, there, _ in found if not there]
    closed = [str(name) for name, there, may in found if there and not may]
    if not missing and not closed:
        return
    row = conn.execute("select session_user").fetchone()
    me = quoted(str(row[0])) if row else "this role"
    evidence = [f"there is no role {quoted(name)}" for name in missing]
    evidence += [f"{me} may not SET ROLE {quoted(name)}" for name in closed]
    hints = []
    if closed:
        hints.append(f"as a superuser: GRANT {', '.join(map(quoted, closed))} TO {me};")
    if missing:
        hints.append("check the roles in access.toml, and that this is the right database")
    raise Refused(
        "access-role",
        "access cannot be tried as the roles of access.toml",
        evidence="\n".join(evidence),
        hint=" ".join(hints),
    )


def read_people(conn: Connection, rules: AccessRules, place: Place) -> tuple[People, list[Finding]]:
    """The people, and findings where an identity's SELECT fails or gives nobody. In V1, which has
    other tables, it may fail: then nobody in particular calls."""
    callers: list[Caller] = []
    more: dict[str, tuple[Caller, ...]] = {}
    findings: list[Finding] = []
    for identity in rules.identities:
        if identity.sub is None:
            callers.append(caller(identity, 1, None))
            continue
        try:
            subs = _subs(conn, identity, place.schema)
        except psycopg.Error as failed:
            if conn.closed:
                raise
            report = error
            if place.side == "v1":
                report = warning
                callers.append(caller(identity, 1, None))
            findings.append(
                report(
                    "access-sub",
                    f"the SELECT of identity {identity.name} fails: "
                    f"{failed.diag.message_primary or failed}",
                    file="access.toml",
                    hint="bare names are the tables of the schema that is tried",
                )
            )
            continue
        if not subs:
            findings.append(
                warning(
                    "access-nobody",
                    f"the SELECT of identity {identity.name} gives nobody: it is not tried",
                    file="access.toml",
                    hint="add such a person, or change the SELECT",
                )
            )
        every = [caller(identity, n, sub) for n, sub in enumerate(subs, 1)]
        callers += every[:PEOPLE]
        more[identity.name] = tuple(every[PEOPLE:])
    return People(tuple(callers), more), findings


def _subs(conn: Connection, identity: Identity, schema: str) -> list[str]:
    """The first column of its first rows, in the order of the SELECT. It can change nothing."""
    assert identity.sub is not None
    with conn.transaction(force_rollback=True):
        conn.execute("set transaction read only")
        conn.execute(
            "select pg_catalog.set_config('lock_timeout', %s, true),"
            " pg_catalog.set_config('statement_timeout', %s, true)",
            (str(LOCK_MS), str(SECONDS * 1000)),
        )
        set_search_path(conn, schema)
        text = query_of(identity.sub)
        conn.execute(sql.SQL("declare repot_people no scroll cursor for {}").format(text))
        rows = conn.execute(
            sql.SQL("fetch {} from repot_people").format(sql.Literal(PEOPLE + MORE))
        ).fetchall()
    return [str(row[0]) for row in rows if row[0] is not None]
