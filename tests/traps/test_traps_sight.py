"""Traps 14 to 17: rows that are not told apart, not seen, not compared, or seen at a wrong moment."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from repot.engine.apply import batch, step
from repot.engine.build import build
from repot.engine.compare import Counts
from repot.engine.prove import aside
from repot.engine.session import Session
from repot.model.catalog import Column, Table
from repot.model.errors import Refused, RepotError
from repot.model.plan import Use
from repot.model.progress import Silent
from repot.moves import backward, forward
from repot.postgres import connect as connecting
from repot.project import load_project
from repot.stages.copy import copy
from repot.stages.plan import make_plan
from repot.stages.verify import verify
from support.pipeline import planned
from support.project import write
from support.sql import connect, rows, run
from traps.scene import (
    FILES,
    V1,
    Scenes,
    applied,
    in_thread,
    module,
    proven,
    rewriting,
    somebody_waits,
    stale,
    until,
    waiting,
)

# ---------------------------------------------------------------- 14

KEYLESS = """
create table entry (id integer, note text);
insert into entry values (1, 'twice'), (1, 'twice'), (2, 'once');
"""
KEYLESS_FILES = {
    "target.sql": "create table entry (id integer, note text);",
    "moves/entry.sql": "select id, note from entry",
}


def test_trap_14_a_table_without_a_key_is_refused(database: str, tmp_path: Any) -> None:
    run(database, KEYLESS)
    project = load_project(write(tmp_path / "keyless", KEYLESS_FILES))
    found = {f.code: f for f in make_plan(database, project, Silent()).errors}
    assert "no-key" in found
    assert "key" in found["no-key"].hint


def test_trap_14_bites_when_rows_are_told_apart_by_their_contents(
    database: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two equal rows is deleted; nothing tells which of V2's it was, and both stay."""
    choose = forward.choose_key

    def all_columns(
        file: Any, setting: Any, given: dict[str, Column], table: Table, section: str
    ) -> Any:
        key, findings = choose(file, setting, given, table, section)
        return (key, findings) if key else (tuple(given), [])

    monkeypatch.setattr(forward, "choose_key", all_columns)
    monkeypatch.setattr(backward, "choose_key", all_columns)
    run(database, KEYLESS)
    session = planned(database, write(tmp_path / "keyless", KEYLESS_FILES))
    session = session.at(build(session))
    copy(session)
    run(database, "delete from entry where ctid = (select min(ctid) from entry)")
    applied(session)
    assert stale(session) == ["+entry(1, 'twice')"]


OWNER = "trap_owner"


@pytest.fixture
def owned(scenes: Scenes) -> Session:
    """A planned project, in the hands of a role that owns V1 and is no superuser."""
    session = scenes.planned()
    name = rows(session.dsn, "select current_database()")[0][0]
    run(
        session.dsn,
        f"do $$ begin if to_regrole('{OWNER}') is null then create role {OWNER} login; end if; end $$;"
        f"alter table cat owner to {OWNER}; alter table thing owner to {OWNER};"
        f"alter schema repot owner to {OWNER}; grant create on database {name} to {OWNER};"
        f"grant all on all tables in schema repot to {OWNER};"
        f"grant all on all sequences in schema repot to {OWNER};",
    )
    return replace(session, dsn=session.dsn.replace("user=postgres", f"user={OWNER}"))


HIDING = (
    "alter table thing enable row level security; alter table thing force row level security;"
    "create policy low on thing using (qty < 4)"
)


def copied_behind_a_policy(session: Session) -> int:
    """V1's owner sees three of nine rows; gives how many are in V2."""
    run(session.dsn, HIDING)
    session = session.at(build(session))
    copy(session)
    return int(rows(session.dsn, "select count(*) from v2.thing")[0][0])


def test_trap_14_rows_that_a_policy_hides_are_an_error(owned: Session) -> None:
    """FORCE ROW LEVEL SECURITY hides them from the owner, too."""
    with pytest.raises((RepotError, psycopg.errors.InsufficientPrivilege)) as failed:
        copied_behind_a_policy(owned)
    assert "row-level security policy" in str(failed.value)


def test_trap_14_bites_when_row_security_is_on(
    owned: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connecting._SETTINGS, "row_security", "on")
    assert copied_behind_a_policy(owned) == 3
    with pytest.raises(Refused) as refused:  # but that the policy is new does not go unnoticed
        verify(owned)
    assert refused.value.code == "schema-changed"
    monkeypatch.setattr(module("repot.engine.drift.check"), "changes", lambda *_: [])
    assert verify(owned).passed  # it sees no more than the copy did


# ---------------------------------------------------------------- 15


ROWS, STAGE = module("repot.stages.verify.rows"), module("repot.stages.verify.stage")


def a_comparison_of_nothing(session: Session, patch: pytest.MonkeyPatch) -> bool:
    """Whether a verifier passes that, by some mistake, was given no rows to compare."""
    run(session.dsn, "update v2.thing set name = 'wrong'")
    patch.setattr(ROWS, "compare", lambda *_, **__: Counts())
    return proven(session)


def test_trap_15_a_proof_that_compared_nothing_fails(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = scenes.copied()
    assert not a_comparison_of_nothing(session, monkeypatch)
    (answer,) = rows(session.dsn, "select answer from repot.evidence where kind = 'proof'")[0]
    assert answer["rows_compared"] == 0
    assert "no row was compared" in answer["reasons"][0]


def test_a_proof_of_rows_that_all_waited_has_compared_them_later(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small V1 whose every row is being written at that moment."""
    session = scenes.copied()
    catch_up, looks = STAGE._catch_up, iter([False])

    def late(*given: Any) -> None:
        if next(looks, True):
            catch_up(*given)

    run(session.dsn, "update thing set name = name || '!'; update cat set name = name || '!'")
    monkeypatch.setattr(STAGE, "_catch_up", late)
    verdict = verify(session)
    assert (verdict.passed, verdict.rows_compared) == (True, 0), verdict
    assert verdict.proven_later > 0


def test_trap_15_bites_when_nobody_counts(scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = STAGE.reasons

    def only_differences(*args: Any) -> tuple[str, ...]:
        return tuple(r for r in reasons(*args) if "no row was compared" not in r)

    monkeypatch.setattr(STAGE, "reasons", only_differences)
    assert a_comparison_of_nothing(scenes.copied(), monkeypatch)


# ---------------------------------------------------------------- 16


def the_older_snapshot_is_slow(session: Session, patch: pytest.MonkeyPatch) -> None:
    """One applier has derived a row and not written it yet when V1's row is changed again and
    another applier comes."""
    others: list[tuple[Any, list[object]]] = []
    put = batch.write

    def one_more() -> object:
        with session.connect() as conn:
            return step(conn, session.run.id, session.plan)

    def slow(conn: Any, works: Any) -> dict[str, int]:
        if not others:
            run(session.dsn, "update thing set name = 'newer' where id = 1")
            others.append(in_thread(one_more))
            until(lambda: others[0][1] or somebody_waits(session.dsn))
        return put(conn, works)

    patch.setattr(batch, "write", slow)
    run(session.dsn, "update thing set name = 'older' where id = 1")
    one_more()
    thread, outcome = others[0]
    thread.join(20)
    assert not isinstance(outcome[0], Exception), outcome


def test_trap_16_a_key_belongs_to_one_applier_at_a_time(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = scenes.copied()
    the_older_snapshot_is_slow(session, monkeypatch)
    assert stale(session) == []
    assert rows(session.dsn, "select name from v2.thing where id = 1") == [("newer",)]


def test_trap_16_bites_without_its_protection(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a lock nor a snapshot that the server would hold against the later one, and appliers
    that skip what another one has just taken, as queues are often read."""
    drain = module("repot.engine.apply.drain")
    monkeypatch.setattr(batch, "hold_lane", lambda *_: None)
    monkeypatch.setattr(drain, "lane", lambda *_, **__: nullcontext())
    monkeypatch.setattr(drain, "one_snapshot", lambda *_: nullcontext())
    taken = re.compile(r"(select ctid from \S+ where .* limit \d+)\)")
    rewriting(monkeypatch, lambda text: taken.sub(r"\1 for update skip locked)", text))
    session = scenes.copied()
    the_older_snapshot_is_slow(session, monkeypatch)
    assert waiting(session) == 0
    assert rows(session.dsn, "select name from v2.thing where id = 1") == [("older",)]


# ---------------------------------------------------------------- 17


# Without the foreign key one of the two would wait for the other.
LOOSE = V1.replace(" references cat", "")
LOOSE_FILES = FILES | {"target.sql": FILES["target.sql"].replace(" references cat", "")}


def two_that_do_not_see_each_other(session: Session) -> None:
    """One renames a category, the other moves a thing into it."""
    with connect(session.dsn) as first, connect(session.dsn) as second:
        first.execute("begin; update cat set name = 'renamed' where id = 2")
        second.execute("begin; update thing set cat_id = 2 where id = 2")
        second.execute("commit")
        applied(session)
        first.execute("commit")
    applied(session)


def test_trap_17_what_a_change_touches_is_worked_out_when_it_is_applied(scenes: Scenes) -> None:
    session = scenes.copied(LOOSE, LOOSE_FILES)
    two_that_do_not_see_each_other(session)
    assert stale(session) == []


LOCATED_AT_ONCE = """
create function located() returns trigger language plpgsql as $$ begin
  insert into repot.todo_{todo} (s1) select id from thing where cat_id = new.id; return new;
end $$;
create trigger located after update on cat for each row execute function located();
"""


def own_keys(uses: Iterable[Use]) -> list[Use]:
    """But those by which rows of other tables are found."""
    return [u for u in uses if u.link is None or u.link.locate_view is None]


def test_trap_17_bites_when_it_is_worked_out_when_it_is_captured(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = scenes.copied(LOOSE, LOOSE_FILES)
    ((todo,),) = rows(session.dsn, "select id from repot.work where name = 'thing'")
    run(session.dsn, LOCATED_AT_ONCE.format(todo=todo))
    note = batch.note_todo

    def note_own(conn: Any, found: Any, into: Any, taken: Any) -> Any:
        mine = [d.model_copy(update={"uses": tuple(own_keys(d.uses))}) for d in found]
        return note(conn, mine, into, taken)

    monkeypatch.setattr(batch, "note_todo", note_own)
    two_that_do_not_see_each_other(session)
    assert (
        stale(session)
        == [
            "-thing(2, 'thing 2', 2, 2, 'renamed')",
            "+thing(2, 'thing 2', 2, 2, 'cat 2')",
        ]
        or len(stale(session)) == 2
    )


def a_proof_meanwhile(session: Session, patch: pytest.MonkeyPatch) -> tuple[bool, int]:
    """V1 is written after all was applied and before the proof's snapshot is taken. Whether the
    proof passes, and how many scopes it set aside."""
    raise_epoch = STAGE.raise_epoch

    def meanwhile(*args: Any) -> int:
        run(session.dsn, "update cat set name = 'renamed' where id = 2")
        return int(raise_epoch(*args))

    patch.setattr(STAGE, "raise_epoch", meanwhile)
    verdict = verify(session)
    return verdict.passed, verdict.set_aside


def test_trap_17_what_waits_is_located_in_the_proofs_snapshot(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The category itself, and the three things that show its name."""
    assert a_proof_meanwhile(scenes.copied(), monkeypatch) == (True, 4)


def test_trap_17_bites_when_only_the_changed_keys_are_set_aside(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes = aside.scopes
    monkeypatch.setattr(
        aside, "scopes", lambda conn, uses, *args, **o: scopes(conn, own_keys(uses), *args, **o)
    )
    assert a_proof_meanwhile(scenes.copied(), monkeypatch) == (False, 1)
