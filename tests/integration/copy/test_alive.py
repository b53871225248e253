"""V1 lives on while it is copied."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from repot.embedded import EmbeddedServer
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.stages.copy import copy
from support.copying import PLAIN, TINY, V1, Listener, complete, listening, moved, ready
from support.sql import connect, rows, run


@pytest.mark.usefixtures("many_chunks")
def test_rows_that_come_after_the_registries_were_filled(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    come: list[int] = []

    def insert(table: str) -> None:
        if table == "packs" and len(come) < 5:
            come.append(1)
            run(
                database,
                "insert into pack select gen_random_uuid(), 'late', 1, null"
                " from generate_series(1, 20)",
            )

    copy(listening(session, insert), workers=1, chunk_seconds=TINY)
    assert len(come) == 5
    complete(database, session)
    late = "select count(*) from v2.packs where slug ~ '^late'"
    assert rows(database, late)[0][0] > 0


@pytest.mark.usefixtures("many_chunks")
def test_a_unique_value_that_moves_from_row_to_row(database: str, tmp_path: Path) -> None:
    """Copied in row 1, the address is given to row 700 before that one is copied: V1 never had it
    twice, V2 has, until the changes that were captured are applied."""
    session = ready(database, tmp_path)
    swapped: list[int] = []

    def swap(table: str) -> None:
        if table == "users" and not swapped:
            swapped.append(1)
            run(
                database,
                "update auth.users set email = 'gone@x.test' where id = 1;"
                "update auth.users set email = 'u1@x.test' where id = 700;"
                "delete from vote where user_id = 2; delete from auth.users where id = 2;",
            )

    copy(listening(session, swap), workers=2, chunk_seconds=TINY)
    assert swapped
    complete(database, session)
    assert rows(database, "select id, email from v2.users where id in (1, 2, 700) order by 1") == [
        (1, "gone@x.test"),
        (700, "u1@x.test"),
    ]
    assert moved(database, session)


def test_changes_are_applied_after_all_rows(database: str, tmp_path: Path) -> None:
    """A chunk that began before a change would bring back what had been applied meanwhile."""
    v1 = V1 + (
        "create function nap(seconds int) returns int language plpgsql stable as"
        " $$ begin if not exists (select from public.swapped) then perform pg_sleep(seconds);"
        " end if; return 0; end $$; create table swapped (at int);"
    )
    files = PLAIN | {
        "moves/votes.sql": "select v.user_id, v.pack_id from vote v"
        " where v.user_id > (select nap(n) from generate_series(2, 2) n)"
    }
    session = ready(database, tmp_path, files, v1)
    swapped: list[int] = []

    def swap(table: str) -> None:
        if table == "users" and not swapped:
            swapped.append(1)
            # Unique at any moment in V1; in V2 row 1 was copied with what row 701 has now. And the
            # one statement that reads all of vote is under way.
            run(
                database,
                "update auth.users set email = 'gone@x.test' where id = 1;"
                "insert into auth.users values (701, 'u1@x.test');"
                "update vote set user_id = 701 where user_id = 3;"
                "delete from vote where user_id = 4; delete from vote where user_id = 5;"
                "insert into swapped values (1)",
            )
            run(database, "insert into v2.users values (701, 'u1@x.test')")

    copy(listening(session, swap), workers=2)
    assert swapped
    assert moved(database, session)
    complete(database, session)


def test_it_waits_while_many_sessions_are_active(database: str, tmp_path: Path) -> None:
    toml = PLAIN["repot.toml"] + "[copy]\nmax_active_sessions = 1\n"
    session = ready(database, tmp_path, PLAIN | {"repot.toml": toml})
    busy = [connect(database) for _ in range(2)]
    sleepers = [
        threading.Thread(target=conn.execute, args=("select pg_sleep(1.5)",)) for conn in busy
    ]
    for sleeper in sleepers:
        sleeper.start()
    time.sleep(0.2)
    listener = Listener(lambda _table: None)
    start = time.monotonic()
    copy(Session(session.dsn, session.run, session.plan, listener))
    assert time.monotonic() - start > 1
    assert listener.said[0] == "the copy waits: 2 sessions are active (limit 1)"
    assert listener.said[-1] == "the copy goes on"
    for sleeper, conn in zip(sleepers, busy, strict=True):
        sleeper.join()
        conn.close()
    assert moved(database, session)


def test_who_cannot_watch_cannot_wait(
    server: EmbeddedServer, database: str, tmp_path: Path
) -> None:
    toml = PLAIN["repot.toml"] + "[copy]\nmax_replication_lag_mb = 64\n"
    session = ready(database, tmp_path, PLAIN | {"repot.toml": toml})
    with connect(server.dsn()) as conn:
        conn.execute("create role repot_test_blind login")
    try:
        run(
            database,
            "grant usage on schema repot to repot_test_blind;"
            "grant all on all tables in schema repot to repot_test_blind",
        )
        blind = database.replace("user=postgres", "user=repot_test_blind")
        with pytest.raises(Refused) as caught:
            copy(Session(blind, session.run, session.plan))
        assert caught.value.code == "may-not-watch"
    finally:
        with connect(server.dsn()) as conn:
            server.drop_database(database.rpartition("dbname=")[2])
            conn.execute("drop role repot_test_blind")
