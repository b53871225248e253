"""Changes of the schema while a run is alive: each is noticed, by name; what is harmless is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import LiteralString, cast

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from repot.embedded import EmbeddedServer
from repot.engine.apply import drain
from repot.engine.build import build
from repot.engine.drift import check, explain, fingerprint, note, unwatch, watch
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.postgres.connect import Connection
from repot.stages.copy import copy
from repot.stages.cutover import cutover
from repot.stages.rollback import rollback
from support.pipeline import planned, started
from support.shop import copy_project, make_v1
from support.sql import connect, rows, run
from support.swapping import now_proven, whole_backup

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


@pytest.fixture(scope="module")
def shop(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The project, copied and not watched. Tests change nothing in it for good."""
    dsn = server.create_database("drift_template")
    make_v1(dsn)
    run(dsn, MORE)
    session = started(dsn, project(tmp_path_factory.mktemp("drift")))
    with session.connect() as conn:
        unwatch(conn, session.run.id)
    yield session
    server.drop_database("drift_template")


@pytest.fixture
def own(shop: Session, make_database: Callable[..., str]) -> Session:
    """A copy of it, to be changed."""
    return replace(shop, dsn=make_database("drift_template"))


@pytest.fixture(scope="module")
def before(shop: Session) -> str:
    """The fingerprint of the template."""
    return mark(shop)


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


# A batch: its changes are taken, worked out and written, and the gate comes before COMMIT.
TAKE = "delete from repot.{} returning *"
APPLY = (
    "update shop_v2.items as t set title = v.title from repot_view.items as v"
    " where v.id = t.id and v.title is distinct from t.title"
)


def log_of(session: Session, table: str) -> str:
    ((log,),) = rows(session.dsn, "select log from repot.capture where source = %s", (table,))
    return str(log)


def state_of(session: Session, log: str) -> tuple[object, ...]:
    """The changes that wait, and V2's rows."""
    return (
        rows(session.dsn, f"select * from repot.{log} order by 1, 2"),
        rows(session.dsn, "select * from shop_v2.items order by id"),
    )


@pytest.mark.parametrize(
    ("ddl", "line"),
    [
        ("alter table product add age int", 'public.product: column "age" was added'),
        (
            "alter table product disable trigger user",
            "public.product: the capture triggers are disabled",
        ),
        (
            "create table log_2027 partition of log for values from ('2027-01-01') to (maxvalue)",
            "public.log_2027: a new partition that is not captured",
        ),
        (
            "alter table product rename name to n; alter table product rename status to name;"
            " alter table product rename n to status",
            'public.product: column "name" was renamed to "status"',
        ),
    ],
)
def test_ddl_in_the_middle_of_a_batch_leaves_nothing_of_it(
    own: Session, ddl: str, line: str
) -> None:
    with own.connect() as conn:
        known = check(conn, own.run.id, own.plan, None)
    run(own.dsn, "update public.product set name = 'Changed' where id <= 5")
    log = log_of(own, "public.product")
    untouched = state_of(own, log)

    def batch(conn: Connection) -> None:
        assert conn.execute(TAKE.format(log).encode()).fetchall()
        run(own.dsn, f"set search_path = public; {ddl}")
        assert conn.execute(APPLY).rowcount > 0
        check(conn, own.run.id, own.plan, known)

    with own.connect() as conn, pytest.raises(Refused) as caught, conn.transaction():
        batch(conn)
    assert caught.value.code == "schema-changed"
    assert line in caught.value.evidence.splitlines()
    assert state_of(own, log) == untouched
    assert untouched[0]


def test_without_ddl_the_batch_is_committed(own: Session) -> None:
    """The same batch: what the test above rolls back is work."""
    with own.connect() as conn:
        known = check(conn, own.run.id, own.plan, None)
        run(own.dsn, "update public.product set name = 'Changed' where id <= 5")
        log = log_of(own, "public.product")
        with conn.transaction():
            conn.execute(TAKE.format(log).encode())
            conn.execute(APPLY)
            assert check(conn, own.run.id, own.plan, known) == known
    waiting, items = state_of(own, log)
    assert waiting == []
    assert isinstance(items, list)
    assert sum("Changed" in row for row in items) == 5


def test_what_a_batch_has_read_cannot_be_altered_before_it_commits(own: Session) -> None:
    with own.connect() as conn:
        known = check(conn, own.run.id, own.plan, None)
        run(own.dsn, "update public.product set name = 'Changed' where id <= 5")
        with conn.transaction():
            drain(conn, own.run.id, own.plan)
            assert check(conn, own.run.id, own.plan, known) == known
            for table in ("public.product", "shop_v2.items"):
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    run(own.dsn, f"set lock_timeout = '100ms'; alter table {table} add age int")
        run(own.dsn, "alter table public.product add age int")
        with pytest.raises(Refused, match="1 thing has changed"):
            check(conn, own.run.id, own.plan, known)


def test_who_is_still_altering_a_table_is_not_waited_for(own: Session) -> None:
    with own.connect() as conn, connect(own.dsn) as other:
        known = check(conn, own.run.id, own.plan, None)
        run(own.dsn, "alter table public.customer add age int")
        other.execute("begin; lock table shop_v2.items in access exclusive mode")
        began = perf_counter()
        with conn.transaction():
            conn.execute("set local lock_timeout = '7s'")
            with pytest.raises(Refused) as caught, conn.transaction():
                check(conn, own.run.id, own.plan, known)
            assert conn.execute("show lock_timeout").fetchone() == ("7s",)
        assert caught.value.code == "schema-in-motion"
        assert perf_counter() - began < 5
        other.execute("rollback")
        with pytest.raises(Refused) as caught:
            check(conn, own.run.id, own.plan, known)
        assert caught.value.code == "schema-changed"


def test_the_remedy_suits_the_change(shop: Session, before: str) -> None:
    def hint(statements: str) -> str:
        with tried(shop, statements) as conn, pytest.raises(Refused) as caught:
            check(conn, shop.run.id, shop.plan, before)
        return caught.value.hint

    assert "DETACH" in hint("create table log_2027 partition of log default")
    assert "repot copy --restart" in hint("alter table product disable trigger user")
    assert "take the change back" in hint("alter table customer add age int")


def test_the_callers_lock_timeout_stays(shop: Session, before: str) -> None:
    with tried(shop, "alter table product alter name set default 'x'") as conn:
        conn.execute("set local lock_timeout = '7s'")
        assert check(conn, shop.run.id, shop.plan, before) != before
        assert conn.execute("show lock_timeout").fetchone() == ("7s",)


def test_a_run_whose_ground_was_not_noted_is_caught_up_with(own: Session) -> None:
    run(own.dsn, "drop table repot.ground, repot.ddl")  # of a version that had none
    with own.connect() as conn:
        known = check(conn, own.run.id, own.plan, None)
        run(own.dsn, "alter table public.customer rename old_code to code")
        with pytest.raises(Refused) as caught:
            check(conn, own.run.id, own.plan, known)
    assert caught.value.evidence.startswith(
        'public.customer: column "old_code" was renamed to "code"'
    )


def test_many_changes_are_counted_and_ten_shown(shop: Session, before: str) -> None:
    statements = "; ".join(f"create table new_{n} ()" for n in range(14))
    with tried(shop, statements) as conn, pytest.raises(Refused) as caught:
        check(conn, shop.run.id, shop.plan, before)
    assert caught.value.message.startswith("14 things have changed")
    lines = caught.value.evidence.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "and 4 more"


def test_what_was_changed_before_anybody_looked_is_noticed(own: Session) -> None:
    """Without a known fingerprint the whole comparison is made."""
    run(own.dsn, "alter table public.customer rename old_code to code")
    with own.connect() as conn, pytest.raises(Refused) as caught:
        check(conn, own.run.id, own.plan, None)
    assert '"old_code" was renamed to "code"' in caught.value.evidence


@pytest.fixture
def alice(server: EmbeddedServer, own: Session) -> Iterator[str]:
    """Somebody else, who owns V1: her connection string."""
    run(own.dsn, "drop role if exists alice; create role alice login")
    run(
        own.dsn,
        "alter schema public owner to alice; alter table public.product owner to alice;"
        "alter table public.customer owner to alice; alter table public.log owner to alice;"
        "grant usage, create on schema elsewhere to alice",
    )
    yield make_conninfo(own.dsn, user="alice", application_name="psql")
    run(own.dsn, "reassign owned by alice to postgres; drop owned by alice; drop role alice")


def noted(session: Session) -> list[tuple[object, ...]]:
    return rows(session.dsn, "select role, application, tag, object from repot.ddl order by id")


def test_the_author_is_named_where_ddl_is_watched(own: Session, alice: str) -> None:
    with own.connect() as conn:
        known = check(conn, own.run.id, own.plan, None)
        assert watch(conn, own.run.id) is True
        assert watch(conn, own.run.id) is True  # again, after a crash
        run(alice, "alter table public.product add age int")
        run(alice, "create table public.log_2027 partition of public.log default")
        run(alice, "drop trigger repot_capture_ins on public.customer")
        with pytest.raises(Refused) as caught:
            check(conn, own.run.id, own.plan, known)
    by = r", by alice \(psql\) at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: "
    for line, tag in (
        ('public.product: column "age" was added', "ALTER TABLE"),
        ("public.log_2027: a new partition that is not captured", "CREATE TABLE"),
        ("public.customer: the capture trigger for INSERT is gone", "DROP TRIGGER"),
    ):
        assert re.search(f"^{re.escape(line)}{by}{tag}$", caught.value.evidence, re.M), line
    assert len(noted(own)) == 3


def test_only_what_concerns_the_run_is_noted_and_never_the_text(own: Session, alice: str) -> None:
    with own.connect() as conn:
        watch(conn, own.run.id)
        with conn.transaction(force_rollback=True):
            conn.execute("alter table public.bundle add own int")
        conn.execute("alter table public.bundle add own int")  # Repot's own
        conn.execute("alter table public.bundle drop own")
    run(
        alice,
        "create table elsewhere.hers (id int); drop table elsewhere.hers;"
        "create temp table product (id int); drop table pg_temp.product;"
        "create index on public.product (name); comment on table public.product is 'x';"
        "grant select on public.product to public",
    )
    assert noted(own) == []
    with pytest.raises(psycopg.errors.DivisionByZero):  # undone: never happened
        run(alice, "alter table public.product add age int; select 1 / 0")
    assert noted(own) == []
    run(alice, "alter table public.product alter name set default 's3cret'")
    run(alice, "create table public.hers (id int default 5001); drop table public.hers")
    assert noted(own) == [
        ("alice", "psql", "ALTER TABLE", "public.product"),
        ("alice", "psql", "CREATE TABLE", "public.hers"),
        ("alice", "psql", "DROP TABLE", "public.hers"),
    ]
    everything = str(rows(own.dsn, "select d::text from repot.ddl d"))
    assert "s3cret" not in everything
    assert "5001" not in everything
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        run(own.dsn, "delete from repot.ddl")
    with own.connect() as conn:
        unwatch(conn, own.run.id)
        unwatch(conn, own.run.id)
    run(alice, "alter table public.product add age int")
    assert len(noted(own)) == 3
    assert rows(own.dsn, "select evtname from pg_event_trigger") == []
    assert rows(own.dsn, "select proname from pg_proc where proname like 'note_ddl%'") == []


def test_the_watch_never_makes_others_fail_or_wait(own: Session, alice: str) -> None:
    with own.connect() as conn:
        watch(conn, own.run.id)
    with connect(own.dsn) as other:
        other.execute("begin; lock table repot.ddl in access exclusive mode")
        began = perf_counter()
        run(alice, "alter table public.product add a int")
        assert perf_counter() - began < 3
        other.execute("rollback")
    run(own.dsn, "alter table repot.ddl add check (tag <> 'DROP TABLE')")
    run(alice, "create table public.hers (id int)")
    run(alice, "drop table public.hers")
    assert [tag for _, _, tag, _ in noted(own)] == ["CREATE TABLE"]
    run(own.dsn, "drop table repot.relation cascade; drop table repot.ddl")
    run(alice, "alter table public.product add b int")
    took = "select count(*) from pg_attribute where attrelid = 'product'::regclass and attname = any (%s)"
    assert rows(own.dsn, took, (["a", "b"],)) == [(2,)]


@pytest.fixture
def plain(server: EmbeddedServer, tmp_path: Path) -> Iterator[Session]:
    """A copied project whose owner is no superuser, though a member of a stand-in for one."""
    dsn = server.create_database("drift_plain")
    run(dsn, "create role owner login nosuperuser; create role azure_pg_admin")
    run(dsn, "alter database drift_plain owner to owner; alter schema public owner to owner")
    mine = make_conninfo(dsn, user="owner")
    make_v1(mine)
    run(mine, MORE)
    yield started(mine, project(tmp_path))
    server.drop_database("drift_plain")
    run(make_conninfo(dsn, dbname="postgres"), "drop role owner, azure_pg_admin")


def test_without_the_right_to_event_triggers_changes_are_noticed_all_the_same(
    plain: Session,
) -> None:
    with plain.connect() as conn:
        assert watch(conn, plain.run.id) is False
        with connect(make_conninfo(plain.dsn, user="postgres")) as superuser:
            superuser.execute("grant azure_pg_admin to owner")
        assert watch(conn, plain.run.id) is False  # refused by the server, and that is all
        assert rows(plain.dsn, "select evtname from pg_event_trigger") == []
        known = check(conn, plain.run.id, plain.plan, None)
        assert check(conn, plain.run.id, plain.plan, known) == known
        run(plain.dsn, "alter table public.customer add age int")
        with pytest.raises(Refused) as caught:
            check(conn, plain.run.id, plain.plan, known)
        assert caught.value.evidence == 'public.customer: column "age" was added'
        unwatch(conn, plain.run.id)


def test_the_copys_own_work_is_no_change(database: str, tmp_path: Path) -> None:
    make_v1(database)
    run(database, MORE)
    session = planned(database, project(tmp_path))
    assert told(session) == ()
    session = session.at(build(session))
    assert rows(database, "select count(*) > 100 from repot.ground") == [(True,)]
    with session.connect() as conn:
        known = check(conn, session.run.id, session.plan, None)
    assert told(session) == ()
    copy(session)
    with tried(session, "update repot.run set phase = 'copying'") as conn:
        # Rows, keys, foreign keys, triggers: all is back.
        assert fingerprint(conn, session.run.id, session.plan) == known
    with session.connect() as conn:
        check(conn, session.run.id, session.plan, known)
    detach = "alter table shop_v2.logs detach partition shop_v2.logs_all"
    with tried(session, f"update repot.run set phase = 'copying'; {detach}") as conn:
        assert fingerprint(conn, session.run.id, session.plan) != known
        assert explain(conn, session.run.id, session.plan) == (
            "shop_v2.logs_all: the table is not a partition of shop_v2.logs any more",
        )
    with tried(session, "alter table shop_v2.items drop constraint items_slug_key") as conn:
        assert explain(conn, session.run.id, session.plan)
        conn.execute("update repot.run set phase = 'copying'")
        assert explain(conn, session.run.id, session.plan) == ()


@pytest.mark.parametrize("kind", ["tables", "schema"])
def test_after_the_cutover_and_after_the_rollback(database: str, tmp_path: Path, kind: str) -> None:
    """The same tables under other names: Repot's own work is no change, others' is."""
    make_v1(database)
    run(database, MORE)
    folder = project(tmp_path)
    with (folder / "repot.toml").open("a") as file:
        file.write(f'\n[cutover]\nswap = "{kind}"\n')
    session = started(database, folder)
    session, verdict = now_proven(session)
    assert verdict.passed, verdict.reasons
    done, _ = cutover(session, verdict, whole_backup())
    session = session.at(done)
    assert told(session) == ()
    after = mark(session)
    for statements, lines in {
        "alter table shop_old.customer add age int": ['shop_old.customer: column "age" was added'],
        "alter table customers add age int": ['public.customers: column "age" was added'],
        "alter table items disable trigger user": [
            "public.items: the capture triggers are disabled"
        ],
        "drop table shop_old.scratch": ["shop_old.scratch was dropped"],
        "alter table shop_old.note drop constraint note_size_check": [
            'shop_old.note: the constraint "note_size_check" was dropped',
            'shop_old.note_old: the constraint "note_size_check" was dropped',
        ],
        "create trigger mine before insert on shop_old.product for each row"
        " execute function suppress_redundant_updates_trigger()": [
            "shop_old.product: the trigger mine is at work, on the side that does not serve"
        ],
    }.items():
        with tried(session, statements) as conn:
            assert fingerprint(conn, session.run.id, session.plan) != after, statements
            assert list(explain(conn, session.run.id, session.plan)) == lines
            with pytest.raises(Refused) as caught:
                check(conn, session.run.id, session.plan, after)
            assert "rollback" in caught.value.hint
    for statements in (
        "create table wishes (id int)",  # goes along with V2
        "alter table shop_old.product disable trigger all",  # V1's capture sleeps
        "alter table items enable trigger items_touched",
    ):
        with tried(session, statements) as conn:
            check(conn, session.run.id, session.plan, after)
    asleep = "update repot.run set phase = 'rolled_back'; alter table items disable trigger user"
    with tried(session, asleep) as conn:  # nobody captures what V2 is given then
        found = explain(conn, session.run.id, session.plan)
        assert not [line for line in found if line.startswith("public.items: the capture")]
    done, _ = rollback(session)
    session = session.at(done)
    assert told(session) == ()
    with tried(session, "alter table product disable trigger user") as conn:
        assert explain(conn, session.run.id, session.plan) == (
            "public.product: the capture triggers are disabled",
        )
    with tried(session, "alter table shop_v2.items enable trigger items_touched") as conn:
        assert len(explain(conn, session.run.id, session.plan)) == 1
