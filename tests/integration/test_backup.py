"""A backup is one only once it was restored and counted."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from repot.embedded import EmbeddedServer, client_tool, tool_environment
from repot.model.errors import Refused, RepotError
from repot.postgres.capabilities import facts
from repot.postgres.connect import connection
from repot.stages.backup import backup, check_files
from repot.stages.backup import dump as dumping
from repot.stages.backup import run as stage
from repot.stages.backup import scratch as places
from repot.stages.backup.manifest import Manifest
from repot.stages.backup.tools import running
from support.sql import rows, run

V1 = """
create schema "Shöp ""1"" é"; create schema auth; create schema repot; create schema repot_registry;
create table auth.users (id int primary key);
create table "Shöp ""1"" é"."Pa cks" (id int generated always as identity primary key,
  owner int references auth.users, "select" text);
create table "Shöp ""1"" é".part (k int, v text) partition by range (k);
create table "Shöp ""1"" é".part_low partition of "Shöp ""1"" é".part for values from (0) to (10);
create table "Shöp ""1"" é".part_high partition of "Shöp ""1"" é".part
  for values from (10) to (100);
create table "Shöp ""1"" é".empty (a int);
create materialized view auth.counted as select count(*) from "Shöp ""1"" é"."Pa cks";
create table repot.chunk (a int); insert into repot.chunk values (1);
create function repot.capture() returns trigger language plpgsql as 'begin return null; end';
create trigger "repot capture" after insert on "Shöp ""1"" é"."Pa cks"
  for each statement execute function repot.capture();
create function auth.own() returns trigger language plpgsql as 'begin return null; end';
create trigger own after insert on "Shöp ""1"" é"."Pa cks"
  for each statement execute function auth.own();
insert into auth.users select generate_series(1, 50);
insert into "Shöp ""1"" é"."Pa cks" (owner, "select")
  select g, 'é' || g from generate_series(1, 40) g;
insert into "Shöp ""1"" é".part select g, 'x' from generate_series(1, 30) g;
"""
ROWS = {
    "auth.users": 50,
    '"Shöp ""1"" é"."Pa cks"': 40,
    '"Shöp ""1"" é".empty': 0,
    '"Shöp ""1"" é".part_high': 21,
    '"Shöp ""1"" é".part_low': 9,
}


@pytest.fixture
def v1(database: str) -> str:
    run(database, V1)
    return database


@pytest.fixture
def role(server: EmbeddedServer) -> Iterator[Callable[[str], str]]:
    """`role("anon")` makes a role with such a name and login, dropped after the database."""
    made: list[str] = []

    def make(stem: str) -> str:
        made.append(f'{stem} "{secrets.token_hex(4)}')
        with psycopg.connect(server.dsn(), autocommit=True) as conn:
            conn.execute(sql.SQL("create role {} login").format(sql.Identifier(made[-1])))
        return made[-1]

    yield make
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        for name in made:
            conn.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def grant(dsn: str, statement: str, role: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(sql.SQL(statement).format(sql.Identifier(role)))  # type: ignore[arg-type]


def scratch_databases(dsn: str) -> list[tuple[Any, ...]]:
    return rows(dsn, "select datname from pg_database where datname like 'repot_scratch%'")


def failure(dsn: str, folder: Path, **options: Any) -> RepotError:
    with pytest.raises(RepotError) as caught:
        backup(dsn, folder, **options)
    return caught.value


def test_dumped_restored_counted(
    role: Callable[[str], str], v1: str, tmp_path: Path, make_database: Callable[..., str]
) -> None:
    anon = role("anon")
    grant(v1, 'grant select on "Shöp ""1"" é"."Pa cks" to {}', anon)
    grant(v1, "alter table auth.users owner to {}", anon)
    result = backup(v1, tmp_path / "new" / "backups")
    assert result.rows == result.restored == ROWS
    folder = Path(result.path)
    assert folder.parent == tmp_path / "new" / "backups"
    assert folder.stat().st_mode & 0o077 == 0  # it holds everybody's data

    manifest = check_files(folder)
    assert manifest.tested is not None
    assert manifest.tested.where == "embedded"
    assert manifest.rows == ROWS
    assert anon in manifest.roles
    assert {f.path for f in manifest.files} >= {"dump/toc.dat"}
    assert sum(f.bytes for f in manifest.files) == result.bytes > 0
    assert [entry.split()[0] for entry in manifest.left_out] == ["TRIGGER"]

    # restored by hand, with the list that the backup gives, it is all there but Repot's own
    again = make_database()
    tool = client_tool("pg_restore", result.server_version // 10000)
    subprocess.run(
        [tool, "-e", "-L", folder / "restore.list", "-d", again, folder / "dump"],
        check=True,
        env=tool_environment(tool),
    )
    assert rows(again, 'select sum(id), max("select") from "Shöp ""1"" é"."Pa cks"') == [
        (820, "é9")
    ]
    assert rows(again, "select * from auth.counted") == [(40,)]
    assert rows(again, "select tgname from pg_trigger where not tgisinternal") == [("own",)]
    assert rows(again, "select count(*) from pg_namespace where nspname like 'repot%'") == [(0,)]
    assert rows(
        again, "select pg_get_userbyid(relowner) from pg_class where relname = 'users'"
    ) == [(anon,)]


def test_rows_that_do_not_come_back_make_no_backup(
    v1: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = stage.restore

    def lossy(tool: Path, folder: Path, scratch: places.Scratch, *rest: Any) -> None:
        restore(tool, folder, scratch, *rest)
        run(
            scratch.dsn,
            'delete from "Shöp ""1"" é"."Pa cks" where id = 7; drop table auth.users cascade',
        )

    monkeypatch.setattr(stage, "restore", lossy)
    failed = failure(v1, tmp_path, scratch="same")
    assert failed.code == "backup-count"
    assert failed.evidence.splitlines() == [
        '"Shöp ""1"" é"."Pa cks": 40 rows dumped, 39 rows restored',
        "auth.users: 50 rows dumped, no table restored",
    ]
    (folder,) = tmp_path.iterdir()  # kept to look at, but it is no backup
    with pytest.raises(RepotError) as untested:
        check_files(folder)
    assert untested.value.code == "backup-untested"


def test_a_dump_that_cannot_be_restored_makes_no_backup(
    v1: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = stage.restore

    def in_the_way(tool: Path, folder: Path, scratch: places.Scratch, *rest: Any) -> None:
        run(scratch.dsn, "create schema auth; create table auth.users (other text)")
        restore(tool, folder, scratch, *rest)

    monkeypatch.setattr(stage, "restore", in_the_way)
    failed = failure(v1, tmp_path, scratch="same")
    assert failed.code == "backup-restore"
    assert 'schema "auth" already exists' in failed.evidence


def test_count_and_dump_see_the_same_moment(v1: str, tmp_path: Path) -> None:
    stop = threading.Event()
    written = []

    def write() -> None:
        with psycopg.connect(v1, autocommit=True) as conn:
            while not stop.is_set():
                conn.execute('insert into "Shöp ""1"" é".empty values (1)')
                written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        result = backup(v1, tmp_path, scratch="same")
    finally:
        stop.set()
        writer.join()
    assert result.rows == result.restored
    assert 0 < result.rows['"Shöp ""1"" é".empty'] < len(written)


def test_a_scratch_database_on_the_same_server(
    role: Callable[[str], str], v1: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = backup(v1, tmp_path, scratch="same")
    assert result.restored == ROWS
    assert scratch_databases(v1) == []
    monkeypatch.setattr(stage, "count", lambda *_: {})
    assert failure(v1, tmp_path, scratch="same").code == "backup-count"
    assert scratch_databases(v1) == []
    poor = role("poor")
    grant(v1, "grant pg_read_all_data to {}", poor)
    failed = failure(make_conninfo(v1, user=poor), tmp_path, scratch="same")
    assert failed.code == "backup-no-scratch"
    assert "CREATEDB" in failed.hint


def test_another_server(v1: str, tmp_path: Path, role: Callable[[str], str]) -> None:
    role("anon")
    with EmbeddedServer() as other:
        result = backup(v1, tmp_path, scratch=other.dsn())
        assert result.restored == ROWS
        assert scratch_databases(other.dsn()) == []
        left = rows(other.dsn(), "select rolname from pg_roles where rolname like 'anon%'")
        assert left == []
    assert check_files(Path(result.path)).tested.where == "other"  # type: ignore[union-attr]


def test_some_schemas(v1: str, tmp_path: Path) -> None:
    run(v1, "create extension citext; alter table auth.users add mail citext")
    alone = failure(v1, tmp_path, schemas=["auth"], scratch="same")  # its view reads another schema
    assert alone.code == "backup-restore"
    assert "Shöp" in alone.evidence
    run(v1, "drop materialized view auth.counted")
    result = backup(v1, tmp_path, schemas=["auth"])
    assert result.restored == {"auth.users": 50}
    assert failure(v1, tmp_path, schemas=["nowhere"]).code == "backup-empty"


def test_a_role_of_few_rights(role: Callable[[str], str], v1: str, tmp_path: Path) -> None:
    poor = role("poor")
    grant(v1, 'grant usage on schema "Shöp ""1"" é" to {}', poor)
    with pytest.raises(Refused) as refused:
        backup(make_conninfo(v1, user=poor), tmp_path)
    assert refused.value.code == "backup-rights"
    assert len(refused.value.evidence.splitlines()) == len(ROWS)
    assert list(tmp_path.iterdir()) == []


def test_a_pg_dump_older_than_the_server(v1: str) -> None:
    with connection(v1) as conn:
        future = facts(conn).model_copy(update={"server_version": 990003})
    with pytest.raises(RepotError) as failed:
        dumping.find_pg_dump(future)
    assert failed.value.code == "pg-dump-version"
    assert "99" in failed.value.message
    assert failed.value.hint


def test_no_password_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[str] = []
    started = subprocess.Popen

    class Spy(started):  # type: ignore[type-arg, misc, valid-type]
        def __init__(self, args: Any, **options: Any) -> None:
            commands.append(" ".join(map(str, args)) if isinstance(args, list) else str(args))
            super().__init__(args, **options)

    with EmbeddedServer(tcp=True) as server:
        server.create_database("shop")
        run(server.dsn("shop"), "create table t as select generate_series(1, 10) a")
        dsn = server.dsn("shop", tcp=True)
        password = psycopg.conninfo.conninfo_to_dict(dsn)["password"]
        monkeypatch.setattr(subprocess, "Popen", Spy)
        assert backup(dsn, tmp_path, scratch="same").restored == {"public.t": 10}
        # pg_dump itself fails: its table vanishes from under it
        monkeypatch.setattr(dumping, "_pattern", lambda _: "no such schema")
        failed = failure(dsn, tmp_path, schemas=["public"], scratch="same")
    assert failed.code == "backup-dump"
    assert any("pg_dump" in c for c in commands)
    assert any("pg_restore" in c for c in commands)
    told = "\n".join([*commands, failed.message, failed.evidence, failed.hint])
    assert str(password) not in told
    assert str(password) not in "".join(p.read_text() for p in tmp_path.glob("*/manifest.json"))


def test_an_extension_that_nothing_needs_is_left_out(
    v1: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(v1, "create schema ext; create extension hstore schema ext")
    run(v1, "grant usage on schema ext to public")
    run(v1, "grant execute on all functions in schema ext to pg_monitor")
    without(monkeypatch, "hstore")
    result = backup(v1, tmp_path, scratch="same")
    assert result.restored == ROWS
    left_out = check_files(Path(result.path)).left_out
    assert any(entry.startswith("EXTENSION - hstore") for entry in left_out)
    assert any(entry.startswith("COMMENT - EXTENSION hstore") for entry in left_out)


def test_an_extension_that_is_needed_goes_to_the_same_server(
    v1: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: Callable[[str], str]
) -> None:
    run(v1, "create extension hstore; alter table auth.users add tags public.hstore")
    without(monkeypatch, "hstore", times=1)
    result = backup(v1, tmp_path)
    assert result.restored == ROWS
    assert check_files(Path(result.path)).tested.where == "same"  # type: ignore[union-attr]
    poor = role("poor")
    grant(v1, "grant pg_read_all_data to {}", poor)
    without(monkeypatch, "hstore")
    failed = failure(make_conninfo(v1, user=poor), tmp_path)
    assert failed.code == "backup-no-scratch"
    assert "lacks hstore" in failed.evidence


def without(monkeypatch: pytest.MonkeyPatch, extension: str, times: int = 1000) -> None:
    """Let scratch servers say that they do not offer the extension, the first `times` times."""
    ask, left = places.rows, [times]

    def asked(conn: Any, file: str, **words: object) -> list[dict[str, Any]]:
        found = ask(conn, file, **words)
        if file == "offered.sql" and left[0]:
            left[0] -= 1
            found[0]["extensions"].remove(extension)
        return found

    monkeypatch.setattr(places, "rows", asked)
    monkeypatch.setattr(places, "list_binaries", lambda: newest)
    newest = [max(found, key=lambda b: b.version)] if (found := LIST_BINARIES()) else []


LIST_BINARIES = places.list_binaries


def wanted_by_another(monkeypatch: pytest.MonkeyPatch, times: int) -> list[str]:
    """pg_dump's workers find a TRUNCATE before them, so often; each time's command is noted."""
    begun: list[str] = []

    def some(command: list[Any], *given: Any) -> Any:
        begun.append(str(command[0]))
        if len(begun) <= times:
            said = ("", "pg_dump: dumping contents of table ")[len(begun) % 2] + (
                'pg_dump: error: could not obtain lock on relation "public.a"\\nThis usually means'
                " that someone requested an ACCESS EXCLUSIVE lock on the table\\n"
                "pg_dump: error: a worker process died unexpectedly"
            )
            folder = command[command.index("-f") + 1]
            return running(["sh", "-c", f"mkdir '{folder}'; printf '{said}' >&2; exit 1"], *given)
        return running(command, *given)

    monkeypatch.setattr(dumping, "running", some)
    monkeypatch.setattr(dumping, "PAUSE_S", 0.01)
    return begun


def test_a_dump_is_begun_again_where_a_table_is_emptied(
    v1: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = wanted_by_another(monkeypatch, 2)
    assert backup(v1, tmp_path).rows == ROWS
    assert len(begun) == 3


def test_it_is_not_begun_again_for_ever(
    v1: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = wanted_by_another(monkeypatch, 100)
    failed = failure(v1, tmp_path)
    assert failed.code == "backup-dump"
    assert "ACCESS EXCLUSIVE" in failed.evidence
    assert len(begun) == dumping.TRIES
    assert list(tmp_path.iterdir()) == []


def test_a_changed_file_is_noticed(v1: str, tmp_path: Path) -> None:
    folder = Path(backup(v1, tmp_path, scratch="same").path)
    check_files(folder)
    data = max((folder / "dump").iterdir(), key=lambda p: p.stat().st_size)
    data.write_bytes(data.read_bytes()[:-1] + b"?")
    with pytest.raises(RepotError) as changed:
        check_files(folder)
    assert changed.value.code == "backup-changed"
    assert changed.value.evidence == f"dump/{data.name}"
    data.unlink()
    with pytest.raises(RepotError):
        check_files(folder)


def test_an_interrupted_dump_leaves_nothing(
    v1: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Iterator[tuple[str, int]]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(dumping, "_counts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        backup(v1, tmp_path, scratch="same")
    assert list(tmp_path.iterdir()) == []
    assert scratch_databases(v1) == []


def test_no_program_outlives_an_interruption() -> None:
    command = ["sh", "-c", "echo $$ >&2; exec sleep 60"]
    heard: list[str] = []
    with pytest.raises(KeyboardInterrupt), running(command, dict(os.environ), heard.append):  # noqa: PT012
        while not heard:
            time.sleep(0.01)
        raise KeyboardInterrupt
    with pytest.raises(ProcessLookupError):
        os.kill(int(heard[0]), 0)


def test_the_manifest_is_plain_json(v1: str, tmp_path: Path) -> None:
    folder = Path(backup(v1, tmp_path, scratch="same").path)
    written = json.loads((folder / "manifest.json").read_text())
    assert written["rows"] == written["tested"]["rows"] == ROWS
    assert Manifest.model_validate(written).server_version >= 140000
    assert all(len(f["sha256"]) == 64 for f in written["files"])
