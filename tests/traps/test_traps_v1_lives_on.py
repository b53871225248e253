"""Traps 10 and 12: what happens to V1's tables beside plain writes, and whose writes are whose."""

from __future__ import annotations

from threading import Event
from typing import Any

import psycopg
import pytest

from repot.engine import capture_triggers
from repot.engine.apply import step_both
from repot.engine.apply.batch import Batch
from repot.engine.build import build
from repot.engine.capture import BACK
from repot.engine.session import Session
from repot.engine.swap import triggers
from repot.model.errors import Refused
from repot.model.results import Verdict
from repot.postgres.relations import current
from repot.stages.copy import copy
from repot.stages.cutover import cutover
from repot.stages.follow import follow
from support.sql import connect, rows, run
from support.swapping import whole_backup
from traps.scene import FILES, V1, Scenes, applied, followed, module, proven, stale

DRIFT = module("repot.engine.drift.check")

# ---------------------------------------------------------------- 10


def built(session: Session) -> Session:
    session = session.at(build(session))
    copy(session)
    return session


def test_trap_10_truncate(scenes: Scenes) -> None:
    session = built(scenes.planned())
    run(session.dsn, "truncate thing")
    applied(session)
    assert stale(session) == []
    run(session.dsn, "truncate cat cascade; insert into cat values (1, 'first again')")
    applied(session)
    assert stale(session) == []
    assert rows(session.dsn, "select name from v2.cat") == [("first again",)]


def test_trap_10_truncate_bites_without_its_trigger(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(capture_triggers._EVENTS, "trunc")
    session = built(scenes.planned())
    run(session.dsn, "truncate thing")
    applied(session)
    assert len(stale(session)) == 9


def a_column_is_added(session: Session, verdict: Verdict) -> list[tuple[Any, ...]]:
    """Somebody's migration of V1, while the run is alive; gives what V2 has of it afterwards."""
    run(session.dsn, "alter table thing add column size text; update thing set size = 'large'")
    followed(session)
    cutover(session, verdict, whole_backup())
    return rows(
        session.dsn,
        "select from pg_attribute where attrelid = 'public.thing'::regclass and attname = 'size'",
    )


def test_trap_10_ddl_on_v1_stops_everything(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    with pytest.raises(Refused) as refused:
        a_column_is_added(session, verdict)
    assert refused.value.code == "schema-changed"
    assert "size" in refused.value.evidence
    with pytest.raises(Refused) as refused:  # the cutover looks for itself
        cutover(session, verdict, whole_backup())
    assert refused.value.code == "schema-changed"


def test_trap_10_ddl_bites_when_nobody_looks(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    monkeypatch.setattr(DRIFT, "changes", lambda *_: [])
    stage = module("repot.stages.cutover.stage")
    monkeypatch.setattr(stage, "_refuse_changed_schema", lambda *_: None)
    assert a_column_is_added(session, verdict) == []


UNCAPTURED = {
    "disabled": "alter table thing disable trigger repot_capture_upd",
    "dropped": "drop trigger repot_capture_upd on thing",
}


def written_without_capture(session: Session, how: str) -> None:
    """One write that nobody hears of, and one that the follower does."""
    run(session.dsn, UNCAPTURED[how])
    run(session.dsn, "update thing set name = 'unheard' where id = 1")
    run(session.dsn, "insert into cat values (9, 'heard')")


@pytest.mark.parametrize("how", UNCAPTURED)
def test_trap_10_capture_that_was_taken_off_stops_everything(scenes: Scenes, how: str) -> None:
    session, verdict = scenes.proven()
    written_without_capture(session, how)
    for stage in (
        lambda: followed(session),
        lambda: proven(session),
        lambda: cutover(session, verdict, whole_backup()),
    ):
        with pytest.raises(Refused) as refused:
            stage()
        assert refused.value.code == "schema-changed"
    assert "repot_capture_upd" in refused.value.evidence or "capture" in refused.value.evidence


def test_trap_10_capture_that_was_taken_off_bites_when_nobody_looks(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    monkeypatch.setattr(DRIFT, "changes", lambda *_: [])
    written_without_capture(session, "disabled")
    cutover(session, verdict, whole_backup())
    assert rows(session.dsn, "select name from public.thing where id = 1") == [("thing 1",)]


PARTED = """
create table part (id integer, at integer, note text, primary key (id, at)) partition by range (at);
create table part_0 partition of part for values from (0) to (10);
create table part_1 partition of part for values from (10) to (20);
insert into part select n, n, 'note ' || n from generate_series(1, 19) n;
"""
FLAT = {
    "target.sql": "create table flat (id integer, at integer, note text, primary key (id, at));",
    "moves/flat.sql": "select id, at, note from part",
    "back/part.sql": "select id, at, note from flat",
}


def partitions_are_written(session: Session) -> None:
    """By their own names, and through the parent; one row moves from one to the other."""
    run(
        session.dsn,
        "update part_0 set note = 'child' where id = 1; update part set at = 19 where id = 2;"
        " insert into part_1 values (100, 12, 'new'); truncate part_0;"
        " update part set note = 'parent' where id = 15",
    )
    applied(session)


def test_trap_10_partitions(scenes: Scenes) -> None:
    session = built(scenes.planned(PARTED, FLAT))
    partitions_are_written(session)
    assert stale(session) == []


def test_trap_10_partitions_bite_when_only_the_parent_is_captured(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        capture_triggers, "_with_children", lambda conn, oid: iter([(oid, current(conn, oid))])
    )
    session = built(scenes.planned(PARTED, FLAT))
    partitions_are_written(session)
    assert len(stale(session)) == 1 + 8  # inserted into part_1; truncated in part_0


NEW_PARTITION = "create table part_2 partition of part for values from (20) to (30);"


def test_trap_10_a_new_partition_stops_the_follower(scenes: Scenes) -> None:
    session = scenes.copied(PARTED, FLAT)
    run(session.dsn, NEW_PARTITION)
    run(session.dsn, "insert into part_2 values (100, 22, 'unseen'); delete from part where id = 3")
    with pytest.raises(Refused) as refused:
        followed(session)
    assert refused.value.code == "schema-changed"
    assert "part_2" in refused.value.evidence


def test_trap_10_a_new_partition_bites_when_nobody_looks(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = scenes.copied(PARTED, FLAT)
    monkeypatch.setattr(DRIFT, "changes", lambda *_: [])
    run(session.dsn, NEW_PARTITION)
    run(session.dsn, "insert into part_2 values (100, 22, 'unseen'); delete from part where id = 3")
    followed(session)
    assert stale(session) == ["-flat(100, 22, 'unseen')"]


# ---------------------------------------------------------------- 12


def written_again_on_v2(session: Session) -> tuple[str, int]:
    """Both sides are written, and V1 wins conflicts. V2 is written, that is carried to V1, and V2 is
    written again. What V2 has in the end, and how many conflicts there were."""
    follow(session, stop=Event(), once=True, both="v1")
    conflicts = 0
    with session.connect() as conn:
        for name in ("once", "twice"):
            run(session.dsn, f"update v2.thing set name = '{name}' where id = 1")
            conflicts += step_both(conn, session.run.id, session.plan, "v1").conflicts
    return str(rows(session.dsn, "select name from v2.thing where id = 1")[0][0]), conflicts


def test_trap_12_what_repot_writes_does_not_come_back(scenes: Scenes) -> None:
    assert written_again_on_v2(scenes.copied()) == ("twice", 0)


def test_trap_12_bites_when_repots_writes_are_not_told_apart(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Batch.__init__

    def unmarked(self: Batch, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        self.conn.execute("delete from repot.own_transaction")

    monkeypatch.setattr(Batch, "__init__", unmarked)
    assert written_again_on_v2(scenes.copied()) == ("once", 1)


TOUCHED = """
create function {0}touched() returns trigger language plpgsql as
  $$ begin new.name := new.name || '!'; return new; end $$;
create trigger touched before insert or update on {0}thing
  for each row execute function {0}touched();
"""
V1_TOUCHES = V1 + TOUCHED.format("")
V2_TOUCHES = FILES | {"target.sql": FILES["target.sql"] + TOUCHED.format("")}


def filled_and_followed(session: Session) -> int:
    """How often V2's trigger has fired when V2 was filled and has followed a write."""
    copy(session)
    run(session.dsn, "update thing set qty = 0 where id = 1")
    applied(session)
    return len(rows(session.dsn, "select from v2.thing where name like '%!'"))


def test_trap_12_user_triggers_of_v2_sleep_while_it_is_filled(scenes: Scenes) -> None:
    session = scenes.planned(V1, V2_TOUCHES)
    session = session.at(build(session))
    assert filled_and_followed(session) == 0
    assert proven(session)


def test_trap_12_bites_when_user_triggers_of_v2_are_awake(scenes: Scenes) -> None:
    session = scenes.planned(V1, V2_TOUCHES)
    session = session.at(build(session))
    ((ddl,),) = rows(
        session.dsn,
        "update repot.deferred set done_at = now() where step = 'trigger' returning ddl",
    )
    run(session.dsn, ddl.split(";")[0])  # without the DISABLE behind it
    assert filled_and_followed(session) == 9
    assert len(stale(session)) == 18


def carried_back(session: Session) -> str:
    """What V1 gets when V2 renames a thing: V1's trigger is for V1's own writers."""
    run(session.dsn, "update public.thing set name = 'by V2' where id = 1")
    applied(session, BACK)
    return str(rows(session.dsn, "select name from v1_old.thing where id = 1")[0][0])


def test_trap_12_user_triggers_of_v1_sleep_while_v2_serves(scenes: Scenes) -> None:
    session, verdict = scenes.proven(V1_TOUCHES)
    cutover(session, verdict, whole_backup())
    assert carried_back(session) == "by V2"


def test_trap_12_bites_when_user_triggers_of_v1_are_awake(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven(V1_TOUCHES)
    monkeypatch.setattr(triggers, "all_to", lambda *_: [])
    cutover(session, verdict, whole_backup())
    assert carried_back(session) == "by V2!"


WRITER = """
do $$ begin
  if to_regrole('trap_writer') is null then create role trap_writer; end if;
end $$;
grant select, insert, update, delete on thing to trap_writer;
"""


def a_plain_role_writes(session: Session) -> None:
    run(session.dsn, WRITER)
    with connect(session.dsn) as conn:
        conn.execute("set role trap_writer")
        conn.execute("update thing set name = 'by a plain role' where id = 1")


def test_trap_12_a_writer_needs_no_right_on_repots_tables(scenes: Scenes) -> None:
    session = scenes.copied()
    a_plain_role_writes(session)
    assert applied(session) == 1
    assert stale(session) == []


def test_trap_12_bites_when_capture_has_the_writers_rights(scenes: Scenes) -> None:
    session = scenes.copied()
    for (function,) in rows(
        session.dsn,
        "select oid::regprocedure::text from pg_proc"
        " where pronamespace = 'repot'::regnamespace and proname like 'capture%'",
    ):
        run(session.dsn, f"alter function {function} security invoker")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        a_plain_role_writes(session)
