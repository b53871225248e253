"""V2 of Amethyst, loaded right away into an empty Supabase-like database, without any migration."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import dict_row

from repot.embedded import EmbeddedServer

FOLDER = Path(__file__).parents[2] / "systems" / "amethyst"
Connection = psycopg.Connection[dict[str, Any]]


def v2_sql() -> str:
    """The whole of V2 as it stands after the cutover: target.sql, then outside/*.sql."""
    files = [FOLDER / "target.sql", *sorted((FOLDER / "outside").glob("*.sql"))]
    return "\n".join(f.read_text(encoding="utf-8") for f in files if ".back." not in f.name)


def make_v2(server: EmbeddedServer, name: str) -> str:
    """Creates a database called `name` with V2 in its schema public; returns its connection string."""
    dsn = server.create_supabase(name)
    load_v2(dsn)
    return dsn


def load_v2(dsn: str) -> None:
    """Runs V2 in the schema public of a Supabase-like database."""
    with psycopg.connect(dsn) as conn:
        conn.execute("set local search_path = public")
        conn.execute(v2_sql().encode())


def connect(dsn: str, **options: Any) -> Connection:
    """A connection that commits each statement by itself and returns rows as dictionaries."""
    return psycopg.connect(dsn, autocommit=True, row_factory=dict_row, **options)


def sign_up(conn: Connection, email: str | None = None, **said: Any) -> uuid.UUID:
    """Signs somebody up as Supabase does: a row of auth.users. Returns their id."""
    account = uuid.uuid4()
    conn.execute(
        "insert into auth.users (id, email, raw_user_meta_data, raw_app_meta_data, created_at)"
        " values (%s, %s, %s, %s, now())",
        (
            account,
            email or f"{account}@example.com",
            json.dumps(said.pop("user_meta", {})),
            json.dumps(said.pop("app_meta", {"provider": "email"})),
        ),
    )
    assert not said
    return account


def make_admin(conn: Connection) -> uuid.UUID:
    """Signs an administrator up."""
    account = sign_up(conn)
    conn.execute("select set_role(%s, 'admin')", (account,))
    return account


@contextmanager
def acting(conn: Connection, role: str, sub: uuid.UUID | None = None) -> Iterator[Connection]:
    """A transaction as PostgREST makes it for a request: the token's claims and role."""
    claims = {"role": role} | ({"sub": str(sub)} if sub else {})
    with conn.transaction():
        conn.execute(
            "select set_config('request.jwt.claims', %s, true), set_config('role', %s, true)",
            (json.dumps(claims), role),
        )
        yield conn


def rows(conn: Connection, text: str, *given: Any) -> list[dict[str, Any]]:
    return conn.execute(cast(LiteralString, text), given or None).fetchall()


def one(conn: Connection, text: str, *given: Any) -> Any:
    """The only value of the only row."""
    (row,) = rows(conn, text, *given)
    (value,) = row.values()
    return value


def row(conn: Connection, text: str, *given: Any) -> dict[str, Any]:
    (found,) = rows(conn, text, *given)
    return found


def blocked(conn: Connection, waiting: Connection) -> bool:
    """Whether `waiting` is held up by somebody's lock."""
    return bool(one(conn, "select cardinality(pg_blocking_pids(%s)) > 0", waiting.info.backend_pid))


def replaced(conn: Connection, function: str, *changes: tuple[str, str]) -> None:
    """Makes a function of V2 anew with parts of its text replaced: a protection is taken out."""
    text = one(conn, "select pg_get_functiondef(%s::regprocedure)", function)
    for old, new in changes:
        assert old in text, f"{function} has no {old!r}"
        text = text.replace(old, new)
    conn.execute(text.encode())


def fill_v2(dsn: str) -> None:
    """Puts a few rows into every table of V2: four users and two administrators, each with some."""
    with psycopg.connect(dsn) as conn:
        file = Path(__file__).with_name("amethyst_rows.sql")
        conn.execute(file.read_text(encoding="utf-8").encode())
