"""V2's foreign keys to tables that stay: none while V1 serves, all of them from the cutover on."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import psycopg
import pytest

from repot.engine.build import build
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.stages.copy import copy
from repot.stages.cutover import cutover
from repot.stages.follow import follow
from repot.stages.rollback import rollback
from support.moving import make_session
from support.sql import connect, rows, run
from support.swapping import now_proven, whole_backup

V1 = """
create schema auth; create table auth.users (id int primary key);
create table auth.places (id int primary key); insert into auth.places values (1);
create table public.person (id int primary key, name text, place int);
create table public.post (id int primary key, author int);
insert into auth.users select generate_series(1, 30);
insert into public.person select i, 'p' || i, 1 from generate_series(1, 20) i;
insert into public.post select i, 1 + i % 20 from generate_series(1, 60) i;
"""
FILES = {
    "target.sql": "create table people (id int primary key references auth.users on delete cascade,"
    " name text, place int references auth.places);"
    " create table posts (id int primary key, author int references auth.users)",
    "moves/people.sql": "select p.id, p.name, p.place from person p",
    "moves/posts.sql": "select p.id, p.author from post p",
}
KEYS = """select c.relname::text, k.confrelid::regclass::text, k.convalidated
  from pg_constraint k join pg_class c on c.oid = k.conrelid
 where k.contype = 'f' and c.relname in ('people', 'posts') and not c.relname like 'repot%'
 order by 1, 2"""
ALL = [("people", "auth.places", True), ("people", "auth.users", True)]
ALL += [("posts", "auth.users", True)]


@pytest.fixture
def copied(database: str, tmp_path: Path) -> Session:
    session = make_session(database, tmp_path, FILES, V1)
    session = session.at(build(session))
    copy(session)
    return now_proven(session)[0]


def switch(session: Session) -> Session:
    session, verdict = now_proven(session)
    assert verdict.passed, verdict.reasons
    return session.at(cutover(session, verdict, whole_backup())[0])


def test_the_application_deletes_in_a_table_that_stays_as_before(copied: Session) -> None:
    """V1 has no key to auth.users; V2's forbids the delete, and must not while V1 serves."""
    assert rows(copied.dsn, KEYS) == []
    run(
        copied.dsn,
        "delete from public.post where author = 5; delete from public.person where id = 5",
    )
    run(copied.dsn, "delete from auth.users where id = 5")  # nothing was applied to V2 yet
    assert rows(copied.dsn, "select count(*) from v2.posts where author = 5") == [(3,)]
    follow(copied, stop=Event(), once=True)
    assert rows(copied.dsn, "select count(*) from v2.posts where author = 5") == [(0,)]


def test_a_delete_there_does_not_wait_for_a_batch(copied: Session) -> None:
    """A batch that has written V2's rows would hold auth.users' rows by its keys."""
    run(copied.dsn, "update public.post set author = 6 where author = 7")
    with connect(copied.dsn) as batch:
        batch.execute("begin; update v2.posts set author = 6 where author = 7")
        run(copied.dsn, "set lock_timeout = '2s'; delete from auth.users where id = 6")
        batch.execute("rollback")


def test_they_come_with_the_cutover_and_go_with_the_rollback(copied: Session) -> None:
    for _ in range(2):
        copied = switch(copied)
        assert rows(copied.dsn, KEYS) == ALL
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            run(copied.dsn, "insert into public.posts values (1000, 99)")
        run(
            copied.dsn,
            "delete from public.posts where author = 8; delete from auth.users where id = 8",
        )
        assert rows(copied.dsn, "select count(*) from public.people where id = 8") == [(0,)]
        copied = copied.at(rollback(copied)[0])
        assert rows(copied.dsn, "select count(*) from public.person where id = 8") == [(0,)]
        assert rows(copied.dsn, KEYS) == []
        run(copied.dsn, "insert into auth.users values (8) on conflict do nothing")


def test_a_row_that_points_to_nobody_fails_the_proof(copied: Session) -> None:
    run(copied.dsn, "delete from auth.users where id = 9")  # V1 does not mind
    _, verdict = now_proven(copied)
    assert not verdict.passed
    assert verdict.differences == 0
    [failing] = [r for r in verdict.reasons if "posts_author_fkey" in r]
    assert "3 failing rows" in failing
    [check] = [c for c in verdict.checks if "posts_author_fkey" in c.file]
    assert check.failing_rows == 3
    assert "(8,9)" in check.examples


def test_one_that_comes_after_the_proof_stops_the_cutover(copied: Session) -> None:
    session, verdict = now_proven(copied)
    assert verdict.passed, verdict.reasons
    run(session.dsn, "delete from auth.users where id = 9")
    with pytest.raises(Refused) as refused:
        cutover(session, verdict, whole_backup())
    assert refused.value.code == "no-such-parent"
    assert "3 rows" in refused.value.evidence
    assert rows(session.dsn, KEYS) == []
    run(session.dsn, "insert into auth.users values (9)")
    cutover(session, verdict, whole_backup())
    assert rows(session.dsn, KEYS) == ALL


def test_whoever_writes_to_v2_before_the_cutover_is_held_to_them(copied: Session) -> None:
    follow(copied, stop=Event(), once=True, both="v1")
    assert rows(copied.dsn, KEYS) == ALL
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        run(copied.dsn, "insert into v2.posts values (1000, 99)")
    follow(copied, stop=Event(), once=True, both="v1")
    session, verdict = now_proven(copied)
    assert verdict.passed, verdict.reasons
    cutover(session, verdict, whole_backup())
    assert rows(copied.dsn, KEYS) == ALL
