"""A shop with partitions, a child table and an enum, and changes that are undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString, cast

from repot.engine.drift import explain, fingerprint
from repot.engine.session import Session
from repot.postgres.connect import Connection
from support.shop import copy_project

# What the small shop lacks: partitions, a child table, an enum, a function, row level security.
MORE = """
create type mood as enum ('good', 'bad');
create function shout(t text) returns text language sql immutable as $$ select upper(t) $$;
create table log (id int not null, day date not null, text text, feel mood,
                  primary key (id, day)) partition by range (day);
create table log_2025 partition of log for values from ('2025-01-01') to ('2026-01-01');
create table log_2026 partition of log for values from ('2026-01-01') to ('2027-01-01');
insert into log select n, date '2025-06-01' + n, 't' || n, 'good' from generate_series(1, 300) n;
create schema elsewhere;
create table elsewhere.stranger (id int primary key);
create table note (
  id int primary key, code text not null, lang text, unique (code, lang),
  size int check (size > 0), twice int generated always as (size * 2) stored,
  customer_id int references customer on delete set null, "Größe" text,
  stranger_id int references elsewhere.stranger, feel mood check (feel = 'good')
);
create table note_old () inherits (note);
create index note_lang on note (lang);
create table waiting (like note including all);
"""
NOTES = """
select id, code, lang, size, twice, customer_id, "Größe" as volume, stranger_id, feel::text as feel
from note
"""
LOGS = "select id, day, shout(text) as text, feel::text as feel from log"
TARGET = """
create table logs (id int, day date, text text, feel text, primary key (id, day))
  partition by range (day);
create table logs_all partition of logs default;
create table notes (
  id int primary key, code text not null unique, lang text, size int check (size > 0), twice int,
  customer_id int references customers (id), volume text,
  stranger_id int references elsewhere.stranger, feel text, made timestamptz default now()
);
"""


def project(folder: Path) -> Path:
    """The small shop and more, as files."""
    copied = copy_project(folder)
    (copied / "moves/notes.sql").write_text(NOTES)
    (copied / "moves/logs.sql").write_text(LOGS)
    with (copied / "target.sql").open("a") as file:
        file.write(TARGET)
    with (copied / "leave.toml").open("a") as file:
        for table in ("waiting", "note_old"):
            file.write(f'\n[[table]]\nname = "{table}"\nreason = "stays"\n')
    return copied


@contextmanager
def tried(session: Session, statements: str) -> Iterator[Connection]:
    """A transaction in which the statements were run, and which is rolled back."""
    with session.connect() as conn, undone(conn, statements):
        yield conn


@contextmanager
def undone(conn: Connection, statements: str) -> Iterator[None]:
    with conn.transaction(force_rollback=True):
        conn.execute("set local search_path = public")
        conn.execute(cast(LiteralString, statements))
        conn.execute("set local search_path = ''")
        yield


def told(session: Session) -> tuple[str, ...]:
    with session.connect() as conn:
        return explain(conn, session.run.id, session.plan)


def mark(session: Session) -> str:
    with session.connect() as conn:
        return fingerprint(conn, session.run.id, session.plan)
