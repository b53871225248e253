"""Using an embedded server."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from repot.embedded import (
    EmbeddedError,
    EmbeddedServer,
)
from support.servers import SMALL, until
from support.sql import connect, rows, run


def test_a_fresh_database_answers(database: str) -> None:
    run(database, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    assert rows(database, "SELECT a FROM t WHERE a = %s", [1]) == [(1,)]


def test_psql_answers_with_variables(server: EmbeddedServer) -> None:
    assert server.psql("SELECT :'word';", word='it\'s "ü"') == 'it\'s "ü"\n'


def test_settings_and_defaults(server: EmbeddedServer) -> None:
    names = (
        "wal_level max_connections fsync listen_addresses server_encoding TimeZone shared_buffers"
    )
    values = [rows(server.dsn(), f"SHOW {name}")[0][0] for name in names.split()]
    assert values == ["logical", "100", "off", "", "UTF8", "UTC", "256MB"]
    order = rows(
        server.dsn(), "SELECT array_agg(w ORDER BY w), upper('é') FROM unnest('{b,B,a}'::text[]) w"
    )
    assert order == [(["B", "a", "b"], "É")]


def test_databases_with_any_name(server: EmbeddedServer) -> None:
    for name in ('Mixed "quoted" it\'s', "select", "é" * 31, "back\\slash", " a=b ", "x" * 63):
        dsn = server.create_database(name)
        assert rows(dsn, "SELECT current_database()") == [(name,)]
        server.drop_database(name)
        server.drop_database(name)  # fine if it is not there
        with pytest.raises(psycopg.OperationalError):
            connect(dsn)


def test_a_database_copies_its_template(make_database: Callable[..., str]) -> None:
    template = make_database()
    run(template, "CREATE TABLE t AS SELECT 7 AS a")
    name = psycopg.conninfo.conninfo_to_dict(template)["dbname"]
    copy = make_database(template=name)
    assert rows(copy, "SELECT a FROM t") == [(7,)]


def test_drop_ends_sessions_and_slots(server: EmbeddedServer, tmp_path: Path) -> None:
    dsn = server.create_database("busy")
    slot = "SELECT pg_create_logical_replication_slot('busy_slot', 'pgoutput')"
    assert rows(dsn, slot)
    receiver = subprocess.Popen(
        [
            server.binaries.path("pg_recvlogical"),
            *("-d", dsn, "-S", "busy_slot", "--start", "-f", tmp_path / "out", "--no-loop"),
            *("-o", "proto_version=1", "-o", "publication_names=p"),
        ],
        stderr=subprocess.DEVNULL,
    )
    active = "SELECT active FROM pg_replication_slots WHERE slot_name = 'busy_slot'"
    assert until(lambda: rows(server.dsn(), active) == [(True,)])
    with connect(dsn) as session:
        server.drop_database("busy")
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    receiver.wait(10)
    assert rows(server.dsn(), active) == []


def test_a_failing_statement_says_why(server: EmbeddedServer) -> None:
    with pytest.raises(EmbeddedError) as caught:
        server.create_database("copy", template="not there")
    assert caught.value.code == "embedded-sql"
    assert '"not there" does not exist' in caught.value.evidence


def test_variables_of_libpq_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HOST": "nowhere",
        "PORT": "1",
        "DATA": "/nowhere",
        "OPTIONS": "-c x",
    }.items():
        monkeypatch.setenv(f"PG{name}", value)
    with EmbeddedServer(settings=SMALL) as server:
        assert server.psql("SELECT 1") == "1\n"


def test_tcp_wants_the_password() -> None:
    with EmbeddedServer(tcp=True, settings=SMALL) as server:
        dsn, port = server.dsn(tcp=True), server.port
        assert rows(dsn, "SELECT inet_server_port()") == [(port,)]
        wrong = psycopg.conninfo.make_conninfo(dsn, password="wrong")
        with pytest.raises(psycopg.OperationalError):
            connect(wrong)
        server.restart()
        assert server.port == port
        assert rows(dsn, "SELECT 1") == [(1,)]
