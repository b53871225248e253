"""The copy: every row exactly once, whatever happens meanwhile."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repot.embedded import EmbeddedServer
from repot.engine.build import build
from repot.engine.session import Session
from repot.model.errors import Refused, RepotError
from repot.model.progress import Silent
from repot.stages.copy import copy, units
from support.moving import TOML, make_session
from support.sql import connect, rows, run

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


@pytest.fixture
def many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables are cut, too: a unit has about 40 rows."""
    monkeypatch.setattr(units, "UNIT_ROWS", 40)


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


# ---------------------------------------------------------------- what it gives


def test_everything_arrives_once(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    result = copy(session)
    assert result.rows == moved(database, session) == 700 + 900 + 3000
    assert {t.table: (t.rows, t.chunks) for t in result.tables} == {
        "users": (700, 1),
        "packs": (900, 1),
        "votes": (3000, 1),
    }
    assert not result.resumed
    complete(database, session)
    # V2's own trigger did not fire, and sleeps.
    assert rows(database, "select sum(touched) from v2.packs") == [(0,)]
    assert rows(
        database, "select tgenabled::text from pg_trigger where tgname = 'packs_touch'"
    ) == [("D",)]
    ((answer,),) = rows(database, "select answer from repot.evidence where kind = 'copy'")
    assert answer["rows"] == result.rows
    assert answer["registries"] == {"pack_slug": 900}
    again = copy(session)
    assert (again.rows, again.tables, again.resumed) == (result.rows, result.tables, True)
    assert rows(database, "select count(*) from repot.evidence where kind = 'copy'") == [(1,)]


@pytest.mark.usefixtures("many_chunks")
@pytest.mark.parametrize("workers", [1, 3])
def test_many_chunks(database: str, tmp_path: Path, workers: int) -> None:
    session = ready(database, tmp_path)
    result = copy(session, workers=workers, chunk_seconds=TINY)
    assert moved(database, session) == result.rows
    chunks = {t.table: t.chunks for t in result.tables}
    assert chunks["users"] > 10
    assert chunks["packs"] > 10
    assert chunks["votes"] > 40
    complete(database, session)
    # The parts are even: the bounds come from a sample of the tables.
    ((most,),) = rows(database, "select max(rows) from repot.chunk where move = 'users'")
    assert most < 200


COLUMNS = {
    # type of the chunk column: values of n
    "text": "(array['a', 'B', 'é', 'Z', 'z', 'É', ''])[1 + n % 7] || n % 90",
    'text collate "C"': "(array['a', 'B', 'é', 'Z', '_', '-'])[1 + n % 6] || n % 90",
    "numeric": "case n % 9 when 0 then 'NaN' when 1 then n / 7.0 else n end",
    "float8": "case n % 9 when 0 then 'NaN' when 1 then '-Infinity' else sin(n) end",
    "timestamptz": "case n % 9 when 0 then 'infinity' else timestamptz '2024-03-31' + n"
    " * interval '7 minutes' end",
    "interval": "n * interval '1 day 3 hours'",
    "bytea": "decode(md5(n::text), 'hex')",
    "bool": "n % 2 = 0",
    "mood": "(array['sad', 'ok', 'happy'])[1 + n % 3]::mood",
    "int[]": "array[n % 40, n]",
    "int": "7",
    "json": "json_build_object('n', n)",
}


@pytest.mark.usefixtures("many_chunks")
def test_chunk_columns_of_every_type(database: str, tmp_path: Path) -> None:
    """Texts of bounds must mean the value they were: no unit may overlap another or leave a gap."""
    run(database, "create type mood as enum ('sad', 'ok', 'happy')")
    v1, target, files, more = "", "", {}, ""
    for number, (kind, value) in enumerate(COLUMNS.items()):
        name = f"t{number}"
        v1 += (
            f"create table {name}_old (k {kind}, id int primary key);"
            f" insert into {name}_old select case when n % 10 > 0 then {value} end, n"
            " from generate_series(1, 400) n;"
        )
        target += (
            f"create table {name} (k {kind.replace('mood', 'public.mood')}, id int primary key);"
        )
        # Half of the columns are computed: then the view itself is sampled, not the table.
        expression = "x.k" if number % 2 else "coalesce(x.k, null)"
        files[f"moves/{name}.sql"] = f"select {expression} as k, x.id from {name}_old x"
        more += f'[move.{name}]\nkey = ["k", "id"]\nscope = ["id"]\n'
    session = make_session(
        database, tmp_path, {"repot.toml": TOML + more, "target.sql": target, **files}, v1
    )
    run(database, "analyze")
    build(session)
    assert copy(session, chunk_seconds=TINY).rows == 400 * len(COLUMNS)
    assert moved(database, session) == 400 * len(COLUMNS)
    cut = dict(rows(database, "select move, count(*) from repot.chunk group by 1"))
    by_column = dict(rows(database, 'select move, max("column") from repot.chunk group by 1'))
    for number, kind in enumerate(COLUMNS):
        # One value only, two values, no order: the next column of the key is cut instead.
        assert cut[f"t{number}"] > 5, kind
        few = kind in ("bool", "mood", "int", "json")
        assert by_column[f"t{number}"] == ("id" if few else "k"), kind


@pytest.mark.usefixtures("many_chunks")
def test_names_of_all_kinds(database: str, tmp_path: Path) -> None:
    long, odd = "é" * 31 + "x", 'a "b" %s; --'
    quoted = odd.replace('"', '""')
    toml = TOML.replace('schema = "public"', 'schema = "Sélect"').replace('"v2"', '"V 2"')
    files = {
        "repot.toml": toml + f"[registry.'{odd}']\nkind = 'uuid'\nkey = ['{odd}']\n",
        "target.sql": f'create table "{long}" ("{quoted}" int constraint "{quoted}k" primary key,'
        f' "order" text, "{long}" uuid unique); create index "{quoted}i" on "{long}" ("order");'
        f'create table "{quoted}" ("{long}" int references "{long}", "Table" int primary key);',
        f"moves/{long}.sql": f'select t."Id" as "{quoted}", t."user" as "order",'
        f' r.value as "{long}" from "TABLE" t join "{quoted}" r on r."{quoted}" = t."Id"',
        f"moves/{odd}.sql": f'select t."Id" as "{long}", t."Id" as "Table" from "TABLE" t',
        f"registry/{odd}.sql": f'select "Id" as "{quoted}" from "TABLE"',
    }
    v1 = (
        'create schema "Sélect"; create table "Sélect"."TABLE" ("Id" int primary key, "user" text);'
        ' insert into "Sélect"."TABLE" select n, n from generate_series(1, 300) n'
    )
    session = make_session(database, tmp_path, files, v1)
    build(session)
    assert copy(session, chunk_seconds=TINY).rows == 600
    assert rows(database, f'select count(*) from "V 2"."{quoted}"') == [(300,)]
    assert rows(database, "select count(*) > 10 from repot.chunk") == [(True,)]


def test_identity_always_and_what_the_move_leaves_out(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path, FILES)
    copy(session)
    assert rows(database, "select min(note_id), max(note_id) from v2.things") == [(1, 800)]
    assert rows(database, "select distinct touched from v2.packs") == [(0,)]


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.usefixtures("many_chunks")
def test_a_row_that_v2_does_not_take(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    run(database, "update pack set price = -1 where id = md5('pack450')::uuid")
    with pytest.raises(RepotError) as caught:
        copy(session, chunk_seconds=TINY)
    error = caught.value
    assert error.code == "copy-failed"
    assert re.match(r"packs \(.*\): .*violates check constraint", error.message)
    lo, hi = (re.search(rf"id {sign} '(.*?)'", error.message) for sign in (">=", "<"))
    ((bad,),) = rows(database, "select md5('pack450')::uuid::text")
    assert lo is None or lo[1] <= bad
    assert hi is None or bad < hi[1]
    assert "packs_price_check" in error.evidence
    assert "Tïtle" not in error.evidence  # the row itself is not shown
    assert rows(database, "select phase from repot.run") == [("copying",)]
    # What is committed stays and is not done again.
    done = rows(database, "select move, number, done_at from repot.chunk where done_at is not null")
    stored = rows(database, "select sum(rows) from repot.chunk where move = 'users'")
    assert rows(database, "select count(*) from v2.users") == [(stored[0][0] or 0,)]
    run(database, "update pack set price = 1 where id = md5('pack450')::uuid")
    result = copy(session, chunk_seconds=TINY)
    assert result.resumed
    assert moved(database, session) == result.rows
    complete(database, session)
    after = rows(database, "select move, number, done_at from repot.chunk")
    assert set(done) <= set(after)


def test_a_failure_stops_the_other_workers_at_once(database: str, tmp_path: Path) -> None:
    """One statement would take a minute; another fails after a moment."""
    files = {
        "repot.toml": TOML,
        "target.sql": "create table slow (id int primary key, s text);"
        " create table bad (id int primary key check (id < 9));",
        "moves/slow.sql": "select s.id, nap(s.id, 30) as s from slow_old s",
        "moves/bad.sql": "select b.id from bad_old b where nap(b.id, 1) is not null",
    }
    v1 = (
        "create table slow_old (id int primary key); insert into slow_old values (1), (2);"
        "create table bad_old (id int primary key); insert into bad_old values (1), (9);"
        # Declared immutable: it is, but for the time that it takes.
        "create function nap(int, seconds int) returns text language sql immutable as"
        " $$ select pg_sleep(seconds)::text $$;"
    )
    session = ready(database, tmp_path, files, v1)
    start = time.monotonic()
    with pytest.raises(RepotError) as caught:
        copy(session, workers=2)
    assert caught.value.code == "copy-failed"
    assert caught.value.message.startswith("bad (all rows)")
    assert time.monotonic() - start < 15
    working = "select count(*) from pg_stat_activity where application_name like 'repot%'"
    assert rows(database, working) == [(0,)]


def test_rows_that_no_key_allows(database: str, tmp_path: Path) -> None:
    files = PLAIN | {
        "moves/packs.sql": "select p.id, 'same' as slug, p.price::numeric(10,2) as price, p.made"
        " from pack p"
    }
    session = ready(database, tmp_path, files)
    with pytest.raises(RepotError) as caught:
        copy(session)
    assert caught.value.code == "constraint-failed"
    assert "packs_slug_key" in caught.value.message
    assert "(same)" in caught.value.evidence
    assert rows(database, "select phase from repot.run") == [("copying",)]


def test_orphans(database: str, tmp_path: Path) -> None:
    files = PLAIN | {"moves/users.sql": "select u.id, u.email from auth.users u where u.id <> 5"}
    session = ready(database, tmp_path, files)
    with pytest.raises(RepotError) as caught:
        copy(session)
    assert caught.value.code == "constraint-failed"
    assert "votes_user_id_fkey" in caught.value.message


def test_capture_must_be_armed(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    ((trigger,),) = rows(
        database,
        "select min(tgname) from pg_trigger where tgrelid = 'pack'::regclass and not tgisinternal",
    )
    run(database, "alter table pack disable trigger user")
    with pytest.raises(Refused) as caught:
        copy(session)
    assert caught.value.code == "not-captured"
    assert "public.pack" in caught.value.message
    assert trigger
    assert rows(database, "select count(*) from v2.packs") == [(0,)]


def test_only_a_built_run_is_copied(database: str, tmp_path: Path) -> None:
    session = make_session(database, tmp_path, PLAIN, V1)
    with pytest.raises(Refused) as caught:
        copy(session)
    assert caught.value.code == "not-built"
    build(session)
    run(database, "update repot.run set phase = 'cut_over'")
    with pytest.raises(Refused) as caught:
        copy(session)
    assert caught.value.code == "wrong-phase"


def test_a_second_runner_is_refused(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    refused: list[str] = []

    def again(_table: str) -> None:
        if not refused:
            with pytest.raises(Refused) as caught:
                copy(session)
            refused.append(caught.value.code)

    copy(listening(session, again))
    assert set(refused) == {"run-busy"}
    assert moved(database, session)


# ---------------------------------------------------------------- crashes

CHILD = """
import sys
from repot.engine.session import Session
from repot.model.progress import Silent
from repot.postgres.connect import connection
from repot.postgres.state import current_run, load_plan
from repot.stages.copy import copy, units

units.UNIT_ROWS = 40

class Tell(Silent):
    def advance(self, key, by):
        print(key, flush=True)

dsn = sys.argv[1]
with connection(dsn) as conn:
    run = current_run(conn)
    plan = load_plan(conn, run)
print("begin", flush=True)
copy(Session(dsn, run, plan, Tell()), workers=2, chunk_seconds=0.0002)
print("end", flush=True)
"""


def killed_after(dsn: str, script: Path, lines: int) -> list[str]:
    """Run a copy in a process of its own and kill -9 it after so many lines."""
    child = subprocess.Popen([sys.executable, str(script), dsn], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    seen = []
    for line in child.stdout:
        seen.append(line.strip())
        if len(seen) == lines:
            child.send_signal(signal.SIGKILL)
            break
    child.wait()
    child.stdout.close()
    return seen


@pytest.mark.usefixtures("many_chunks")
def test_killed_and_killed_again(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    script = tmp_path / "child.py"
    script.write_text(textwrap.dedent(CHILD))
    seen = [killed_after(database, script, lines) for lines in (1, 8, 30, 25, 60)]
    assert all(lines[-1] != "end" for lines in seen)
    assert rows(database, "select phase from repot.run") == [("copying",)]
    result = copy(session, chunk_seconds=TINY)
    assert result.resumed
    assert moved(database, session) == result.rows == 4600
    complete(database, session)


@pytest.mark.usefixtures("many_chunks")
def test_killed_while_keys_are_built(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    script = tmp_path / "child.py"
    script.write_text(
        textwrap.dedent(CHILD).replace(
            "print(key, flush=True)", 'key == "constraints" and print(key, flush=True)'
        )
    )
    for lines in (2, 3, 4):  # one line more is "begin"
        assert killed_after(database, script, lines)[-1] == "constraints"
    result = copy(session)
    assert moved(database, session) == result.rows
    complete(database, session)


@pytest.mark.usefixtures("many_chunks")
def test_the_server_stops_at_once(tmp_path: Path) -> None:
    """Commits are not waited for (synchronous_commit off): a crash loses the last of them, rows and
    checkpoints alike."""
    with EmbeddedServer(settings={"wal_writer_delay": "10s"}) as server:
        dsn = server.create_database("crash")
        session = ready(dsn, tmp_path)
        for after in (3, 20, 50):
            count = 0

            def crash(_table: str, after: int = after) -> None:
                nonlocal count
                count += 1
                if count == after:
                    server.kill()

            with pytest.raises(RepotError) as caught:
                copy(listening(session, crash), chunk_seconds=TINY)
            assert caught.value.code in ("connection-lost", "connection-failed")
            server.start()
            noted = rows(
                dsn, "select move, coalesce(sum(rows), 0)::int from repot.chunk group by 1"
            )
            for move, number in noted:
                assert rows(dsn, f"select count(*) from v2.{move}") == [(number,)]
        result = copy(session, chunk_seconds=TINY)
        assert moved(dsn, session) == result.rows == 4600
        complete(dsn, session)


def test_a_server_still_at_work_for_a_client_that_is_gone(database: str, tmp_path: Path) -> None:
    """The chunk of a killed client may yet be committed: it is waited for and not done again."""
    session = ready(database, tmp_path)
    run(
        database,
        "insert into repot.chunk (run, move, number) values (1, 'users', 1)",
    )
    with connect(database) as ghost:
        with ghost.transaction():
            ghost.execute("select from repot.chunk where move = 'users' for update")
            ghost.execute("insert into v2.users select id, email from auth.users")
            ghost.execute("update repot.chunk set rows = 700, ms = 1, done_at = now()")
            other = threading.Thread(target=copy, args=(session,))
            other.start()
            time.sleep(0.5)
            assert other.is_alive()
        other.join()
    assert rows(database, "select count(*) from v2.users") == [(700,)]
    assert moved(database, session)
    complete(database, session)


@pytest.mark.usefixtures("many_chunks")
def test_rows_and_checkpoint_are_one_transaction(database: str, tmp_path: Path) -> None:
    """The checkpoint cannot be written: then the rows are not there either."""
    session = ready(database, tmp_path)
    run(
        database,
        "create function repot.no() returns trigger language plpgsql as"
        " $$ begin raise 'not now'; end $$;"
        "create trigger no before update on repot.chunk for each row"
        " when (new.move = 'users' and new.number = 5) execute function repot.no()",
    )
    with pytest.raises(RepotError):
        copy(session, chunk_seconds=TINY)
    noted = "select coalesce(sum(rows), 0)::int from repot.chunk where move = 'users'"
    assert rows(database, "select count(*)::int from v2.users") == rows(database, noted)
    run(database, "drop trigger no on repot.chunk")
    assert copy(session, chunk_seconds=TINY).rows == moved(database, session)


def test_a_key_still_being_built_for_a_client_that_is_gone(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    ((number, ddl),) = rows(
        database,
        "select number, ddl from repot.deferred where object = 'users_pkey' and step = 'index'",
    )
    run(
        database,
        "insert into v2.users select id, email from auth.users;"
        "insert into repot.chunk (run, move, number, rows, ms, done_at)"
        " values (1, 'users', 1, 700, 1, now())",
    )
    with connect(database) as ghost:
        with ghost.transaction():
            ghost.execute("select from repot.deferred where number = %s for update", [number])
            ghost.execute(ddl)
            ghost.execute("update repot.deferred set done_at = now() where number = %s", [number])
            other = threading.Thread(target=copy, args=(session,))
            other.start()
            time.sleep(0.5)
            assert other.is_alive()
        other.join()
    assert moved(database, session)
    complete(database, session)


# ---------------------------------------------------------------- V1 lives on


@pytest.mark.usefixtures("many_chunks")
def test_rows_that_come_after_the_registries_were_filled(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    come: list[int] = []

    def insert(table: str) -> None:
        if table == "packs" and len(come) < 5:
            come.append(1)
            run(
                database,
                "insert into pack select gen_random_uuid(), 'late', 1, null"
                " from generate_series(1, 20)",
            )

    copy(listening(session, insert), workers=1, chunk_seconds=TINY)
    assert len(come) == 5
    complete(database, session)
    late = "select count(*) from v2.packs where slug ~ '^late'"
    assert rows(database, late)[0][0] > 0


@pytest.mark.usefixtures("many_chunks")
def test_a_unique_value_that_moves_from_row_to_row(database: str, tmp_path: Path) -> None:
    """Copied in row 1, the address is given to row 700 before that one is copied: V1 never had it
    twice, V2 has, until the changes that were captured are applied."""
    session = ready(database, tmp_path)
    swapped: list[int] = []

    def swap(table: str) -> None:
        if table == "users" and not swapped:
            swapped.append(1)
            run(
                database,
                "update auth.users set email = 'gone@x.test' where id = 1;"
                "update auth.users set email = 'u1@x.test' where id = 700;"
                "delete from vote where user_id = 2; delete from auth.users where id = 2;",
            )

    copy(listening(session, swap), workers=2, chunk_seconds=TINY)
    assert swapped
    complete(database, session)
    assert rows(database, "select id, email from v2.users where id in (1, 2, 700) order by 1") == [
        (1, "gone@x.test"),
        (700, "u1@x.test"),
    ]
    assert moved(database, session)


def test_changes_are_applied_after_all_rows(database: str, tmp_path: Path) -> None:
    """A chunk that began before a change would bring back what had been applied meanwhile."""
    v1 = V1 + (
        "create function nap(seconds int) returns int language plpgsql stable as"
        " $$ begin if not exists (select from public.swapped) then perform pg_sleep(seconds);"
        " end if; return 0; end $$; create table swapped (at int);"
    )
    files = PLAIN | {
        "moves/votes.sql": "select v.user_id, v.pack_id from vote v"
        " where v.user_id > (select nap(n) from generate_series(2, 2) n)"
    }
    session = ready(database, tmp_path, files, v1)
    swapped: list[int] = []

    def swap(table: str) -> None:
        if table == "users" and not swapped:
            swapped.append(1)
            # Unique at any moment in V1; in V2 row 1 was copied with what row 701 has now. And the
            # one statement that reads all of vote is under way.
            run(
                database,
                "update auth.users set email = 'gone@x.test' where id = 1;"
                "insert into auth.users values (701, 'u1@x.test');"
                "update vote set user_id = 701 where user_id = 3;"
                "delete from vote where user_id = 4; delete from vote where user_id = 5;"
                "insert into swapped values (1)",
            )
            run(database, "insert into v2.users values (701, 'u1@x.test')")

    copy(listening(session, swap), workers=2)
    assert swapped
    assert moved(database, session)
    complete(database, session)


def test_it_waits_while_many_sessions_are_active(database: str, tmp_path: Path) -> None:
    toml = PLAIN["repot.toml"] + "[copy]\nmax_active_sessions = 1\n"
    session = ready(database, tmp_path, PLAIN | {"repot.toml": toml})
    busy = [connect(database) for _ in range(2)]
    sleepers = [
        threading.Thread(target=conn.execute, args=("select pg_sleep(1.5)",)) for conn in busy
    ]
    for sleeper in sleepers:
        sleeper.start()
    time.sleep(0.2)
    listener = Listener(lambda _table: None)
    start = time.monotonic()
    copy(Session(session.dsn, session.run, session.plan, listener))
    assert time.monotonic() - start > 1
    assert listener.said[0] == "the copy waits: 2 sessions are active (limit 1)"
    assert listener.said[-1] == "the copy goes on"
    for sleeper, conn in zip(sleepers, busy, strict=True):
        sleeper.join()
        conn.close()
    assert moved(database, session)


def test_who_cannot_watch_cannot_wait(
    server: EmbeddedServer, database: str, tmp_path: Path
) -> None:
    toml = PLAIN["repot.toml"] + "[copy]\nmax_replication_lag_mb = 64\n"
    session = ready(database, tmp_path, PLAIN | {"repot.toml": toml})
    with connect(server.dsn()) as conn:
        conn.execute("create role repot_test_blind login")
    try:
        run(
            database,
            "grant usage on schema repot to repot_test_blind;"
            "grant all on all tables in schema repot to repot_test_blind",
        )
        blind = database.replace("user=postgres", "user=repot_test_blind")
        with pytest.raises(Refused) as caught:
            copy(Session(blind, session.run, session.plan))
        assert caught.value.code == "may-not-watch"
    finally:
        with connect(server.dsn()) as conn:
            server.drop_database(database.rpartition("dbname=")[2])
            conn.execute("drop role repot_test_blind")


# ---------------------------------------------------------------- quarantine

LEAVE = """
[[rows]]
table = "thing"
where = "code is null -- no code"
reason = "nameless; it's of no use"
[[rows]]
table = "thing"
where = "exists (select from pack p where p.id = thing.pack_id and p.made is null)"
reason = "of an undated pack"
"""


def test_rows_left_out_are_kept(database: str, tmp_path: Path) -> None:
    from repot.engine import quarantine
    from repot.postgres.connect import connection

    session = ready(database, tmp_path, PLAIN | {"leave.toml": LEAVE})
    copy(session)
    kept = "select repot_rule, repot_reason, count(*) from repot_quarantine.thing group by 1, 2"
    both = "select count(*) from thing where code is null"
    undated = (
        "select count(*) from thing t where code is not null and pack_id in"
        " (select id from pack where made is null)"
    )
    first, second = rows(database, both)[0][0], rows(database, undated)[0][0]
    assert first * second > 0
    assert rows(database, kept + " order by 1") == [
        (0, "nameless; it's of no use", first),
        (1, "of an undated pack", second),
    ]
    ((answer,),) = rows(database, "select answer from repot.evidence where kind = 'copy'")
    assert answer["quarantined"] == {"thing": first + second}
    lost: list[Any] = rows(
        database,
        "select t::text from thing t where code is null except all"
        " select row(id, code, kind, note, pack_id)::text from repot_quarantine.thing"
        " where repot_rule = 0",
    )
    assert lost == []
    run(database, "delete from thing where code is null")
    with connection(database) as conn:
        assert quarantine.fill(conn, session.run.id, session.plan) == {"thing": second}
        assert quarantine.fill(conn, session.run.id, session.plan) == {"thing": second}
