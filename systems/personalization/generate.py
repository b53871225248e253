"""Fills an empty V1 with messy data: the same for the same number of rows and seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_FOLDER = Path(__file__).parent / "generator"

# Share of all rows, and the least number of each.
_SHARES = {
    "brands": (0.005, 4),
    "users": (0.08, 10),
    "products": (0.08, 30),
    "designs": (0.15, 30),
    "orders": (0.16, 40),
    "zones": (0.06, 10),
    "customizations": (0.11, 20),
    "renders": (0.09, 20),
    "artisans": (0.005, 3),
    "quotes": (0.03, 5),
    "works": (0.04, 6),
    "assets": (0.05, 5),
    "mappings": (0.03, 5),
    "webhooks": (0.05, 30),
    "logs": (0.04, 30),
}
TABLES = (
    "Brand",
    "User",
    "Product",
    "Design",
    "Order",
    "Zone",
    "Customization",
    "RenderResult",
    "Artisan",
    "Quote",
    "WorkOrder",
    "SLARecord",
    "Asset",
    "ProductMapping",
    "Webhook",
    "WebhookLog",
)


def create_v1(target: str | psycopg.Connection[Any]) -> None:
    """Run v1.sql in an empty database."""
    if isinstance(target, str):
        with psycopg.connect(target) as conn:
            create_v1(conn)
        return
    with target.transaction():
        target.execute(_text(Path(__file__).parent / "v1.sql"))


def generate(
    target: str | psycopg.Connection[Any], rows: int = 20_000, seed: int = 1
) -> dict[str, int]:
    """Fill an empty V1 (see create_v1) with about `rows` rows over all tables.

    `target` is a connection string, or a connection, whose transaction this joins if it has one.
    Gives the exact number of rows of each table. Raises ValueError if V1 holds rows already.
    """
    if isinstance(target, str):
        with psycopg.connect(target) as conn:
            return _generate(conn, rows, seed)
    return _generate(target, rows, seed)


def _generate(conn: psycopg.Connection[Any], rows: int, seed: int) -> dict[str, int]:
    sizes = {name: max(least, round(rows * share)) for name, (share, least) in _SHARES.items()}
    with conn.transaction():
        conn.execute("set local search_path = public")
        if any(_count(conn, table) for table in TABLES):
            raise ValueError("V1 holds rows already: generate() fills an empty one")
        conn.execute(sql.SQL(_text(_FOLDER / "helpers.sql")).format(seed=sql.Literal(seed)))
        for file in sorted(_FOLDER.glob("[0-9]*.sql")):
            # Bound on the client's side: the numbers are constants to the planner.
            with psycopg.ClientCursor(conn) as cursor:
                cursor.execute(_text(file), sizes)
        conn.execute(_text(_FOLDER / "finish.sql"))
        for table in TABLES:
            conn.execute(sql.SQL("analyze {}").format(sql.Identifier(table)))
        return {name: _count(conn, name) for name in TABLES}


def _count(conn: psycopg.Connection[Any], name: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier("public", name))
    row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
