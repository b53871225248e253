"""What upkeep finds by looking: each trouble is planted and found, and a database without is clean."""

from __future__ import annotations

import json

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from repot.upkeep.care import CARE
from repot.upkeep.care.registry import SETTINGS
from support.caring import Care, codes
from support.sql import connect, run

ANY = {"unused_after": "0 days", "min_bytes": 0, "min_rows": 0}


@pytest.fixture
def shop(care: Care) -> Care:
    care.run(
        "create table buyer (id int generated always as identity primary key, name text, mail text unique);"
        "create table sale (id bigserial primary key, buyer int references buyer, at date, note text);"
        "create index sale_buyer on sale (buyer);"
        "insert into buyer (name) select 'b' || n from generate_series(1, 2000) n;"
        "insert into sale (buyer, at, note) select n, current_date, 'n' from generate_series(1, 2000) n;"
        "analyze; select count(*) from sale where buyer = 5 and (select pg_stat_force_next_flush()) is not null"
    )
    return care


@pytest.mark.parametrize("name", ["indexes", "bloat", "sequences", "wraparound", "sessions"])
def test_a_clean_database(shop: Care, name: str) -> None:
    """With the defaults; sessions of other tests' connections are on other databases."""
    result = shop.call(name)
    assert result["ok"]
    found = [
        c
        for c in codes(result)
        if c not in ("index-use-unknown", "slot-idle", "prepared-transaction")
    ]
    assert found == []
    assert result["summary"]


def test_indexes(shop: Care) -> None:
    shop.run(
        'create index "Same" on sale (buyer); create index wider on sale (buyer, at);'
        "create index backwards on sale (at desc); create index in_part on sale (at) where note = 'x';"
        "create unique index one_more on buyer (mail); create index lower_name on buyer (lower(name));"
        "create index lower_name_mail on buyer (lower(name), mail); create index including on sale (at desc) include (note);"
        "create table child (sale bigint references sale, b int, c int, foreign key (b) references buyer, note text);"
        "create index on child (b) where b is not null; create index on child (sale) where note = 'x';"
        "analyze child; set enable_seqscan = off; select count(*) from sale where buyer = 5;"
    )
    with connect(shop.dsn) as conn, pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("create unique index concurrently broken on sale (note)")
    result = shop.call("indexes", **ANY)
    by = {(f["code"], f["object"]) for f in result["findings"]}
    assert ("index-invalid", "public.broken") in by
    assert ("index-duplicate", 'public."Same"') in by
    assert ("index-covered", "public.sale_buyer") in by
    assert ("index-covered", "public.lower_name") in by
    assert ("index-duplicate", "public.one_more") in by  # the constraint's own stays
    assert ("index-duplicate", "public.backwards") in by
    assert ("index-missing", "public.child") in by
    assert sum(f["code"] == "index-missing" for f in result["findings"]) == 1  # not the one of b
    assert {o for c, o in by if c == "index-unused"} >= {"public.in_part"}
    assert {o for c, o in by if c in ("index-covered", "index-duplicate")} == {
        'public."Same"',
        "public.sale_buyer",
        "public.lower_name",
        "public.one_more",
        "public.backwards",
    }
    assert result["figures"]["spare_bytes"] > 0
    # Never dropped; and the remedy is a statement that runs.
    assert shop.one("select count(*) from pg_indexes where schemaname = 'public'") >= 10
    hint = next(f["hint"] for f in result["findings"] if f["code"] == "index-missing")
    shop.run(hint)
    shop.run(
        next(f["hint"] for f in result["findings"] if f["object"] == "public.broken").split(
            "; or "
        )[1]
    )
    left = shop.call("indexes", **ANY)
    assert not {"index-missing", "index-invalid"} & set(codes(left))


def test_an_index_is_not_to_go_beside_the_one_that_goes_for_it(shop: Care) -> None:
    """Following every hint leaves each question with an index."""
    shop.run(
        "create index narrow on sale (at); create index wide on sale (at, note);"
        "create index alone on sale (note); analyze sale"
    )
    shop.run("set enable_seqscan = off; select count(*) from sale where at = current_date")
    found = {(f["code"], f["object"]) for f in shop.call("indexes", **ANY)["findings"]}
    assert ("index-covered", "public.narrow") in found
    assert {o for c, o in found if c == "index-unused"} == {"public.alone"}  # nor a foreign key's


def test_unused_is_not_said_of_young_statistics(shop: Care) -> None:
    result = shop.call("indexes", **ANY | {"unused_after": "99 years"})
    assert codes(result) == ["index-use-unknown"]
    assert result["figures"]["unused"] is None


def test_bloat(shop: Care) -> None:
    shop.run(
        "create table blown (id int primary key, pad text); alter table blown set (autovacuum_enabled = off);"
        "insert into blown select n, repeat('x', 200) from generate_series(1, 20000) n;"
        "create index blown_pad on blown (id, pad); delete from blown where id % 10 <> 0"
    )
    # Autocommit, each by itself: VACUUM runs in no transaction.
    for statement in ("vacuum blown", "analyze blown"):
        shop.run(statement)
    result = shop.call("bloat", min_bytes=100_000)
    by = {
        f["object"]: f["message"]
        for f in result["findings"]
        if f["code"] in ("table-bloat", "index-bloat")
    }
    assert {"public.blown", "public.blown_pad"} <= set(by)
    assert "public.sale" not in by
    assert "estimated from statistics" in by["public.blown"]
    assert "by statistics alone" in result["summary"]
    estimated = {b["object"]: b["percent"] for b in result["figures"]["bloated"]}
    run(shop.admin, "create extension pgstattuple")
    assert "by statistics alone" in shop.call("bloat")["summary"]  # it may not be used
    run(shop.admin, "grant pg_stat_scan_tables to care_keeper")
    try:
        measured = shop.call("bloat", min_bytes=100_000)
    finally:
        run(shop.admin, "revoke pg_stat_scan_tables from care_keeper")
    by = {b["object"]: b for b in measured["figures"]["bloated"]}
    assert by["public.blown"]["by"] == by["public.blown_pad"]["by"] == "pgstattuple"
    for name in ("public.blown", "public.blown_pad"):
        assert abs(by[name]["percent"] - estimated[name]) < 10, (by, estimated)


def test_what_was_never_analyzed_is_told(care: Care) -> None:
    care.run(
        "create table dark (n text); alter table dark set (autovacuum_enabled = off); insert into dark select repeat('x', 100) from generate_series(1, 2000)"
    )
    result = care.call("bloat", min_bytes=0)
    assert codes(result) == ["bloat-unknown"]
    assert result["findings"][0]["examples"] == ["public.dark"]


def test_sequences(shop: Care) -> None:
    shop.run(
        'create table small (id smallserial primary key, n serial, "Big" int generated always as identity, x int);'
        "alter sequence small_n_seq as bigint; alter sequence small_n_seq no maxvalue;"
        "select setval('small_id_seq', 25000); select setval('small_n_seq', 2000000000);"
        "create sequence lonely maxvalue 10; select setval('lonely', 10);"
        "create sequence down increment -1 minvalue -100; select setval('down', -80);"
        "create sequence round maxvalue 3 cycle; select setval('round', 3);"
        "insert into buyer (id, name) overriding system value values (5000, 'by hand');"
        "create table other (k int primary key default nextval('lonely2'))".replace(
            "create table other", "create sequence lonely2; create table other"
        )
    )
    shop.run("insert into other values (7)")
    result = shop.call("sequences", schemas=["public"])
    assert not result["ok"]
    by = {f["object"]: f for f in result["findings"] if f["code"] == "sequence-near-end"}
    assert {o: f["severity"] for o, f in by.items()} == {
        "public.small_id_seq": "warning",
        "public.small_n_seq": "error",
        "public.lonely": "error",
        "public.down": "warning",
    }
    assert "93.1 per cent, as public.small.n is integer" in by["public.small_n_seq"]["message"]
    behind = {f["object"]: f for f in result["findings"] if f["code"] == "sequence-behind"}
    assert set(behind) == {"public.buyer_id_seq", "public.lonely2"}
    for finding in behind.values():
        shop.run(finding["hint"])
    assert "sequence-behind" not in codes(shop.call("sequences"))


def test_sequences_that_may_not_be_read_are_told(shop: Care) -> None:
    run(
        shop.admin,
        "create schema dark; grant usage on schema dark to care_keeper; create sequence dark.hidden",
    )
    result = shop.call("sequences")
    assert "sequences-unread" in codes(result)
    assert result["figures"]["unread"] == 1


def test_wraparound(shop: Care) -> None:
    with connect(shop.dsn) as holder:
        holder.execute("begin isolation level repeatable read; select 1")
        result = shop.call("wraparound", warn_percent_of_freeze=0)
    here = next(
        f for f in result["findings"] if f["object"] == shop.one("select current_database()")
    )
    assert here["severity"] == "warning"
    assert "what holds vacuum up: session" in here["hint"]
    assert len(result["figures"]["oldest"]) == 5
    assert not shop.call("wraparound", warn_percent_of_freeze=0, error_percent_of_limit=0)["ok"]


def test_sessions(shop: Care, keeper: str) -> None:
    now = {
        "transaction": "0 seconds",
        "idle": "0 seconds",
        "prepared": "0 seconds",
        "slot_bytes": 0,
        "slot_idle": "0 seconds",
    }
    name = shop.one("select current_database()")
    assert not {"idle-in-transaction", "prepared-transaction"} & set(codes(shop.call("sessions")))
    with connect(shop.dsn) as idle, connect(shop.admin) as other:
        idle.execute("set application_name = 'lazy'; begin; select 'a secret'")
        other.execute("begin; select 1")
        # The slot first: making one waits for the end of what was written before.
        run(shop.admin, f"select pg_create_logical_replication_slot('unread_{name}', 'pgoutput')")
        shop.run(f"begin; insert into buyer (name) values ('p'); prepare transaction 'left-{name}'")
        try:
            result = shop.call("sessions", **now)
        finally:
            shop.run(f"rollback prepared 'left-{name}'")
            run(shop.admin, f"select pg_drop_replication_slot('unread_{name}')")
        by = {(f["code"], f.get("object")): f for f in result["findings"]}
        assert "(lazy)" in by["idle-in-transaction", str(idle.info.backend_pid)]["message"]
        assert ("prepared-transaction", f"left-{name}") in by
        assert ("slot-idle", f"unread_{name}") in by
        assert by["sessions-hidden", None]["count"] >= 1
        assert "secret" not in json.dumps(result)


def test_both_say_the_same_defaults(care: Care) -> None:
    """What Python declares and what the SQL fills in."""
    for name, model in SETTINGS.items():
        if not CARE[name].in_database:
            continue
        there = care.one(f"select repot_upkeep.defaults('{name}')")
        declared = {
            key: None if field.is_required() else json.loads(json.dumps(field.default))
            for key, field in model.model_fields.items()
        }
        assert {k: v for k, v in there.items() if v is not None} == {
            k: v for k, v in declared.items() if v is not None
        }
        assert set(there) == set(declared)


def test_nobody_else_may_look(care: Care) -> None:
    run(
        care.admin,
        "do $$ begin create role care_guest login; exception when duplicate_object then null; end $$",
    )
    with (
        connect(make_conninfo(care.admin, user="care_guest")) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute("select repot_upkeep.sessions('{}')")
