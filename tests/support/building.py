"""A project with one of everything, built; its catalog in all detail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from repot.engine.session import Session
from repot.model.catalog import Catalog
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import connection
from support.sql import rows, run

V1 = """
create schema auth;
create table auth.users (id int primary key, email text);
create table person (id int primary key, name text, boss int references person);
create table note (id int primary key, person_id int references person, text text);
insert into auth.users select n, n || '@x.test' from generate_series(1, 20) n;
insert into person select n, 'p' || n, case when n > 1 then n / 2 end from generate_series(1, 20) n;
insert into note select n, 1 + n % 20, 'note ' || n from generate_series(1, 50) n;
"""

# One of everything that is taken off and must come back as it was.
TARGET = """
create table people (
  id int primary key,
  name text not null constraint "Name; drop table people --" unique,
  boss int,
  code text constraint code_key unique deferrable initially deferred,
  span int4range, "Größe" int not null default 7 check ("Größe" > 0),
  foreign key (boss) references people deferrable initially deferred,
  exclude using gist (span with &&)
);
create table notes (
  id int, person_id int not null, text text, day date not null default '2024-01-01',
  primary key (id) include (text),
  constraint to_people foreign key (person_id) references people on update cascade
) with (fillfactor = 70);
alter table notes add constraint unchecked foreign key (id) references notes not valid;
create unique index notes_person on notes (person_id, id) with (fillfactor = 60);
create index "Éxpression"  on notes ((lower(text)) text_pattern_ops desc) where id > 3;
alter index "Éxpression" alter column 1 set statistics 321;
create index notes_gin on notes using gin (to_tsvector('simple', text));
alter table notes replica identity using index notes_person;
alter table people cluster on people_pkey;
comment on constraint to_people on notes is 'whose';
comment on constraint people_pkey on people is 'the key; it''s 100% one';
comment on index "Éxpression" is 'folded';
create table parts (id int, kind text, primary key (id, kind)) partition by list (kind);
create table parts_a partition of parts for values in ('a');
create table parts_rest partition of parts default;
create index parts_kind on parts (kind);
create index parts_a_only on parts_a (id desc);
create function bump() returns trigger language plpgsql as 'begin return new; end';
create trigger notes_bump before insert or update of text on notes
  for each row when (new.id > 0) execute function bump();
create trigger notes_quiet before update on notes for each row execute function bump();
alter table notes disable trigger notes_quiet;
create constraint trigger notes_late after insert on notes deferrable initially deferred
  for each row execute function bump();
comment on trigger notes_bump on notes is 'bumps';
create view names as select id, name, count(*) from people group by id;
create table events (id bigint generated always as identity primary key, what text);
"""

FILES = {
    "target.sql": TARGET,
    "moves/people.sql": "select p.id, p.name, p.boss, u.email as code,"
    " int4range(p.id, p.id + 1) as span from person p left join auth.users u on u.id = p.id",
    "moves/notes.sql": "select n.id, n.person_id, n.text from note n",
    "moves/parts.sql": "select p.id, 'a' as kind from person p",
    "repot.toml": """
name = "test"
[source]
schema = "public"
outside = ["auth"]
[target]
schema = "v2"
retired = "old"
new = ["events"]
[cutover]
lock_timeout_ms = 50
retries = 1
""",
}


def shape(catalog: Catalog) -> list[dict[str, Any]]:
    """What a catalog says, without what differs from build to build."""
    result = []
    for table in catalog.tables:
        data = table.model_dump(
            exclude={"oid": True, "estimate": True, "bytes": True, "acl": True, "triggers": True}
        )
        for column in data["columns"]:
            column.pop("type_oid")
        result.append(data)
    return result


def details(dsn: str) -> list[tuple[Any, ...]]:
    """What the catalog model does not hold: comments, clustering, statistics, settings of parts."""
    return rows(
        dsn,
        "select 'constraint', conname, obj_description(oid, 'pg_constraint'), convalidated::text"
        " from pg_constraint where connamespace = 'v2'::regnamespace"
        " union all select 'index', indexrelid::regclass::text,"
        " obj_description(indexrelid, 'pg_class'), concat_ws(',', indisclustered, indisreplident,"
        "  indimmediate, (select array_agg(attstattarget order by attnum) from pg_attribute"
        "   where attrelid = indexrelid and attstattarget > 0))"
        " from pg_index where indrelid in (select oid from pg_class"
        "  where relnamespace = 'v2'::regnamespace)"
        " union all select 'trigger', tgname, obj_description(oid, 'pg_trigger'), ''"
        " from pg_trigger where not tgisinternal and tgrelid in (select oid from pg_class"
        "  where relnamespace = 'v2'::regnamespace) order by 1, 2",
    )


def as_target_sql_makes_it(make_database: Callable[..., str]) -> tuple[Catalog, list[Any]]:
    dsn = make_database()
    run(dsn, V1)
    run(dsn, f"create schema v2; set search_path = v2, public; {TARGET}")
    with connection(dsn) as conn:
        return read_catalog(conn, ["v2"]), details(dsn)


def v1_of(dsn: str) -> list[Any]:
    with connection(dsn) as conn:
        tables = read_catalog(conn, ["public", "auth"]).tables
    return [t.model_dump(exclude={"estimate", "bytes"}) for t in tables]


def nothing_is_left(session: Session, before: list[Any]) -> None:
    schemas = {s for (s,) in rows(session.dsn, "select nspname from pg_namespace")}
    assert not {"v2", "repot_view", "repot_registry", "repot_quarantine"} & schemas
    assert rows(session.dsn, "select phase from repot.run") == [("planned",)]
    assert rows(session.dsn, "select count(*) from repot.relation") == [(0,)]
    assert v1_of(session.dsn) == before
