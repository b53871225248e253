"""Fills an empty Amethyst V1 with messy data: the same for the same number of rows and seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from repot.embedded import supabase_sql

_FOLDER = Path(__file__).parent / "generator"

# Share of all rows; small tables have at least the number beside it.
_SHARES = {
    "users": (0.06, 20),
    "movements": (0.20, 60),
    "views": (0.10, 40),
    "sources": (0.05, 10),
    "bans": (0.005, 12),
    "images": (0.05, 12),
    "generated": (0.09, 20),
    "metadata": (0.02, 8),
    "references": (0.03, 10),
    "collections": (0.02, 8),
    "collected": (0.06, 20),
    "prompts": (0.05, 10),
    "subscriptions": (0.02, 8),
    "tokens": (0.03, 16),
}
TABLES = (
    ("auth", "users"),
    ("public", "profiles"),
    ("public", "images"),
    ("public", "credit_transactions"),
    ("public", "credits_transactions"),
    ("public", "credit_sources"),
    ("public", "ad_views"),
    ("public", "ads_history"),
    ("public", "banned_emails"),
    ("public", "banned_users"),
    ("public", "generated_images"),
    ("public", "image_metadata"),
    ("public", "reference_images"),
    ("public", "image_collections"),
    ("public", "collection_images"),
    ("public", "prompts"),
    ("public", "subscription_history"),
    ("public", "oauth_tokens"),
    ("public", "Amethyst"),
)


def create_v1(target: str | psycopg.Connection[Any]) -> None:
    """Make an empty database look like a Supabase project, and run v1.sql in it.

    The server must have the extension vector.
    """
    if isinstance(target, str):
        with psycopg.connect(target) as conn:
            create_v1(conn)
        return
    with target.transaction():
        target.execute(supabase_sql().encode())
        target.execute(_text(Path(__file__).parent / "v1.sql"))


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


def _generate(conn: psycopg.Connection[Any], rows: int, seed: int) -> dict[str, int]:
    sizes: dict[str, int] = {
        name: max(least, round(rows * share)) for name, (share, least) in _SHARES.items()
    }
    sizes["bare"] = max(2, sizes["users"] * 3 // 100)  # sign-ups without a profile
    sizes["gone"] = max(2, sizes["users"] * 2 // 100)  # profiles without an account
    sizes["admins"] = max(3, sizes["users"] // 1000)
    with conn.transaction():
        if any(_count(conn, *table) for table in TABLES):
            raise ValueError("V1 holds rows already: generate() fills an empty one")
        conn.execute(sql.SQL(_text(_FOLDER / "helpers.sql")).format(seed=sql.Literal(seed)))
        fast = _skip_checks(conn)
        for file in sorted(_FOLDER.glob("[0-9]*.sql")):
            # Bound on the client's side: the numbers are constants to the planner.
            with psycopg.ClientCursor(conn) as cursor:
                cursor.execute(_text(file), sizes)
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
