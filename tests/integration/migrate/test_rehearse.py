"""What each statement does, as seen on a copy; the database itself stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from repot.cli.main import app
from repot.folder import rehearse as package
from repot.folder.fingerprint import fingerprint
from repot.folder.rehearse import Rehearsal, Step, duplicate, rehearse
from repot.folder.rehearse.duplicate import Copy
from repot.folder.session import open_session
from support.folders import load, rows_of, write

_SHOP = (
    'create table "Brand" (id int primary key, name text);'
    'create table "Order" (id int primary key, "brandId" int references "Brand" on delete cascade,'
    " total int, note text);"
    "insert into \"Brand\" select i, 'b' || i from generate_series(1, 3) i;"
    "insert into \"Order\" select i, 1 + i % 3, i, 'n' from generate_series(1, 30) i;"
)


@pytest.fixture
def copies(
    server: object, make_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copies are made in the tests' own server: a private one for each takes seconds."""

    class Lent:
        def __init__(self, **_: object) -> None: ...

        def __enter__(self) -> Lent:
            return self

        def __exit__(self, *_: object) -> None: ...

        def dsn(self) -> str:
            return server.dsn()  # type: ignore[attr-defined, no-any-return]

        def create_database(self, _: str) -> str:
            return make_database()

    monkeypatch.setattr(duplicate, "EmbeddedServer", Lent)


def _steps(result: Rehearsal) -> list[Step]:
    assert result.failure is None, result.failure
    return [step for run in result.files for step in run.steps]


def _run(dsn: str, folder: Path, files: list[str], *, data: bool = True) -> Rehearsal:
    write(folder, files)
    return rehearse(dsn, folder, data=data)


def test_locks_strongest_first(copies: None, database: str, tmp_path: Path) -> None:
    load(database, _SHOP)
    files = [
        'alter table "Order" add column x int;',
        'create index i on "Order" (total);',
        'alter table "Order" add constraint f foreign key (total) references "Brand" not valid;',
        "select 1;",
    ]
    result = _run(database, tmp_path / "m", files)
    told = [[(lock.mode, lock.relation) for lock in step.locks] for step in _steps(result)]
    assert told == [
        [("ACCESS EXCLUSIVE", 'public."Order"')],
        [("SHARE", 'public."Order"')],
        [("SHARE ROW EXCLUSIVE", 'public."Brand"'), ("SHARE ROW EXCLUSIVE", 'public."Order"')],
        [],
    ]
    first = result.files[0].steps[0].locks[0]
    assert first.waits == "readers and writers wait"
    assert result.files[0].held[0].relation == 'public."Order"'
    assert result.files[1].steps[0].built == ("public.i",)


def test_a_stronger_lock_is_told_again(copies: None, database: str, tmp_path: Path) -> None:
    load(database, _SHOP)
    files = ['create index i on "Order" (total); alter table "Order" add column x int;']
    first, second = _steps(_run(database, tmp_path / "m", files))
    assert [lock.mode for lock in first.locks] == ["SHARE"]
    assert [lock.mode for lock in second.locks] == ["ACCESS EXCLUSIVE"]


def test_locks_on_what_nobody_else_sees_are_none(
    copies: None, database: str, tmp_path: Path
) -> None:
    files = ["create table n (id int primary key); alter table n add column x int;"]
    assert all(not step.locks for step in _steps(_run(database, tmp_path / "m", files)))


def test_rewrites(copies: None, database: str, tmp_path: Path) -> None:
    load(database, _SHOP)
    files = [
        'alter table "Order" alter column total type bigint;',
        'alter table "Order" alter column note type varchar;',
        'alter table "Order" add column c timestamptz default now();',
        'alter table "Order" add column d uuid default gen_random_uuid();',
        'truncate "Order";',
    ]
    told = [step.rewritten for step in _steps(_run(database, tmp_path / "m", files))]
    assert told == [('public."Order"',), (), (), ('public."Order"',), ()]


def test_rows(copies: None, database: str, tmp_path: Path) -> None:
    load(database, _SHOP)
    files = [
        'update "Order" set total = 0 where id <= 10;',
        'delete from "Brand" where id = 2;',
        "insert into \"Brand\" values (9, 'x'), (10, 'y');",
        'alter table "Order" drop column note;',
        'truncate "Order"; drop table "Order";',
    ]
    steps = _steps(_run(database, tmp_path / "m", files))
    wrote = [
        [(w.relation, w.inserted, w.updated, w.deleted, w.lost) for w in step.wrote]
        for step in steps
    ]
    assert wrote == [
        [('public."Order"', 0, 10, 0, 0)],
        [('public."Brand"', 0, 0, 1, 0), ('public."Order"', 0, 0, 10, 0)],
        [('public."Brand"', 2, 0, 0, 0)],
        [('"Order".note', 0, 0, 0, 20)],
        [('"Order"', 0, 0, 0, 20)],
        [],
    ]
    assert steps[0].read == 30  # no statistics yet: it looks at them all
    assert rows_of(database, 'select count(*) from "Order"') == [(30,)]


def test_without_data(copies: None, database: str, tmp_path: Path) -> None:
    load(database, _SHOP + "analyze;")
    (step,) = _steps(_run(database, tmp_path / "m", ['update "Order" set total = 1;'], data=False))
    assert step.wrote == ()
    assert step.locks[0].rows == 30  # of the real table


def test_a_failure_says_where(copies: None, database: str, tmp_path: Path) -> None:
    load(database, _SHOP + 'update "Order" set note = null where id = 5;')
    files = [
        "create table a ();",
        'create table b ();\n\nalter table "Order"\n  alter column note set not null;',
        "create table c ();",
    ]
    result = _run(database, tmp_path / "m", files)
    assert result.exit == 1
    failed = result.failure
    assert failed is not None
    assert (failed.file, failed.line, failed.statement) == ("20260102000000_step.sql", 3, 2)
    assert "contains null values" in failed.message
    assert failed.kept == 0
    assert [len(run.steps) for run in result.files] == [1, 1]
    assert result.left == ("20260103000000_step",)


def test_what_is_deferred_fails_as_well(copies: None, database: str, tmp_path: Path) -> None:
    load(
        database,
        "create table p (id int primary key); create table c (p int references p deferrable"
        " initially deferred);",
    )
    result = _run(database, tmp_path / "m", ["insert into c values (7);"])
    assert result.failure is not None
    assert result.failure.sqlstate == "23503"


def test_concurrently(copies: None, database: str, tmp_path: Path) -> None:
    load(database, _SHOP)
    files = [
        'create index concurrently i on "Order" (total);',
        "reindex index concurrently i;",
        "drop index concurrently i;",
    ]
    result = _run(database, tmp_path / "m", files)
    assert [run.mode for run in result.files] == ["steps"] * 3
    for step in _steps(result):
        modes = {lock.mode for lock in step.locks if lock.relation == 'public."Order"'}
        assert modes == {"SHARE UPDATE EXCLUSIVE"}, step


def test_the_sweep(copies: None, database: str, tmp_path: Path) -> None:
    load(
        database,
        _SHOP + "create function f() returns trigger language plpgsql as 'begin return new; end';"
        'create trigger g before update on "Order" for each row execute function f();'
        'alter table "Order" add constraint old check (id > 0) not valid;',
    )
    files = [
        'alter table "Order" add constraint new check (id > 0) not valid;'
        'alter table "Order" disable trigger g;'
    ]
    result = _run(database, tmp_path / "m", files)
    told = [(f.code, f.severity, f.object) for f in result.findings]
    assert told == [
        ("constraint-not-validated", "warning", 'public."Order".new'),
        ("constraint-not-validated", "info", 'public."Order".old'),
        ("trigger-disabled", "warning", 'public."Order".g'),
    ]


def test_an_extension_that_the_copy_lacks(
    copies: None, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(database, _SHOP)
    real = duplicate.copied

    def lacking(*args: object, **words: object) -> object:
        from contextlib import contextmanager

        @contextmanager
        def made() -> Iterator[Copy]:
            with real(*args, **words) as copy:  # type: ignore[arg-type]
                yield Copy(copy.dsn, copy.version, ("vector",), copy.gaps)

        return made()

    monkeypatch.setattr(package.run, "copied", lacking)
    files = [
        'alter table "Order" add column v vector(3);\ncreate table after ();',
        'alter table "Order" add column w int;',
    ]
    result = _run(database, tmp_path / "m", files)
    first, second, third = _steps(result)
    assert first.not_rehearsed is not None
    assert "vector" in first.not_rehearsed
    assert second.not_rehearsed is None
    assert third.locks
    assert [f.code for f in result.findings] == ["rehearsed-without-extension", "not-rehearsed"]
    assert (result.findings[1].file, result.findings[1].line) == ("20260101000000_step.sql", 1)


def test_a_missing_table_is_the_files_own_fault_where_nothing_lacks(
    copies: None, database: str, tmp_path: Path
) -> None:
    result = _run(database, tmp_path / "m", ["insert into nothing values (1);"])
    assert result.failure is not None
    result = _run(database, tmp_path / "n", ["reindex index concurrently nothing;"])
    assert result.failure is not None


def test_the_database_is_only_read(copies: None, database: str, tmp_path: Path) -> None:
    load(database, _SHOP)
    with open_session(database) as conn:
        before = fingerprint(conn)
    _run(database, tmp_path / "m", ['drop table "Order"; create table z ();', "drop table z;"])
    with open_session(database) as conn:
        assert fingerprint(conn) == before
    assert rows_of(
        database, "select to_regclass('_prisma_migrations'), to_regnamespace('repot')"
    ) == [(None, None)]


def test_any_name_and_its_own_transactions(copies: None, database: str, tmp_path: Path) -> None:
    load(database, 'create schema "É b"; create table "É b"."sel""ect" (id int, "%s" text)')
    files = [
        'begin; alter table "É b"."sel""ect" alter column "%s" type varchar(3); commit;',
        'set search_path = "É b"; alter table "sel""ect" drop column "%s";',
        'alter table "É b"."sel""ect" add column c int;',
    ]
    steps = _steps(_run(database, tmp_path / "m", files))
    assert steps[0].locks[0].relation == '"É b"."sel""ect"'
    assert steps[-1].locks[0].mode == "ACCESS EXCLUSIVE"


def test_only_what_is_pending(copies: None, database: str, tmp_path: Path) -> None:
    names = write(tmp_path / "m", ["create table a ();", "create table b ();"])
    from repot.migrations import deploy

    assert deploy(tmp_path / "m", database).failure is None
    write(tmp_path / "m", ["create table c ();"], start=3)
    assert [run.name for run in rehearse(database, tmp_path / "m").files] == ["20260103000000_step"]
    assert names


def test_a_file_that_is_no_sql(database: str, tmp_path: Path) -> None:
    result = _run(database, tmp_path / "m", ["npm warn x\ncreate table a ();"])
    assert result.files == ()
    assert result.exit == 1
    assert result.findings[0].code == "tool-output"


def test_the_verb_on_a_private_server(database: str, tmp_path: Path) -> None:
    """The whole way, with a server of its own."""
    load(database, _SHOP + "create extension if not exists plpgsql;")
    write(tmp_path / "m", ['alter table "Order" add column x int;', "oops"[:0] + "select 1;"])
    words = ["migrate", "rehearse", str(tmp_path / "m"), "--database", database, "--data"]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["ok"] is True
    assert document["data"] is True
    assert document["files"][0]["steps"][0]["locks"][0]["mode"] == "ACCESS EXCLUSIVE"
    people = CliRunner().invoke(app, words)
    assert "ACCESS EXCLUSIVE" in people.stdout
    assert "readers and writers wait" in " ".join(people.stdout.split())


def test_a_password_is_nowhere(database: str, tmp_path: Path) -> None:
    dsn = psycopg.conninfo.make_conninfo(database, password="s3cr3t-pw")
    write(tmp_path / "m", ["create role x password 's3cr3t-pw';"])
    done = CliRunner().invoke(
        app, ["migrate", "rehearse", str(tmp_path / "m"), "--database", dsn, "--json"]
    )
    assert done.exit_code == 0, done.output
    assert "s3cr3t-pw" not in done.output
