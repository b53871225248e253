"""Creating what a plan describes: V2, registry tables, and every view, in Repot's own schemas.

The plan stage calls these in a transaction that it rolls back, the build in one that it commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from repot.model.catalog import Table
from repot.model.names import Name, fitted
from repot.model.plan import Derivation, Plan, Registry, Use
from repot.model.project import RegistryKind, RegistrySetting, SqlFile
from repot.model.schemas import (
    BACK,
    BACK_SQL,
    LOOP,
    LOOP_SQL,
    REGISTRY,
    REGISTRY_SQL,
    SQL,
    TRACE,
    VIEW,
)
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection

_VALUE_TYPE = {
    RegistryKind.SLUG: "text",
    RegistryKind.UUID: "uuid",
    RegistryKind.NUMBER: "bigint",
}

VIEW_SCHEMAS = (REGISTRY_SQL, SQL, VIEW, BACK_SQL, BACK, LOOP_SQL, LOOP, TRACE)

_BITS = {"smallint": 16, "integer": 32, "bigint": 64}


def create_schemas(conn: Connection, schemas: Iterable[str]) -> None:
    """Create those of the schemas that are not there."""
    for schema in schemas:
        conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))


def set_search_path(conn: Connection, *schemas: str) -> None:
    """For the rest of the transaction, names without a schema are looked up in these, in order.

    Schemas that hold extensions come last: their types and functions are used by bare names.
    """
    conn.execute(setting_search_path(conn, *schemas))


def setting_search_path(conn: Connection, *schemas: str) -> sql.Composed:
    """The statement of `set_search_path`."""
    rows = conn.execute(
        "select distinct n.nspname from pg_catalog.pg_extension e"
        " join pg_catalog.pg_namespace n on n.oid = e.extnamespace"
        " where n.nspname <> 'pg_catalog' order by 1"
    ).fetchall()
    path = [*schemas, *(str(r[0]) for r in rows if r[0] not in schemas)]
    value = joined(sql.Identifier(schema) for schema in path)
    return sql.SQL("set local search_path = ") + (value if path else sql.SQL("''"))


def clear_search_path(conn: Connection) -> None:
    conn.execute("set local search_path = ''")


def run_target(
    conn: Connection, target_schema: str, target_sql: SqlFile, source_schema: str
) -> None:
    """Run target.sql inside the (existing, empty) target schema."""
    set_search_path(conn, target_schema, source_schema)
    # Bodies may name tables as they will be called after the cutover: they are checked by use.
    conn.execute("set local check_function_bodies = off")
    conn.execute(target_sql.text.encode())
    clear_search_path(conn)


def create_view(conn: Connection, view: Name, text: SqlFile, search_path: Sequence[str]) -> int:
    """Create `view` as the user's SELECT; gives the length in characters of what precedes it."""
    head = sql.SQL("create view {} as\n").format(ident(view)).as_string(conn)
    set_search_path(conn, *search_path)
    conn.execute((head + text.text).encode())
    clear_search_path(conn)
    return len(head)


def create_registry_table(
    conn: Connection, name: str, setting: RegistrySetting, key_types: Sequence[str]
) -> None:
    """The table that remembers a registry's values, empty."""
    columns = [
        sql.SQL("{} {} not null").format(sql.Identifier(c), trusted(t))
        for c, t in zip(setting.key, key_types, strict=True)
    ]
    conn.execute(
        sql.SQL(
            "create table if not exists {} ({}, value {} not null, primary key ({}), unique ({}))"
        ).format(
            ident(Name(schema_=REGISTRY, name=name)),
            joined(columns),
            trusted(_VALUE_TYPE[setting.kind]),
            idents(setting.key),
            idents([*setting.within, "value"]),
        )
    )


def move_path(source_schema: str) -> tuple[str, ...]:
    """Where a move's bare names are looked up."""
    return (source_schema, REGISTRY)


def create_registries(conn: Connection, registries: Sequence[Registry], source: str) -> None:
    """Tables and source views of all registries."""
    create_schemas(conn, (REGISTRY, REGISTRY_SQL))
    for registry in registries:
        create_view(conn, registry.view, registry.sql, (source,))
        create_registry_table(conn, registry.name, registry.setting, registry.key_types)


def create_registry_tables(conn: Connection, plan: Plan) -> None:
    """The registries of a plan."""
    create_registries(conn, plan.registries, plan.source_schema)


def create_views(conn: Connection, plan: Plan) -> None:
    """Every view of a plan; V2's tables and the registries must stand."""
    create_schemas(conn, VIEW_SCHEMAS)
    for move in plan.moves:
        create_view(conn, move.user_view, move.sql, move_path(plan.source_schema))
        table = plan.target.get(move.table)
        assert table is not None
        create_forward_view(conn, move, table)
    for back in plan.backs:
        table = plan.source.get(back.table)
        assert table is not None
        create_back_sql(conn, back, plan.target_schema)
        create_back_casts(conn, back, table)
    derivations = (*plan.moves, *plan.backs)
    create_trace_views(conn, (use for d in derivations for use in d.uses))
    create_trace_views(conn, (use for r in plan.registries for use in r.uses))


def create_forward_view(conn: Connection, move: Derivation, table: Table) -> None:
    """The move cast to its table's types, the columns that it leaves to their defaults included."""
    given = {output.name: output.type for output in move.outputs}
    columns = []
    for column in table.columns:
        if column.name in given:
            columns.append(_cast(column.name, given[column.name], column.type))
        elif column.name in move.defaulted:
            constant = column.default if not column.default_volatile else None
            columns.append(
                sql.SQL("({})::{} as {}").format(
                    trusted(constant or "null"), trusted(column.type), sql.Identifier(column.name)
                )
            )
    for view, more in ((move.view, []), (move.asked, _scope(move, table))):
        if view is not None:
            conn.execute(
                sql.SQL("create view {} as select {} from {}").format(
                    ident(view), joined([*columns, *more]), ident(move.user_view)
                )
            )


def create_back_sql(conn: Connection, back: Derivation, target: str) -> None:
    """A way back as written: over V2, and the same text over the forward views."""
    create_view(conn, back.user_view, back.sql, (target, REGISTRY))
    create_view(conn, back.user_view.within(LOOP_SQL), back.sql, (VIEW, REGISTRY))


def create_back_casts(conn: Connection, back: Derivation, table: Table) -> None:
    """Both, cast to the types of the V1 table."""
    assert back.loop is not None
    given = {output.name: output.type for output in back.outputs}
    columns = [
        _cast(column.name, given[column.name], column.type)
        for column in table.columns
        if column.name in given
    ]
    fit = [_fits(c.name, c.type) for c in table.columns if _narrows(given.get(c.name), c.type)]
    views = (
        (back.view, back.user_view, columns),
        (back.loop, back.user_view.within(LOOP_SQL), columns),
        (back.asked, back.user_view, [*columns, *_scope(back, table)]),
    )
    for view, over, shown in views:
        if view is not None:
            conn.execute(
                sql.SQL("create view {} as select {} from {} where {}").format(
                    ident(view),
                    joined(shown),
                    ident(over),
                    joined(fit, " and ") if fit else sql.SQL("true"),
                )
            )


def create_trace_views(conn: Connection, uses: Iterable[Use]) -> None:
    """The views by which changes are located and rows accounted for."""
    for use in uses:
        if use.link and use.link.locate and use.link.locate_view:
            _create(conn, use.link.locate_view, use.link.locate)
        if use.pairs and use.pairs_view:
            _create(conn, use.pairs_view, use.pairs)


def named(uses: Sequence[Use], owner: str) -> tuple[Use, ...]:
    """The uses with the names of the views that `create_trace_views` makes of them."""
    result = []
    for number, use in enumerate(uses, 1):
        link = use.link
        if link and link.locate:
            view = Name(schema_=TRACE, name=fitted(f"{owner}.{number}.locate"))
            link = link.model_copy(update={"locate_view": view})
        pairs = Name(schema_=TRACE, name=fitted(f"{owner}.{number}.pairs")) if use.pairs else None
        result.append(use.model_copy(update={"link": link, "pairs_view": pairs}))
    return tuple(result)


def asked(d: Derivation, table: Table, owner: str) -> Derivation:
    """With a view to be asked by scope, where the cast of an integer would keep an index from
    being used."""
    given = {output.name: output.type for output in d.outputs}
    types = {column.name: column.type for column in table.columns}
    if not any(given[c] != types[c] and {given[c], types[c]} <= {*_BITS} for c in d.scope):
        return d
    name = Name(schema_=TRACE, name=fitted(f"{owner}.{d.name}.asked"))
    return d.model_copy(update={"asked": name})


def _scope(d: Derivation, table: Table) -> list[sql.Composable]:
    """The scope's columns as `asked_by` calls them: integers of any size as they are, compared with
    one of another size by an index; all others as the view gives them."""
    given = {output.name: output.type for output in d.outputs}
    types = {column.name: column.type for column in table.columns}
    found: list[sql.Composable] = []
    for name, shown in zip(d.scope, d.asked_by[1], strict=True):
        value: sql.Composable = sql.Identifier(name)
        if given[name] != types[name] and not {given[name], types[name]} <= {*_BITS}:
            value = sql.SQL("{}::{}").format(value, trusted(types[name]))
        found.append(sql.SQL("{} as {}").format(value, sql.Identifier(shown)))
    return found


def _cast(name: str, has: str, wants: str) -> sql.Composable:
    if has == wants:
        return sql.Identifier(name)
    if _narrows(has, wants):  # a condition may be asked before the WHERE: the cast must not fail
        return sql.SQL("case when {} then {}::{} end as {}").format(
            _fits(name, wants), sql.Identifier(name), trusted(wants), sql.Identifier(name)
        )
    return sql.SQL("{}::{} as {}").format(
        sql.Identifier(name), trusted(wants), sql.Identifier(name)
    )


def _narrows(has: str | None, wants: str) -> bool:
    """An integer of V2 that V1 has in a smaller type."""
    return has in _BITS and wants in _BITS and _BITS[has] > _BITS[wants]


def _fits(name: str, wants: str) -> sql.Composable:
    most = 2 ** (_BITS[wants] - 1)
    return sql.SQL("{} between {} and {}").format(
        sql.Identifier(name), sql.Literal(-most), sql.Literal(most - 1)
    )


def _create(conn: Connection, view: Name, text: str) -> None:
    head = sql.SQL("create view {} as\n").format(ident(view)).as_string(conn)
    conn.execute((head + text).encode())
