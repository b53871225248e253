"""What the archive keeps comes back, each row and value accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.folder.undo import OnConflict, UndoOptions, Which, read_archive, restore, rollback
from repot.model.errors import Exit, RepotError, UsageError
from support.undoing import Folder, content, rows, run

SHOP = """
create table "Order" (id text primary key, "orderNumber" text not null);
insert into "Order" select 'o' || n, 'N-' || n from generate_series(1, 3) n;
"""
ITEMS = """
create table "OrderItem" (
  id bigserial primary key,
  "orderId" text not null references "Order" on delete cascade,
  quantity int not null default 1
);
alter table "Order" add column "Größe" text, add column count int not null default 7;
"""
DOWN = """
drop table "OrderItem";
alter table "Order" drop column "Größe", drop column count;
"""
FILL = """
insert into "OrderItem" ("orderId", quantity) values ('o1', 1), ('o1', 2), ('o2', 3), ('o3', 4);
update "Order" set "Größe" = 'XL', count = 9 where id in ('o1', 'o2');
"""


@pytest.fixture
def shop(tmp_path: Path, database: str) -> Folder:
    folder = Folder(tmp_path, database)
    folder.add("shop", SHOP)
    folder.add("items", ITEMS, DOWN)
    folder.deploy()
    run(database, FILL)
    return folder


def undone(shop: Folder) -> int:
    result = shop.undo(accept_loss=True)
    assert result.done
    assert result.rollback is not None
    return result.rollback


def test_all_comes_back(shop: Folder) -> None:
    before = content(shop.dsn)
    number = undone(shop)
    shop.deploy()
    result = restore(shop.dsn, number)
    assert result.exit is Exit.DONE, result.findings
    assert content(shop.dsn) == before
    assert {
        (t.table, t.kind.value): (t.archived, t.restored, t.already, t.refused)
        for t in result.tables
    } == {
        ('"OrderItem"', "rows"): (4, 4, 0, 0),
        ('"Order"', "values"): (4, 4, 0, 0),
    }
    again = restore(shop.dsn, number)
    assert [(t.restored, t.already) for t in again.tables] == [(0, 4), (0, 4)]
    (entry,) = read_archive(shop.dsn)
    assert entry.id == number
    assert [k.restored for k in entry.kept] == [4, 4]
    run(shop.dsn, """insert into "OrderItem" ("orderId") values ('o1')""")  # the sequence went on


def test_without_a_place_it_refuses(shop: Folder) -> None:
    number = undone(shop)
    before = content(shop.dsn)
    result = restore(shop.dsn, number)
    assert result.exit is Exit.REFUSED
    assert [f.code for f in result.findings] == ["restore-no-place"] * 2
    assert content(shop.dsn) == before
    with pytest.raises(UsageError, match="no rollback 99"):
        restore(shop.dsn, 99)


def test_conflicts_are_listed_and_decided(shop: Folder) -> None:
    number = undone(shop)
    shop.deploy()
    run(
        shop.dsn,
        """insert into "OrderItem" values (1, 'o2', 77);
           update "Order" set count = 5 where id = 'o1';
           delete from "Order" where id = 'o3'""",
    )
    before = content(shop.dsn)
    result = restore(shop.dsn, number)
    assert result.exit is Exit.REFUSED
    assert {(f.code, f.object): f.examples for f in result.findings} == {
        ("restore-conflict", '"OrderItem"'): ("1",),
        ("restore-orphan", '"OrderItem"'): ("4",),
        ("restore-conflict", '"Order"'): ("o1",),
    }
    assert content(shop.dsn) == before

    kept = restore(shop.dsn, number, on_conflict=OnConflict.KEEP)
    assert [(t.archived, t.restored, t.already, t.refused) for t in kept.tables] == [
        (4, 2, 0, 2),
        (4, 3, 0, 1),
    ]
    assert rows(shop.dsn, 'select id, quantity from "OrderItem" order by id') == [
        (1, 77),
        (2, 2),
        (3, 3),
    ]
    assert rows(shop.dsn, 'select id, "Größe", count from "Order" order by id') == [
        ("o1", "XL", 5),
        ("o2", "XL", 9),
    ]

    taken = restore(shop.dsn, number, on_conflict=OnConflict.ARCHIVE)
    assert [(t.archived, t.restored, t.already, t.refused, t.displaced) for t in taken.tables] == [
        (4, 1, 2, 1, 1),
        (4, 1, 3, 0, 1),
    ]
    assert rows(shop.dsn, 'select id, quantity from "OrderItem" order by id') == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]
    assert rows(shop.dsn, 'select count from "Order" order by id') == [(9,), (9,)]
    last = read_archive(shop.dsn)[-1]
    assert (last.id, last.what) == (taken.displaced, "restore")
    by = {k.table: k.archive for k in last.kept}
    assert rows(shop.dsn, "select id, quantity from " + by['"OrderItem"']) == [(1, 77)]


def simple(tmp_path: Path, dsn: str, up: str, fill: str, down: str) -> tuple[Folder, int]:
    """Applied, filled, undone with loss and applied again."""
    folder = Folder(tmp_path, dsn)
    folder.add("base", up, down)
    folder.deploy()
    run(dsn, fill)
    result = folder.undo(accept_loss=True)
    assert result.rollback is not None
    folder.deploy()
    return folder, result.rollback


def test_a_table_without_a_key(tmp_path: Path, database: str) -> None:
    _, number = simple(
        tmp_path,
        database,
        'create table "Log" ("Zeile" text, n int);',
        """insert into "Log" values ('b', 1), ('a', 2), ('a', 2), (null, null)""",
        'drop table "Log";',
    )
    run(database, """insert into "Log" values ('neu', 3)""")
    refused = restore(database, number)
    assert refused.exit is Exit.REFUSED
    assert [(f.code, len(f.examples)) for f in refused.findings] == [("restore-held", 4)]
    assert rows(database, 'select count(*) from "Log"') == [(1,)]
    run(database, 'truncate "Log"')
    done = restore(database, number)
    assert [(t.archived, t.restored) for t in done.tables] == [(4, 4)]
    assert rows(database, 'select * from "Log" order by ctid') == [
        ("b", 1),
        ("a", 2),
        ("a", 2),
        (None, None),
    ]
    assert restore(database, number, force=True).tables[0].restored == 4
    assert rows(database, 'select count(*) from "Log"') == [(8,)]


def test_overwritten_and_deleted_with_cascades(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path, database)
    folder.add(
        "base",
        """create table a (x int, y text, v jsonb, primary key (x, y));
        create table b (id int generated always as identity primary key, x int, y text, up int references b,
          double int generated always as (id * 2) stored,
          foreign key (x, y) references a on delete cascade);
        insert into a values (1, 'é', '{"k": 1}'), (2, 'b', null), (3, 'c', '3');
        insert into b (x, y, up) values (1, 'é', 1), (2, 'b', 1), (1, 'é', 2);""",
    )
    folder.add(
        "marks",
        "create table marks (id int);",
        "delete from a where x = 1; update a set v = 'true'; drop table marks;",
    )
    folder.deploy()
    before = content(database)
    run(
        database,
        "alter table b drop constraint b_up_fkey, add constraint b_up_fkey foreign key (up) references b on delete cascade",
    )
    result = folder.undo(accept_loss=True)
    assert {(x.table, x.kind.value): x.count for x in result.losses} == {
        ("a", "rows"): 1,
        ("a", "values"): 2,
        ("b", "rows"): 3,
    }
    assert result.rollback is not None
    folder.deploy()
    done = restore(database, result.rollback)
    assert done.exit is Exit.DONE, done.findings
    assert content(database) == before
    assert all(t.restored == t.archived for t in done.tables)


def test_triggers_are_off_and_on_again(tmp_path: Path, database: str) -> None:
    _, number = simple(
        tmp_path,
        database,
        """create table t (id int primary key, at text);
        create function stamp() returns trigger language plpgsql as $$ begin new.at = 'stamped'; return new; end $$;
        create trigger always before insert on t for each row execute function stamp();
        alter table t enable always trigger always;
        create trigger off before insert on t for each row execute function stamp();
        alter table t disable trigger off;
        create trigger plain before update on t for each row execute function stamp();""",
        "alter table t disable trigger all; insert into t values (1, 'own')",
        "drop table t; drop function stamp();",
    )
    assert restore(database, number).exit is Exit.DONE
    assert rows(database, "select * from t") == [(1, "own")]
    assert rows(
        database,
        "select tgname, tgenabled::text from pg_trigger where tgrelid = 't'::regclass order by 1",
    ) == [
        ("always", "A"),
        ("off", "D"),
        ("plain", "O"),
    ]


def test_what_is_not_written_as_it_was_is_no_restore(tmp_path: Path, database: str) -> None:
    _, number = simple(
        tmp_path,
        database,
        "create table t (id int primary key);",
        "insert into t values (1)",
        "drop table t;",
    )
    run(database, "create rule nothing as on insert to t do instead nothing")
    with pytest.raises(RepotError) as failed:
        restore(database, number)
    assert failed.value.code == "restore-not-proven"
    assert rows(database, "select count(*) from repot_archive.restored") == [(0,)]


def test_the_server_refuses_with_its_words(tmp_path: Path, database: str) -> None:
    _, number = simple(
        tmp_path,
        database,
        "create table t (id int primary key, mail text unique);",
        "insert into t values (1, 'a@b')",
        "drop table t;",
    )
    run(database, "insert into t values (2, 'a@b')")
    result = restore(database, number)
    assert result.exit is Exit.REFUSED
    (finding,) = result.findings
    assert finding.code == "restore-refused"
    assert "t_mail_key" in finding.message
    assert rows(database, "select * from t") == [(2, "a@b")]


def test_several_migrations_undone_together(tmp_path: Path, database: str) -> None:
    """The older one's rows come back first, then the values of the newer one's column."""
    folder = Folder(tmp_path, database)
    folder.add("one", "create table t (id int primary key);", "drop table t;")
    folder.add("two", 'alter table t add column "Wert" text;', 'alter table t drop column "Wert";')
    folder.deploy()
    run(database, "insert into t values (1, 'a'), (2, null)")
    before = content(database)
    result = rollback(
        database,
        folder.path,
        Which(name=folder.names[0], with_later=True),
        UndoOptions(accept_loss=True),
    )
    assert [(x.migration, x.kind.value, x.count) for x in result.losses] == [
        (folder.names[1], "values", 1),
        (folder.names[0], "rows", 2),
    ]
    folder.deploy()
    assert result.rollback is not None
    assert restore(database, result.rollback).exit is Exit.DONE
    assert content(database) == before
