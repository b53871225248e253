"""Values for keys that changes bring: allocated before any view that joins them is asked."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from repot.engine.apply.locating import everything, scopes
from repot.engine.apply.taking import Taken
from repot.engine.apply.temporary import Temporary
from repot.engine.registry import allocate
from repot.model.names import Name
from repot.model.plan import Plan, Registry
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection


def allocate_new(
    conn: Connection, temp: Temporary, run_id: int, plan: Plan, taken: Mapping[Name, Taken]
) -> None:
    """A value for every key of a registry that the changes touch and that has none."""
    for number, registry in enumerate(plan.registries):
        found = scopes(conn, registry.uses, registry.told, taken)
        whole = everything(registry.uses, taken)
        if not found and not whole:
            continue
        keys = None
        if not whole:
            table = keys_table(temp, run_id, number, registry)
            temp.fill(table, joined((query for _, query in found), " union "))
            if not _any_lacking(conn, registry, table):
                continue
            keys = asked_keys(registry, table)
        allocate(conn, registry, keys, path=(plan.source_schema,))


def keys_table(temp: Temporary, run_id: int, number: int, registry: Registry) -> Name:
    """The table of the keys that changes touch, empty."""
    columns = joined(
        sql.SQL("{} {}").format(sql.Identifier(c), trusted(t))
        for c, t in zip(registry.setting.key, registry.key_types, strict=True)
        if c in registry.told
    )
    return temp.table(f"repot_keys_{run_id}_{number}", columns)


def asked_keys(registry: Registry, keys: Name) -> sql.Composed:
    """SELECT: the keys that are to have a value."""
    return sql.SQL("select {} from {}").format(idents(registry.told), ident(keys))


def lacking(registry: Registry, keys: Name) -> sql.Composed:
    """Condition: one of the keys may have no value yet."""
    if registry.told != registry.setting.key:  # there may be several to a scope
        return sql.SQL("exists (select from {})").format(ident(keys))
    same = joined(
        (
            sql.SQL("{} = {}").format(sql.Identifier("r", c), sql.Identifier("k", c))
            for c in registry.setting.key
        ),
        " and ",
    )
    return sql.SQL(
        "exists (select from {} as k where not exists (select from {} as r where {}))"
    ).format(ident(keys), ident(registry.table), same)


def _any_lacking(conn: Connection, registry: Registry, keys: Name) -> bool:
    row = conn.execute(sql.SQL("select {}").format(lacking(registry, keys))).fetchone()
    return bool(row and row[0])
