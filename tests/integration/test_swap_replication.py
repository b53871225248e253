"""Publications, replica identities and users' triggers across the swap."""

from __future__ import annotations

from typing import Any

from repot.engine.swap import preflight
from repot.engine.swap.triggers import user_triggers
from repot.postgres.connect import connection
from support.sql import connect, rows, run
from support.swapping import make_session, switch_over

PUBLISHED = """
create schema app_v2;
create table public.items (id int primary key, title text, gone int);
create table public.only_v1 (id int primary key);
create table app_v2.items (id int primary key, title text, note text);
create table app_v2.only_v2 (id int primary key);
create publication pub for table public.only_v1, {items};
"""


def published(dsn: str) -> list[Any]:
    return rows(
        dsn,
        "select n.nspname, c.relname from pg_publication_rel r join pg_class c on c.oid = r.prrelid"
        " join pg_namespace n on n.oid = c.relnamespace order by 1, 2",
    )


def test_namesakes_take_their_places_in_publications(database: str) -> None:
    with connect(database) as conn:
        modern = conn.info.server_version >= 150000
    items = "public.items (id, title) where (id > 10)" if modern else "public.items"
    session = make_session(database, PUBLISHED.format(items=items), outside=())
    first = [("public", "items"), ("public", "only_v1")]
    listed = "select attnames::text, rowfilter from pg_publication_tables where tablename = 'items'"
    list_before = rows(database, listed) if modern else []
    for _ in range(2):
        assert published(database) == first
        switch_over(session)
        assert published(database) == [("public", "items")]
        if modern:
            assert rows(database, listed) == list_before
        switch_over(session, "v1")
    assert published(database) == first
    with connection(database) as conn:
        codes = [f.code for f in preflight(conn, session.plan, "tables")]
    assert codes.count("publication-changes") == 1
    assert codes.count("publication-loses-table") == 1


def test_columns_that_a_publication_needs_are_asked_for(database: str) -> None:
    with connect(database) as conn:
        if conn.info.server_version < 150000:
            return
    script = PUBLISHED.format(items="public.items (id, gone)")
    session = make_session(database, script, outside=())
    with connection(database) as conn:
        found = {f.code: f for f in preflight(conn, session.plan, "tables")}
    assert found["publication-columns"].severity == "error"
    assert "gone" in found["publication-columns"].message


def test_a_publication_of_the_schema_follows_its_name(database: str) -> None:
    with connect(database) as conn:
        if conn.info.server_version < 150000:
            return
    session = make_session(
        database,
        "create schema app_v2; create table public.t (a int); create table app_v2.t (a int);"
        "create publication pub for tables in schema public",
        outside=(),
        swap="schema",
    )
    inside = "select schemaname, tablename from pg_publication_tables order by 1, 2"
    for to in ("v2", "v1", "v2"):
        switch_over(session, to)
        assert rows(database, inside) == [("public", "t")]


def test_replica_identity_is_taken_over_where_target_sql_says_nothing(database: str) -> None:
    tables = {
        "full_one": ("replica identity full", "", "f"),
        "nothing_one": ("replica identity nothing", "", "n"),
        "by_index": ("replica identity using index by_index_code", "", "i"),
        "its_own": ("replica identity full", "replica identity nothing", "n"),
        "plain": ("replica identity default", "", "d"),
    }
    script = "create schema app_v2;"
    for schema in ("public", "app_v2"):
        for table, (old, new, _) in tables.items():
            script += f"create table {schema}.{table} (id int primary key, code text not null);"
            script += f"create unique index {table}_code on {schema}.{table} (code);"
            how = old if schema == "public" else new
            script += f"alter table {schema}.{table} {how};" if how else ""
    session = make_session(database, script, outside=())
    switch_over(session)
    found = "select relname, relreplident::text from pg_class where relkind = 'r'"
    found += " and relnamespace = 'public'::regnamespace"
    assert dict(rows(database, found)) == {t: wanted for t, (_, _, wanted) in tables.items()}


TRIGGERS = """
create schema app_v2; create table public.seen (what text);
create function public.note() returns trigger language plpgsql as
  $$ begin insert into public.seen values (tg_name); return new; end $$;
create table public.t (k int) partition by list (k);
create table public.t1 partition of public.t for values in (1);
create table app_v2.t (k int) partition by list (k);
create table app_v2.t1 partition of app_v2.t for values in (1);
create table app_v2.seen (what text);
create trigger v1_plain before insert on public.t for each row execute function public.note();
create trigger v1_off before insert on public.t for each row execute function public.note();
create trigger v1_always before insert on public.t for each row execute function public.note();
alter table public.t disable trigger v1_off; alter table public.t enable always trigger v1_always;
create trigger v2_plain before insert on app_v2.t for each row execute function public.note();
create trigger v2_off before insert on app_v2.t for each row execute function public.note();
create trigger v2_replica before insert on app_v2.t for each row execute function public.note();
alter table app_v2.t disable trigger v2_off; alter table app_v2.t enable replica trigger v2_replica;
"""


def modes(dsn: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, mode in rows(
        dsn,
        "select tgname, tgenabled::text from pg_trigger where not tgisinternal"
        " and tgname ~ '^v[12]'",
    ):
        found.setdefault(name, set()).add(mode)
    return found


def test_triggers_fire_on_the_side_that_serves_and_there_only(database: str) -> None:
    """Whatever their mode was, on partitions too; the copy has put V2's to sleep before."""
    session = make_session(database, TRIGGERS, outside=())
    run(database, "alter table app_v2.t disable trigger user")
    asleep = {"v2_plain": {"D"}, "v2_off": {"D"}, "v2_replica": {"D"}}
    awake = {"v1_plain": {"O"}, "v1_off": {"D"}, "v1_always": {"A"}}
    assert modes(database) == awake | asleep
    for _ in range(2):
        switch_over(session)
        assert modes(database) == {n: {"D"} for n in awake} | {
            "v2_plain": {"O"},
            "v2_off": {"D"},
            "v2_replica": {"R"},
        }
        run(database, "insert into public.t values (1); insert into app_old.t values (1)")
        assert rows(database, "select what from public.seen") == [("v2_plain",)]
        switch_over(session, "v1")
        assert modes(database) == awake | asleep
        run(database, "truncate public.seen, app_v2.seen")


def test_repots_own_triggers_are_not_the_users(database: str) -> None:
    session = make_session(
        database, TRIGGERS + "alter trigger v1_plain on public.t rename to repot_x;", outside=()
    )
    with connection(database) as conn:
        from repot.engine.swap.survey import survey
        from repot.engine.swap.things import forward

        swap = survey(conn, forward(session.plan), "tables")
        names = {t.name for t in user_triggers(conn, swap.outgoing)}
    assert names == {"v1_off", "v1_always"}
