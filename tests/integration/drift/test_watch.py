"""The event trigger that tells who changed what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import perf_counter

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from repot.embedded import EmbeddedServer
from repot.engine.drift import check, unwatch, watch
from repot.engine.session import Session
from repot.model.errors import Refused
from support.sql import connect, rows, run


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
