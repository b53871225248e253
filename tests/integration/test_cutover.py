"""The cutover of a whole project: its gates, its outcome, and what happens when it is disturbed."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repot.engine import capture
from repot.engine.session import Session
from repot.engine.swap import locks
from repot.engine.swap.switch import Switch
from repot.model.errors import Refused, RepotError
from repot.model.state import Phase
from repot.postgres.state import last_evidence, record_event
from repot.stages.cutover import cutover
from repot.stages.rollback import rollback
from support.shops import OwnShops, Proven
from support.sql import rows, run
from support.swapping import now_proven, whole_backup
from support.wire import Wire

V1_TABLES = {"category", "product", "bundle", "customer", "purchase", "scratch"}


@pytest.fixture
def shop(shops: OwnShops) -> Proven:
    return shops.proven()


def tables(dsn: str, schema: str) -> set[str]:
    return {
        r[0] for r in rows(dsn, "select tablename from pg_tables where schemaname = %s", (schema,))
    }


def refused(shop: Proven, code: str, **changes: Any) -> Refused:
    """The cutover is refused with this code, and nothing has changed."""
    session, verdict = shop
    backup = changes.pop("backup", whole_backup())
    with pytest.raises(Refused) as caught:
        cutover(session, verdict.model_copy(update=changes), backup)
    assert caught.value.code == code, caught.value
    assert caught.value.hint
    assert tables(session.dsn, "public") == V1_TABLES
    assert rows(session.dsn, "select phase from repot.run") == [(session.run.phase.value,)]
    return caught.value


def test_v2_serves_afterwards_and_the_evidence_says_so(shop: Proven) -> None:
    session, verdict = shop
    done, result = cutover(session, verdict, whole_backup())
    assert done.phase is Phase.CUT_OVER
    assert tables(session.dsn, "shop_old") == V1_TABLES
    assert "items" in tables(session.dsn, "public")
    assert tables(session.dsn, "shop_v2") == set()
    assert 0 < result.pause_ms <= result.locked_ms
    assert (result.tables, result.attempts) == (6, 1)
    with session.connect() as conn:
        noted = last_evidence(conn, done.id, "cutover")
        swap = last_evidence(conn, done.id, "swap")
        pause = last_evidence(conn, done.id, "pause")
    assert noted is not None
    assert noted.answer["tables"] == 6
    assert swap is not None
    assert "public.product" in str(swap.answer["gone"])
    assert pause is not None
    assert pause.answer["pause_ms"] == result.pause_ms
    # V2's own trigger fires now, its numbers are new, and its changes are captured.
    touch = "update public.items set price = 1 where kind = 'bundle' and price = 7 returning note"
    assert rows(session.dsn, touch) == [("touched",)]
    number = rows(
        session.dsn, "insert into purchases (customer_id, amount) values (1, 2) returning id"
    )
    assert number[0][0] > 900
    with session.connect() as conn:
        back = capture.pending(conn, done.id, capture.BACK)
        assert back["shop_v2.items"] == 1
        assert back["shop_v2.purchases"] == 1
        assert not any(capture.pending(conn, done.id, capture.FORWARD).values())
    run(session.dsn, "update shop_old.product set name = 'late' where id = 1")
    with session.connect() as conn:  # somebody still writes to V1: that is seen
        assert capture.pending(conn, done.id, capture.FORWARD)["public.product"] == 1


def test_asked_again_it_says_that_it_is_done(shop: Proven) -> None:
    session, verdict = shop
    _, first = cutover(session, verdict, whole_backup())
    run(
        session.dsn,
        "insert into repot.afterwards values (1, 99, 'x', 'create table public.put_off ()')",
    )
    done, second = cutover(session, verdict, whole_backup())
    assert done.phase is Phase.CUT_OVER
    assert second.at == first.at
    assert "put_off" in tables(session.dsn, "public")  # what was left to do has been done


def price(session: Session, number: int, schema: str = "public") -> list[tuple[object, ...]]:
    """Of the item that is made of this product."""
    return rows(
        session.dsn,
        f"select i.price from {schema}.items i join repot_registry.item_key k on k.value = i.id"
        f" where k.kind = 'product' and k.id = {number}",
    )


def test_a_write_since_the_proof_is_carried_over_and_proven_first(shop: Proven) -> None:
    session, verdict = shop
    run(session.dsn, "update public.product set price = 77 where id in (1, 2)")
    done, _ = cutover(session, verdict, whole_backup())
    assert done.phase is Phase.CUT_OVER
    assert price(session, 1) == price(session, 2) == [(77,)]


def test_a_write_after_the_last_look_is_carried_over_and_proven_under_the_locks(
    shop: Proven, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the drain under the locks this write would be acknowledged and gone (trap 6)."""
    session, verdict = shop
    inner = Switch.stop_writers

    def meanwhile(switch: Switch) -> None:
        run(session.dsn, "update public.product set price = 78 where id = 3")
        inner(switch)

    monkeypatch.setattr(Switch, "stop_writers", meanwhile)
    _, result = cutover(session, verdict, whole_backup())
    assert result.drained == 1
    assert result.proven >= 1
    assert price(session, 3) == [(78,)]


def test_a_writer_who_commits_while_we_wait_for_the_locks_is_carried_over(
    shop: Proven, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap 4: the transaction was open when the switch began; it is in V2 as a whole."""
    session, verdict = shop
    # The first wait is to last until the commit, however long this machine takes to it.
    monkeypatch.setattr(locks, "FIRST_MS", 60_000)
    patient = session.plan.cutover.model_copy(update={"lock_timeout_ms": 60_000})
    session = replace(session, plan=session.plan.model_copy(update={"cutover": patient}))
    with session.connect() as writer:
        writer.execute("begin")
        writer.execute("update public.customer set email = 'late' where id = 1")
        outcome: list[object] = []

        def go() -> None:
            try:
                outcome.append(cutover(session, verdict, whole_backup())[1].drained)
            except RepotError as failed:
                outcome.append(failed.code)

        thread = threading.Thread(target=go)
        thread.start()
        waiting = "select 1 from pg_locks where not granted and database = (select oid from"
        waiting += " pg_database where datname = current_database())"
        while not rows(session.dsn, waiting):
            pass
        writer.execute("update public.product set price = 79 where id = 4")
        writer.execute("commit")
        thread.join()
    assert outcome == [2]
    assert rows(session.dsn, "select email from public.customers where id = 1") == [("late",)]
    assert price(session, 4) == [(79,)]


@pytest.mark.parametrize(
    ("statement", "mentioned"),
    [
        ("alter table public.product add column stock int", "public.product.stock is new"),
        ("alter table public.customer alter old_code type varchar(9)", "old_code was text"),
        ("create table public.forgotten (a int)", "public.forgotten is new"),
        ("alter table shop_v2.items drop column note cascade", "shop_v2.items.note is gone"),
        ("alter table public.bundle alter price drop not null", "nullable"),
    ],
)
def test_ddl_since_the_plan_stops_it(shop: Proven, statement: str, mentioned: str) -> None:
    session, _ = shop
    run(session.dsn, statement)
    with pytest.raises(Refused) as caught:
        cutover(session, shop[1], whole_backup())
    assert caught.value.code == "schema-changed"
    assert mentioned in caught.value.evidence
    assert tables(session.dsn, "public") >= V1_TABLES


def test_what_the_switch_would_break_stops_it(shop: Proven) -> None:
    session, _ = shop
    run(session.dsn, "create view repot_quarantine.x as select 1")  # Repot's own do not matter
    run(session.dsn, "create schema stats; create view stats.v as select old_code from customer")
    stopped = refused(shop, "preflight")
    assert "outside-breaks" in stopped.evidence
    assert "outside/v.sql" in stopped.hint


def test_without_a_passed_proof_of_this_plan_it_stays_shut(shop: Proven) -> None:
    refused(shop, "no-proof", passed=False)
    refused(shop, "no-proof", differences=1)
    refused(shop, "no-proof", rows_compared=0)
    refused(shop, "no-proof", plan_digest="of another plan")
    refused(shop, "proof-stale", snapshot="1:1:")
    bad = whole_backup().model_copy(update={"restored": {"t": 0}})
    refused(shop, "no-backup", backup=bad)


def test_a_proof_that_something_was_begun_after_is_stale(shop: Proven) -> None:
    session, _ = shop
    with session.connect() as conn:
        record_event(conn, session.run.id, "copy", "started")
    assert "repot copy" in refused(shop, "proof-stale").message


def test_two_at_once_are_one_cutover(shop: Proven) -> None:
    session, verdict = shop
    outcomes: list[object] = []

    def go() -> None:
        try:
            outcomes.append(cutover(session, verdict, whole_backup())[0].phase)
        except RepotError as failed:
            outcomes.append(failed)

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Phase.CUT_OVER, Phase.CUT_OVER]
    assert tables(session.dsn, "shop_old") == V1_TABLES


def test_a_commit_lost_on_the_wire_is_settled(shop: Proven) -> None:
    session, verdict = shop
    with (
        tempfile.TemporaryDirectory(prefix="rw-") as folder,
        Wire(session.dsn, Path(folder), "after") as wire,
    ):
        done, result = cutover(replace(session, dsn=wire.dsn), verdict, whole_backup())
    assert wire.cuts == 1
    assert done.phase is Phase.CUT_OVER
    assert result.pause_ms > 0
    assert tables(session.dsn, "shop_old") == V1_TABLES


def test_there_and_back_and_there_again(shop: Proven) -> None:
    session, verdict = shop
    for _ in range(2):
        done, _ = cutover(session, verdict, whole_backup())
        back, _ = rollback(session.at(done))
        assert back.phase is Phase.ROLLED_BACK
        assert tables(session.dsn, "public") == V1_TABLES
        session = session.at(back)
        refused((session, verdict), "proof-stale")  # the proof is older than the rollback
        session, verdict = now_proven(session)
        assert verdict.passed, verdict.reasons


def test_schema_kind(shop: Proven) -> None:
    session, verdict = shop
    setting = session.plan.cutover.model_copy(update={"swap": "schema"})
    session = replace(session, plan=session.plan.model_copy(update={"cutover": setting}))
    done, _ = cutover(session, verdict, whole_backup())
    assert tables(session.dsn, "shop_old") == V1_TABLES
    run(session.dsn, "update public.customers set email = 'there' where id = 1")
    back, result = rollback(session.at(done))
    assert result.carried == {"customer": 1}
    assert tables(session.dsn, "public") == V1_TABLES
    assert rows(session.dsn, "select email from customer where id = 1") == [("there",)]
    _, verdict = now_proven(session.at(back))
    assert verdict.passed, verdict.reasons
