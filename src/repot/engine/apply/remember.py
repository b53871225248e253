"""Values that V2 made itself, put into the registries: a new slug, a new key."""

from __future__ import annotations

from psycopg import sql

from repot.engine.apply.changes import Taken
from repot.engine.paths import search_path
from repot.model.names import Name
from repot.model.plan import Plan, Registry
from repot.model.schemas import REGISTRY
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.relations import now


def remember(conn: Connection, run_id: int, plan: Plan, taken: dict[Name, Taken]) -> int:
    """Bring the registries up to V2, by each registry's `back` SELECT; gives the rows written.

    The SELECT gives the registry's key and `value` over V2's tables; only values that the registry
    does not hold are taken, so an expression such as nextval('logs_id_seq') is asked for new rows
    alone. Bare names are V2's tables, then V1's sequences and functions, then the registries.
    """
    if not taken:
        return 0
    some = next(iter(plan.target.tables)).name
    v2 = now(conn, run_id, some).schema_
    first = next(t.name for t in plan.source.tables if t.name.schema_ == plan.source_schema)
    v1 = now(conn, run_id, first).schema_
    written = 0
    for registry in plan.registries:
        if registry.setting.back:
            with search_path(conn, v2, v1, REGISTRY):
                written += _remember(conn, registry, registry.setting.back)
    return written


def _remember(conn: Connection, registry: Registry, select: str) -> int:
    key = registry.setting.key
    done = conn.execute(
        sql.SQL(
            "insert into {table} ({key}, value)"
            " select {b_key}, b.value from ({select}) as b"
            " where b.value is not null"
            " and not exists (select from {table} as r where r.value = b.value)"
            " on conflict ({key}) do update set value = excluded.value"
        ).format(
            table=ident(registry.table),
            key=idents(key),
            b_key=joined(sql.SQL("b.{}").format(sql.Identifier(c)) for c in key),
            select=trusted(select.strip().rstrip(";")),
        )
    )
    return done.rowcount
