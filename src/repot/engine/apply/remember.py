"""Values that V2 made itself, put into the registries: a new slug, a new key."""

from __future__ import annotations

from psycopg import sql

from repot.engine.apply.locating import Keys
from repot.engine.apply.taking import Taken
from repot.engine.apply.temporary import Temporary
from repot.engine.paths import search_path
from repot.model.names import Name
from repot.model.plan import Plan, Registry
from repot.model.schemas import REGISTRY
from repot.moves.statements import bare_relations
from repot.postgres.compose import ident, idents, trusted
from repot.postgres.connect import Connection
from repot.postgres.relations import now


def remember(
    conn: Connection, temp: Temporary, run_id: int, plan: Plan, taken: dict[Name, Taken]
) -> int:
    """Bring the registries up to V2, by each registry's `back` SELECT; gives the rows written.

    The SELECT gives the registry's key and `value` over V2's tables; what the registry holds
    already is passed over. Bare names are V2's tables, then V1's (its sequences:
    nextval('logs_id_seq')), then the registries.
    """
    if not taken:
        return 0
    some = next(iter(plan.target.tables)).name
    v2 = now(conn, run_id, some).schema_
    first = next(t.name for t in plan.source.tables if t.name.schema_ == plan.source_schema)
    v1 = now(conn, run_id, first).schema_
    written = 0
    for number, registry in enumerate(plan.registries):
        if registry.setting.back:
            for select in _over_changes(conn, plan, v2, registry.setting.back, taken):
                with search_path(conn, v2, v1, REGISTRY):
                    written += _remember(conn, temp, f"{run_id}_{number}", registry, select)
    return written


def _over_changes(
    conn: Connection, plan: Plan, v2: str, select: str, taken: dict[Name, Taken]
) -> list[sql.Composable]:
    """The SELECT as often as changed tables are in it, each time over the changed rows of one.

    `with packs as (the changed rows of packs)` before it makes the bare name mean those. A table
    that the SELECT names twice (it may look there for what is not) is read whole.
    """
    text = select.strip().rstrip(";")
    whole = sql.SQL("({}\n)").format(trusted(text))
    named = bare_relations(text)
    result: list[sql.Composable] = []
    for name, change in taken.items():
        table = plan.target.get(name)
        if table is None or name.name not in named:
            continue
        if named[name.name] > 1 or not table.primary:
            return [whole]
        position = dict(zip(change.captured.columns, change.captured.fields, strict=True))
        keys = Keys(conn, change.table, [position[c] for c in table.primary])
        rows = keys.among(table.primary, "t")
        if rows is not None:  # else it was truncated, and nothing is new
            result.append(
                sql.SQL(
                    "(with {} as (select t.* from {} as t where {}) select * from {} as all_of)"
                ).format(
                    sql.Identifier(name.name),
                    ident(Name(schema_=v2, name=name.name)),
                    rows,
                    whole,
                )
            )
    return result


def _remember(
    conn: Connection, temp: Temporary, number: str, registry: Registry, select: sql.Composable
) -> int:
    key = registry.setting.key
    columns = idents([*key, "value"])
    query = sql.SQL("select {} from {} as made where value is not null").format(columns, select)
    table = temp.like(f"repot_made_{number}", query)
    if not temp.fill(table, query):
        return 0
    fresh = ident(table)
    conn.execute(
        sql.SQL("delete from {} as m using {} as r where ({}) = ({})").format(
            fresh, ident(registry.table), idents([*key, "value"], "m"), idents([*key, "value"], "r")
        )
    )
    # A slug that V2 gave to another row, or another slug for the row: V2's word holds now.
    unique = [*registry.setting.within, "value"]
    conn.execute(
        sql.SQL("delete from {} as r using {} as m where ({}) = ({}) or ({}) = ({})").format(
            ident(registry.table),
            fresh,
            idents(unique, "r"),
            idents(unique, "m"),
            idents(key, "r"),
            idents(key, "m"),
        )
    )
    done = conn.execute(
        sql.SQL("insert into {} ({}) select {} from {}").format(
            ident(registry.table), columns, columns, fresh
        )
    )
    return done.rowcount
