"""Rows that must not be there, as a user's SELECT or Repot's own gives them."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from repot.postgres.connect import Connection

WIDTH = 200  # characters of a row that are shown


@dataclass(frozen=True)
class Failing:
    """count: of all rows; of the first ones, their texts, and hashes that tell them apart."""

    count: int
    texts: tuple[str, ...]
    hashes: tuple[str, ...]


def failing(conn: Connection, query: sql.Composable, limit: int, width: int = WIDTH) -> Failing:
    """Run the SELECT with the names and rights of the caller's transaction.

    limit: rows that are given. Raises psycopg.Error.
    """
    rows = conn.execute(
        sql.SQL(
            "select left(failing::text, {}), md5(failing::text), count(*) over ()"
            " from ({}\n) as failing limit {}"
        ).format(sql.Literal(width), query, sql.Literal(limit))
    ).fetchall()
    return Failing(
        count=int(str(rows[0][2])) if rows else 0,
        texts=tuple(str(row[0]) for row in rows),
        hashes=tuple(str(row[1]) for row in rows),
    )
