"""A database under upkeep's care, for tests: its built-ins installed and called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from repot.upkeep.care import scripts
from support.sql import connect, rows, run


@dataclass(frozen=True)
class Care:
    """`dsn` connects as the keeper: owner of the database, BYPASSRLS, no superuser; `admin` as the
    server's superuser."""

    dsn: str
    admin: str

    def call(self, name: str, **settings: Any) -> dict[str, Any]:
        """The built-in's outcome, round after round as `repot_upkeep.run` does; `rounds` says how many."""
        with connect(self.dsn) as conn:
            return called(conn, name, settings)

    def run(self, sql: str) -> None:
        run(self.dsn, sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return rows(self.dsn, sql)

    def one(self, sql: str) -> Any:
        return self.rows(sql)[0][0]


def called(conn: psycopg.Connection[Any], name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Calls a built-in, again and again as long as it asks for it, each time in a transaction."""
    given, rounds = dict(settings), 0
    while True:
        row = conn.execute(f"select repot_upkeep.{name}(%s)", (Jsonb(given),)).fetchone()
        assert row is not None
        result: dict[str, Any] = row[0]
        rounds += 1
        assert rounds < 10_000
        if not result.pop("again", False):
            return result | {"rounds": rounds}
        given = settings | {"so_far": result}


def install(dsn: str) -> None:
    with connect(dsn) as conn:
        conn.execute("create schema if not exists repot_upkeep")
        for text in scripts():
            conn.execute(text.encode())


def codes(result: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in result["findings"]]
