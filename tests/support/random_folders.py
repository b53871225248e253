"""Random folders of migrations that mostly run, a statement a line: PostgreSQL is asked of each."""

from __future__ import annotations

import random
from dataclasses import dataclass

import psycopg

TABLES, COLUMNS, ENUMS = ("a", "b", "Ç d"), ("x", "y", "Z z"), ("e", "F")
VALUES = ("one", "two", "three")
MISSING = ("42P01", "42704", "3F000")  # nearly all careless statements end so
CREATE_SCHEMA = "CREATE SCHEMA s;"


def q(name: str) -> str:
    return f'"{name}"'


@dataclass(frozen=True)
class Folder:
    """files: their statements; failed: the file, the line and the SQLSTATE of the first that
    PostgreSQL refuses, which is in the last file; None where all run."""

    files: tuple[tuple[str, ...], ...]
    failed: tuple[int, int, str] | None

    @property
    def texts(self) -> list[str]:
        return ["\n".join(lines) + "\n" for lines in self.files]


def generate(dsn: str, rng: random.Random, most: int = 12) -> Folder:
    """A folder, run on the empty database of `dsn` as it is made."""
    files: list[tuple[str, ...]] = [(CREATE_SCHEMA,)]
    with psycopg.connect(dsn, autocommit=True) as conn:
        failed = _run(conn, files[0])
        for _ in range(rng.randint(1, most)):
            if failed is not None:
                break
            lines = _lines(conn, rng)
            files.append(lines)
            failed = _run(conn, lines)
    if failed is None:
        return Folder(tuple(files), None)
    return Folder(tuple(files), (len(files), *failed))


def _lines(conn: psycopg.Connection, rng: random.Random) -> tuple[str, ...]:
    """A file of statements of which nearly each runs after those before it."""
    lines: list[str] = []
    wanted = rng.randint(1, 5)
    while len(lines) < wanted:
        line = _statement(rng)
        failed = _tried(conn, [*lines, line])
        if failed is None or rng.random() < (0.01 if failed[1] in MISSING else 0.15):
            lines.append(line)
    return tuple(lines)


def _tried(conn: psycopg.Connection, lines: list[str]) -> tuple[int, str] | None:
    with conn.transaction(force_rollback=True):
        return _each(conn, lines)


def _run(conn: psycopg.Connection, lines: tuple[str, ...]) -> tuple[int, str] | None:
    failed = _tried(conn, list(lines))
    if failed is None:
        conn.execute("\n".join(lines).encode())
    return failed


def _each(conn: psycopg.Connection, lines: list[str]) -> tuple[int, str] | None:
    for number, line in enumerate(lines, 1):
        try:
            with conn.transaction():
                conn.execute(line.encode())
        except psycopg.Error as failed:
            return number, failed.sqlstate or "?"
    return None


def _name(rng: random.Random, names: tuple[str, ...], schema: bool = True) -> str:
    prefix = "s." if schema and rng.random() < 0.15 else ""
    return prefix + q(rng.choice(names))


def _type(rng: random.Random) -> str:
    return rng.choice(("text", "text", "int", _name(rng, ENUMS)))


def _table(rng: random.Random) -> str:
    columns = rng.sample(COLUMNS, rng.randint(1, 3))
    parts = [f"{q(c)} {_type(rng) if n else 'text'}" for n, c in enumerate(columns)]
    if rng.random() < 0.6:
        parts[0] += rng.choice((" PRIMARY KEY", " UNIQUE", " NOT NULL"))
    if rng.random() < 0.3:
        parts.append(f"FOREIGN KEY ({q(columns[0])}) REFERENCES {_name(rng, TABLES)}")
    exists = rng.choice(("", "", "", "IF NOT EXISTS "))
    return f"CREATE TABLE {exists}{_name(rng, TABLES)} ({', '.join(parts)});"


def _statement(rng: random.Random) -> str:
    t, c, e = _name(rng, TABLES), q(rng.choice(COLUMNS)), _name(rng, ENUMS)
    other, column = _name(rng, TABLES), q(rng.choice(COLUMNS))
    value = rng.choice(VALUES)
    maybe = rng.choice(("", "", "IF EXISTS "))
    unless = rng.choice(("", "", "IF NOT EXISTS "))
    cascade = rng.choice(("", "", " CASCADE"))
    k, i, v = f"k{rng.randint(1, 2)}", f"i{rng.randint(1, 2)}", f"v{rng.randint(1, 2)}"
    return rng.choice(
        (
            _table(rng),
            f"DROP TABLE {maybe}{t}{cascade};",
            f"ALTER TABLE {t} ADD COLUMN {unless}{c} {_type(rng)};",
            f"ALTER TABLE {t} DROP COLUMN {maybe}{c}{cascade};",
            f"ALTER TABLE {t} RENAME COLUMN {c} TO {column};",
            f"ALTER TABLE {maybe}{t} RENAME TO {q(rng.choice(TABLES))};",
            f"ALTER TABLE {t} SET SCHEMA {rng.choice(('s', 'public'))};",
            f"CREATE {rng.choice(('', 'UNIQUE '))}INDEX {i} ON {t} ({c});",
            f"DROP INDEX {maybe}{rng.choice(('', 's.'))}{i};",
            f"ALTER INDEX {i} RENAME TO i{rng.randint(1, 2)};",
            f"CREATE VIEW {v} AS SELECT * FROM {t};",
            f"DROP VIEW {maybe}{v};",
            f"ALTER TABLE {t} ADD CONSTRAINT {k} UNIQUE ({c});",
            f"ALTER TABLE {t} ADD CONSTRAINT {k} FOREIGN KEY ({c}) REFERENCES {other} ({column});",
            f"ALTER TABLE {t} DROP CONSTRAINT {maybe}{k}{cascade};",
            f"CREATE TYPE {e} AS ENUM ('one', 'two');",
            f"ALTER TYPE {e} ADD VALUE {unless}'{value}';",
            f"ALTER TYPE {e} RENAME TO {q(rng.choice(ENUMS))};",
            f"DROP TYPE {maybe}{e}{cascade};",
            f"INSERT INTO {t} ({c}) VALUES ('{value}');",
            f"UPDATE {t} SET {c} = '{value}';",
            f"ALTER TABLE {t} ALTER COLUMN {c} SET DEFAULT '{value}';",
            f"SELECT '{value}'::{e};",
            f"CREATE SCHEMA {unless}s;",
        )
    )
