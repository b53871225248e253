"""Fills an empty Dropskills V1 with messy data: the same for the same number of rows and seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from repot.embedded import supabase_sql

_FOLDER = Path(__file__).parent / "generator"

# Share of all rows. The rest is made of ideas; small tables have at least the number beside it.
_SHARES = {
    "users": (0.129, 20),
    "categories": (0.0002, 16),
    "products": (0.10, 20),
    "packs": (0.02, 4),
    "ownerships": (0.12, 20),
    "samples": (0.10, 10),
    "favorites": (0.112, 20),
    "tags": (0.005, 14),
    "products_tags": (0.104, 20),
    "requests": (0.01, 4),
    "votes": (0.021, 4),
    "logs": (0.06, 10),
    "ideas": (0.006, 20),
}
TABLES = (
    ("auth", "users"),
    ("public", "profiles"),
    ("public", "categories"),
    ("public", "products"),
    ("public", "packs"),
    ("public", "_UserPacks"),
    ("public", "samples"),
    ("public", "favorites"),
    ("public", "tags"),
    ("public", "products_tags"),
    ("public", "product_stats"),
    ("public", "product_requests"),
    ("public", "product_request_votes"),
    ("public", "admin_logs"),
    ("public", "trending_ideas"),
)


def generate(
    target: str | psycopg.Connection[Any], rows: int = 200_000, seed: int = 1
) -> dict[str, int]:
    """Fill an empty V1 (see create_v1) with about `rows` rows over all tables.

    `target` is a connection string, or a connection, whose transaction this joins if it has one.
    The role must own the tables. Gives the exact number of rows of each table, by
    "schema.table". Raises ValueError if V1 holds rows already.
    """
    if isinstance(target, str):
        with psycopg.connect(target) as conn:
            return _generate(conn, rows, seed)
    return _generate(target, rows, seed)


def create_v1(target: str | psycopg.Connection[Any]) -> None:
    """Make an empty database look like a Supabase project's, and run v1.sql in it."""
    if isinstance(target, str):
        with psycopg.connect(target) as conn:
            create_v1(conn)
        return
    with target.transaction():
        target.execute(supabase_sql().encode())
        target.execute(_text(Path(__file__).parent / "v1.sql"))


def _generate(conn: psycopg.Connection[Any], rows: int, seed: int) -> dict[str, int]:
    sizes: dict[str, int] = {
        name: max(least, round(rows * share)) for name, (share, least) in _SHARES.items()
    }
    sizes["bare"] = max(2, sizes["users"] * 3 // 100)  # sign-ups without a profile
    sizes["admins"] = max(3, sizes["users"] // 1000)
    with conn.transaction():
        if any(_count(conn, *table) for table in TABLES):
            raise ValueError("V1 holds rows already: generate() fills an empty one")
        conn.execute(sql.SQL(_text(_FOLDER / "helpers.sql")).format(seed=sql.Literal(seed)))
        fast = _skip_checks(conn)
        # Profiles are written here, not by the trigger: some sign-ups have none.
        conn.execute("alter table auth.users disable trigger on_auth_user_created")
        for file in sorted(_FOLDER.glob("[0-9]*.sql")):
            # Bound on the client's side: the numbers are constants to the planner.
            with psycopg.ClientCursor(conn) as cursor:
                cursor.execute(_text(file), sizes)
        conn.execute("alter table auth.users enable trigger on_auth_user_created")
        conn.execute(_text(_FOLDER / "finish.sql"))
        if fast:
            conn.execute("set local session_replication_role = origin")
        for table in TABLES:
            conn.execute(sql.SQL("analyze {}").format(sql.Identifier(*table)))
        return {f"{schema}.{name}": _count(conn, schema, name) for schema, name in TABLES}


def _skip_checks(conn: psycopg.Connection[Any]) -> bool:
    """Foreign keys hold by construction: a superuser may save the time to check each row."""
    try:
        with conn.transaction():
            conn.execute("set local session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def _count(conn: psycopg.Connection[Any], schema: str, name: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(schema, name))
    row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
