"""Folders of migrations for tests of undoing, and what is in a database, value by value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from repot.folder.deploy import deploy
from repot.folder.undo import UndoOptions, Which, rollback
from repot.model.undo import Undoing


class Folder:
    """A Prisma-style folder that grows; names are a number and a word."""

    def __init__(self, path: Path, dsn: str) -> None:
        self.path, self.dsn = path / "migrations", dsn
        self.path.mkdir(parents=True)
        self.names: list[str] = []

    def add(self, word: str, up: str, down: str | None = None) -> str:
        name = f"2026010100{len(self.names):02d}00_{word}"
        place = self.path / name
        place.mkdir()
        (place / "migration.sql").write_text(up, "utf-8")
        if down is not None:
            (place / "down.sql").write_text(down, "utf-8")
        self.names.append(name)
        return name

    def down(self, name: str, text: str) -> None:
        (self.path / name / "down.sql").write_text(text, "utf-8")

    def deploy(self) -> None:
        done = deploy(self.dsn, self.path)
        assert done.failure is None, done
        assert not done.refused, done.findings

    def undo(self, name: str | None = None, **options: Any) -> Undoing:
        which = Which(name=name) if name else Which(last=True)
        return rollback(self.dsn, self.path, which, UndoOptions(**options))


def run(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(text.encode())


def rows(dsn: str, text: str, params: Any = None) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute(text.encode(), params).fetchall()


def content(dsn: str) -> dict[str, list[str]]:
    """Every table's rows as text, sorted; Repot's own and histories aside."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        names = conn.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n"
            " on n.oid = c.relnamespace where c.relkind = 'r' and c.relpersistence <> 't'"
            " and n.nspname not in ('pg_catalog', 'information_schema', 'repot', 'repot_archive')"
            " and c.relname <> '_prisma_migrations' order by 1, 2"
        ).fetchall()
        return {
            f"{s}.{n}": sorted(
                str(r[0])
                for r in conn.execute(
                    sql.SQL("select x::text from {} x").format(sql.Identifier(s, n))
                ).fetchall()
            )
            for s, n in names
        }
