"""V2's capture sleeps between a rollback and the next proof, and wakes with the triggers it had."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import pytest
from psycopg.conninfo import make_conninfo

from repot.engine import capture
from repot.engine.arming import arm
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.stages.follow import follow
from repot.stages.rollback import rollback
from support.shops import OwnShops
from support.sql import connect, rows, run

TRIGGERS = (
    "select t.oid::bigint, t.tgrelid::bigint, t.tgfoid::bigint from pg_trigger t"
    " where t.tgname like 'repot\\_capture%%' and t.tgenabled = 'A'"
    " and t.tgrelid in (select oid from pg_class where relnamespace = 'shop_v2'::regnamespace)"
    " order by 1"
)
FIRED = (
    "begin; update items set price = price where price = 7; delete from items where price = -1;"
    " insert into categories select * from categories where id = -1; commit"
)


def sleep_and_wake(session: Session) -> None:
    with session.connect() as conn:
        with conn.transaction():
            capture.put_to_sleep(conn, session.run.id, capture.BACK)
        arm(session, conn)


def test_they_are_the_same_ones(shops: OwnShops) -> None:
    session, _ = shops.proven()
    before = rows(session.dsn, TRIGGERS)
    run(session.dsn, "update shop_v2.items set price = 7")
    with session.connect() as conn:
        with conn.transaction():
            capture.put_to_sleep(conn, session.run.id, capture.BACK)
        run(session.dsn, "update shop_v2.items set price = 8")  # is logged nowhere
        assert rows(session.dsn, TRIGGERS) == []
        assert capture.pending(conn, session.run.id, capture.BACK) == {}
        arm(session, conn)
        assert rows(session.dsn, TRIGGERS) == before
        assert set(capture.pending(conn, session.run.id, capture.BACK).values()) == {0}
        run(session.dsn, "update shop_v2.items set price = 9 where slug = 'cafe-1'")
        assert capture.pending(conn, session.run.id, capture.BACK)["shop_v2.items"] == 1


def test_what_was_taken_off_meanwhile_is_put_on_again(shops: OwnShops) -> None:
    session, _ = shops.proven()
    run(session.dsn, "drop trigger repot_capture_upd on shop_v2.items")
    sleep_and_wake(session)
    assert rows(
        session.dsn,
        "select count(*) from pg_trigger where tgrelid = 'shop_v2.items'::regclass"
        " and tgname like 'repot\\_capture%%' and tgenabled = 'A'",
    ) == [(4,)]


def contexts(session: Session, again: int) -> tuple[int, int]:
    """How many pieces of memory the plans of one session of the application take, before and
    after so many times."""
    found = []
    with connect(session.dsn) as application:
        application.execute("set search_path = shop_v2")
        for _ in range(1 + again):
            application.execute(FIRED)
            row = application.execute(
                "select count(*) from pg_backend_memory_contexts where name like 'CachedPlan%%'"
            ).fetchone()
            found.append(int(row[0]) if row else 0)
            sleep_and_wake(session)
    return found[0], found[-1]


def test_the_applications_sessions_do_not_grow_with_each_switch(shops: OwnShops) -> None:
    session, _ = shops.proven()
    first, last = contexts(session, 3)
    assert last <= first + 5, (first, last)


def test_which_they_did_with_new_triggers(shops: OwnShops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "put_to_sleep", capture.remove)
    session, _ = shops.proven()
    first, last = contexts(session, 3)
    assert last > first + 30, (first, last)


def test_a_rollback_leaves_them_and_their_removal_does_not(shops: OwnShops) -> None:
    session = shops.cut_over()
    before = rows(session.dsn, TRIGGERS.replace("shop_v2", "public"))
    assert before
    done, _ = rollback(session)
    assert rows(session.dsn, TRIGGERS) == []
    with session.connect() as conn, conn.transaction():
        capture.remove(conn, done.id, capture.BACK)
    assert rows(
        session.dsn,
        "select count(*) from pg_proc where proname like 'capture\\_%%\\_back\\_%%'"
        " union all select count(*) from pg_trigger where tgname like 'repot\\_capture%%'"
        " and tgrelid in (select oid from pg_class where relnamespace = 'shop_v2'::regnamespace)",
    ) == [(0,), (0,)]


def test_a_function_belongs_to_whoever_made_the_log(shops: OwnShops) -> None:
    """It is SECURITY DEFINER: else it could not write there, and no writer of V2 could write."""
    session, _ = shops.proven()
    run(session.dsn, "create role repot_second superuser login")
    try:
        sleep_and_wake(replace(session, dsn=make_conninfo(session.dsn, user="repot_second")))
        found = rows(
            session.dsn,
            "select distinct pg_get_userbyid(f.proowner), pg_get_userbyid(l.relowner)"
            " from repot.capture c join pg_class l on l.oid = ('repot.' || c.log)::regclass"
            " join pg_proc f on f.proname = 'capture_' || c.run || '_back_' || c.oid"
            " where c.direction = 'back'",
        )
        assert found == [("repot_second", "repot_second")]
    finally:
        run(session.dsn, "reassign owned by repot_second to current_user; drop role repot_second")


def test_a_second_rollback_leaves_alone_what_was_armed_since(shops: OwnShops) -> None:
    """Both ways were opened after the first: what V2's writers write must be carried over."""
    session = shops.cut_over()
    session = session.at(rollback(session)[0])
    follow(session, stop=Event(), once=True, both="last")
    armed = rows(session.dsn, TRIGGERS)
    assert armed
    rollback(session)
    assert rows(session.dsn, TRIGGERS) == armed
    run(session.dsn, "update shop_v2.categories set title = 'of V2' where id = 1")
    follow(session, stop=Event(), once=True)
    assert rows(session.dsn, "select name from category where id = 1") == [("of V2",)]


def test_while_both_sides_are_written_each_must_be_captured(shops: OwnShops) -> None:
    session = shops.cut_over()
    session = session.at(rollback(session)[0])
    follow(session, stop=Event(), once=True, both="last")
    run(session.dsn, "alter table shop_v2.categories disable trigger repot_capture_upd")
    run(session.dsn, "update category set name = 'new' where id = 1")
    with pytest.raises(Refused) as refused:
        follow(session, stop=Event(), once=True)
    assert (
        "shop_v2.categories: the capture trigger for UPDATE is disabled" in refused.value.evidence
    )
