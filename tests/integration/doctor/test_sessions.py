"""Who is in the way: transactions, queues, prepared transactions, slots; and what is not to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.doctoring import CALM, Doctor, found
from support.sql import connect, rows, run

HELD = "create table held (id int primary key); insert into held values (1)"


def limit(name: str) -> str:
    """The calm limits, but for one that is 0."""
    return "\n".join(
        f"{name} = 0" if line.startswith(f"{name} ") else line for line in CALM.splitlines()
    )


@contextmanager
def asking(dsn: str, query: bytes) -> Iterator[int]:
    """A session that is in the middle of this query; gives its process."""
    with connect(dsn) as conn:
        conn.execute("set application_name = 'late report'")
        conn.pgconn.send_query(query)
        waits = "select state from pg_stat_activity where pid = %s"
        while rows(dsn, waits, [conn.info.backend_pid]) != [("active",)]:
            pass
        yield conn.info.backend_pid
        conn.pgconn.finish()


def test_a_transaction_that_idles(database: str, doctor: Doctor) -> None:
    run(database, HELD)
    with connect(database) as conn, conn.transaction():
        conn.execute("set application_name = 'a client'; update held set id = 2")
        assert found(doctor(database)[1]) == {}
        code, document = doctor(database, toml=limit("idle_s"))
        pid = conn.info.backend_pid
    trouble = found(document)["transaction-idle"]
    assert trouble["message"].startswith(
        f"pid {pid} of 'a client' (postgres, idle in transaction) has had"
    )
    assert "RowExclusiveLock on public.held" in trouble["message"]
    assert trouble["next"] == f"select pg_terminate_backend({pid});"
    assert "update" not in str(document)  # its query may hold secrets
    assert (code, trouble["severity"]) == (0, "warning")


def test_a_transaction_that_works_for_long(database: str, doctor: Doctor) -> None:
    with asking(database, b"begin; select pg_sleep(600)") as pid:
        _, document = doctor(database, toml=limit("transaction_s"))
    trouble = found(document)["transaction-long"]
    assert f"pid {pid} of 'late report' (postgres, active)" in trouble["message"]
    assert trouble["next"] == f"select pg_cancel_backend({pid});"


def test_a_queue_is_told_by_its_head(database: str, doctor: Doctor) -> None:
    run(database, HELD)
    waits = "select count(*) from pg_locks where not granted"
    with connect(database) as head, head.transaction():
        head.execute("select from held")
        with asking(database, b"drop table held"), asking(database, b"select from held"):
            while rows(database, waits) != [(2,)]:
                pass
            assert found(doctor(database)[1]) == {}
            code, document = doctor(database, toml=limit("waiting_s"))
        pid = head.info.backend_pid
    (trouble,) = [t for t in document["troubles"] if t["code"] == "lock-queue"]
    assert "2 sessions wait for locks on public.held" in trouble["message"]
    assert f"behind pid {pid} (postgres, idle in transaction)" in trouble["message"]
    assert trouble["next"] == f"select pg_terminate_backend({pid});"
    assert code == 1


def test_a_prepared_transaction(database: str, doctor: Doctor) -> None:
    run(database, HELD)
    with connect(database) as conn:
        conn.execute("begin; update held set id = 2; prepare transaction 'l''un'")
    try:
        assert found(doctor(database)[1]) == {}
        code, document = doctor(database, toml=limit("prepared_s"))
        trouble = found(document)["transaction-prepared"]
        assert "RowExclusiveLock on public.held" in trouble["examples"]
        assert trouble["next"].startswith("ROLLBACK PREPARED 'l''un';")
        assert code == 1
    finally:
        with connect(database) as conn:
            conn.execute("rollback prepared 'l''un'")


def test_a_slot_that_nobody_reads(database: str, doctor: Doctor) -> None:
    run(database, "select pg_create_physical_replication_slot('forgotten', true)")
    try:
        assert found(doctor(database)[1]) == {}
        code, document = doctor(database, toml=limit("slot_mb"))
    finally:
        run(database, "select pg_drop_replication_slot('forgotten')")
    trouble = found(document)["slot-holds-wal"]
    assert "nobody reads from it" in trouble["message"]
    assert trouble["next"] == "select pg_drop_replication_slot('forgotten');"
    assert code == 1


def test_connections_that_run_out(database: str, doctor: Doctor) -> None:
    _, document = doctor(database, toml=limit("connections"))
    assert "connections are in use" in found(document)["connections-short"]["message"]


@pytest.fixture
def stranger(database: str) -> Iterator[str]:
    """The connection string of somebody who may do nothing."""
    run(
        database,
        "create role doctor_stranger login; do $$ begin create role authenticated nologin; "
        "exception when duplicate_object then null; end $$",
    )
    yield f"{database} user=doctor_stranger"
    run(database, "drop owned by doctor_stranger; drop role doctor_stranger")


def test_what_this_role_may_not_see_is_said(database: str, stranger: str, doctor: Doctor) -> None:
    run(
        database,
        "create schema auth; create table auth.users (id int, email text); create table own (id int); "
        "alter table own enable row level security; create policy own on own to authenticated using (true); "
        "grant select on own to authenticated",
    )
    with connect(database) as other, other.transaction():
        other.execute("select 1")
        code, document = doctor(stranger)
    troubles = found(document)
    assert "hidden from this role" in troubles["sessions-hidden"]["message"]
    assert "permission denied for schema auth" in troubles["doctor-no-right"]["message"]
    assert "as authenticated: this role is no member" in troubles["policies-not-tried"]["message"]
    assert code == 0


def test_a_question_that_cannot_be_answered_is_an_error(database: str, doctor: Doctor) -> None:
    run(database, "create schema auth; create table auth.users (id int, email text)")
    with connect(database) as conn, conn.transaction():
        conn.execute("lock table auth.users")
        code, document = doctor(database)
    assert (
        "accounts: canceling statement due to lock timeout"
        in found(document)["doctor-not-looked"]["message"]
    )
    assert code == 1


def test_no_server_is_no_diagnosis(doctor: Doctor) -> None:
    code, document = doctor("host=/nowhere dbname=x password=hidden")
    assert (code, document["error"]["code"]) == (1, "connection-failed")
    assert "hidden" not in str(document)
