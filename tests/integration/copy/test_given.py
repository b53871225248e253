"""What a copy gives: every row, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.engine.build import build
from repot.stages.copy import copy
from support.copying import FILES, TINY, complete, moved, ready
from support.moving import TOML, make_session
from support.sql import rows, run


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
