"""Dropping what the run knows by identity, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

from repot.engine import capture, drift
from repot.engine.session import Session
from repot.engine.sql import load as engine_sql
from repot.engine.swap import memory
from repot.engine.swap.dependents import reach
from repot.engine.swap.tables_kind import WORDS
from repot.engine.swap.things import TABLES, Thing, list_things
from repot.model.errors import Refused
from repot.model.names import Name, quoted
from repot.model.schemas import ALL, REGISTRY
from repot.moves.install import VIEW_SCHEMAS
from repot.postgres.compose import ident, joined, trusted
from repot.postgres.connect import Connection

SHOWN = 10
OURS = (*VIEW_SCHEMAS, REGISTRY)  # what goes with the move; state and quarantine stay


@dataclass(frozen=True)
class Dropped:
    """What went, with its size in bytes, and what stayed because others use it."""

    tables: dict[str, int]
    things: list[str]
    left: list[str]


def drop_v1(conn: Connection, session: Session) -> Dropped:
    """Drop V1's objects in the retired schema: those that the cutover moved there.

    In the caller's transaction. Raises Refused `still-in-use` if anything that is not V1's hangs on
    its tables, views or sequences.
    """
    plan, run = session.plan, session.run.id
    known = {key for side, key in memory.moved(conn, run) if side == "v1"}
    things = [t for t in list_things(conn, [plan.retired_schema], []) if t.key in known]
    relations = [t for t in things if t.is_relation]
    _lock(conn, relations)
    _refuse_used(conn, relations)
    tables = _sizes(conn, relations)
    drift.unwatch(conn, run)
    capture.remove(conn, run, capture.FORWARD)
    capture.remove(conn, run, capture.BACK)
    drop_own_schemas(conn)
    # Nobody else's object can have come since: that would need a lock on the tables.
    _drop_relations(conn, relations)
    left = _drop_others(conn, [t for t in things if not t.is_relation])
    for schema in (plan.retired_schema, plan.target_schema):
        drop_if_empty(conn, schema)
    return Dropped(tables, [str(t) for t in things if not t.is_relation], left)


def drop_own_schemas(conn: Connection) -> None:
    """Repot's views and registries. Raises Refused `still-in-use` if others hang on them."""
    for schema in OURS:
        rows = conn.execute(
            engine_sql("build_outsiders.sql").encode(), {"target": schema, "ours": list(ALL)}
        ).fetchall()
        if rows:
            raise _used([str(r[0]) for r in rows], quoted(schema))
        conn.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def drop_if_empty(conn: Connection, schema: str) -> None:
    """Drop the schema if nothing is left in it."""
    row = conn.execute("select to_regnamespace(%s) is null", (quoted(schema),)).fetchone()
    if (row and row[0]) or list_things(conn, [schema], []):
        return
    conn.execute(sql.SQL("drop schema {}").format(sql.Identifier(schema)))


def _lock(conn: Connection, relations: list[Thing]) -> None:
    names = [t.full_name for t in relations if t.kind in TABLES]
    if names:
        conn.execute(
            sql.SQL("lock table {} in access exclusive mode").format(
                joined(ident(n) for n in names)
            )
        )


def _refuse_used(conn: Connection, relations: list[Thing]) -> None:
    retired = {t.schema for t in relations}
    users = [d for d in reach(conn, [t.key for t in relations]) if d.schema not in retired]
    if users:
        raise _used([str(d) for d in users], "V1")


def _used(users: list[str], what: str) -> Refused:
    more = f" and {len(users) - SHOWN} more" if len(users) > SHOWN else ""
    return Refused(
        "still-in-use",
        f"{len(users)} objects still use {what}: nothing was dropped",
        evidence="; ".join(users[:SHOWN]) + more,
        hint="drop or change them first; nothing is ever dropped along with V1",
    )


def _sizes(conn: Connection, relations: list[Thing]) -> dict[str, int]:
    rows = conn.execute(
        "select c.relname, pg_catalog.pg_total_relation_size(c.oid)"
        " from pg_catalog.pg_class c where c.oid = any (%s::oid[]) order by c.relname",
        ([t.oid for t in relations if t.kind in TABLES],),
    ).fetchall()
    return {str(name): int(str(size)) for name, size in rows}


def _drop_relations(conn: Connection, relations: list[Thing]) -> None:
    """Views first; those of a kind together, so that their keys to each other do not matter."""
    for kind, words in (
        ("m", "materialized view"),
        ("v", "view"),
        ("f", "foreign table"),
        ("rp", "table"),
        ("S", "sequence"),
    ):
        names = [t.full_name for t in relations if t.kind in kind]
        if names:
            conn.execute(
                sql.SQL("drop {} if exists {} cascade").format(
                    trusted(words), joined(ident(n) for n in names)
                )
            )


def _drop_others(conn: Connection, things: list[Thing]) -> list[str]:
    """Routines, types and the like, each only if nobody uses it; again while that helps."""
    rest = things
    while rest:
        stuck = [t for t in rest if not _dropped(conn, t)]
        if len(stuck) == len(rest):
            break
        rest = stuck
    return [str(t) for t in rest]


def _dropped(conn: Connection, thing: Thing) -> bool:
    try:
        with conn.transaction():
            conn.execute(
                sql.SQL("drop {} if exists {}").format(
                    trusted(WORDS.get(thing.kind, thing.type)), trusted(thing.identity)
                )
            )
    except psycopg.errors.DependentObjectsStillExist:
        return False
    return True


def rows_of(conn: Connection, table: Name) -> int:
    """How many rows it has."""
    row = conn.execute(sql.SQL("select count(*) from {}").format(ident(table))).fetchone()
    return int(str(row[0])) if row else 0
