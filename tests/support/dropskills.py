"""The bundled project systems/dropskills, its V2 filled by one INSERT … SELECT per move.

All constraints are on: what Repot's own stages make of the project is tested with them.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql

from repot.embedded import EmbeddedServer
from repot.engine.registry import allocate_all, install_functions
from repot.model.plan import Plan
from repot.moves.compile import compile_project
from repot.moves.install import create_registry_tables, create_schemas, create_views, run_target
from repot.postgres.connect import connection
from repot.project import load_project

FOLDER = Path(__file__).parents[2] / "systems" / "dropskills"
ORDER = (  # parents first
    "users",
    "categories",
    "packs",
    "user_packs",
    "samples",
    "tags",
    "pack_tags",
    "favorites",
    "pack_stats",
    "admin_logs",
    "trending_ideas",
    "product_requests",
    "product_request_votes",
)
Connection = psycopg.Connection[tuple[Any, ...]]


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"dropskills_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    return made


application = module("application")
generator = module("generate")
PROJECT = load_project(FOLDER)


@contextmanager
def v1_template(server: EmbeddedServer, name: str, size: int, seed: int) -> Iterator[str]:
    """A database called `name` with V1 and its rows, for copies."""
    dsn = server.create_database(name, None)
    generator.create_v1(dsn)
    generator.generate(dsn, size, seed)
    yield name
    server.drop_database(name)


@contextmanager
def moved_template(server: EmbeddedServer, name: str, v1: str) -> Iterator[tuple[str, Plan]]:
    """A copy of `v1` in which V2 is filled, too; and the plan."""
    dsn = server.create_database(name, v1)
    with connection(dsn) as conn, conn.transaction(force_rollback=True):
        plan = compile_project(conn, PROJECT)
    with connection(dsn) as conn, conn.transaction():
        fill(conn, plan)
    yield name, plan
    server.drop_database(name)


@contextmanager
def rolled_back(dsn: str) -> Iterator[Connection]:
    """A connection in a transaction that leaves nothing behind."""
    with psycopg.connect(dsn) as conn, conn.transaction(force_rollback=True):
        yield conn


def fill(conn: Connection, plan: Plan) -> None:
    create_schemas(conn, (plan.target_schema,))
    run_target(conn, plan.target_schema, plan.target_sql, plan.source_schema)
    create_registry_tables(conn, plan)
    install_functions(conn)
    allocate_all(conn, plan)
    create_views(conn, plan)
    moves = {move.name: move for move in plan.moves}
    assert sorted(moves) == sorted(ORDER)
    for name in ORDER:
        table, move = sql.Identifier(plan.target_schema, name), moves[name]
        conn.execute(sql.SQL("alter table {} disable trigger user").format(table))
        conn.execute(
            sql.SQL("insert into {} ({c}) select {c} from {}").format(
                table,
                sql.Identifier(move.view.schema_, move.view.name),
                c=sql.SQL(", ").join(map(sql.Identifier, move.columns)),
            )
        )


def rows(conn: Connection, text: str, *given: Any) -> list[tuple[Any, ...]]:
    return conn.execute(cast(LiteralString, text), given or None).fetchall()


def one(conn: Connection, text: str, *given: Any) -> Any:
    (found,) = rows(conn, text, *given)
    return found[0]


def failing(conn: Connection, check: str, schema: str = "public") -> list[tuple[Any, ...]]:
    with conn.transaction():
        conn.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(schema)))
        return rows(conn, PROJECT.checks[check].text)


def digest(conn: Connection) -> list[tuple[Any, ...]]:
    """Of each table of V1, standing in public: its name, its rows, a checksum of them."""
    one_table = "select {}, count(*), sum(hashtextextended(t::text, 0)) from {} t"
    parts = [
        sql.SQL(one_table).format(sql.Literal(name), sql.Identifier(schema, name))
        for schema, name in generator.TABLES
    ]
    return conn.execute(sql.SQL(" union all ").join(parts)).fetchall()
