"""Values that need memory: each key of a registry gets its value once and for ever.

All allocation is set-based and decided by a documented total order (the registry's order columns,
then its key), never by which worker asked first. See docs/reference/registries.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from psycopg import sql

from repot.engine.paths import search_path
from repot.engine.registry_bulk import bare_if_empty
from repot.engine.registry_statements import (
    Keys,
    Orders,
    allocate_numbers,
    allocate_slugs,
    allocate_uuids,
)
from repot.engine.sql import load
from repot.model.errors import RepotError
from repot.model.names import Name, fitted
from repot.model.plan import Plan, Registry
from repot.model.project import RegistryKind
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.postgres.relations import oid_of

_STATEMENTS = {
    RegistryKind.SLUG: allocate_slugs,
    RegistryKind.UUID: allocate_uuids,
    RegistryKind.NUMBER: allocate_numbers,
}


def install_functions(conn: Connection) -> None:
    """`repot_registry.slugify` and what allocation needs beside it.

    Raises RepotError `encoding-not-utf8`: normalisation is defined for Unicode alone.
    """
    row = conn.execute("select pg_catalog.current_setting('server_encoding')").fetchone()
    if row is None or row[0] != "UTF8":
        raise RepotError(
            "encoding-not-utf8",
            f"the database's encoding is {row[0] if row else 'unknown'}; Repot needs UTF8",
            hint="accents are folded by Unicode's normalisation, which other encodings do not have",
        )
    conn.execute(load("registry.sql").encode())


def allocate(
    conn: Connection, registry: Registry, keys: Keys | None = None, path: Sequence[str] = ()
) -> int:
    """Give a value to every key that has none; returns how many keys got one.

    keys: only these (tuples of texts as PostgreSQL prints them, in the order of the registry's key;
    or a composed SELECT of the columns that it is `told` by). Keys that the registry's SELECT does
    not give, and keys with a NULL in them, get none. path: schemas for the bare names in functions
    that the registry's SELECT calls (V1's schema). In a transaction of its own, or in the caller's
    as a savepoint; one allocation of a registry at a time (a lock held until the transaction ends).

    Raises RepotError `slug-too-long` where a number does not fit any more.
    """
    if isinstance(keys, Sequence) and not keys:
        return 0
    with conn.transaction():
        if not _has_functions(conn):  # a plan that was never built
            install_functions(conn)
        conn.execute(sql.SQL("select {}").format(alone(registry)))
        statement = allocating(conn, registry, keys)
        whole = bare_if_empty(conn, registry) if keys is None else nullcontext()
        with whole, search_path(conn, *path):
            row = conn.execute(statement).fetchone()
        assert row is not None
        count, longest = int(str(row[0])), int(str(row[1]))
        if longest > registry.setting.max_length:
            raise RepotError(
                "slug-too-long",
                f"registry {registry.name}: so many rows share a text that a numbered slug has "
                f"{longest} characters, more than max_length = {registry.setting.max_length}",
                hint=f"raise max_length in [registry.{registry.name}]",
            )
        if keys is None and registry.setting.kind is RegistryKind.SLUG:
            _index_stems(conn, registry)
    return count


def allocate_all(conn: Connection, plan: Plan, *, analyze: bool = False) -> dict[str, int]:
    """`allocate` for each registry of the plan; registry name → keys that got a value.

    analyze: tell the planner about those that changed.
    """
    result = {}
    for registry in plan.registries:
        result[registry.name] = allocate(conn, registry, path=(plan.source_schema,))
        if analyze and result[registry.name]:
            conn.execute(sql.SQL("analyze {}").format(ident(registry.table)))
    return result


def _has_functions(conn: Connection) -> bool:
    row = conn.execute(
        "select pg_catalog.to_regprocedure('repot_registry.slug_number(text)') is not null"
    ).fetchone()
    return bool(row and row[0])


def allocating(conn: Connection, registry: Registry, keys: Keys | None) -> sql.Composed:
    """The statement that allocates; gives how many keys got a value, and the length of the longest.

    To be run under the path of `allocate`, alone, where the functions are.
    """
    return _STATEMENTS[registry.setting.kind](registry, keys, _orders(conn, registry))


def alone(registry: Registry) -> sql.Composed:
    """The expression that lets nobody else allocate until the transaction ends."""
    return sql.SQL("pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended({}, 0))").format(
        sql.Literal(f"repot.registry.{registry.name}")
    )


def _index_stems(conn: Connection, registry: Registry) -> None:
    """By this index later allocations find the numbers in use; made after the first, large one,
    which would take half as long again with it."""
    index = Name(schema_=registry.table.schema_, name=fitted(registry.name + "_stem"))
    if oid_of(conn, index) is None:
        conn.execute(
            sql.SQL("create index {} on {} (repot_registry.slug_stem(value))").format(
                sql.Identifier(index.name), ident(registry.table)
            )
        )


def _orders(conn: Connection, registry: Registry) -> Orders:
    """Which columns of the registry's SELECT have a collation: they are ordered by code point."""
    rows = conn.execute(
        "select a.attname from pg_catalog.pg_attribute a"
        " where a.attrelid = %s and a.attcollation <> 0 and a.attnum > 0",
        (oid_of(conn, registry.view),),
    ).fetchall()
    return Orders(frozenset(str(r[0]) for r in rows))
