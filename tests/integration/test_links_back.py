"""Derived ways back on a real server: what V2 holds of V1 is what V1 held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from psycopg import sql

from repot.model.catalog import Catalog
from repot.model.names import Name
from repot.model.plan import Derivation, Registry
from repot.model.project import MoveSetting, RegistryKind, RegistrySetting, SqlFile
from repot.moves.analysis import analyse
from repot.moves.back import derive_back
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import Connection, connect

V1 = """
create schema repot_registry;
create schema v1; create schema v2; create schema w;
create table v1.person (id int primary key, "Name" text, code varchar(9), age smallint,
  made timestamptz not null default now(), old int);
create table v1.log (id bigint primary key, person_id int, act text not null);
create table v1.own (a int, b int, since date, primary key (a, b));
insert into v1.person select i, 'n' || i, case when i % 3 > 0 then 'c' || i end, i, now(), 7
  from generate_series(1, 9) i;
insert into v1.log select i, nullif(i % 4, 0), 'act' || i from generate_series(1, 12) i;
insert into v1.own select i % 5, i, date '2020-01-01' + i from generate_series(1, 9) i;
create table repot_registry.log_key (id bigint primary key, value uuid not null unique);
create table repot_registry.person_key (kind text, id int, value uuid not null unique,
  primary key (kind, id));
insert into repot_registry.log_key select id, gen_random_uuid() from v1.log;
insert into repot_registry.person_key select 'p', id, gen_random_uuid() from v1.person;
insert into repot_registry.person_key select 'z', id, gen_random_uuid() from v1.person;
"""


def registry(name: str, *key: str) -> Registry:
    return Registry(
        name=name,
        setting=RegistrySetting(kind=RegistryKind.UUID, key=key),
        table=Name(schema_="repot_registry", name=name),
        view=Name(schema_="repot_registry_sql", name=name),
        key_types=(),
        sql=SqlFile(path="", text=""),
    )


REGISTRIES = [registry("log_key", "id"), registry("person_key", "kind", "id")]


@pytest.fixture
def conn(make_database: Callable[..., str]) -> Any:
    with connect(make_database()) as opened:
        opened.execute(V1.encode())
        yield opened


def moved(conn: Connection, name: str, select: str, key: tuple[str, ...]) -> Derivation:
    """V2's table as the move makes it, and the move."""
    view, table = sql.Identifier("w", name), sql.Identifier("v2", name)
    conn.execute("set search_path = v1, repot_registry")
    conn.execute(sql.SQL("create view {} as {}").format(view, sql.SQL(select)))  # type: ignore[arg-type]
    conn.execute("set search_path = ''")
    conn.execute(sql.SQL("create table {} as select * from {}").format(table, view))
    oid = sql.Literal(view.as_string(conn))
    query = sql.SQL("select pg_get_viewdef({}::regclass, false)").format(oid)
    definition = str(conn.execute(query).fetchall()[0][0])
    made = read_catalog(conn, ["v2"]).get(Name(schema_="v2", name=name))
    assert made is not None
    columns = tuple(c.name for c in made.columns)
    readable = read_catalog(conn, ["v1", "repot_registry"]).tables
    analysis = analyse(
        definition,
        tables={t.name: t for t in readable},
        key=key,
        columns=columns,
        setting=MoveSetting(),
        file=f"moves/{name}.sql",
        default_schema="v1",
    )
    assert not analysis.findings
    return Derivation(
        name=name,
        table=made.name,
        user_view=Name(schema_="w", name=name),
        view=Name(schema_="w", name=name),
        columns=columns,
        key=key,
        scope=analysis.scope,
        outputs=analysis.outputs,
        uses=analysis.uses,
        sql=SqlFile(path="", text=select),
    )


def returned(conn: Connection, name: str, *moves: Derivation) -> tuple[list[str], list[Any]]:
    """The columns of the way back and its rows."""
    source: Catalog = read_catalog(conn, ["v1"])
    table = source.get(Name(schema_="v1", name=name))
    assert table is not None
    derived = derive_back(table, moves, REGISTRIES, source, read_catalog(conn, ["v2"]))
    assert derived.sql is not None, derived.why
    conn.execute("set search_path = v2")
    cursor = conn.execute(derived.sql.encode())
    names = [c.name for c in cursor.description or ()]
    rows = sorted(cursor.fetchall(), key=repr)
    conn.execute("set search_path = ''")
    shown = sql.SQL(", ").join(map(sql.Identifier, names))
    held = sql.SQL("select {} from {}").format(shown, sql.Identifier("v1", name))
    assert rows == sorted(conn.execute(held).fetchall(), key=repr)
    return names, rows


def test_copies_and_widened_integers(conn: Connection) -> None:
    move = moved(
        conn,
        'Peo"ple',
        'select p.id::int, p."Name" as "order", p.code::text, p.age, upper(p.code) as big'
        " from person p",
        ("id",),
    )
    conn.execute('alter table v2."Peo""ple" alter id type bigint, alter age type bigint')
    names, rows = returned(conn, "person", move)
    assert names == ["id", "Name", "code", "age"]
    assert len(rows) == 9


def test_composite_keys(conn: Connection) -> None:
    move = moved(conn, "owns", "select o.b as y, o.a as x, o.since from own o", ("x", "y"))
    assert returned(conn, "own", move)[0] == ["a", "b", "since"]


def test_keys_and_references_made_by_registries(conn: Connection) -> None:
    move = moved(
        conn,
        "logs",
        "select k.value as id, p.value as person, l.act from log l join log_key k on k.id = l.id"
        " left join person_key p on p.kind = 'p' and p.id = l.person_id",
        ("id",),
    )
    names, rows = returned(conn, "log", move)
    assert names == ["id", "person_id", "act"]
    assert None in {person for _, person, _ in rows}


def test_a_table_cut_in_two(conn: Connection) -> None:
    person = moved(conn, "people", 'select p.id, p."Name", p.made, p.age from person p', ("id",))
    codes = moved(
        conn,
        "codes",
        "select p.id as of, p.code from person p where p.code is not null",
        ("of",),
    )
    names, rows = returned(conn, "person", codes, person)
    assert names == ["id", "Name", "code", "age", "made"]
    assert len(rows) == 9
