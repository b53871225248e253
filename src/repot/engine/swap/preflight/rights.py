"""What this role must be allowed to, beyond what every cutover needs (postgres/capabilities)."""

from __future__ import annotations

from collections.abc import Iterator

from repot.engine.swap.locks import LockPlan, lock_plan
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import PG_CLASS, TABLES
from repot.model.finding import Finding, error, warning
from repot.model.names import Name, quoted
from repot.model.plan import Plan
from repot.postgres.capabilities import missing
from repot.postgres.compose import ident
from repot.postgres.connect import Connection


def rights(conn: Connection, plan: Plan, swap: Survey) -> list[Finding]:
    """Rights on what moves, and on what is made anew."""
    tables = [t.full_name for t in swap.outgoing if t.kind in TABLES]
    outside = [n for n in plan.captured() if n.schema_ in plan.outside_schemas]
    found = missing(conn, tables, outside, "cutover", swap=swap.kind)
    return [
        *found,
        *_owned(conn, swap),
        *_remade(conn, swap),
        *_lockable(conn, lock_plan(conn, swap, outside)),
    ]


def _owned(conn: Connection, swap: Survey) -> Iterator[Finding]:
    """Things other than V1's tables that change their schema."""
    others = [*(t for t in swap.outgoing if t.kind not in TABLES), *swap.incoming]
    owners = _not_mine(conn, [t.key for t in others])
    for thing in others:
        owner = owners.get(thing.key)
        if owner is not None:
            yield error(
                "right-owner",
                f"{thing} belongs to {quoted(owner)} and cannot be moved",
                object=thing.identity,
                hint=f"connect as {quoted(owner)}, or have a superuser GRANT {quoted(owner)} to "
                "your role",
            )


def _remade(conn: Connection, swap: Survey) -> Iterator[Finding]:
    """What is made anew needs its owner, or the owner of its table; triggers the right TRIGGER."""
    for dependent in swap.dependents:
        if not dependent.remade:
            continue
        key = (
            dependent.key
            if dependent.kind == "routine"
            else (PG_CLASS, dependent.relation_oid or 0)
        )
        owner = _not_mine(conn, [key]).get(key)
        if owner is None:
            continue
        on = Name(schema_=dependent.schema, name=dependent.relation or dependent.name)
        if dependent.kind == "trigger" and _may_trigger(conn, dependent.relation_oid or 0):
            continue
        yield warning(
            "right-outside",
            f"{dependent} cannot be made anew: {on} belongs to {quoted(owner)}",
            object=dependent.identity,
            hint=f"connect as {quoted(owner)} or a member of it; some providers allow it all the "
            "same (the cutover would fail whole, and change nothing)",
        )


def _lockable(conn: Connection, locks: LockPlan) -> Iterator[Finding]:
    """LOCK TABLE wants the right to change rows."""
    for table in (*locks.ruled, *locks.outside):
        row = conn.execute(
            "select pg_catalog.has_table_privilege(%s, 'update, delete, truncate'), current_user",
            (ident(table).as_string(conn),),
        ).fetchone()
        if row is not None and not row[0]:
            yield error(
                "right-lock",
                f"{quoted(str(row[1]))} may not lock {table}, whose writers must wait for the swap",
                object=str(table),
                hint=f"GRANT UPDATE ON {table} TO {quoted(str(row[1]))};",
            )


def _may_trigger(conn: Connection, table: int) -> bool:
    row = conn.execute(
        "select pg_catalog.has_table_privilege(%s::oid, 'trigger')", (table,)
    ).fetchone()
    return bool(row and row[0])


def _not_mine(conn: Connection, keys: list[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Objects whose owner this role is not a member of, with the owner."""
    rows = conn.execute(
        load("owners.sql"),
        {"classes": [c for c, _ in keys], "oids": [o for _, o in keys]},
    ).fetchall()
    return {(int(str(c)), int(str(o))): str(owner) for c, o, owner in rows}
