"""A switch looks at both sides while nobody is held up, and takes what it has seen for true only if
the catalogs are the same when they are held still; it stops nobody while somebody else would make
them wait. Without its checks, each of them bites."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

from repot.engine.session import Session
from repot.engine.swap.switch import Switch
from repot.model.errors import RepotError
from repot.model.results import Verdict
from repot.stages.cutover import cutover
from repot.stages.rollback import rollback
from support.sql import connect, rows, run
from support.swapping import whole_backup
from traps.scene import Scenes, cutting, in_thread, module, stale, until

SWITCH = module("repot.engine.swap.switch")
OPENING = module("repot.engine.swap.opening")
VIEW = "create schema api; create view api.things as select id, name from public.thing"


def before_it_holds(
    session: Session, patch: pytest.MonkeyPatch, statements: str, times: int = 1
) -> list[float]:
    """The statements run when both sides have been looked at, on a session that waits for no lock
    longer than 200 ms; gives how long they took, in seconds."""
    hold, took = Switch.hold_still, list[float]()

    def meanwhile(switch: Switch) -> None:
        if len(took) < times:
            began = time.monotonic()
            run(session.dsn, f"set lock_timeout = '200ms'; {statements}")
            took.append(time.monotonic() - began)
        hold(switch)

    patch.setattr(Switch, "hold_still", meanwhile)
    return took


def attempts_of(session: Session, verdict: Verdict) -> int:
    return cutover(session, verdict, whole_backup())[1].attempts


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_what_was_made_meanwhile_is_led_over_too(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """And from the third time on the catalogs are held still before: there is an end to it."""
    session, verdict = scenes.proven()
    made = "create schema if not exists api; create or replace view api.v{} as select id from public.thing"
    statements = "; ".join(made.format(n) for n in range(2))
    before_it_holds(session, monkeypatch, statements, min(kept, 2))
    assert attempts_of(session, verdict) == min(kept, 2) + 1
    run(session.dsn, "insert into public.thing (id, name) values (77, 'new')")
    assert rows(session.dsn, "select count(*) from api.v0 where id = 77") == [(1,)]


def test_it_bites_where_the_catalogs_are_not_asked_again(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    for where in (SWITCH, OPENING):
        monkeypatch.setattr(where, "stamp", lambda _: "as ever")
    before_it_holds(session, monkeypatch, VIEW)
    with pytest.raises(RepotError) as refused:  # Repot looks once more before it commits
        attempts_of(session, verdict)
    assert refused.value.code == "outside-still-on-v1"


def test_a_table_dropped_meanwhile_is_no_error_of_the_switch(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    run(session.dsn, VIEW)
    before_it_holds(session, monkeypatch, "drop schema api cascade")
    assert attempts_of(session, verdict) == 2


CHANGES = {
    "a table": "create table public.more (id integer)",
    "a column dropped": "alter table public.cat drop column name cascade",
    "a view": "create view other.v as select 1 as n",
    "a view replaced": "create or replace view other.old as select 2 as n",
    "a routine": "create function other.f() returns integer language sql as 'select 1'",
    "a routine replaced": "create or replace function other.g() returns integer language sql"
    " as 'select 2'",
    "a trigger": "create trigger t before update on other.t for each row"
    " execute function pg_catalog.suppress_redundant_updates_trigger()",
    "a trigger disabled": "alter table other.t disable trigger was",
    "a policy": "create policy p on other.t",
    "a default": "alter table other.t alter n set default 3",
    "a foreign key": "alter table other.t add foreign key (n) references other.p",
    "a check": "alter table other.t add check (n > 0)",
    "a type": "create type other.kind as enum ('a')",
    "a label": "alter type other.mood add value 'c'",
    "a composite type": "create type other.pair as (a integer, b integer)",
    "a domain": "create domain other.d as integer",
    "an operator": "create operator other.=== (leftarg = integer, rightarg = integer,"
    " function = int4eq)",
    "a sequence": "create sequence other.s",
    "a sequence owned": "alter sequence other.free owned by other.t.n",
    "a partition": "create table other.part partition of other.parts for values in (2)",
    "a schema": "create schema one_more",
    "a publication": "create publication pub for table other.t",
    "a publication's table": "alter publication was add table other.t",
    "replica identity": "alter table other.t replica identity full",
    "dropped": "drop table other.p",
    "dropped and made": "drop view other.old; create view other.old as select 1 as n",
}
OTHER = """
create schema other;
create table other.p (id integer primary key);
create table other.t (n integer);
create table other.parts (n integer) partition by list (n);
create view other.old as select 1 as n;
create type other.mood as enum ('a', 'b');
create sequence other.free;
create publication was for table other.p;
create function other.g() returns integer language sql as 'select 1';
create trigger was before update on other.t for each row
  execute function pg_catalog.suppress_redundant_updates_trigger();
"""
QUIET = {
    "rows": "insert into public.cat select n, 'more ' || n from generate_series(10, 99) n",
    "a sequence that moves": "select nextval('public.thing_id_seq')",
    "statistics": "analyze public.cat, public.thing",
    "a temporary table": "create temporary table mine (id serial primary key, n integer default 1,"
    " t text check (t <> ''), foreign key (n) references mine)",
}


def stamps(session: Session, statements: str) -> tuple[str, str]:
    """Before and after them, in one transaction of another session."""
    with session.connect() as conn, connect(session.dsn) as other, conn.transaction():
        conn.execute("select pg_current_xact_id()")
        before = OPENING.stamp(conn)
        for statement in statements.split("; "):
            other.execute(statement.encode())
        return before, OPENING.stamp(conn)


@pytest.mark.parametrize("what", CHANGES)
def test_the_stamp_tells_what_a_switch_would_read_otherwise(scenes: Scenes, what: str) -> None:
    session, _ = scenes.proven()
    run(session.dsn, OTHER)
    before, after = stamps(session, CHANGES[what])
    assert before != after


@pytest.mark.parametrize("what", [q for q in QUIET if q != "a temporary table"])
def test_the_stamp_minds_no_data(scenes: Scenes, what: str) -> None:
    session, _ = scenes.proven()
    before, after = stamps(session, QUIET[what])
    assert before == after


def test_the_stamp_minds_no_plain_temporary_table(scenes: Scenes) -> None:
    session, _ = scenes.proven()
    before, after = stamps(
        session,
        "create temporary table mine (id integer generated always as identity primary key, n integer"
        " default 1); drop table mine; create temporary table mine as select 1 as n",
    )
    assert before == after


def test_a_column_dropped_meanwhile_is_noticed_all_the_same(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    before_it_holds(session, monkeypatch, CHANGES["a column dropped"])
    with pytest.raises(RepotError) as refused:
        attempts_of(session, verdict)
    assert refused.value.code == "schema-changed"
    assert rows(session.dsn, "select phase from repot.run") == [("copied",)]


def test_while_it_looks_nobody_waits(scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server locks a table whose view or default it prints, and a TRUNCATE waits for that."""
    session, verdict = scenes.proven()
    run(session.dsn, VIEW + "; alter table public.thing alter qty set default 1 + 1")
    took = before_it_holds(session, monkeypatch, "truncate public.thing")
    assert attempts_of(session, verdict) == 2  # the table is another one, in the catalogs
    assert len(took) == 1
    assert stale(session) == []
    assert rows(session.dsn, "select from public.thing") == []


def test_it_bites_where_what_was_looked_at_stays_locked(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    run(session.dsn, VIEW)
    execute = psycopg.Connection.execute

    def unless_undone(conn: Any, query: Any, *given: Any, **options: Any) -> Any:
        if isinstance(query, str) and query.startswith("rollback to savepoint repot_looking"):
            query = "release savepoint repot_looking"
        return execute(conn, query, *given, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", unless_undone)
    before_it_holds(session, monkeypatch, "truncate public.thing")
    with pytest.raises(RepotError) as refused:  # TRUNCATE cannot have its lock, at each try
        attempts_of(cutting(session, retries=2), verdict)
    assert refused.value.code == "lock-timeout"


def test_the_way_back_looks_in_the_same_way(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = scenes.cut_over()
    before_it_holds(session, monkeypatch, VIEW)
    _, result = rollback(session)
    assert result.attempts == 2
    # What was made since the cutover stays with V2.
    assert rows(session.dsn, "select count(*) from api.things") == [(9,)]


def test_nobody_is_stopped_while_a_long_query_would_keep_them_waiting(scenes: Scenes) -> None:
    attempts, longest = behind_a_report(*scenes.proven())
    assert attempts == 1
    assert longest < 0.3  # the report took more than half a second


def test_it_bites_where_nobody_looks_for_long_queries(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Switch, "in_the_way", lambda *_: False)
    attempts, _ = behind_a_report(*scenes.proven())
    assert attempts > 1


def behind_a_report(session: Session, verdict: Verdict) -> tuple[int, float]:
    """Somebody reads V1 for some time when the switch is ready: attempts, and the longest wait of a
    writer in seconds."""
    session = cutting(session, lock_timeout_ms=400, retries=20)
    looked, waits = list[bool](), list[float]()
    looking = module("repot.stages.cutover.stage").carry_over
    with connect(session.dsn) as report, connect(session.dsn) as writer:

        def carried(*given: Any) -> None:
            if not looked:
                report.execute("begin; select from public.thing")
                time.sleep(0.05)
                looked.append(True)
            looking(*given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module("repot.stages.cutover.stage"), "carry_over", carried)
            switching, outcome = in_thread(lambda: attempts_of(session, verdict))
            until(lambda: looked or outcome)
            end = time.monotonic() + 0.7
            while time.monotonic() < end:
                began = time.monotonic()
                writer.execute("update public.cat set name = name where id = 1")
                waits.append(time.monotonic() - began)
                time.sleep(0.01)
            report.execute("commit")
            switching.join(30)
    return outcome[0], max(waits)
