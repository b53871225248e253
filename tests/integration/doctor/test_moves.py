"""Moves that do not get on are told, and a move that does is no trouble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repot import service
from repot.model.results import Verdict
from support.doctoring import CALM, found
from support.pipeline import started
from support.project import repot, write
from support.sql import connect, rows, run

V1 = """
create schema auth;
create table auth.users (id int primary key);
create table people (id int primary key, name text);
insert into people select g, 'n' || g from generate_series(1, 20) g;
"""
PROJECT = {
    "repot.toml": """
name = "doctored"
[source]
schema = "public"
outside = ["auth"]
[target]
schema = "v2"
retired = "v1_old"
[cutover]
grace_days = 0
""",
    "target.sql": """
create table members (id int primary key, name text not null);
create function tidy() returns trigger language plpgsql set search_path = '' as
  $$ begin new.name = trim(new.name); return new; end $$;
create trigger tidy before insert on members for each row execute function tidy();
""",
    "moves/members.sql": "select id, name from people",
    "doctor.toml": CALM
    + """
[[trouble]]
code = "nameless"
title = "members without a name"
evidence = "select id from members where name = ''"
remedy = "ask them"
""",
}
WAIT = {"doctor-not-in-place"}


@pytest.fixture
def folder(database: str, tmp_path: Path) -> Path:
    """A project on a database with its V1."""
    run(database, V1)
    return write(tmp_path / "doctored", PROJECT)


def examine(folder: Path, dsn: str, toml: str = "") -> tuple[int, dict[str, Any]]:
    """The exit code, and what was found by its code."""
    (folder / "doctor.toml").write_text(toml or PROJECT["doctor.toml"])
    code, document = repot("doctor", "--project", folder, dsn=dsn)
    return code, found(document)


def test_before_the_cutover(folder: Path, database: str) -> None:
    assert set(examine(folder, database)[1]) == WAIT  # no run yet
    run_id = started(database, folder).run.id
    assert set(examine(folder, database)[1]) == WAIT  # V2's trigger sleeps, as it must

    run(database, "update people set name = 'new' where id < 4")
    code, troubles = examine(folder, database)
    assert "3 changes wait to be carried from V1 to V2" in troubles["follower-missing"]["message"]
    assert troubles["follower-missing"]["next"] == "repot follow"
    assert code == 1

    poison = "insert into repot.poison (run, direction, name, scope, error) values ({}, 'forward', 'members', '{{3}}', 'no')"
    run(database, poison.format(run_id))
    assert examine(folder, database)[1]["changes-set-aside"]["count"] == 1
    run(database, "delete from repot.poison")

    run(database, "update repot.run set phase = 'copying'")
    assert examine(folder, database)[1]["copy-unfinished"]["next"] == "repot copy"
    run(database, "update repot.run set phase = 'copied'")

    with connect(database) as conn, conn.transaction():
        conn.execute("update people set name = 'held' where id = 9")
        code, troubles = examine(folder, database, CALM.replace("idle_s = 3600", "idle_s = 0"))
    assert "RowExclusiveLock on public.people" in troubles["cutover-blocked"]["message"]
    assert code == 1

    (folder / "moves/members.sql").write_text("select id, upper(name) as name from people")
    assert examine(folder, database)[1]["project-files-changed"]["next"] == "repot copy --restart"


def test_a_follower_at_work_that_cannot_go_on(folder: Path, database: str) -> None:
    started(database, folder)
    working = "select 1 from pg_locks where locktype = 'advisory' and granted"
    waiting = "select 1 from pg_locks where not granted and relation = 'v2.members'::regclass"
    late = PROJECT["doctor.toml"].replace("[limits]", "[limits]\nlag_s = 0")
    runner = service.open_project(folder, database)
    with service.following(runner):
        while not rows(database, working):
            pass
        assert set(examine(folder, database)[1]) == WAIT
        with connect(database) as conn, conn.transaction():
            conn.execute("lock table v2.members in access exclusive mode")
            run(database, "update people set name = 'new' where id < 4")
            while not rows(database, waiting):
                pass
            troubles = examine(folder, database, late)[1]
    assert "although a follower is at work" in troubles["follower-behind"]["message"]
    assert "follower-missing" not in troubles


def test_a_proof_that_failed_and_a_grace_that_is_over(
    folder: Path, database: str, tmp_path: Path
) -> None:
    runner = service.open_project(folder, database)
    verdict: Verdict | None = service.run_to_proof(runner, tmp_path / "backups").verdict
    assert verdict is not None
    assert verdict.passed
    assert set(examine(folder, database)[1]) == WAIT

    run(database, "update v2.members set name = 'spoiled' where id = 1")
    runner.verify()
    code, troubles = examine(folder, database)
    assert troubles["proof-failed"]["next"] == "repot verify"
    assert code == 1
    run(database, "update v2.members set name = 'n1' where id = 1")

    runner.verify()
    runner.cutover()
    code, troubles = examine(folder, database)
    assert set(troubles) == {"grace-over"}
    assert (code, troubles["grace-over"]["next"]) == (0, "repot cleanup")
    run(database, "insert into members values (99, '')")
    assert set(examine(folder, database)[1]) == {"grace-over", "follower-missing", "nameless"}


def test_capture_does_not_hide_that_nothing_is_attached(database: str, tmp_path: Path) -> None:
    files = PROJECT | {
        "moves/members.sql": "select p.id, p.name from people p join auth.users u on u.id = p.id"
    }
    run(
        database,
        V1 + "insert into auth.users select id from people; create function handle_new_user() "
        "returns trigger language plpgsql as 'begin return new; end'",
    )
    folder = write(tmp_path / "doctored", files)
    expected = {"sign-up-not-attached", *WAIT}
    assert set(examine(folder, database)[1]) == expected
    started(database, folder)
    assert rows(
        database, "select count(*) > 0 from pg_trigger where tgrelid = 'auth.users'::regclass"
    ) == [(True,)]
    assert set(examine(folder, database)[1]) == expected


def test_changes_that_are_lost_and_rows_without_a_way_back(folder: Path, database: str) -> None:
    settings = PROJECT["repot.toml"] + '[capture]\nwal = ["people"]\n'
    (folder / "repot.toml").write_text(settings)
    run_id = started(database, folder).run.id
    assert set(examine(folder, database)[1]) == WAIT
    run(
        database,
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database(); "
        "insert into repot.uncarried (run, name, key, kind, foreseen) "
        f"values ({run_id}, 'members', '{{\"id\": 1}}', 'extra', false)",
    )
    code, troubles = examine(folder, database)
    assert troubles["changes-lost"]["next"] == "repot copy --restart"
    assert troubles["rollback-loses"]["count"] == 1
    assert code == 1
