"""The bundled project systems/amethyst: V1 with its mess, its moves as views, and its stages."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from repot.demo.systems import find_system
from repot.embedded import EmbeddedServer
from repot.engine.registry import allocate_all, install_functions
from repot.model.plan import Plan
from repot.moves.compile import compile_project
from repot.moves.install import (
    create_registry_tables,
    create_schemas,
    create_views,
    run_target,
)
from repot.postgres.connect import connection
from repot.project import load_project

SYSTEM = find_system("amethyst")
FOLDER = SYSTEM.folder
application = SYSTEM.module("application")
generator = SYSTEM.module("generate")
Connection = psycopg.Connection[tuple[Any, ...]]


def chosen(folder: Path, balances: str) -> Path:
    """The project with the other choice, in a folder of its own."""
    made = folder / "amethyst"
    shutil.copytree(FOLDER, made, ignore=shutil.ignore_patterns("__pycache__", "backups"))
    file = made / "repot.toml"
    text = file.read_text(encoding="utf-8")
    assert 'balances = "ledger"' in text
    file.write_text(text.replace('balances = "ledger"', f'balances = "{balances}"'))
    return made


@contextmanager
def v1_template(server: EmbeddedServer, name: str, size: int, seed: int) -> Iterator[str]:
    """A database called `name` with V1 and its rows, for copies."""
    dsn = server.create_database(name, None)
    generator.create_v1(dsn)
    generator.generate(dsn, size, seed)
    yield name
    server.drop_database(name)


def with_views(dsn: str, folder: Path = FOLDER) -> Plan:
    """V2, empty, and the project's views beside V1: what each move gives can be asked."""
    project = load_project(folder)
    with connection(dsn) as conn, conn.transaction(force_rollback=True):
        plan = compile_project(conn, project)
    with connection(dsn) as conn, conn.transaction():
        create_schemas(conn, (plan.target_schema,))
        run_target(conn, plan.target_schema, plan.target_sql, plan.source_schema)
        create_registry_tables(conn, plan)
        install_functions(conn)
        allocate_all(conn, plan)
        create_views(conn, plan)
    return plan


@contextmanager
def rolled_back(dsn: str) -> Iterator[Connection]:
    """A connection in a transaction that leaves nothing behind."""
    with psycopg.connect(dsn) as conn, conn.transaction(force_rollback=True):
        yield conn


def rows(conn: Connection, text: str, *given: Any) -> list[tuple[Any, ...]]:
    return conn.execute(cast(LiteralString, text), given or None).fetchall()


def one(conn: Connection, text: str, *given: Any) -> Any:
    (found,) = rows(conn, text, *given)
    return found[0]


class Person:
    """Somebody new with an account and a profile, and what each ledger of V1 says of them."""

    def __init__(self, conn: Connection, shown: int = 0) -> None:
        self.conn, self.id = conn, uuid.uuid4()
        conn.execute(
            "insert into auth.users (id, email) values (%s, %s)", (self.id, f"{self.id}@x")
        )
        conn.execute(
            "insert into public.profiles (id, credits_balance) values (%s, %s)", (self.id, shown)
        )

    def credit(self, amount: int, kind: str, at: str, **metadata: Any) -> uuid.UUID:
        """A row of credit_transactions; `at`: a time of 2 May 2024, UTC."""
        return self._add("credit_transactions", amount, kind, f"2024-05-02 {at}+00", metadata)

    def credits(self, amount: int, kind: str, at: str, **metadata: Any) -> uuid.UUID:
        """A row of credits_transactions."""
        return self._add("credits_transactions", amount, kind, f"2024-05-02 {at}", metadata)

    def _add(self, table: str, amount: int, kind: str, at: str, metadata: Any) -> uuid.UUID:
        made = uuid.uuid4()
        self.conn.execute(
            sql.SQL(
                "insert into public.{} (id, profile_id, amount, type, created_at, metadata)"
                " values (%s, %s, %s, %s, %s, %s)"
            ).format(sql.Identifier(table)),
            (made, self.id, amount, kind, at, Jsonb(metadata) if metadata else None),
        )
        return made

    def ledger(self) -> list[tuple[Any, ...]]:
        """amount, kind, source and key of what V2's ledger will hold, in order of time, an adjustment last."""
        return rows(
            self.conn,
            "select amount, kind, substring(source from 4), idempotency_key"
            " from repot_sql.credit_transactions where user_id = %s order by kind = 'adjustment', created_at, id",
            self.id,
        )

    def balance(self) -> int:
        return int(
            one(self.conn, "select credits_balance from repot_sql.profiles where id = %s", self.id)
        )
