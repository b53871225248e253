"""The rollback: what was written on V2 is in V1, or was named, or stops it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from repot.engine import apply as engine_apply
from repot.engine import capture
from repot.engine.prove.differing import note_uncarried
from repot.engine.session import Session
from repot.engine.swap.switch import Switch
from repot.model.errors import Refused, RepotError
from repot.model.plan import NotCarried
from repot.model.results import RollbackResult
from repot.model.state import Phase
from repot.postgres.state import last_evidence
from repot.stages.cutover import cutover
from repot.stages.follow import follow
from repot.stages.rollback import carry, rollback
from repot.stages.verify import verify
from support.moving import make_session
from support.shops import OwnShops
from support.sql import connect, rows, run
from support.swapping import copied, now_proven, whole_backup


@pytest.fixture
def session(shops: OwnShops) -> Session:
    return shops.cut_over()


def go_back(session: Session, **options: Any) -> RollbackResult:
    """Roll back, prove V2 again, and see that nothing is in the way of the next cutover."""
    done, result = rollback(session, **options)
    assert done.phase is Phase.ROLLED_BACK
    _, verdict = now_proven(session.at(done))
    assert verdict.passed, verdict.reasons
    return result


def foreseen(session: Session, *what: NotCarried) -> Session:
    """The session with a plan that names these as not carried back."""
    return replace(session, plan=session.plan.model_copy(update={"not_carried": what}))


def test_writes_made_on_v2_are_in_v1(session: Session) -> None:
    dsn = session.dsn
    run(
        dsn,
        """insert into customers (id, email) values (7000, 'new@x.test');
        insert into purchases (customer_id, amount) values (7000, 12.5);
        update customers set email = null where id = 1;
        delete from purchases where id = 10;
        update categories set title = 'Renamed' where id = 2;
        insert into item_labels select id, 'fresh' from items where kind = 'product' limit 1""",
    )
    untouched = rows(dsn, "select * from shop_old.product where category_id is null order by id")
    result = go_back(session)
    assert rows(
        dsn, "select id, email, old_code from public.customer where id in (1, 7000) order by id"
    ) == [(1, None, "old1"), (7000, "new@x.test", None)]
    assert rows(dsn, "select amount from public.purchase where customer_id = 7000") == [(12.5,)]
    assert rows(dsn, "select 1 from public.purchase where id = 10") == []
    assert rows(dsn, "select name from public.category where id = 2") == [("Renamed",)]
    assert (
        rows(dsn, "select * from public.product where category_id is null order by id") == untouched
    )
    assert result.carried["customer"] == 2
    assert result.carried["purchase"] == 2
    with session.connect() as conn:
        assert last_evidence(conn, session.run.id, "rollback") is not None


def test_what_v1_has_no_place_for_is_a_difference_again_after_it(session: Session) -> None:
    dsn = session.dsn
    run(dsn, "update categories set items_count = 7777 where id = 1")
    follow(session, stop=threading.Event(), once=True)
    assert note_uncarried(session) == 1
    done, _ = rollback(session, accept_loss=True)
    _, verdict = now_proven(session.at(done))
    assert verdict.passed, verdict.reasons
    run(dsn, "update shop_v2.categories set items_count = 7777 where id = 1")
    _, verdict = now_proven(session.at(done))
    assert verdict.differences == 1


def test_v1_works_on_after_it(session: Session) -> None:
    """Numbers that V2 gave out are not given out again; V1's changes are captured, V2's not."""
    dsn = session.dsn
    last = rows(dsn, "insert into purchases (customer_id, amount) values (1, 1) returning id")[0][0]
    run(dsn, "delete from purchases where amount = 1 and customer_id = 1")
    rollback(session)
    number = rows(dsn, "insert into purchase (customer_id, amount) values (1, 1) returning id")
    assert number[0][0] > last
    with session.connect() as conn:
        assert capture.pending(conn, session.run.id, capture.FORWARD)["public.purchase"] == 1
        assert capture.pending(conn, session.run.id, capture.BACK) == {}
    assert rows(
        dsn,
        "select distinct tgenabled::text from pg_trigger where tgname like 'repot\\_capture%%'"
        " and tgrelid in (select oid from pg_class where relnamespace = 'shop_v2'::regnamespace)",
    ) == [("D",)]


def test_what_the_plan_foresaw_is_kept_in_quarantine(session: Session) -> None:
    """A note has no place in V1; the trigger on items writes one at every update."""
    dsn = session.dsn
    key = rows(dsn, "select id from items where kind = 'product' order by slug limit 1")[0][0]
    run(dsn, f"update items set price = 77 where id = '{key}'")
    result = go_back(foreseen(session, NotCarried(table="items", column="note", why="new")))
    assert result.not_carried_rows == 1
    assert result.not_carried[0].columns == {"note": (None, "touched")}
    kept = 'select price, note, repot_kind from repot_quarantine."items.v2.1" where id = %s'
    assert rows(dsn, kept, (key,)) == [(77, "touched", "changed")]
    assert rows(dsn, "select price, note from shop_v2.items where id = %s", (key,)) == [(77, None)]
    assert rows(dsn, "select count(*) from public.product where price = 77") == [(1,)]


def unforeseen(session: Session) -> Session:
    """A note that somebody wrote on V2, of which the plan says nothing."""
    run(session.dsn, "update items set note = 'mine' where slug = 'cafe-1'")
    return foreseen(session)


def test_what_nobody_foresaw_stops_it(session: Session) -> None:
    here = unforeseen(session)
    with pytest.raises(Refused) as refused:
        rollback(here)
    assert refused.value.code == "not-carriable"
    assert "V2 has 'touched'" in refused.value.evidence
    assert "--accept-loss" in refused.value.hint
    assert rows(session.dsn, "select phase from repot.run") == [("cut_over",)]
    assert rows(session.dsn, "select note from public.items where slug = 'cafe-1'") == [
        ("touched",)
    ]
    assert rows(session.dsn, "select to_regclass('repot_quarantine.\"items.v2.1\"')") == [(None,)]


def test_unless_the_loss_is_accepted_and_then_it_is_kept(session: Session) -> None:
    result = go_back(unforeseen(session), accept_loss=True)
    assert result.not_carried_rows == 1
    kept = 'select slug, note from repot_quarantine."items.v2.1"'
    assert rows(session.dsn, kept) == [("cafe-1", "touched")]


def test_a_row_that_v1_cannot_hold_is_kept_whole(session: Session) -> None:
    """An item of V2 whose key is in no registry: no way back gives it to V1."""
    dsn = session.dsn
    run(
        dsn,
        "insert into items (id, kind, title, slug, price, state, created_at) values"
        " (gen_random_uuid(), 'product', 'Of V2', 'of-v2', 1, 'LIVE', now())",
    )
    with pytest.raises(Refused) as refused:
        rollback(foreseen(session))
    assert refused.value.code == "not-carriable"
    assert "in V2, V1 does not give it" in refused.value.evidence
    result = go_back(foreseen(session), accept_loss=True)
    assert result.not_carried_rows == 1
    assert rows(dsn, 'select title, repot_kind from repot_quarantine."items.v2.1"') == [
        ("Of V2", "extra")
    ]
    assert rows(dsn, "select 1 from shop_v2.items where slug = 'of-v2'") == []


def test_rows_of_tables_that_only_v2_has_stay_there(session: Session) -> None:
    run(session.dsn, "insert into reviews (text) values ('good')")
    result = go_back(session)
    assert result.not_carried_rows == 0
    assert rows(session.dsn, "select text from shop_v2.reviews") == [("good",)]


def test_changes_are_applied_under_the_locks_too(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes after the last batch before the locks (trap 6)."""
    inner = Switch.stop_writers

    def meanwhile(switch: Switch) -> None:
        run(session.dsn, "update customers set email = 'at the last moment' where id = 4")
        inner(switch)

    monkeypatch.setattr(Switch, "stop_writers", meanwhile)
    result = go_back(session)
    assert result.carried == {"customer": 1}
    assert rows(session.dsn, "select email from public.customer where id = 4") == [
        ("at the last moment",)
    ]


def test_a_queue_that_does_not_empty_stops_it(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One drained batch is not a drained queue: asserted under the locks."""
    run(session.dsn, "update customers set email = 'x' where id = 4")
    monkeypatch.setattr(carry, "catch_up", lambda *a, **k: None)
    monkeypatch.setattr("repot.stages.rollback.stage.catch_up", lambda *a, **k: None)
    nothing = engine_apply.drain

    def half(conn: Any, run_id: int, plan: Any, direction: str, **options: Any) -> Any:
        done = nothing(conn, run_id, plan, direction, **options)
        conn.execute("update shop_old.customer set email = 'y' where id = 4")
        log = capture.read(conn, run_id, capture.BACK)[1].log
        conn.execute(f"insert into repot.\"{log.name}\" (op) values ('T')".encode())
        return done

    monkeypatch.setattr(carry, "drain", half)
    with pytest.raises(RepotError) as failed:
        rollback(session)
    assert failed.value.code == "not-drained"
    assert rows(session.dsn, "select phase from repot.run") == [("cut_over",)]


def test_a_new_column_of_v2_stops_it_unless_its_loss_is_accepted(session: Session) -> None:
    run(session.dsn, "alter table items add column rating int default 5")
    with pytest.raises(Refused) as refused:
        rollback(session)
    assert refused.value.code == "schema-changed"
    assert "items.rating is new" in refused.value.evidence
    done, _ = rollback(session, accept_loss=True)
    assert done.phase is Phase.ROLLED_BACK
    assert rows(session.dsn, "select min(rating) from shop_v2.items") == [(5,)]
    with pytest.raises(Refused) as refused:  # V2 is not what the plan says: no proof, no cutover
        verify(session.at(done))
    assert refused.value.code == "schema-changed"


def test_writers_who_go_on_meanwhile_lose_nothing(session: Session) -> None:
    """Each acknowledged write is in V1 afterwards, whichever side it went to."""
    stop, numbers, errors = threading.Event(), list[int](), list[str]()

    def write(first: int) -> None:
        with connect(session.dsn) as conn:
            number = first
            while not stop.is_set():
                number += 10
                try:
                    conn.execute("insert into customers (id, email) values (%s, 'w')", (number,))
                    numbers.append(number)
                except psycopg.errors.UndefinedTable:
                    return  # V1 serves: this client would have to speak V1 now
                except psycopg.Error as failed:
                    errors.append(str(failed))

    threads = [threading.Thread(target=write, args=(100_000 + n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    while len(numbers) < 20:
        pass
    go_back(session)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    there = {r[0] for r in rows(session.dsn, "select id from public.customer where id > 100000")}
    assert set(numbers) <= there


def test_asked_again_it_says_that_it_is_done(session: Session) -> None:
    _, first = rollback(session)
    done, second = rollback(session)
    assert done.phase is Phase.ROLLED_BACK
    assert second.at == first.at


def test_before_a_cutover_there_is_nothing_to_roll_back(session: Session) -> None:
    run(session.dsn, "update repot.run set phase = 'copied'")
    with pytest.raises(Refused) as refused:
        rollback(session)
    assert refused.value.code == "wrong-phase"


AUTH = """
create schema auth; create table auth.users (id int primary key, email text, seen int);
create table public.profiles (id int primary key references auth.users, name text);
insert into auth.users select n, 'u' || n, 0 from generate_series(1, 20) n;
insert into public.profiles select n, 'n' || n from generate_series(1, 20) n;
"""
AUTH_FILES = {
    "target.sql": "create table users (id int primary key, name text, email text, seen int)",
    "moves/users.sql": "select p.id, p.name, u.email, u.seen from profiles p"
    " join auth.users u on u.id = p.id",
    "back/profiles.sql": "select id, name from users",
}


def test_what_an_outside_table_changed_does_not_stop_it(database: str, tmp_path: Path) -> None:
    """Somebody signed in: the view sees it, V2 was never told, and nobody wrote that on V2."""
    session = make_session(database, tmp_path, AUTH_FILES, AUTH)
    session, verdict = now_proven(copied(session))
    done, _ = cutover(session, verdict, whole_backup())
    session = foreseen(session.at(done))
    run(database, "update auth.users set seen = 5 where id in (3, 4)")
    run(database, "update public.users set name = 'renamed' where id = 4")
    result = go_back(session)
    assert result.carried == {"profiles": 1}
    assert result.not_carried_rows == 0
    seen = "select id, seen from v2.users where seen > 0 order by 1"
    assert rows(database, seen) == [(3, 5), (4, 5)]
    kept = 'select id, seen from repot_quarantine."users.v2.1" order by 1'
    assert rows(database, kept) == [(3, 0), (4, 0)]


def test_but_what_was_written_on_v2_does(database: str, tmp_path: Path) -> None:
    session = make_session(database, tmp_path, AUTH_FILES, AUTH)
    session, verdict = now_proven(copied(session))
    done, _ = cutover(session, verdict, whole_backup())
    session = foreseen(session.at(done))
    run(database, "update auth.users set seen = 5 where id = 3")
    run(database, "update public.users set email = 'of v2' where id = 9")
    with pytest.raises(Refused) as refused:
        rollback(session)
    assert refused.value.code == "not-carriable"
    assert "id = 9" in refused.value.evidence
    assert "id = 3" not in refused.value.evidence


def test_even_a_dropped_table_of_v2_does_not_keep_v1_from_coming_back(session: Session) -> None:
    run(session.dsn, "update customers set email = 'kept' where id = 2")
    run(session.dsn, "drop table item_labels cascade")
    with pytest.raises(Refused) as refused:
        rollback(session)
    assert refused.value.code == "schema-changed"
    done, _ = rollback(session, accept_loss=True)
    assert done.phase is Phase.ROLLED_BACK
    assert rows(session.dsn, "select count(*) from public.product") == [(400,)]
