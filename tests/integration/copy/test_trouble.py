"""What goes wrong while rows are copied, and what is said of it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from repot.engine.build import build
from repot.model.errors import Refused, RepotError
from repot.stages.copy import copy
from support.copying import PLAIN, TINY, V1, complete, listening, moved, ready
from support.moving import TOML, make_session
from support.sql import rows, run


@pytest.mark.usefixtures("many_chunks")
def test_a_row_that_v2_does_not_take(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    run(database, "update pack set price = -1 where id = md5('pack450')::uuid")
    with pytest.raises(RepotError) as caught:
        copy(session, chunk_seconds=TINY)
    error = caught.value
    assert error.code == "copy-failed"
    assert re.match(r"packs \(.*\): .*violates check constraint", error.message)
    lo, hi = (re.search(rf"id {sign} '(.*?)'", error.message) for sign in (">=", "<"))
    ((bad,),) = rows(database, "select md5('pack450')::uuid::text")
    assert lo is None or lo[1] <= bad
    assert hi is None or bad < hi[1]
    assert "packs_price_check" in error.evidence
    assert "Tïtle" not in error.evidence  # the row itself is not shown
    assert rows(database, "select phase from repot.run") == [("copying",)]
    # What is committed stays and is not done again.
    done = rows(database, "select move, number, done_at from repot.chunk where done_at is not null")
    stored = rows(database, "select sum(rows) from repot.chunk where move = 'users'")
    assert rows(database, "select count(*) from v2.users") == [(stored[0][0] or 0,)]
    run(database, "update pack set price = 1 where id = md5('pack450')::uuid")
    result = copy(session, chunk_seconds=TINY)
    assert result.resumed
    assert moved(database, session) == result.rows
    complete(database, session)
    after = rows(database, "select move, number, done_at from repot.chunk")
    assert set(done) <= set(after)


def test_a_failure_stops_the_other_workers_at_once(database: str, tmp_path: Path) -> None:
    """One statement would take a minute; another fails after a moment."""
    files = {
        "repot.toml": TOML,
        "target.sql": "create table slow (id int primary key, s text);"
        " create table bad (id int primary key check (id < 9));",
        "moves/slow.sql": "select s.id, nap(s.id, 30) as s from slow_old s",
        "moves/bad.sql": "select b.id from bad_old b where nap(b.id, 1) is not null",
    }
    v1 = (
        "create table slow_old (id int primary key); insert into slow_old values (1), (2);"
        "create table bad_old (id int primary key); insert into bad_old values (1), (9);"
        # Declared immutable: it is, but for the time that it takes.
        "create function nap(int, seconds int) returns text language sql immutable as"
        " $$ select pg_sleep(seconds)::text $$;"
    )
    session = ready(database, tmp_path, files, v1)
    start = time.monotonic()
    with pytest.raises(RepotError) as caught:
        copy(session, workers=2)
    assert caught.value.code == "copy-failed"
    assert caught.value.message.startswith("bad (all rows)")
    assert time.monotonic() - start < 15
    working = "select count(*) from pg_stat_activity where application_name like 'repot%'"
    working += " and datname = current_database()"
    while rows(database, working) != [(0,)]:  # a session ends a moment after its client
        assert time.monotonic() - start < 15


def test_rows_that_no_key_allows(database: str, tmp_path: Path) -> None:
    files = PLAIN | {
        "moves/packs.sql": "select p.id, 'same' as slug, p.price::numeric(10,2) as price, p.made"
        " from pack p"
    }
    session = ready(database, tmp_path, files)
    with pytest.raises(RepotError) as caught:
        copy(session)
    assert caught.value.code == "constraint-failed"
    assert "packs_slug_key" in caught.value.message
    assert "(same)" in caught.value.evidence
    assert rows(database, "select phase from repot.run") == [("copying",)]


def test_orphans(database: str, tmp_path: Path) -> None:
    files = PLAIN | {"moves/users.sql": "select u.id, u.email from auth.users u where u.id <> 5"}
    session = ready(database, tmp_path, files)
    with pytest.raises(RepotError) as caught:
        copy(session)
    assert caught.value.code == "constraint-failed"
    assert "votes_user_id_fkey" in caught.value.message


def test_capture_must_be_armed(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    ((trigger,),) = rows(
        database,
        "select min(tgname) from pg_trigger where tgrelid = 'pack'::regclass and not tgisinternal",
    )
    run(database, "alter table pack disable trigger user")
    with pytest.raises(Refused) as caught:
        copy(session)
    assert caught.value.code == "not-captured"
    assert "public.pack" in caught.value.message
    assert trigger
    assert rows(database, "select count(*) from v2.packs") == [(0,)]


def test_only_a_built_run_is_copied(database: str, tmp_path: Path) -> None:
    session = make_session(database, tmp_path, PLAIN, V1)
    with pytest.raises(Refused) as caught:
        copy(session)
    assert caught.value.code == "not-built"
    build(session)
    run(database, "update repot.run set phase = 'cut_over'")
    with pytest.raises(Refused) as caught:
        copy(session)
    assert caught.value.code == "wrong-phase"


def test_a_second_runner_is_refused(database: str, tmp_path: Path) -> None:
    session = ready(database, tmp_path)
    refused: list[str] = []

    def again(_table: str) -> None:
        if not refused:
            with pytest.raises(Refused) as caught:
                copy(session)
            refused.append(caught.value.code)

    copy(listening(session, again))
    assert set(refused) == {"run-busy"}
    assert moved(database, session)
