"""One run of one task, and the line it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from repot.model.errors import Refused, UsageError
from repot.model.upkeep import Due, Entry, State
from repot.upkeep import once, service
from repot.upkeep.history import history
from repot.upkeep.run import run_task
from support.upkeeping import Simulated, upkeep_of

NOON = datetime(2026, 6, 10, 10, 0, tzinfo=UTC)  # 12:00 in Paris
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def ask(dsn: str, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute(query, values or None).fetchall()


def run_at(dsn: str, folder: Path, at: datetime) -> dict[str, Entry]:
    ran = once.run_due(dsn, upkeep_of(folder), clock=Simulated(at))
    return {entry.task: entry for entry in ran}


def test_what_is_due_runs_once_and_a_failed_task_stops_no_other(
    marked: str, keep: Callable[..., Path]
) -> None:
    folder = keep(
        '[task.bad]\nschedule = "daily at 00:00"\nsql = "upkeep/bad.sql"\n'
        '[task.mark]\nschedule = "daily at 00:05"\nsql = "upkeep/mark.sql"\n'
        '[task.off]\nschedule = "daily at 00:05"\nsql = "upkeep/bad.sql"\nenabled = false\n'
        '[task.shell]\nschedule = "daily at 00:10"\ncommand = ["sh", "-c", "echo $0 done; exit 3", "it"]\n',
        {
            "bad": "insert into mark (task) values ('bad'); select 1 / 0;",
            "mark": "create temporary table w on commit drop as select 'mark' as t;"
            " insert into mark (task) select t from w;"
            " select repot_upkeep.note('{\"seen\": 3}', 'three seen')",
        },
    )
    assert run_at(marked, folder, NOON) == {}  # due from the first call on
    ran = run_at(marked, folder, NOON + DAY)
    assert {name: entry.state.value for name, entry in ran.items()} == {
        "bad": "failed", "mark": "done", "shell": "failed"
    }  # fmt: skip
    assert "division by zero" in str(ran["bad"].error)
    assert (ran["mark"].figures, ran["mark"].summary) == ({"seen": 3}, "three seen")
    assert ran["mark"].due == datetime(2026, 6, 10, 22, 5, tzinfo=UTC)
    assert ran["shell"].figures == {"exit_code": 3, "output": "it done\n"}
    assert ask(marked, "select task from mark") == [("mark",)]  # the other's work was taken back
    assert run_at(marked, folder, NOON + DAY) == {}
    fared = history(marked, upkeep_of(folder), clock=Simulated(NOON + DAY))
    assert [f.code for f in fared.findings] == ["upkeep-failed", "upkeep-failed"]


def test_the_task_runs_in_its_schema_and_its_day(database: str, keep: Callable[..., Path]) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute('create schema "Ünd so"')
        conn.execute('create table "Ünd so"."Order" (day date, zone text)')
    folder = keep(
        '[task."wöchentlich.1"]\nschedule = "weekly on wednesday at 12:00"\nsql = "upkeep/a.sql"\n',
        {"a": """insert into "Order" values (current_date, current_setting('TimeZone'))"""},
        top='project = "p:x"\ntime_zone = "Pacific/Auckland"\nschema = "Ünd so"\n',
    )
    entry = once.run_one(database, upkeep_of(folder), "wöchentlich.1")
    assert entry.ok, entry.error
    assert ask(database, 'select zone from "Ünd so"."Order"') == [("Pacific/Auckland",)]


def test_missed_runs_are_caught_up_once(marked: str, keep: Callable[..., Path]) -> None:
    folder = keep(
        '[task.daily]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n'
        '[task.never]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\ncatch_up = "no"\n',
        {"a": "insert into mark (task) values ('a')"},
    )
    run_at(marked, folder, NOON)
    ran = run_at(marked, folder, NOON + 10 * DAY)
    assert list(ran) == ["daily"]
    assert (ran["daily"].missed, ran["daily"].due) == (9, NOON.replace(hour=22) + 9 * DAY)
    assert run_at(marked, folder, NOON + 10 * DAY) == {}
    in_time = NOON.replace(hour=22) + 10 * DAY + timedelta(minutes=10)
    assert sorted(run_at(marked, folder, in_time)) == ["daily", "never"]
    fared = history(marked, upkeep_of(folder), clock=Simulated(in_time))
    assert not fared.findings
    later = history(marked, upkeep_of(folder), clock=Simulated(in_time + DAY + HOUR))
    assert [f.code for f in later.findings] == ["upkeep-overdue", "upkeep-overdue"]


def test_another_schedule_has_no_past(marked: str, keep: Callable[..., Path]) -> None:
    sql = {"a": "insert into mark (task) values ('a')"}
    folder = keep('[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n', sql)
    run_at(marked, folder, NOON)
    folder = keep('[task.a]\nschedule = "daily at 11:00"\nsql = "upkeep/a.sql"\n', sql)
    assert run_at(marked, folder, NOON + DAY) == {}
    assert list(run_at(marked, folder, NOON + 2 * DAY)) == ["a"]


def test_a_task_that_is_no_longer_declared_keeps_its_history(
    marked: str, keep: Callable[..., Path]
) -> None:
    sql = {"a": "select 1"}
    both = '[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n'
    once.run_one(marked, upkeep_of(keep(both, sql)), "a")
    run_at(marked, keep(both.replace("task.a", "task.b"), sql), NOON)
    assert ask(marked, "select name from repot_upkeep.task") == [("b",)]
    assert ask(marked, "select task, state from repot_upkeep.history") == [("a", "done")]


def test_by_name_it_runs_now_for_the_due_time_if_there_is_one(
    marked: str, keep: Callable[..., Path]
) -> None:
    folder = keep(
        '[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n',
        {"a": "insert into mark (task) values ('a')"},
    )
    upkeep = upkeep_of(folder)
    first = once.run_one(marked, upkeep, "a", clock=Simulated(NOON))
    assert (first.asked, first.due) == (True, NOON)
    second = once.run_one(marked, upkeep, "a", clock=Simulated(NOON + DAY))
    assert (second.asked, second.due) == (False, NOON.replace(hour=22))
    assert run_at(marked, folder, NOON + DAY) == {}
    with pytest.raises(UsageError, match="no task named b"):
        once.run_one(marked, upkeep, "b")


def test_what_fails_at_the_end_of_the_transaction_is_a_failed_run(
    marked: str, keep: Callable[..., Path]
) -> None:
    with psycopg.connect(marked, autocommit=True) as conn:
        conn.execute("create table p (id int primary key)")
        conn.execute("create table c (id int references p deferrable initially deferred)")
    folder = keep(
        '[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n'
        '[task.b]\nschedule = "daily at 00:00"\nsql = "upkeep/b.sql"\n',
        {"a": "insert into c values (1)", "b": "insert into mark (task) values ('b'); commit;"},
    )
    entry = once.run_one(marked, upkeep_of(folder), "a")
    assert entry.state is State.FAILED
    assert "foreign key" in str(entry.error)
    assert once.run_one(marked, upkeep_of(folder), "b").state is State.FAILED
    assert ask(marked, "select count(*) from mark") == [(0,)]


@pytest.mark.parametrize("what", ['sql = "upkeep/a.sql"', 'command = ["sleep", "60"]'])
def test_a_task_that_takes_too_long_is_ended(
    marked: str, keep: Callable[..., Path], what: str
) -> None:
    folder = keep(
        f'[task.a]\nschedule = "daily at 00:00"\n{what}\ntimeout = "0.3s"\n',
        {"a": "insert into mark (task) values ('a'); select pg_sleep(60)"},
    )
    begun = time.monotonic()
    entry = once.run_one(marked, upkeep_of(folder), "a")
    assert time.monotonic() - begun < 20
    assert entry.state is State.FAILED
    assert "timeout" in f"{entry.error}{entry.summary}"
    assert ask(marked, "select count(*) from mark") == [(0,)]


def test_two_at_once_run_a_due_time_once(marked: str, keep: Callable[..., Path]) -> None:
    folder = keep(
        '[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n'
        '[task.sh]\nschedule = "daily at 00:00"\ncommand = ["sleep", "0.2"]\n',
        {"a": "insert into mark (task) values ('a'); select pg_sleep(0.2)"},
    )
    run_at(marked, folder, NOON)
    upkeep, got = upkeep_of(folder), list[Entry | None]()
    due = [Due(task=name, at=NOON.replace(hour=22)) for name in ("a", "sh")]

    def one(due: Due) -> None:
        got.append(run_task(marked, upkeep, due))

    threads = [Thread(target=one, args=(each,)) for each in due for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert sorted(entry.task for entry in got if entry) == ["a", "sh"]
    assert ask(marked, "select count(*) from mark") == [(1,)]
    assert run_task(marked, upkeep, due[0]) is None
    before = Due(task="a", at=due[0].at - DAY)  # one that looked earlier, and comes late
    assert run_task(marked, upkeep, before) is None


def test_a_busy_task_is_not_run_beside_itself(marked: str, keep: Callable[..., Path]) -> None:
    folder = keep('[task.a]\nschedule = "daily at 00:00"\ncommand = ["true"]\n')
    upkeep = upkeep_of(folder)
    once.run_one(marked, upkeep, "a")
    with psycopg.connect(marked, autocommit=True) as other:
        other.execute("select pg_advisory_lock(repot_upkeep.lock_key('a'))")
        with pytest.raises(Refused, match="another runner"):
            once.run_one(marked, upkeep, "a")


def test_the_role_that_installed_upkeep_is_the_role_that_tasks_run_as(
    marked: str, keep: Callable[..., Path]
) -> None:
    with psycopg.connect(marked, autocommit=True) as conn:
        conn.execute('drop role if exists "Keeper\'s ""role"')
        conn.execute('create role "Keeper\'s ""role" login')
        conn.execute("create role upkeep_stranger login")
        name = conn.info.dbname
        conn.execute("create table who (is_ text)")
        conn.execute('grant all on who to "Keeper\'s ""role"')
    folder = keep(
        '[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n',
        {"a": "insert into who values (current_user)"},
    )
    keeper = psycopg.conninfo.make_conninfo(marked, user="Keeper's \"role")
    try:
        with pytest.raises(Refused) as refused:
            once.run_one(keeper, upkeep_of(folder), "a")
        assert refused.value.code == "upkeep-no-rights"
        with psycopg.connect(marked, autocommit=True) as conn:
            conn.execute(f'grant create on database "{name}" to "Keeper\'s ""role"')
        assert once.run_one(keeper, upkeep_of(folder), "a").ok
        assert once.run_one(marked, upkeep_of(folder), "a").ok  # by a superuser
        assert ask(marked, "select distinct is_ from who") == [("Keeper's \"role",)]
        stranger = psycopg.conninfo.make_conninfo(marked, user="upkeep_stranger")
        with pytest.raises(Refused) as refused:
            once.run_one(stranger, upkeep_of(folder), "a")
        assert refused.value.code == "upkeep-other-role"
    finally:
        with psycopg.connect(marked, autocommit=True) as conn:
            conn.execute('drop owned by "Keeper\'s ""role" cascade')
            conn.execute('drop role "Keeper\'s ""role"')
            conn.execute("drop role upkeep_stranger")


def test_a_name_of_another_project_is_not_taken_over(
    marked: str, keep: Callable[..., Path]
) -> None:
    task, sql = '[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n', {"a": "select 1"}
    service.run(keep(task, sql), marked, "a")
    other = keep(task, sql, top='project = "other"\ntime_zone = "UTC"\n')
    with pytest.raises(Refused) as refused:
        service.run(other, marked)
    assert refused.value.code == "upkeep-task-taken"


def test_a_password_is_not_in_the_history(marked: str, keep: Callable[..., Path]) -> None:
    folder = keep(
        '[task.a]\nschedule = "daily at 00:00"\ncommand = ["sh", "-c", "echo $DATABASE_URL"]\n'
    )
    dsn = psycopg.conninfo.make_conninfo(marked, password="Open5esame")
    entry = once.run_one(dsn, upkeep_of(folder), "a")
    assert "password=***" in str(entry.figures["output"])
    assert "Open5esame" not in entry.model_dump_json()


def test_what_pg_cron_runs_is_ended_after_its_timeout(
    marked: str, keep: Callable[..., Path]
) -> None:
    """Its sessions have no statement_timeout: a job of its own comes every minute."""
    folder = keep(
        '[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\ntimeout = "0.2s"\n',
        {"a": "insert into mark (task) values ('a'); select pg_sleep(60)"},
    )
    run_at(marked, folder, NOON)

    def job() -> None:
        with psycopg.connect(marked, autocommit=True) as conn:
            conn.execute("call repot_upkeep.run('a', %s)", (NOON,))

    thread = Thread(target=job)
    thread.start()
    until = time.monotonic() + 30
    while ask(marked, "select repot_upkeep.end_overtime('kept')") == [(0,)]:
        assert time.monotonic() < until
        time.sleep(0.05)
    thread.join()
    ((state, error),) = ask(marked, "select state, error from repot_upkeep.history")
    assert state == "failed"
    assert "SQLSTATE 57014" in str(error)
    assert ask(marked, "select repot_upkeep.end_overtime('kept')") == [(0,)]
