"""Traps 1 to 3: what is written while the copy runs, and in which order changes are taken."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from psycopg import sql

from repot.engine import capture
from repot.engine.apply import batch
from repot.engine.build import build
from repot.engine.capture import FORWARD, Captured
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.model.progress import Silent
from repot.model.state import Phase
from repot.postgres.compose import ident
from repot.stages.copy import copy
from repot.stages.follow import follow
from support.sql import connect, rows, run
from traps.scene import (
    Scenes,
    applied,
    followed,
    in_thread,
    module,
    proven,
    stale,
    until,
    waiting,
)

# ---------------------------------------------------------------- 1


class Writing(Silent):
    """V1 is written as soon as a table has been copied."""

    def __init__(self, dsn: str, text: str) -> None:
        self._dsn, self._text = dsn, text

    def advance(self, key: str, by: int) -> None:
        if key == "copy:thing" and by and self._text:
            text, self._text = self._text, ""
            run(self._dsn, text)


def written_behind_the_copy(session: Session) -> Session:
    """Rows that the copy has read already are changed before it ends."""
    session = session.at(build(session))
    behind = Writing(
        session.dsn,
        "update thing set name = 'late' where id = 1; delete from thing where id = 2;"
        " insert into thing (name) values ('new')",
    )
    copy(replace(session, progress=behind))
    return session


def test_trap_01_capture_is_armed_before_the_copys_snapshot(scenes: Scenes) -> None:
    session = written_behind_the_copy(scenes.planned())
    assert waiting(session) > 0
    followed(session)
    assert stale(session) == []
    assert rows(session.dsn, "select name from v2.thing where id in (1, 2, 10) order by id") == [
        ("late",),
        ("new",),
    ]


def test_trap_01_bites_without_its_protection(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Capture armed after the copy; and the copy does not look whether it is armed."""
    install = capture.install
    monkeypatch.setattr(capture, "install", lambda *_: None)
    monkeypatch.setattr(module("repot.stages.copy.stage"), "check_captured", lambda *_: None)
    session = written_behind_the_copy(scenes.planned())
    with session.connect() as conn, conn.transaction():
        install(conn, session.run.id, session.plan)
    followed(session)
    assert len(stale(session)) == 4  # the old row and the new, the deleted, the inserted
    assert not proven(session)


# ---------------------------------------------------------------- 2


HELD = """
create function repot.held() returns trigger language plpgsql as $$
begin perform pg_advisory_xact_lock_shared(17); return new; end $$;
create trigger held before update on repot.chunk for each row
  when (new.move = 'thing') execute function repot.held();
"""


def changed_under_a_slow_chunk(session: Session) -> Session:
    """A chunk has read its rows, and is slow to commit them; meanwhile they are changed, and a
    follower is about. Then the chunk commits, and the follower works to the end."""
    session = session.at(build(session))
    dsn = session.dsn
    run(dsn, HELD)
    with connect(dsn) as holder:
        holder.execute("select pg_advisory_lock(17)")
        copying, outcome = in_thread(lambda: copy(session))
        until(lambda: rows(dsn, "select from pg_locks where locktype = 'advisory' and not granted"))
        run(dsn, "delete from thing where id = 5")
        with suppress(Refused):
            followed(session)
    copying.join(20)
    assert not isinstance(outcome[0], Exception), outcome
    followed(session)
    return session


def test_trap_02_a_slow_chunk_resurrects_nothing(scenes: Scenes) -> None:
    session = changed_under_a_slow_chunk(scenes.planned())
    assert stale(session) == []
    assert rows(session.dsn, "select from v2.thing where id = 5") == []


def test_trap_02_bites_without_its_protection(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes are applied while the copy is under way."""
    following = module("repot.stages.follow.stage")
    monkeypatch.setitem(following.DIRECTION, Phase.COPYING, FORWARD)
    session = changed_under_a_slow_chunk(scenes.planned())
    assert stale(session) == ["+thing(5, 'thing 5', 5, 3, 'cat 3')"]


def test_trap_02_nobody_applies_while_the_copy_is_under_way(scenes: Scenes) -> None:
    session = scenes.planned()
    session = session.at(build(session))
    with pytest.raises(Refused) as refused:
        follow(session, stop=threading.Event(), once=True)
    assert refused.value.code == "wrong-phase"


# ---------------------------------------------------------------- 3


def committed_out_of_order(session: Session) -> None:
    """The first to write is the last to commit; the follower looks in between, and afterwards."""
    with connect(session.dsn) as first:
        first.execute("begin")
        first.execute("update thing set name = 'first' where id = 1")
        run(session.dsn, "update thing set name = 'second' where id = 2")
        applied(session)
        assert rows(session.dsn, "select name from v2.thing where id = 2") == [("second",)]
        first.execute("commit")
    applied(session)


def test_trap_03_changes_that_commit_out_of_order(scenes: Scenes) -> None:
    session = scenes.copied()
    committed_out_of_order(session)
    assert stale(session) == []


def test_trap_03_bites_when_the_log_is_polled_beyond_the_last_number(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = scenes.copied()
    for (log,) in rows(session.dsn, "select log from repot.capture"):
        run(session.dsn, f'alter table repot."{log}" add id bigserial')
    take, last = batch.take, dict[int, int]()

    def beyond(
        conn: Any, temp: Any, captured: Sequence[Captured], **options: Any
    ) -> Mapping[Any, Any]:
        for one in captured:
            done = sql.SQL("delete from {} where id <= {}")
            conn.execute(done.format(ident(one.log), sql.Literal(last.get(one.id, 0))))
            row = conn.execute(sql.SQL("select max(id) from {}").format(ident(one.log))).fetchone()
            last[one.id] = row[0] or last.get(one.id, 0)
        return take(conn, temp, captured, **options)

    monkeypatch.setattr(batch, "take", beyond)
    committed_out_of_order(session)
    assert stale(session) == [
        "-thing(1, 'first', 1, 2, 'cat 2')",
        "+thing(1, 'thing 1', 1, 2, 'cat 2')",
    ]
