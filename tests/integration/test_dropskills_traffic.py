"""The load that behaves like Dropskills' application, and the ledger that it leaves."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
import pytest

from repot import service
from repot.embedded import EmbeddedServer
from support.dropskills import FOLDER, Connection, module, rolled_back, v1_template

traffic = module("traffic")
facts, lists, record, session, work, world = (
    sys.modules[f"{traffic.Traffic.__module__.rpartition('.')[0]}.{part}"]
    for part in ("facts", "lists", "record", "session", "work", "world")
)
SEED = 7


@pytest.fixture(scope="module")
def v1(server: EmbeddedServer) -> Iterator[str]:
    """The name of a database with V1 and its rows."""
    with v1_template(server, "traffic_v1", 2500, seed=SEED) as name:
        yield name


@pytest.fixture(scope="module")
def worked(server: EmbeddedServer, v1: str) -> Iterator[tuple[str, Any]]:
    """V1 after some seconds of load, until everything was done once, and the ledger."""
    dsn = server.create_database("traffic_worked", v1)
    wanted = {operation.name for operation in work.OPERATIONS}
    load = traffic.Traffic(dsn, writers=2, seed=SEED, readers=1)
    work_until(load, lambda ledger: wanted <= set(ledger.operations) and has(ledger, "idea"), 4)
    yield dsn, load.stop()
    server.drop_database("traffic_worked")


@pytest.fixture(scope="module")
def moved(
    server: EmbeddedServer, v1: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Any]]:
    """The name of a database whose load went on from V1 to V2, and the ledger."""
    dsn = server.create_database("traffic_moved", v1)
    load = traffic.Traffic(dsn, writers=3, readers=1, seed=SEED)
    load.start()
    time.sleep(1.5)
    load.pause()
    cut_over(dsn, tmp_path_factory.mktemp("backups"))
    assert missing(dsn, load.ledger) == []
    work_until(load, lambda ledger: has(ledger, "idea"), 2.5)
    yield "traffic_moved", load.stop()
    server.drop_database("traffic_moved")


def work_until(load: Any, enough: Callable[[Any], bool], seconds: float) -> None:
    """Let the load go on for `seconds`, and on until it has done enough; pauses it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        load.start()
        time.sleep(seconds)
        load.pause()
        if enough(load.ledger):
            return
        seconds = 0.3


def has(ledger: Any, kind: str) -> bool:
    return any(k[0] == kind and present(s) for k, s in ledger.expected().items())


def cut_over(dsn: str, backups: Path) -> None:
    runner = service.open_project(FOLDER, dsn)
    proven = service.run_to_proof(runner, backups)
    assert proven.verdict is not None
    assert proven.verdict.passed, proven.verdict.reasons
    runner.cutover()


def run(dsn: str, seconds: float, **options: Any) -> Any:
    with traffic.Traffic(dsn, **{"writers": 2, "seed": SEED, **options}) as load:
        time.sleep(seconds)
    return load.ledger


def missing(dsn: str, ledger: Any) -> list[str]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        found: list[str] = ledger.missing(conn)
    assert ledger.compared > 100
    return found


def execute(conn: Connection, text: str, *given: Any) -> psycopg.Cursor[tuple[Any, ...]]:
    return conn.execute(cast(LiteralString, text), given or None)


# ----------------------------------------------------------------------------------- all is there


def test_the_load_does_everything_on_v1_and_all_of_it_is_there(worked: tuple[str, Any]) -> None:
    dsn, ledger = worked
    assert ledger.errors == []
    assert missing(dsn, ledger) == []
    assert set(ledger.operations) == {operation.name for operation in work.OPERATIONS}
    assert ledger.acknowledged == sum(ledger.operations.values()) > ledger.transactions > 400
    assert 0 < ledger.median_ms < ledger.longest_wait_ms < 4000
    assert ledger.median_ms < ledger.longest_write() < 4000
    assert (ledger.unknown, ledger.reconnects, ledger.switches, ledger.skipped) == (0, 0, 0, 0)
    assert ledger.seconds >= 4
    assert ledger.writes_per_second == ledger.acknowledged / ledger.seconds


def test_the_load_goes_on_where_v2_serves(server: EmbeddedServer, moved: tuple[str, Any]) -> None:
    ledger = moved[1]
    assert ledger.errors == []
    assert missing(server.dsn(moved[0]), ledger) == []
    assert ledger.switches == 4  # each connection found out once


def test_a_load_that_begins_on_v2_is_in_v1_after_the_rollback(
    moved: tuple[str, Any], make_database: Callable[..., str]
) -> None:
    dsn = make_database(moved[0])
    load = traffic.Traffic(dsn, writers=3, readers=1, seed=SEED + 1)
    load.start()
    time.sleep(2)
    load.pause()
    assert missing(dsn, load.ledger) == []
    _, result = service.open_project(FOLDER, dsn).rollback()
    assert result.not_carried_rows == 0
    assert missing(dsn, load.ledger) == []
    load.start()
    time.sleep(1)
    ledger = load.stop()
    assert ledger.errors == []
    assert ledger.switches == 4
    assert missing(dsn, ledger) == []
    verdict = service.open_project(FOLDER, dsn).verify()
    assert verdict.passed, verdict.reasons


# ----------------------------------------------------------------------------- what is lost is found

_ONE_USER = "(select id from auth.users where email like 'Nouveau+%' limit 1)"
_ONE_SAMPLE = "(select id from samples where file_url like 'https://x.example/%' limit 1)"
_ONE_LOG = "(select id from admin_logs where details ->> 'liste' = '[1, null, \"x\"]' limit 1)"
_ON_V1 = {
    "a row is gone": ("sample", f"delete from samples where id = {_ONE_SAMPLE}"),
    "a child went elsewhere": (
        "sample",
        f"update samples set product_id = null where id = {_ONE_SAMPLE}",
    ),
    "an old value is back": (
        "user",
        f"update profiles set first_name = 'autrefois' where id = {_ONE_USER}",
    ),
    "NULL became empty": (
        "product",
        "update products set description = '' where id = (select id from products"
        " where description is null and created_at > now() - interval '1 hour' limit 1)",
    ),
    "a spelling is lost": (
        "pack",
        "update packs set price = round(price::numeric, 2) where id = (select id from packs"
        " where price <> round(price::numeric, 2) and description like 'Lot %' limit 1)",
    ),
    "a profile is not made": (
        "user",
        f"set session_replication_role = replica; delete from profiles where id = {_ONE_USER}",
    ),
    "an account alone is gone": (
        "user",
        f"set session_replication_role = replica; delete from auth.users where id = {_ONE_USER}",
    ),
    "a line twice": (
        "log",
        "insert into admin_logs (admin_id, action, target_table, target_id, details, created_at)"
        " select admin_id, action, target_table, target_id, details, created_at"
        f" from admin_logs where id = {_ONE_LOG}",
    ),
    "both a product and a pack": (
        "product",
        "insert into packs (id, name, price) select id, title, price from products"
        " where description like 'Import%' limit 1",
    ),
    "a time is not what it was": (
        "log",
        f"update admin_logs set created_at = created_at + '1 us' where id = {_ONE_LOG}",
    ),
}
_ON_V2 = {
    "a row is gone": ("sample", f"delete from samples where id = {_ONE_SAMPLE}"),
    "an old value is back": (
        "user",
        f"update users set last_name = 'autrefois' where id = {_ONE_USER}",
    ),
    "a copy was not kept": (
        "user",
        f"update users set email = 'x@y.example' where id = {_ONE_USER}",
    ),
    "an address changed": (
        "product",
        "update packs set slug = slug || '-2' where id = (select id from packs"
        " where slug like 'nouveau-%' limit 1)",
    ),
    "a line twice": (
        "log",
        "insert into admin_logs (admin_id, action, resource_type, resource_id, changes, created_at)"
        " select admin_id, action, resource_type, resource_id, changes, created_at"
        " from admin_logs where id ="
        " (select id from admin_logs where changes ->> 'liste' = '[1, null, \"x\"]' limit 1)",
    ),
    "a number that triggers keep": (
        "usage_count",
        "update tags set usage_count = usage_count + 1 where id ="
        " (select id from tags where slug like 'etiquette-%' limit 1)",
    ),
}


@pytest.mark.parametrize("what", _ON_V1)
def test_a_loss_planted_in_v1_is_found(worked: tuple[str, Any], what: str) -> None:
    kind, plant = _ON_V1[what]
    with rolled_back(worked[0]) as conn:
        execute(conn, plant)
        (found,) = worked[1].missing(conn)
        assert found.startswith(kind), found


@pytest.mark.parametrize("what", _ON_V2)
def test_a_loss_planted_in_v2_is_found(
    server: EmbeddedServer, moved: tuple[str, Any], what: str
) -> None:
    kind, plant = _ON_V2[what]
    with rolled_back(server.dsn(moved[0])) as conn:
        execute(conn, plant)
        (found,) = moved[1].missing(conn)
        assert found.startswith(kind), found


# A row of each kind that goes by itself, V1 and V2; its keys are those of the ledger.
_GOES = {
    "favorite": (
        "delete from favorites where user_id = %s and product_id = %s",
        "delete from favorites where user_id = %s and pack_id = %s",
    ),
    "owned": (
        'delete from "_UserPacks" where "A" = %s and "B" = %s',
        "delete from user_packs where pack_id = %s and user_id = %s",
    ),
    "tagged": (
        "delete from products_tags where product_id = %s and tag_id = %s",
        "delete from pack_tags where pack_id = %s and tag_id = %s",
    ),
    "vote": ("delete from product_request_votes where request_id = %s and user_id = %s",) * 2,
    "request": ("update product_requests set votes = votes - 1 where id = %s",) * 2,
    "hot_votes": ("update product_requests set votes = votes - 1 where id = %s",) * 2,
    "stats": (
        "insert into product_stats as s (product_id, views) values (%s, 1)"
        " on conflict (product_id) do update set views = s.views + 1",
        "update pack_stats set views_count = views_count - 1 where pack_id = %s",
    ),
    "hot_views": (
        "update product_stats set views = views - 1 where product_id = %s",
        "update pack_stats set views_count = views_count - 1 where pack_id = %s",
    ),
    "tag": ("update tags set name = name || ' ' where id = %s",) * 2,
    "idea": (
        'update trending_ideas set "isFeatured" = not "isFeatured" where id = %s',
        "update trending_ideas set is_featured = not is_featured where id = %s",
    ),
    "product": (
        "update products set price = price - 0.01 where id = %s",
        "update packs set price = price - 0.01 where id = %s",
    ),
    "pack": (
        "update packs set name = name || ' ' where id = %s",
        "update packs set title = title || ' ' where id = %s",
    ),
}


@pytest.mark.parametrize("kind", _GOES)
@pytest.mark.parametrize("version", [1, 2])
def test_a_loss_of_each_kind_is_found(
    server: EmbeddedServer, worked: Any, moved: tuple[str, Any], kind: str, version: int
) -> None:
    dsn, ledger = worked if version == 1 else (server.dsn(moved[0]), moved[1])
    keys = [*ledger.shared(), *(k for k, s in ledger.expected().items() if present(s))]
    key = next(k for k in reversed(keys) if k[0] == kind)
    with rolled_back(dsn) as conn:
        assert execute(conn, _GOES[kind][version - 1], *key[1:]).rowcount == 1
        found = [one for one in ledger.missing(conn) if one.startswith(kind)]
        assert len(found) == 1, found
        assert all(part in found[0] for part in key[1:])


# What comes back though it was deleted.
_COMES_BACK = {
    "favorite": "insert into favorites (user_id, product_id) values (%s, %s)",
    "tagged": "insert into products_tags (product_id, tag_id) values (%s, %s)",
    "owned": 'insert into "_UserPacks" ("A", "B") values (%s, %s)',
    "vote": "insert into product_request_votes (request_id, user_id) values (%s, %s)",
    "user": "insert into auth.users (id) values (%s)",
    "product": "insert into products (id, title) values (%s, '')",
    "pack": "insert into packs (id, name, price) values (%s, '', 0)",
    "tag": "insert into tags (id, name) values (%s, 'de retour')",
    "sample": "insert into samples (id, title, file_url) values (%s, '', '')",
    "request": "insert into product_requests (id, title) values (%s, '')",
    "log": "insert into admin_logs (target_id, action) values (%s, '')",
    "idea": "insert into trending_ideas (id, title, description, category, difficulty,"
    " \"revenueEstimate\") values (%s, '', '', '', '', '')",
}


@pytest.mark.parametrize("kind", _COMES_BACK)
def test_what_was_deleted_and_is_there_again_is_found(worked: Any, kind: str) -> None:
    dsn, ledger = worked
    expected = ledger.expected()
    gone = [k for k, states in expected.items() if k[0] == kind and states == (None,)]
    if kind == "vote":  # V1 keeps the votes of who is gone
        gone = [k for k in gone if present(expected.get(("user", k[2]), ()))]
    with rolled_back(dsn) as conn:
        execute(conn, "set session_replication_role = replica")
        execute(conn, _COMES_BACK[kind], *gone[-1][1:])
        found = ledger.missing(conn)
        assert any(one.startswith(f"{kind} ") for one in found)
        about = " of ".join(gone[-1][1:])
        assert all(one.endswith(f" {about}: was deleted, and is there") for one in found), found


def present(states: tuple[Any, ...]) -> bool:
    return len(states) == 1 and isinstance(states[0], facts.State)


def test_the_vote_of_somebody_who_is_gone_may_stay_in_v1_and_is_named(worked: Any) -> None:
    dsn, ledger = worked
    expected = ledger.expected()
    key = next(
        k
        for k, states in expected.items()
        if k[0] == "vote" and states == (None,) and expected.get(("user", k[2])) == (None,)
    )
    with rolled_back(dsn) as conn:
        execute(conn, _COMES_BACK["vote"], *key[1:])
        assert ledger.missing(conn) == []
        assert len(ledger.left_in_v1) == 1


# --------------------------------------------------------------------- trouble on the way, and times


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
    worked: Any, title: str, trouble: int
) -> None:
    kept, key = record.Record(), ("sample", "00000000-0000-4000-8000-000000000001")
    kept.know(key, facts.State({"title": "avant"}))
    kept.doubt([facts.Change(key, {"title": "après"})])
    with rolled_back(worked[0]) as conn:
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
        execute(conn, f"delete from samples where id = {_ONE_SAMPLE}")
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
        execute(conn, f"delete from samples where id = {_ONE_SAMPLE}")
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
