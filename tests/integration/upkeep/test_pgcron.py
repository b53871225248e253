"""Real pg_cron: the same history as the daemon's, and each run once where both are at work.

Needs a PostgreSQL with pg_cron on this machine (Debian: postgresql-15-cron).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from repot.embedded import Binaries, EmbeddedServer, list_binaries
from repot.model.errors import Refused
from repot.upkeep import service
from repot.upkeep.daemon import Daemon
from support.upkeeping import folder_with

KEEPER = "keeper"


def with_pg_cron() -> Binaries | None:
    found = [b for b in list_binaries() if (b.folder.parent / "lib" / "pg_cron.so").exists()]
    return found[0] if found else None


@pytest.fixture(scope="module")
def cron_server() -> Iterator[EmbeddedServer]:
    binaries = with_pg_cron()
    if binaries is None:
        pytest.skip("no PostgreSQL with pg_cron here: apt-get install postgresql-15-cron")
    settings = {
        "shared_preload_libraries": "pg_cron",
        "cron.database_name": "home",
        "cron.use_background_workers": True,
        "cron.max_running_jobs": 30,
        "max_worker_processes": 40,
        "jit": True,  # as it is by default: what jobs ask must not be worth compiling
    }
    with EmbeddedServer(binaries=binaries, settings=settings) as server:
        server.psql(f"create role {KEEPER} login")
        yield server


def keeper_of(server: EmbeddedServer, name: str) -> str:
    """A database in which a role without privileges looks after its own tables."""
    dsn = server.create_database(name)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(f'grant create on database "{name}" to {KEEPER}')
        conn.execute(f"grant create on schema public to {KEEPER}")
    own = make_conninfo(dsn, user=KEEPER)
    with psycopg.connect(own, autocommit=True) as conn:
        conn.execute("create table mark (task text, zone text default current_setting('TimeZone'))")
    return own


def tasks_for(due: datetime) -> str:
    """Tasks that are due at `due`, or that a job in UTC could take for due."""
    local = due.astimezone(ZoneInfo("Europe/Paris"))
    return f"""
[task.every]
schedule = "* * * * *"
sql = "upkeep/mark.sql"
[task.bad]
schedule = "* * * * *"
sql = "upkeep/bad.sql"
[task.now]
schedule = "daily at {local:%H:%M}"
sql = "upkeep/mark.sql"
[task.utc]
schedule = "daily at {due:%H:%M}"
sql = "upkeep/mark.sql"
[task.another-day]
schedule = "{local:%M} {local:%H} * * {(local.isoweekday() + 1) % 7}"
sql = "upkeep/mark.sql"
[task.care]
schedule = "weekly on {local:%A} at {local:%H:%M}"
care = "sequences"
settings = {{ schemas = ["public"] }}
[task.program]
schedule = "* * * * *"
command = ["true"]
"""


SQL = {
    "mark": "insert into mark (task) values ('one'); select repot_upkeep.note('{\"n\": 1}', 'one')",
    "bad": "insert into mark (task) values ('bad'); select 1 / 0",
}


def history(dsn: str, due: datetime) -> list[tuple[object, ...]]:
    """What was run for this due time, with all that does not depend on who ran it."""
    with psycopg.connect(dsn) as conn:
        return conn.execute(
            "select task, state, ok, asked, missed, attempt, summary, figures, findings, error"
            " from repot_upkeep.history where due = %s and finished is not null"
            " and task <> 'program' order by task",
            (due,),
        ).fetchall()


def jobs_of(server: EmbeddedServer) -> list[tuple[object, ...]]:
    with psycopg.connect(server.dsn("home")) as conn:
        return conn.execute(
            "select jobname::text, schedule, database, username from cron.job order by jobid"
        ).fetchall()


def next_minute() -> datetime:
    """With so much time before it that pg_cron has read its new jobs."""
    soon = datetime.now(UTC) + timedelta(seconds=10)
    return soon.replace(second=0, microsecond=0) + timedelta(minutes=1)


@pytest.mark.long  # it waits for the clock to come to a full minute
def test_pg_cron_and_the_daemon_leave_the_same_history(
    cron_server: EmbeddedServer, tmp_path: Path
) -> None:
    home = keeper_of(cron_server, "home")
    refused = pytest.raises(Refused)
    folder = folder_with(tmp_path / "home", "")
    with refused as failed:
        service.install(folder, home)
    assert failed.value.code == "no-pg-cron"
    cron_server.psql("create extension pg_cron", "home")
    with pytest.raises(Refused) as failed:
        service.install(folder, home)
    assert failed.value.code == "pg-cron-no-rights"
    cron_server.psql(f"{failed.value.evidence}; grant connect on database home to {KEEPER}", "home")

    elsewhere, alone = keeper_of(cron_server, "else where"), keeper_of(cron_server, "alone")
    due = next_minute()
    tasks = tasks_for(due)
    folder_with(folder, tasks, SQL)
    other = folder_with(
        tmp_path / "other", tasks, SQL, 'project = "other"\ntime_zone = "Europe/Paris"\n'
    )
    dry = service.install(folder, home, dry_run=True)
    assert len(dry.made) == 7  # six tasks, and the job that ends what takes too long
    assert jobs_of(cron_server) == []
    done = service.install(folder, home)
    assert done.made == dry.made
    assert [f.object for f in done.findings] == ["program"]
    with pytest.raises(Refused) as failed:
        service.install(other, elsewhere, home="home")  # needs a right that pg_cron gives to nobody
    assert failed.value.code == "pg-cron-no-rights"
    cron_server.psql(failed.value.evidence, "home")
    with pytest.raises(Refused) as failed:
        service.install(
            folder, elsewhere, home="home"
        )  # pg_cron would change the other database's jobs
    assert failed.value.code == "pg-cron-name-taken"
    service.install(other, elsewhere, home="home")
    again = service.install(other, elsewhere, home="home")
    assert (len(again.made), len(again.kept)) == (0, 7)
    names = [(name, database) for name, _, database, _ in jobs_of(cron_server)]
    assert ("repot:kept:now", "home") in names
    assert ("repot:other:now", "else where") in names

    daemons = [
        Daemon(dsn, path, lambda _: None) for dsn, path in ((alone, folder), (elsewhere, other))
    ]
    threads = [Thread(target=daemon.run) for daemon in daemons]
    for thread in threads:
        thread.start()
    try:
        end = due + timedelta(seconds=40)
        wanted = ["bad", "care", "every", "now"]
        while datetime.now(UTC) < end:
            if datetime.now(UTC) > due and all(
                [row[0] for row in history(dsn, due)] == wanted for dsn in (home, elsewhere, alone)
            ):
                break
            time.sleep(0.2)
    finally:
        for daemon in daemons:
            daemon.stop()
        for thread in threads:
            thread.join()

    by_cron, by_daemon = history(home, due), history(alone, due)
    assert [row[0] for row in by_cron] == wanted
    assert by_cron == by_daemon == history(elsewhere, due)
    assert by_cron[0][1] == "failed"
    with psycopg.connect(home) as conn:
        assert conn.execute("select distinct runner from repot_upkeep.history").fetchall() == [
            ("pg_cron",)
        ]
        late = conn.execute(
            "select max(started - due) from repot_upkeep.history where due = %s", (due,)
        ).fetchone()
        assert conn.execute("select distinct zone from mark").fetchall() == [("Europe/Paris",)]
    assert late is not None
    with psycopg.connect(elsewhere) as conn:  # both were at it, and each due time was run once
        marks, runs = (
            conn.execute(query).fetchone()
            for query in (
                "select count(*) from mark",
                "select count(*) from repot_upkeep.history where state = 'done'"
                " and task in ('every', 'now')",
            )
        )
        assert marks == runs

    changed = folder_with(
        folder, '[task.every]\nschedule = "0 * * * *"\nsql = "upkeep/mark.sql"\n', SQL
    )
    less = service.install(changed, home)
    assert [job.schedule for job in less.made] == ["0 * * * *"]
    assert len(less.removed) == 5
    assert len(service.install(other, elsewhere, home="home", remove=True).removed) == 7
    assert [row[0] for row in jobs_of(cron_server)] == ["repot:kept:every", "repot:kept:(timeouts)"]


def test_without_pg_cron_it_says_what_is_needed(marked: str, keep: Callable[..., Path]) -> None:
    folder = keep(
        '[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n', {"a": "select 1"}
    )
    with pytest.raises(Refused) as refused:
        service.install(folder, marked)
    assert refused.value.code == "no-pg-cron"
    assert "--daemon" in refused.value.hint
    with psycopg.connect(marked) as conn:
        assert conn.execute("select to_regnamespace('repot_upkeep')").fetchone() == (None,)
