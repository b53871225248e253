"""A project with rows of many sorts, copied; what is asserted of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from repot.engine.build import build
from repot.engine.session import Session
from repot.model.progress import Silent
from support.moving import TOML, make_session
from support.sql import rows, run

V1 = """
create schema auth;
create table auth.users (id int primary key, email text unique);
create table pack (id uuid primary key, title text, price float8 not null, made timestamptz);
create table thing (id int unique, code char(6), kind text, note text,
                    pack_id uuid references pack);
create table vote (user_id int references auth.users, pack_id uuid references pack,
                   primary key (user_id, pack_id));
insert into auth.users select n, 'u' || n || '@x.test' from generate_series(1, 700) n;
insert into pack
  select md5('pack' || n)::uuid, 'Tïtle ' || n % 50, n / 4.0,
         case when n % 5 > 0 then timestamptz '2024-01-01' + n * interval '1 hour' end
    from generate_series(1, 900) n;
insert into thing
  select n, case when n % 9 > 0 then to_char(n, 'FM000') end,
         (array['a', 'B', 'é', 'Z'])[1 + n % 4],
         repeat('x', n % 30), md5('pack' || 1 + n % 900)::uuid
    from generate_series(1, 800) n;
insert into vote
  select 1 + n % 700, md5('pack' || 1 + n / 700)::uuid from generate_series(1, 3000) n;
"""

FILES = {
    "repot.toml": TOML
    + """
[registry.pack_slug]
kind = "slug"
key = ["id"]
text = "title"
order = ["made"]
[move.things]
key = ["note_id"]
""",
    "target.sql": """
create table users (id int primary key, email text not null unique);
create table packs (id uuid primary key, slug text not null unique, price numeric(10,2) not null
  check (price >= 0), made timestamptz, touched int not null default 0);
create table things (note_id int generated always as identity unique not null, code text,
  kind text, pack_id uuid references packs);
create table votes (user_id int references users on delete cascade, pack_id uuid references packs,
  primary key (user_id, pack_id));
create index votes_pack on votes (pack_id);
create function touch() returns trigger language plpgsql as
  'begin new.touched := new.touched + 1; return new; end';
create trigger packs_touch before insert or update on packs for each row execute function touch();
""",
    "moves/users.sql": "select u.id, u.email from auth.users u",
    "moves/packs.sql": "select p.id, s.value as slug, p.price::numeric(10,2) as price, p.made"
    " from pack p left join pack_slug s on s.id = p.id",
    "moves/votes.sql": "select v.user_id, v.pack_id from vote v",
    "moves/things.sql": "select t.id as note_id, t.code::text as code, t.kind, t.pack_id"
    " from thing t",
    "registry/pack_slug.sql": "select p.id, p.title, p.made from pack p",
}
PLAIN = {k: v for k, v in FILES.items() if "things" not in k} | {
    "repot.toml": FILES["repot.toml"].replace('[move.things]\nkey = ["note_id"]\n', ""),
    "target.sql": re.sub(r"create table things.*?\);\n", "", FILES["target.sql"], flags=re.S),
}


TINY = 0.0002  # seconds a chunk should take: one unit


def moved(dsn: str, session: Session) -> int:
    """V2 equals its views, row for row and byte for byte; gives the rows."""
    total = 0
    for move in session.plan.moves:
        columns = ", ".join(f't."{c}"::text' for c in move.columns)
        view = f'select {columns} from repot_view."{move.name}" t'
        table = f'select {columns} from v2."{move.name}" t'
        for one, other in ((view, table), (table, view)):
            differing = rows(dsn, f"{one} except all {other}")
            assert differing == [], move.name
        total += rows(dsn, f'select count(*) from v2."{move.name}"')[0][0]
    assert total
    return total


def complete(dsn: str, session: Session) -> None:
    """Phase, keys, indexes, foreign keys and triggers are as they should be."""
    assert rows(dsn, "select phase from repot.run") == [("copied",)]
    assert rows(dsn, "select count(*) from repot.chunk where done_at is null") == [(0,)]
    assert rows(dsn, "select count(*) from repot.deferred where done_at is null") == [(0,)]
    found = rows(
        dsn,
        "select conname, convalidated from pg_constraint where connamespace = 'v2'::regnamespace"
        " and contype in ('p', 'u', 'f')",
    )
    expected = {k.name for t in session.plan.target.tables for k in t.foreign_keys}
    expected |= {u.name for t in session.plan.target.tables for u in t.uniques if u.constraint}
    assert {name for name, _ in found} == expected
    assert all(valid for _, valid in found)
    assert rows(dsn, "select count(*) from pg_index where not indisvalid or not indisready") == [
        (0,)
    ]


def ready(dsn: str, folder: Path, files: dict[str, str] = PLAIN, v1: str = V1) -> Session:
    made = make_session(dsn, folder, files, v1)
    run(dsn, "analyze")
    return made.at(build(made))


class Listener(Silent):
    """Calls `on_rows` with the table, after each chunk of it."""

    def __init__(self, on_rows: Callable[[str], None]) -> None:
        self.on_rows = on_rows
        self.said: list[str] = []

    def advance(self, key: str, by: int) -> None:
        if by and key.startswith("copy:"):
            self.on_rows(key.removeprefix("copy:"))

    def say(self, text: str) -> None:
        self.said.append(text)


def listening(session: Session, on_rows: Callable[[str], None]) -> Session:
    return Session(session.dsn, session.run, session.plan, Listener(on_rows))
