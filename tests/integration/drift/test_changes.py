"""Changes of the schema while a run is alive: each is noticed, by name; what is harmless is not."""

from __future__ import annotations

from time import perf_counter

import pytest

from repot.engine.drift import check, explain, fingerprint, note
from repot.engine.session import Session
from support.drift import mark, told, tried
from support.sql import run

NOTICED = {
    # columns
    "alter table customer add age int": ['public.customer: column "age" was added'],
    "alter table log add size int": ['public.log: column "size" was added'],
    "alter table customer drop old_code": ['public.customer: column "old_code" was dropped'],
    "alter table customer rename old_code to code": [
        'public.customer: column "old_code" was renamed to "code"'
    ],
    "alter table product rename name to label": [
        'public.product: column "name" was renamed to "label"'
    ],
    'alter table note rename "Größe" to "select"': [
        'public.note: column "Größe" was renamed to "select"',
        'public.note_old: column "Größe" was renamed to "select"',
    ],
    "alter table customer alter old_code type varchar(200)": [
        "public.customer.old_code was text nullable and is character varying(200) nullable"
    ],
    "alter table customer alter old_code set not null": [
        "public.customer.old_code was text nullable and is text not null"
    ],
    "alter table product alter price drop not null": [
        "public.product.price was double precision not null and is double precision nullable"
    ],
    "alter table customer drop old_code; alter table customer add old_code text": [
        'public.customer: column "old_code" was dropped, and added again'
    ],
    "alter table customer rename email to e; alter table customer rename old_code to email;"
    "alter table customer rename e to old_code": [
        'public.customer: column "email" was renamed to "old_code"',
        'public.customer: column "old_code" was renamed to "email"',
    ],
    "alter table customer alter old_code type text using old_code || '!'": [
        'public.customer: column "old_code" was rewritten (ALTER COLUMN … TYPE): '
        "its values may be others"
    ],
    "alter table shop_v2.items add extra text": ['shop_v2.items: column "extra" was added'],
    "alter table shop_v2.items drop note": ['shop_v2.items: column "note" was dropped'],
    "alter table shop_v2.notes alter made set default '2001-01-01'": [
        'shop_v2.notes: column "made": its default was now() and is '
        "'2001-01-01 00:00:00+00'::timestamp with time zone"
    ],
    # tables
    "create table wishes (id int)": ["public.wishes is new"],
    "create table shop_v2.wishes (id int)": ["shop_v2.wishes is new"],
    "drop table scratch": ["public.scratch was dropped"],
    "drop table scratch; create table scratch (note text)": [
        "public.scratch was dropped, and another table has its name",
        "public.scratch is new",
    ],
    "alter table bundle rename to bundles": ["public.bundle was renamed to public.bundles"],
    "alter table bundle set schema elsewhere": ["public.bundle was moved to elsewhere.bundle"],
    "alter table bundle rename to b; alter table b add c int": [
        "public.bundle was renamed to public.b",
        'public.b: column "c" was added',
    ],
    "alter table shop_v2.reviews rename to opinions": [
        "shop_v2.reviews was renamed to shop_v2.opinions"
    ],
    "alter schema public rename to old_public": ["public.bundle was moved to old_public.bundle"],
    "alter table scratch set unlogged": [
        "public.scratch: the table is UNLOGGED now: a crash would empty it, unseen"
    ],
    # keys
    "alter table purchase drop constraint purchase_pkey cascade": [
        "public.purchase has another primary key"
    ],
    "alter table note drop constraint note_code_lang_key": [
        'public.note: the unique key ("code", "lang") was dropped'
    ],
    "alter table note drop constraint note_customer_id_fkey": [
        'public.note: the foreign key ("customer_id") to public.customer was dropped or changed'
    ],
    "alter table shop_v2.reviews add item uuid references shop_v2.items on delete cascade": [
        'shop_v2.reviews: column "item" was added',
        'shop_v2.reviews: the foreign key ("item") to shop_v2.items was added',
    ],
    "alter table note drop constraint note_size_check": [
        'public.note: the constraint "note_size_check" was dropped',
        'public.note_old: the constraint "note_size_check" was dropped',
    ],
    "alter table shop_v2.notes drop constraint notes_code_key": [
        'shop_v2.notes: the unique key ("code") was dropped'
    ],
    "alter table shop_v2.notes drop constraint notes_size_check;"
    "alter table shop_v2.notes add constraint notes_size_check check (size > 5)": [
        'shop_v2.notes: the constraint "notes_size_check" was changed'
    ],
    # partitions and children
    "create table log_2027 partition of log for values from ('2027-01-01') to ('2028-01-01')": [
        "public.log_2027: a new partition that is not captured"
    ],
    "create table elsewhere.log_2027 (like log including all);"
    "alter table log attach partition elsewhere.log_2027"
    " for values from ('2027-01-01') to ('2028-01-01')": [
        "elsewhere.log_2027: a new partition that is not captured"
    ],
    "alter table log detach partition log_2025": [
        "public.log_2025: the table is not a partition of public.log any more"
    ],
    "drop table log_2025": ["public.log_2025 was dropped"],
    "create table note_new () inherits (note)": [
        "public.note_new: a new child table that is not captured"
    ],
    "alter table waiting inherit note": ["public.waiting: the capture triggers are gone"],
    "alter table note_old no inherit note": [
        "public.note_old: the table is not below public.note any more"
    ],
    # capture
    "alter table product disable trigger all": [
        "public.product: the capture triggers are disabled"
    ],
    "alter table product disable trigger user": [
        "public.product: the capture triggers are disabled"
    ],
    "alter table product disable trigger repot_capture_upd": [
        "public.product: the capture trigger for UPDATE is disabled"
    ],
    "alter table product disable trigger user; alter table product enable trigger user": [
        "public.product: the capture triggers are not ENABLE ALWAYS any more"
    ],
    "alter table product enable replica trigger repot_capture_del": [
        "public.product: the capture trigger for DELETE is for replication only"
    ],
    "drop trigger repot_capture_ins on product; drop trigger repot_capture_trunc on product": [
        "public.product: the capture triggers for INSERT, TRUNCATE are gone"
    ],
    "alter table log_2025 disable trigger user": [
        "public.log_2025: the capture triggers are disabled"
    ],
    "alter trigger repot_capture_ins on product rename to captured": [
        "public.product: the capture trigger for INSERT is gone"
    ],
    "create function nothing() returns trigger language plpgsql as 'begin return null; end';"
    "drop trigger repot_capture_ins on product;"
    "create trigger repot_capture_ins after insert on product for each statement"
    " execute function nothing(); alter table product enable always trigger repot_capture_ins": [
        "public.product: the capture trigger for INSERT is gone"
    ],
    # row level security
    "alter table product enable row level security": [
        "public.product: row level security is on now"
    ],
    "alter table product force row level security": [
        "public.product: row level security is forced on the table's owner now"
    ],
    "alter table shop_v2.items enable row level security": [
        "shop_v2.items: row level security is on now"
    ],
    # what else Repot's work stands on
    "alter table shop_v2.items enable trigger items_touched": [
        "shop_v2.items: the trigger items_touched is at work, on the side that does not serve"
    ],
    "create rule quiet as on delete to shop_v2.items do instead nothing": [
        "shop_v2.items: the rule quiet is at work, on the side that does not serve"
    ],
    "create or replace function shout(t text) returns text language sql immutable"
    " as 'select lower(t)'": [
        "public.shout: the function, on which Repot's work stands, was replaced"
    ],
    "alter type mood rename value 'bad' to 'awful'": [
        "public.mood: the value 'bad' was renamed to 'awful'"
    ],
    "create or replace view repot_sql.notes as select id, code || '!' as code, lang, size, twice,"
    ' customer_id, "Größe" as volume, stranger_id, feel::text as feel from note': [
        "repot_sql.notes: the view or rule, on which Repot's work stands, was replaced"
    ],
    "drop view repot_view.notes cascade": [
        "repot_loop.note and 2 more: views of Repot's own were dropped (CASCADE)"
    ],
}
HARMLESS = [
    "create index on product (name)",
    "create index on shop_v2.items (title)",
    "drop index note_lang",
    "insert into product (id, name) values (9999, 'x')",
    "update customer set email = 'x'; delete from purchase",
    "truncate purchase",
    "analyze",
    "reindex table product",
    "cluster product using product_pkey",
    "comment on table product is 'x'; comment on column product.name is 'y'",
    "grant select on product to public; grant usage on schema public to public",
    "alter table product owner to pg_monitor",
    "create table elsewhere.other (id int); drop table elsewhere.other",
    "alter table elsewhere.stranger add column more int",
    "create temporary table product (id int)",
    "create view elsewhere.products as select * from public.product",
    "create function other() returns int language sql as 'select 1'",
    "create statistics s on name, status from product",
    "alter table product set (fillfactor = 70)",
    "create trigger mine before update on product for each row"
    " execute function suppress_redundant_updates_trigger()",
    "create sequence elsewhere.s; alter sequence purchase_id_seq restart 5000",
    "create publication p for table product",
]
# The fingerprint may differ: nothing that Repot writes does.
NOT_WORTH_A_WORD = [
    "create unique index on product (id, name)",
    "alter table product add constraint cheap check (price < 1e9)",
    "alter table product add constraint named unique (id, name)",
    "alter table product alter name set default 'x'",
    "alter table product alter name set statistics 500",
    "grant select (name) on product to public",
    "alter table product rename constraint product_pkey to products_pkey",
    "alter table note rename constraint note_customer_id_fkey to whose",
    "alter type mood add value 'so so'",
    "alter table note drop constraint note_code_lang_key;"
    "create unique index codes on note (code, lang)",
]


@pytest.mark.parametrize("statements", NOTICED)
def test_a_change_is_noticed_and_named(shop: Session, before: str, statements: str) -> None:
    with tried(shop, statements) as conn:
        assert fingerprint(conn, shop.run.id, shop.plan) != before
        found = list(explain(conn, shop.run.id, shop.plan))
        if "alter schema" in statements:  # one line for each table
            assert sum("was moved" in line for line in found) == 12, found
            found = found[:1]
        if "drop view" not in statements:  # DROP … CASCADE takes Repot's views along
            found = [line for line in found if not line.endswith("(CASCADE)")]
        assert found == NOTICED[statements]


@pytest.mark.parametrize("statements", HARMLESS)
def test_what_is_harmless_leaves_the_fingerprint(
    shop: Session, before: str, statements: str
) -> None:
    with tried(shop, statements) as conn:
        assert fingerprint(conn, shop.run.id, shop.plan) == before
        assert explain(conn, shop.run.id, shop.plan) == ()


@pytest.mark.parametrize("statements", NOT_WORTH_A_WORD)
def test_what_changes_nothing_for_repot_does_not_stop_it(
    shop: Session, before: str, statements: str
) -> None:
    with tried(shop, statements) as conn:
        after = check(conn, shop.run.id, shop.plan, before)
        assert after == fingerprint(conn, shop.run.id, shop.plan)


def test_what_cannot_be_done_in_a_transaction_is_harmless_too(own: Session) -> None:
    before = mark(own)
    for statement in (
        "vacuum",
        "vacuum (full, analyze) product",
        "vacuum (freeze) pg_catalog.pg_attribute, pg_catalog.pg_rewrite, pg_catalog.pg_constraint",
        "vacuum full pg_catalog.pg_attribute",
        "vacuum full pg_catalog.pg_rewrite",
        "create index concurrently on product (name)",
        "reindex table concurrently product",
    ):
        run(own.dsn, statement)
        assert mark(own) == before, statement
        assert told(own) == (), statement


def test_a_new_file_and_a_touched_column_are_no_rewriting_together(own: Session) -> None:
    """ALTER COLUMN … TYPE does both at once; here nobody has changed a value."""
    run(own.dsn, "vacuum full product")
    run(own.dsn, "alter table product alter name set statistics 300")
    assert told(own) == ()
    run(own.dsn, "alter table note alter size set statistics 300")
    run(own.dsn, "cluster note using note_pkey")
    assert told(own) == ()


def test_the_expression_of_a_generated_column(shop: Session, before: str) -> None:
    """It gives all rows other values, and no trigger fires."""
    if shop.plan.server_version < 17:
        pytest.skip("PostgreSQL 17 has brought SET EXPRESSION")
    with tried(shop, "alter table note alter twice set expression as (size * 3)") as conn:
        assert fingerprint(conn, shop.run.id, shop.plan) != before
        found = explain(conn, shop.run.id, shop.plan)
    assert 'public.note: column "twice": its expression was (size * 2) and is (size * 3)' in found


def test_the_fingerprint_is_quick(shop: Session) -> None:
    """24 tables here; milliseconds, the best of several: the machine is shared."""
    took = []
    with shop.connect() as conn:
        for _ in range(10):
            began = perf_counter()
            fingerprint(conn, shop.run.id, shop.plan)
            took.append(1000 * (perf_counter() - began))
    assert min(took) < 20, took  # about 4


def test_the_callers_search_path_does_not_count(shop: Session, before: str) -> None:
    with tried(shop, "create schema trap; create table trap.pg_class (oid int)") as conn:
        conn.execute("set local search_path = trap, public, pg_catalog")
        assert fingerprint(conn, shop.run.id, shop.plan) == before


def test_it_locks_nothing_but_catalogs_and_its_own(shop: Session) -> None:
    with shop.connect() as conn, conn.transaction():
        fingerprint(conn, shop.run.id, shop.plan)
        locked = conn.execute(
            "select distinct n.nspname, l.mode from pg_locks l join pg_class c on c.oid = l.relation"
            " join pg_namespace n on n.oid = c.relnamespace where l.pid = pg_backend_pid()"
        ).fetchall()
    assert {mode for _, mode in locked} == {"AccessShareLock"}
    assert {schema for schema, _ in locked} <= {"pg_catalog", "repot", "pg_toast"}


def test_a_partition_elsewhere_that_is_dropped(own: Session) -> None:
    run(
        own.dsn,
        "create table elsewhere.log_2027 partition of log"
        " for values from ('2027-01-01') to ('2028-01-01')",
    )
    with own.connect() as conn:
        note(conn, own.run.id)
        before = mark(own)
        run(own.dsn, "drop table elsewhere.log_2027")
        assert mark(own) != before
        assert told(own) == ("elsewhere.log_2027 was dropped",)
