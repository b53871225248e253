"""The load that behaves like Dropskills' application, and the ledger that it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repot import service
from repot.embedded import EmbeddedServer
from support.dropskills import FOLDER, rolled_back, v1_template
from support.sql import rows
from support.traffic import (
    ENDS,
    ONE_SAMPLE,
    SEED,
    execute,
    has,
    missing,
    present,
    traffic,
    work,
    work_until,
)


@pytest.fixture(scope="module")
def v1(server: EmbeddedServer) -> Iterator[str]:
    """The name of a database with V1 and its rows."""
    with v1_template(server, "traffic_v1", 2500, seed=SEED) as name:
        yield name


_SPELT = "select id from packs where price <> round(price::numeric, 2) and description like 'Lot %'"


@pytest.fixture(scope="module")
def worked(server: EmbeddedServer, v1: str) -> Iterator[tuple[str, Any]]:
    """V1 after some seconds of load, until everything was done once, and the ledger."""
    dsn = server.create_database("traffic_worked", v1)
    wanted = {operation.name for operation in work.OPERATIONS}
    load = traffic.Traffic(dsn, writers=2, seed=SEED, readers=1)

    def enough(ledger: Any) -> bool:
        done = wanted <= set(ledger.operations) and has(ledger, "idea")
        return done and bool(rows(dsn, _SPELT))

    work_until(load, enough, 4)
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


def cut_over(dsn: str, backups: Path) -> None:
    runner = service.open_project(FOLDER, dsn)
    proven = service.run_to_proof(runner, backups)
    assert proven.verdict is not None
    assert proven.verdict.passed, proven.verdict.reasons
    runner.cutover()


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
_ONE_LOG = "(select id from admin_logs where details ->> 'liste' = '[1, null, \"x\"]' limit 1)"
_ON_V1 = {
    "a row is gone": ("sample", f"delete from samples where id = {ONE_SAMPLE}"),
    "a child went elsewhere": (
        "sample",
        f"update samples set product_id = null where id = {ONE_SAMPLE}",
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
        f"update packs set price = round(price::numeric, 2) where id = ({_SPELT} limit 1)",
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
    "a row is gone": ("sample", f"delete from samples where id = {ONE_SAMPLE}"),
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
    ends = ENDS.get(kind, ())  # V1 may keep the links of what is gone
    gone = [
        k for k in gone if all(present(expected[end]) for end in zip(ends, k[1:], strict=False))
    ]
    with rolled_back(dsn) as conn:
        execute(conn, "set session_replication_role = replica")
        execute(conn, _COMES_BACK[kind], *gone[-1][1:])
        found = ledger.missing(conn)
        assert any(one.startswith(f"{kind} ") for one in found)
        about = " of ".join(gone[-1][1:])
        assert all(one.endswith(f" {about}: was deleted, and is there") for one in found), found


@pytest.mark.parametrize("kind", ENDS)
def test_the_link_of_what_is_gone_may_stay_in_v1_and_is_named(worked: Any, kind: str) -> None:
    dsn, ledger = worked
    expected = ledger.expected()
    key = next(
        k
        for k, states in expected.items()
        if k[0] == kind
        and states == (None,)
        and (None,) in [expected[end] for end in zip(ENDS[kind], k[1:], strict=True)]
    )
    with rolled_back(dsn) as conn:
        execute(conn, _COMES_BACK[kind], *key[1:])
        assert ledger.missing(conn) == []
        assert len(ledger.left_in_v1) == 1
