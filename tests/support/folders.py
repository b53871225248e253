"""Folders of migrations as tests write them, and what a database says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psycopg

from repot.folder.book import Book, open_book
from repot.folder.data import examine_data
from repot.folder.settings import Settings
from repot.model.finding import Finding
from repot.postgres.connect import connection


def write(
    folder: Path, files: Sequence[str], *, downs: dict[int, str] | None = None, start: int = 1
) -> list[str]:
    """Plain migrations, numbered; returns their names. downs: by number."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for number, text in enumerate(files, start):
        name = f"202601{number:02d}000000_step"
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
        if downs and number in downs:
            (folder / f"{name}.down.sql").write_text(downs[number], encoding="utf-8")
        names.append(name)
    return names


def load(dsn: str, script: str) -> None:
    """Run a script, committed."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(script.encode())


def run(dsn: str, script: str) -> str:
    """Run a script as one transaction; the SQLSTATE of what stopped it, empty if nothing did."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        try:
            conn.execute(script.encode())
        except psycopg.Error as failed:
            return failed.sqlstate or "?"
    return ""


def examined(
    dsn: str,
    folder: Path,
    pending: Sequence[str] | None = None,
    *,
    keep: tuple[str, ...] = (),
    timeout_ms: int = 60_000,
) -> tuple[Finding, ...]:
    """What the data rules say; pending: all, unless given."""
    book: Book = open_book(folder)
    assert not book.findings, book.findings
    names = [p.name for p in book.pages] if pending is None else pending
    with connection(dsn) as conn:
        return examine_data(conn, book, names, Settings(keep=keep), timeout_ms=timeout_ms)


def rows_of(dsn: str, query: str) -> list[tuple[object, ...]]:
    """The answer to a query."""
    with psycopg.connect(dsn) as conn:
        return conn.execute(query.encode()).fetchall()
