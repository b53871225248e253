"""Undoing migrations: what is lost is counted, refused, kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from repot.cli.main import main
from repot.folder.book import open_book
from repot.folder.deploy import deploy
from repot.folder.standing import look
from repot.folder.undo import UndoOptions, Which, images, restore, rollback, transaction
from repot.model.errors import Exit, Refused, RepotError, UsageError
from repot.model.undo import LossKind
from repot.postgres.connect import connection
from support.undoing import Folder, content, rows, run

SHOP = """
create table "Order" (id text primary key, "orderNumber" text not null, "designId" text, "productId" text);
insert into "Order" select 'o' || n, 'N-' || n, 'd' || n, 'p' || n from generate_series(1, 5) n;
"""
ITEMS = """
create table "OrderItem" (
  id text primary key,
  "orderId" text not null references "Order" on delete cascade,
  "productId" text,
  quantity int not null default 1
);
insert into "OrderItem" select 'i' || substr(id, 2), id, "productId" from "Order";
alter table "Order" add column "itemCount" int;
"""
ITEMS_DOWN = """
alter table "Order" drop column "itemCount";
drop table "OrderItem";
"""


@pytest.fixture
def shop(tmp_path: Path, database: str) -> Folder:
    folder = Folder(tmp_path, database)
    folder.add("shop", SHOP, 'drop table "Order";')
    folder.add("items", ITEMS, ITEMS_DOWN)
    folder.deploy()
    run(database, """insert into "OrderItem" values ('i1b', 'o1', 'p9', 3)""")
    return folder


def test_dropped_items_are_refused_with_their_orders(shop: Folder) -> None:
    before = content(shop.dsn)
    result = shop.undo()
    assert result.exit is Exit.REFUSED
    assert not result.done
    (loss,) = result.losses
    assert (loss.table, loss.kind, loss.count) == ('"OrderItem"', LossKind.ROWS, 6)
    assert loss.key == ("id",)
    assert sorted(loss.examples) == ["i1", "i1b", "i2", "i3", "i4", "i5"]
    (parent,) = loss.parents
    assert (parent.table, parent.owns, parent.count) == ('"Order"', True, 5)
    assert parent.keys == ("o1", "o2", "o3", "o4", "o5")
    (finding,) = result.findings
    assert (finding.code, finding.file, finding.line) == (
        "would-lose",
        f"{shop.names[1]}/down.sql",
        2,
    )
    assert '5 rows of "Order" would lose theirs: o1, o2, o3' in finding.message
    assert content(shop.dsn) == before
    assert rows(shop.dsn, "select 1 from _prisma_migrations where rolled_back_at is not null") == []
    assert rows(shop.dsn, "select to_regnamespace('repot_archive') is null") == [(True,)]


def test_with_leave_they_are_in_the_archive(shop: Folder) -> None:
    run(shop.dsn, """update "Order" set "itemCount" = 2 where id = 'o1'""")
    result = shop.undo(accept_loss=True)
    assert result.exit is Exit.DONE
    assert result.done
    by = {x.table: x for x in result.losses}
    assert by['"Order"'].columns == {"itemCount": 1}
    assert by['"Order"'].examples == ("o1",)
    assert rows(shop.dsn, """select to_regclass('"OrderItem"')::text""") == [(None,)]
    archive = by['"OrderItem"'].archive
    assert rows(
        shop.dsn, f'select id, "orderId", "productId", quantity from {archive} order by id'
    ) == [
        ("i1", "o1", "p1", 1),
        ("i1b", "o1", "p9", 3),
        *((f"i{n}", f"o{n}", f"p{n}", 1) for n in range(2, 6)),
    ]
    assert rows(
        shop.dsn, f'select id, "itemCount" from {by[chr(34) + "Order" + chr(34)].archive}'
    ) == [("o1", 2)]
    assert rows(
        shop.dsn,
        "select migration_name, rolled_back_at is null from _prisma_migrations order by started_at",
    ) == [(shop.names[0], True), (shop.names[1], False)]
    shop.deploy()
    assert rows(shop.dsn, 'select count(*) from "OrderItem"') == [(5,)]


def test_what_was_applied_later_is_listed(shop: Folder) -> None:
    third = shop.add("third", 'create index orders_design on "Order" ("designId");')
    shop.deploy()
    with pytest.raises(Refused) as refused:
        shop.undo(shop.names[1])
    assert refused.value.code == "later-migrations"
    assert refused.value.evidence == third
    result = rollback(
        shop.dsn,
        shop.path,
        Which(name=shop.names[1], with_later=True),
        UndoOptions(accept_loss=True),
    )
    assert [m.name for m in result.migrations] == [third, shop.names[1]]
    shop.deploy()
    result = rollback(shop.dsn, shop.path, Which(to=shop.names[1]), UndoOptions())
    assert [(m.name, m.derived) for m in result.migrations] == [(third, True)]
    assert result.done
    for which, code in ((Which(name="nix"), "not-applied"), (Which(to="nix"), "not-applied")):
        with pytest.raises(Refused) as refused:
            rollback(shop.dsn, shop.path, which)
        assert refused.value.code == code
    with pytest.raises(UsageError):
        Which(name="a", last=True)


def test_losses_of_several_are_told_apart_and_all_or_nothing(shop: Folder) -> None:
    before = content(shop.dsn)
    which = Which(name=shop.names[0], with_later=True)
    result = rollback(shop.dsn, shop.path, which)
    assert [(x.migration, x.table, x.count) for x in result.losses] == [
        (shop.names[1], '"OrderItem"', 6),
        (shop.names[0], '"Order"', 5),
    ]
    assert content(shop.dsn) == before
    shop.down(shop.names[0], 'drop table "Order";\nselect 1 / 0;')
    result = rollback(shop.dsn, shop.path, which, UndoOptions(accept_loss=True))
    assert result.refused
    assert [(f.code, f.line) for f in result.findings] == [("down-cannot-succeed", 2)]
    assert "division by zero" in result.findings[0].message
    assert content(shop.dsn) == before
    assert rows(shop.dsn, "select to_regnamespace('repot_archive') is null") == [(True,)]


def test_a_way_back_that_cannot_succeed_changes_nothing(tmp_path: Path, database: str) -> None:
    """As in the document: every item deleted, then NOT NULL on columns that hold NULLs."""
    folder = Folder(tmp_path, database)
    folder.add("shop", SHOP)
    name = folder.add(
        "items",
        ITEMS + 'alter table "Order" alter "designId" drop not null;',
        'delete from "OrderItem";\n-- as it was\nalter table "Order"\n  alter "designId" set not null;',
    )
    folder.deploy()
    run(database, """update "Order" set "designId" = null where id = 'o2'""")
    before = content(database)
    for options in ({}, {"accept_loss": True}):
        (finding,) = folder.undo(**options).findings
        assert (finding.code, finding.file, finding.line) == (
            "down-cannot-succeed",
            f"{name}/down.sql",
            3,
        )
        assert "contains null values" in finding.message
        assert content(database) == before


def test_a_deferred_constraint_counts_as_failing(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    folder.add(
        "base",
        "create table p (id int primary key); create table c (id int primary key,"
        " p int references p deferrable initially deferred);"
        "insert into p values (1); insert into c values (1, 1);",
        "delete from p;",
    )
    folder.deploy()
    (finding,) = folder.undo(accept_loss=True).findings
    assert finding.code == "down-cannot-succeed"
    assert "foreign key" in finding.message


def test_transactions_of_its_own(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    name = folder.add("one", "create table a (id int);")
    folder.deploy()
    folder.down(name, "begin;\ndrop table a;\ncommit;")
    assert folder.undo().done
    (folder.path / name / "down.sql").unlink()
    folder.deploy()
    folder.down(name, "drop table a;\ncommit;\nselect 1;\nbegin;")
    result = folder.undo()
    assert result.refused
    assert [(f.code, f.line) for f in result.findings] == [
        ("down-own-transaction", 2),
        ("down-own-transaction", 4),
    ]
    folder.down(name, "create index concurrently i on a (id);\ndrop index concurrently i;")
    assert [f.line for f in folder.undo().findings if f.code == "down-not-transactional"] == [1, 2]
    folder.down(name, "drop table a;\nhe--")
    assert folder.undo().findings[0].file == f"{name}/down.sql"


def test_supabase_and_plain_histories(tmp_path: Path, make_database: Callable[..., str]) -> None:
    for parent, table in (
        ("supabase", "supabase_migrations.schema_migrations"),
        ("db", "repot.migration"),
    ):
        dsn = make_database()
        path = tmp_path / parent / "migrations"
        path.mkdir(parents=True)
        (path / "20260101000000_a.sql").write_text("create table a (id int primary key);")
        (path / "20260102000000_b.sql").write_text("alter table a add column x int;")
        (path / "20260102000000_b.down.sql").write_text("alter table a drop column x;")
        assert not deploy(dsn, path).findings
        run(dsn, "insert into a values (1, 2), (2, null)")
        asked = rollback(dsn, path, Which(last=True))
        assert [(x.table, x.columns) for x in asked.losses] == [("a", {"x": 1})]
        assert rollback(dsn, path, Which(last=True), UndoOptions(accept_loss=True)).done
        with connection(dsn) as conn:
            standing = {r.name: r.state.value for r in look(conn, open_book(path)).rows}
        last = "pending" if parent == "supabase" else "rolled back"
        assert standing == {"20260101000000_a": "applied", "20260102000000_b": last}, table
        assert rows(dsn, f"select count(*) from {table}") == [
            (1,) if parent == "supabase" else (2,)
        ]
        assert deploy(dsn, path).applied[0].name == "20260102000000_b"
        assert rows(
            dsn, "select kind, detail -> 'lost' from repot.migration_event where kind = 'undone'"
        ) == [("undone", {"a (values)": 1})]


def test_archived_rows_outlive_their_types(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    folder.add(
        "base",
        """create type "Stufe" as enum ('a', 'b'); create domain d as numeric(6,2);
        create table "Ding" ("Id" int, teil text, s "Stufe"[], d d, t timestamptz, primary key ("Id", teil));
        insert into "Ding" values (1, 'x', '{a,b}', 1.5, '2026-01-01 00:00:00+00'), (1, 'y', null, null, null);""",
        'drop table "Ding"; drop type "Stufe" cascade; drop domain d cascade;',
    )
    folder.deploy()
    before = content(database)
    result = folder.undo(accept_loss=True)
    (loss,) = result.losses
    assert loss.key == ("Id", "teil")
    assert loss.examples == ('"Id" = 1, teil = x', '"Id" = 1, teil = y')
    assert rows(database, f'select "Id", teil, s, d, t::text from {loss.archive} order by teil')[
        0
    ] == (
        1,
        "x",
        "{a,b}",
        "1.50",
        "2026-01-01 00:00:00+00",
    )
    for change in ("delete from", "truncate", "update"):
        text = f"{change} {loss.archive}" + (" set teil = 'z'" if change == "update" else "")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            run(database, text)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        run(database, "delete from repot_archive.kept")
    (folder.path / folder.names[0] / "migration.sql").write_text(
        """create type "Stufe" as enum ('a', 'b'); create domain d as numeric(6,2);
        create table "Ding" ("Id" int, teil text, s "Stufe"[], d d, t timestamptz, primary key ("Id", teil));"""
    )
    folder.deploy()
    assert result.rollback is not None
    assert restore(database, result.rollback).exit == 0
    assert content(database) == before


def test_nobody_writes_between_the_copy_and_the_commit(
    shop: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written after the copy would be lost without a trace."""
    late: list[str] = []

    def take_and_write(conn: Any, shape: Any, number: int) -> Any:
        image = images.take(conn, shape, number)
        if shape.name.name == "OrderItem":
            try:
                run(
                    shop.dsn,
                    """set lock_timeout = 300; insert into "OrderItem" values ('late', 'o3')""",
                )
                late.append("written")
            except psycopg.errors.LockNotAvailable:
                late.append("kept out")
        return image

    monkeypatch.setattr(transaction, "take", take_and_write)
    result = shop.undo(accept_loss=True)
    assert result.done
    assert late == ["kept out"]


def test_a_writer_at_work_is_waited_for(shop: Folder) -> None:
    with psycopg.connect(shop.dsn) as writer:
        writer.execute("""insert into "OrderItem" values ('late', 'o3')""")
        with pytest.raises(Refused) as refused:
            shop.undo(accept_loss=True, lock_timeout_ms=30, retries=1)
        assert refused.value.code == "lock-timeout"
        writer.commit()
    by = {x.table: x for x in shop.undo(accept_loss=True).losses}
    assert "late" in by['"OrderItem"'].examples


def test_asking_keeps_no_writer_waiting_while_it_copies(
    shop: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote = []

    def take_and_write(conn: Any, shape: Any, number: int) -> Any:
        image = images.take(conn, shape, number)
        if shape.name.name == "OrderItem":
            run(
                shop.dsn,
                """set lock_timeout = 2000; insert into "OrderItem" values ('late', 'o3')""",
            )
            wrote.append(1)
        return image

    monkeypatch.setattr(transaction, "take", take_and_write)
    assert shop.undo().refused
    assert wrote == [1]
    assert rows(shop.dsn, "select count(*) from \"OrderItem\" where id = 'late'") == [(1,)]


def test_a_way_back_that_takes_nothing_stays_at_once(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    folder.add(
        "base",
        "create table a (id int primary key, v text default 'x', w int); insert into a values (1), (2);",
    )
    folder.add(
        "more",
        "alter table a add column y int default 7; create index on a (v);",
        "alter table a drop column y; update a set v = 'x'; delete from a where id > 100;",
    )
    folder.deploy()
    result = folder.undo()
    assert result.done, result.findings
    assert result.losses == ()
    assert rows(database, "select to_regnamespace('repot_archive') is null") == [(True,)]


def test_row_security_hides_nothing(tmp_path: Path, database: str) -> None:
    run(
        database,
        "create role undo_owner login; grant create on schema public to undo_owner;"
        "do $$ begin execute format('grant create on database %I to undo_owner', current_database()); end $$",
    )
    try:
        dsn = f"{database} user=undo_owner"
        folder = Folder(tmp_path, dsn)
        folder.add(
            "secret",
            "create table s (id int primary key); insert into s values (1);"
            "alter table s enable row level security, force row level security;",
            "drop table s;",
        )
        folder.deploy()
        with pytest.raises(Refused) as refused:
            folder.undo(accept_loss=True)
        assert refused.value.code == "cannot-count"
        assert "row-level security" in refused.value.evidence
        assert rows(database, "select count(*) from s") == [(1,)]
    finally:
        run(database, "drop owned by undo_owner cascade; drop role undo_owner")


def test_without_the_servers_counts_it_refuses(shop: Folder) -> None:
    shop.down(shop.names[1], 'set track_counts = off; delete from "OrderItem";')
    with pytest.raises(Refused, match="track_counts"):
        shop.undo(accept_loss=True)
    assert rows(shop.dsn, 'select count(*) from "OrderItem"') == [(6,)]


def test_a_deployment_at_work_is_waited_for(shop: Folder) -> None:
    with psycopg.connect(shop.dsn, autocommit=True) as other:
        other.execute("select pg_advisory_lock(72707369)")
        with pytest.raises(Refused) as refused:
            shop.undo(wait_s=0.2)
        assert refused.value.code == "deploy-busy"


def test_a_failed_migration_is_resolved_first(shop: Folder) -> None:
    run(
        shop.dsn,
        "update _prisma_migrations set finished_at = null where migration_name like '%items'",
    )
    with pytest.raises(Refused) as refused:
        shop.undo()
    assert refused.value.code == "migration-failed"


def test_on_a_copy(shop: Folder) -> None:
    before = content(shop.dsn)
    result = shop.undo(on_copy=True)
    assert result.refused
    assert result.on_copy
    assert {x.table: x.count for x in result.losses} == {'"OrderItem"': 6}
    assert content(shop.dsn) == before


def test_through_the_command(shop: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["migrate", "rollback", "--last", str(shop.path), "--database", shop.dsn]
    assert _left(words) == 3
    out = capsys.readouterr().out
    assert 'loses "OrderItem": 6 rows (the table is dropped)' in out
    assert '5 rows of "Order" would lose theirs' in out
    assert "id: o1 · o2 · o3 · o4 · o5" in out
    assert "--accept-loss" in out
    assert _left([*words, "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert [f["code"] for f in document["findings"]] == ["would-lose"]
    assert document["losses"][0]["parents"][0]["keys"] == ["o1", "o2", "o3", "o4", "o5"]
    assert _left([*words, "--show"]) == 0
    assert 'drop table "OrderItem";' in capsys.readouterr().out
    assert _left([*words, "--accept-loss"]) == 0
    assert "repot migrate restore 1" in capsys.readouterr().out
    shop.deploy()
    assert _left(["migrate", "restore", "--list", "--database", shop.dsn]) == 0
    assert "6 rows" in capsys.readouterr().out
    run(shop.dsn, """update "OrderItem" set quantity = 9 where id = 'i2'""")
    again = ["migrate", "restore", "1", "--database", shop.dsn]
    assert _left(again) == 3
    assert "restore-conflict" in capsys.readouterr().out
    assert _left([*again, "--on-conflict", "keep"]) == 0
    assert (
        "6 rows archived = 1 restored + 4 already there + 1 left in the archive"
        in capsys.readouterr().out
    )
    assert _left(["migrate", "rollback"]) == 2


def _left(words: list[str]) -> int:
    with pytest.raises(SystemExit) as left:
        main(words)
    return int(str(left.value.code or 0))


def test_defaults_that_are_another_value_each_time(tmp_path: Path, database: str) -> None:
    """A volatile default does not bring a value back; a constant one does."""
    folder = Folder(tmp_path, database)
    folder.add("base", "create table a (id int primary key); insert into a values (1), (2);")
    folder.add(
        "more",
        "alter table a add column made date default current_date, add column plan text default 'free';",
        "alter table a drop column made, drop column plan;",
    )
    folder.deploy()
    run(database, "update a set plan = null where id = 2")
    (loss,) = folder.undo().losses
    assert loss.columns == {"made": 2, "plan": 1}


def test_what_is_written_on_another_server_cannot_be_counted(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    folder.add("base", "create table a (id int primary key);")
    folder.deploy()
    words = conninfo_to_dict(database)
    place = ", ".join(f"{k} '{words[k]}'" for k in ("host", "port", "dbname"))
    run(
        database,
        f"""create table near (id int); insert into near values (1);
        create extension postgres_fdw; create server loop foreign data wrapper postgres_fdw options ({place});
        create user mapping for current_user server loop options (user '{words["user"]}');
        create foreign table far (id int) server loop options (table_name 'near');""",
    )
    folder.down(folder.names[0], "delete from far; drop table a;")
    with pytest.raises(Refused, match="another server"):
        folder.undo()
    assert rows(database, "select count(*) from near") == [(1,)]


def test_what_was_compared_without_locks_does_not_stay(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost by the comparison, but somebody wrote after the copy."""
    folder = Folder(tmp_path, database)
    folder.add(
        "base", "create table a (id int primary key, v text); insert into a values (1, 'x');"
    )
    folder.add("more", "create table b (id int);", "drop table b; update a set v = 'x';")
    folder.deploy()
    copies = []

    def take_and_write(conn: Any, shape: Any, number: int) -> Any:
        image = images.take(conn, shape, number)
        if shape.name.name == "a" and not copies:
            run(database, "update a set v = 'mine'")
        copies.append(shape.name.name)
        return image

    monkeypatch.setattr(transaction, "take", take_and_write)
    result = folder.undo()
    assert result.refused
    assert [(x.table, x.columns) for x in result.losses] == [("a", {"v": 1})]
    assert rows(database, "select v from a") == [("mine",)]


def test_a_type_that_reads_the_same_bytes_otherwise(tmp_path: Path, database: str) -> None:
    """No row is written anew, and still the value is another."""
    folder = Folder(tmp_path, database)
    folder.add(
        "base", "create table a (id int primary key, v int); insert into a values (1, -7), (2, 7);"
    )
    folder.add("more", "create table b (id int);", "drop table b; alter table a alter v type oid;")
    folder.deploy()
    (loss,) = folder.undo(accept_loss=True).losses
    assert (loss.columns, loss.examples) == ({"v": 1}, ("1",))
    assert rows(database, f"select v from {loss.archive}") == [(-7,)]


def test_a_connection_that_breaks_leaves_all_as_it_was(shop: Folder) -> None:
    before = content(shop.dsn)
    shop.down(shop.names[1], ITEMS_DOWN + "select pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(RepotError) as failed:
        shop.undo(accept_loss=True)
    assert failed.value.code == "connection-lost"
    assert content(shop.dsn) == before


def test_a_commit_whose_answer_is_lost_is_looked_up(
    shop: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit_and_break(conn: Any, work: Any, *rest: Any) -> Any:
        done = real(conn, work, *rest)
        assert done.committed
        conn.close()
        raise psycopg.OperationalError("the wire was cut")

    real = transaction._undo
    monkeypatch.setattr(transaction, "_undo", commit_and_break)
    result = shop.undo(accept_loss=True)
    assert result.done
    assert {x.table for x in result.losses} == {'"OrderItem"'}
    assert rows(shop.dsn, "select id from repot_archive.rollback") == [(result.rollback,)]


def test_on_a_copy_nothing_is_said_to_be_done(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    folder.add("base", "create table a (id int primary key);")
    folder.deploy()
    result = folder.undo(on_copy=True)
    assert (result.exit, result.done, result.on_copy) == (Exit.DONE, False, True)
    assert rows(database, "select to_regclass('a')::text") == [("a",)]
