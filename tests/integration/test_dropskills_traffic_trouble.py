"""The load of Dropskills when things go wrong around it, its times, and its command line."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from repot.embedded import EmbeddedServer
from support.dropskills import FOLDER, rolled_back, v1_template
from support.traffic import (
    ONE_SAMPLE,
    SEED,
    execute,
    facts,
    lists,
    missing,
    record,
    run,
    session,
    traffic,
    world,
)


@pytest.fixture(scope="module")
def v1(server: EmbeddedServer) -> Iterator[str]:
    """The name of a database with V1 and its rows."""
    with v1_template(server, "traffic_trouble_v1", 2500, seed=SEED) as name:
        yield name


def test_connections_that_are_cut_lose_nothing(
    v1: str, make_database: Callable[..., str], tmp_path: Path
) -> None:
    dsn = make_database(v1)
    load = traffic.Traffic(dsn, writers=3, readers=1, seed=SEED, ledger=tmp_path / "led")
    cut = (
        "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
        " order by random() limit 1) as victim"
    )
    with load, psycopg.connect(dsn, autocommit=True) as conn:
        for _ in range(30):
            time.sleep(0.05)
            execute(conn, cut)
    ledger = load.ledger
    assert ledger.errors == []
    assert ledger.reconnects > 10
    assert ledger.unknown + ledger.retries > 10
    assert missing(dsn, ledger) == []
    read = traffic.Ledger.read(tmp_path / "led")
    assert (read.acknowledged, read.unknown) == (ledger.acknowledged, ledger.unknown)
    assert read.expected() == ledger.expected()
    assert missing(dsn, read) == []


@pytest.mark.parametrize(
    ("title", "trouble"), [("avant", 0), ("après", 0), ("ni l'un ni l'autre", 1)]
)
def test_of_an_unknown_outcome_both_are_right_and_nothing_else_is(
    server: EmbeddedServer, v1: str, title: str, trouble: int
) -> None:
    kept, key = record.Record(), ("sample", "00000000-0000-4000-8000-000000000001")
    kept.know(key, facts.State({"title": "avant"}))
    kept.doubt([facts.Change(key, {"title": "après"})])
    with rolled_back(server.dsn(v1)) as conn:
        execute(
            conn, "insert into samples (id, title, file_url) values (%s, %s, '')", key[1], title
        )
        assert len(traffic.Ledger([kept]).missing(conn)) == trouble


def test_a_truncation_spares_no_idea_whose_last_edit_is_unknown() -> None:
    kept, key = record.Record(), ("idea", "00000000-0000-4000-8000-000000000002")
    mine = world.World(kept.states, random.Random(SEED), "x")
    mine.ideas = True
    kept.know(key, facts.State({"score": 1}))
    mine.learn([key])
    edit = [facts.Change(key, {"score": 2})]
    kept.doubt(edit)
    mine.retire(edit)
    mine.learn([key])
    assert mine.pick("idea") is None
    kept.acknowledge(lists.ideas_anew(mine)(1).changes, ["ideas_anew"])
    assert kept.states[key] == (None, None)


def test_a_killed_load_is_judged_by_what_it_wrote_down(
    v1: str, make_database: Callable[..., str], tmp_path: Path
) -> None:
    dsn = make_database(v1)
    path = tmp_path / "load"
    words = ["--database", dsn, "--seconds", "60", "--writers", "2", "--ledger", str(path)]
    process = subprocess.Popen([sys.executable, str(FOLDER / "traffic.py"), *words])
    try:
        until = time.monotonic() + 20
        while not _said(path, b'"done"', 300):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    _alone(dsn)
    ledger = traffic.Ledger.read(path)
    assert ledger.acknowledged >= 300
    assert ledger.unknown <= 2
    assert missing(dsn, ledger) == []
    with rolled_back(dsn) as conn:
        execute(conn, f"delete from samples where id = {ONE_SAMPLE}")
        assert len(ledger.missing(conn)) == 1


def _said(path: Path, what: bytes, times: int) -> bool:
    files = [f for f in (Path(f"{path}.0"), Path(f"{path}.1")) if f.exists()]
    return sum(f.read_bytes().count(what) for f in files) >= times


def _alone(dsn: str) -> None:
    """Wait until the server has noticed that its clients are gone."""
    others = "select count(*) from pg_stat_activity where application_name like 'writer-%'"
    with psycopg.connect(dsn, autocommit=True) as conn:
        while (execute(conn, others).fetchone() or [0])[0]:
            time.sleep(0.02)


def test_what_the_application_must_not_see_is_an_error(
    v1: str, make_database: Callable[..., str]
) -> None:
    dsn = make_database(v1)
    with psycopg.connect(dsn, autocommit=True) as conn:
        execute(conn, "alter table samples add constraint no check (title <> 'Extrait') not valid")
    ledger = run(dsn, 1.0)
    assert ledger.errors
    assert all("23514" in error for error in ledger.errors)
    assert missing(dsn, ledger) == []


def test_a_row_that_goes_behind_a_writers_back_is_an_error_and_missing(
    v1: str, make_database: Callable[..., str]
) -> None:
    dsn = make_database(v1)
    load = traffic.Traffic(dsn, writers=2, seed=SEED)
    with load, psycopg.connect(dsn, autocommit=True) as conn:
        time.sleep(0.7)
        execute(conn, "delete from samples")
        time.sleep(0.7)
    assert any("touched 0 rows instead of 1" in error for error in load.ledger.errors)
    assert missing(dsn, load.ledger)


def test_a_wait_is_found_in_its_time(v1: str, make_database: Callable[..., str]) -> None:
    dsn = make_database(v1)
    load = traffic.Traffic(dsn, writers=2, seed=SEED)
    with load, psycopg.connect(dsn) as conn:
        begin = time.monotonic()
        time.sleep(0.3)
        execute(conn, "lock table products in exclusive mode")
        locked = time.monotonic()
        time.sleep(0.5)
        conn.rollback()
        free = time.monotonic()
        time.sleep(0.5)
        load.pause()
        time.sleep(0.1)
        quiet = time.monotonic()
    ledger = load.ledger
    held = 1000 * (free - locked)
    assert held * 0.6 < ledger.longest_wait((locked, free)) < held + 400
    assert ledger.longest_wait((locked, free)) == ledger.longest_wait_ms
    assert ledger.longest_wait((begin, begin + 0.2)) < held * 0.6
    assert ledger.longest_wait((quiet, quiet + 60)) == 0
    assert ledger.longest_write((locked, free)) >= ledger.longest_wait((locked, free))


def test_lock_timeouts_are_tried_again(v1: str, make_database: Callable[..., str]) -> None:
    dsn = make_database(v1)
    with psycopg.connect(dsn, autocommit=True) as conn:
        execute(
            conn,
            "do $$ begin execute format('alter database %I set lock_timeout = ''20ms''',"
            " current_database()); end $$",
        )
    load = traffic.Traffic(dsn, writers=2, seed=SEED, rate=400)
    with load, psycopg.connect(dsn) as conn:
        execute(conn, "set lock_timeout = 0")
        conn.commit()
        for _ in range(3):
            execute(conn, "lock table products, profiles in exclusive mode")
            time.sleep(0.2)
            conn.rollback()
    ledger = load.ledger
    assert ledger.retried["55P03"] > 3
    assert ledger.errors == []
    assert missing(dsn, ledger) == []


def test_pause_means_that_nothing_is_written(v1: str, make_database: Callable[..., str]) -> None:
    dsn = make_database(v1)
    written = "select pg_current_wal_insert_lsn()::text, (select count(*) from auth.users)"
    with traffic.Traffic(dsn, writers=2, seed=SEED) as load:
        time.sleep(0.3)
        load.pause()
        before = load.ledger.acknowledged
        with psycopg.connect(dsn, autocommit=True) as conn:
            people = execute(conn, written).fetchone()
            time.sleep(0.3)
            after = execute(conn, written).fetchone()
        assert load.ledger.acknowledged == before > 0
        assert people is not None
        assert after is not None
        assert people[1] == after[1]
        load.start()
        time.sleep(0.3)
    assert load.ledger.acknowledged > before


def test_the_rate_is_kept(v1: str, make_database: Callable[..., str]) -> None:
    ledger = run(make_database(v1), 2.0, rate=50)
    assert 30 < ledger.transactions_per_second < 70


# --------------------------------------------------------------------------------- the command line


def test_the_command_line_loads_and_judges(
    v1: str, make_database: Callable[..., str], tmp_path: Path
) -> None:
    dsn, path = make_database(v1), tmp_path / "led"
    words = ["--database", dsn, "--ledger", str(path), "--json"]
    done = _call("--seconds", "1", "--writers", "2", "--readers", "1", *words)
    document = json.loads(done.stdout)
    assert (done.returncode, document["missing"], document["errors"]) == (0, [], [])
    assert document["acknowledged"] > 100
    assert document["compared"] > 100
    with psycopg.connect(dsn) as conn:
        execute(conn, f"delete from samples where id = {ONE_SAMPLE}")
    assert _call("--seconds", "1", *words).returncode == 2  # two loads in one ledger
    judged = _call("--check", *words)
    assert judged.returncode == 1
    assert len(json.loads(judged.stdout)["missing"]) == 1


def _call(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "traffic.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_no_password_is_in_an_error() -> None:
    dsn = "postgresql://me:S3cret-word@localhost/x"
    said = session.described(psycopg.OperationalError(f"cannot reach {dsn}"), dsn)
    assert "S3cret-word" not in said
    assert "cannot reach" in said


def test_a_database_that_is_neither_is_refused(database: str) -> None:
    with pytest.raises(LookupError, match="neither V1 nor V2"):
        traffic.Traffic(database, writers=1).start()


def test_an_operation_that_is_none_cannot_be_left_out(database: str) -> None:
    with pytest.raises(ValueError, match="no such operation: dance"):
        traffic.Traffic(database, without=("dance",))


def test_operations_can_be_left_out(v1: str, make_database: Callable[..., str]) -> None:
    ledger = run(make_database(v1), 0.5, without=("ideas_anew", "sign_up"))
    assert ledger.acknowledged > 0
    assert not {"ideas_anew", "sign_up"} & set(ledger.operations)
