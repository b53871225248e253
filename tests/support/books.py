"""Folders of migrations for tests: written to disk in one layout or another, read, run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import psycopg

from repot.folder.book import open_book
from repot.folder.rules import examine
from repot.model.finding import Finding

Texts = Sequence[str | tuple[str, str]]


def prisma(root: Path, texts: Texts) -> Path:
    """A folder in Prisma's layout, a migration a text; a pair is a migration and its way back."""
    folder = root / "prisma" / "migrations"
    folder.mkdir(parents=True)
    (folder / "migration_lock.toml").write_text('provider = "postgresql"\n')
    for number, text in enumerate(texts, 1):
        up, down = (text, None) if isinstance(text, str) else text
        place = folder / f"202601{number:02d}000000_m{number}"
        place.mkdir()
        (place / "migration.sql").write_bytes(up.encode())
        if down is not None:
            (place / "down.sql").write_bytes(down.encode())
    return folder


def supabase(root: Path, texts: Texts) -> Path:
    """The same in Supabase's layout."""
    folder = root / "supabase" / "migrations"
    folder.mkdir(parents=True)
    for number, text in enumerate(texts, 1):
        name = f"202601{number:02d}000000_m{number}"
        up, down = (text, None) if isinstance(text, str) else text
        (folder / f"{name}.sql").write_bytes(up.encode())
        if down is not None:
            (folder / f"{name}.down.sql").write_bytes(down.encode())
    return folder


def found(folder: Path) -> tuple[Finding, ...]:
    """All that the folder's texts say: what is not SQL, and what the rules find."""
    book = open_book(folder)
    return (*book.findings, *examine(book))


def codes(findings: Iterable[Finding]) -> list[str]:
    return [f.code for f in findings]


def run_as_prisma(dsn: str, texts: Texts) -> None:
    """Each file as one simple query, as Prisma sends it; of the last pair the way back, too."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for text in texts:
            simple(connection, text if isinstance(text, str) else text[0])
        last = texts[-1]
        if not isinstance(last, str):
            simple(connection, last[1])


def simple(connection: psycopg.Connection, text: str) -> None:
    """One simple query, whatever is in it; raises what the server says."""
    result = connection.pgconn.exec_(text.encode())
    if result.status == psycopg.pq.ExecStatus.FATAL_ERROR:
        raise psycopg.errors.error_from_result(result)
