"""Each planted difference is found by table, key and column; nothing where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.pipeline import started
from support.project import repot, write
from support.shop import FOLDER, make_v1
from support.sql import rows, run

# what is done by hand, how it is undone: table, kind, columns that differ
PLANTED = {
    "one value": (
        "update shop_v2.customers set email = 'other@x.test' where id = 8",
        "update shop_v2.customers set email = 'c8@x.test' where id = 8",
        ("customers", "changed", {"email": ["c8@x.test", "other@x.test"]}),
    ),
    "a value becomes NULL": (
        "update shop_v2.customers set email = null where id = 8",
        "update shop_v2.customers set email = 'c8@x.test' where id = 8",
        ("customers", "changed", {"email": ["c8@x.test", None]}),
    ),
    "one row less": (
        "delete from shop_v2.purchases where id = 8",
        "insert into shop_v2.purchases select id, customer_id, item_id, amount"
        " from repot_view.purchases where id = 8",
        ("purchases", "missing", {}),
    ),
    "one row more": (
        "insert into shop_v2.customers (id, email) values (8000, 'nobody@x.test')",
        "delete from shop_v2.customers where id = 8000",
        ("customers", "extra", {}),
    ),
    "1.0 becomes 1.00": (
        "update shop_v2.purchases set amount = 1.00 where id = 10",
        "update shop_v2.purchases p set amount = v.amount from repot_view.purchases v"
        " where v.id = p.id and p.id = 10",
        ("purchases", "changed", {"amount": None}),
    ),
    "a becomes a with a space": (
        "update shop_v2.categories set title = title || ' ' where id = 2",
        "update shop_v2.categories set title = 'Category 2' where id = 2",
        ("categories", "changed", {"title": ["Category 2", "Category 2 "]}),
    ),
    "a column that the move leaves to its default": (
        "alter table shop_v2.items disable trigger items_touched;"
        " update shop_v2.items set note = 'by hand' where slug = 'pack-1'",
        "update shop_v2.items set note = null where slug = 'pack-1'",
        ("items", "changed", {"note": [None, "by hand"]}),
    ),
}


@pytest.fixture
def proven(database: str) -> str:
    make_v1(database)
    started(database, FOLDER)
    run(database, "update purchase set amount = 1.0 where id = 10")
    assert repot("verify", "--project", FOLDER, dsn=database)[0] == 0
    return database


def test_each_planted_difference_is_found_and_named(proven: str) -> None:
    for what, (plant, undo, (table, kind, columns)) in PLANTED.items():
        run(proven, plant)
        code, verdict = repot("verify", "--project", FOLDER, dsn=proven)
        assert code == 1, what
        assert verdict["ok"] is False
        assert verdict["differences"] == 1, what
        found = [e for t in verdict["tables"] for e in t["examples"]]
        assert len(found) == 1, (what, found)
        assert (found[0]["table"], found[0]["kind"]) == (table, kind), what
        assert found[0]["key"], what
        assert set(found[0]["columns"]) == set(columns), what
        for column, values in columns.items():
            if values is not None:
                assert found[0]["columns"][column] == values, what
        if what == "1.0 becomes 1.00":
            assert found[0]["columns"]["amount"] == ["1.0", "1.00"]
        run(proven, undo)
    code, verdict = repot("verify", "--project", FOLDER, dsn=proven)
    assert (code, verdict["differences"]) == (0, 0)


def test_a_proof_that_compared_nothing_fails(database: str, tmp_path: Path) -> None:
    """Trap 15: a verifier that passes because it looked at nothing."""
    run(database, "create table a (id integer primary key)")
    files = {
        "target.sql": "create table b (id integer primary key);",
        "moves/b.sql": "select id from a",
    }
    folder = write(tmp_path / "empty", files)
    started(database, folder)
    code, verdict = repot("verify", "--project", folder, dsn=database)
    assert code == 1
    assert verdict["rows_compared"] == 0
    assert "no row was compared" in verdict["reasons"][0]


def test_a_row_that_a_move_drops_without_a_rule_is_not_accounted_for(
    database: str, tmp_path: Path
) -> None:
    run(
        database,
        "create table a (id integer primary key, kind text);"
        " insert into a select n, case when n % 10 = 0 then 'odd' else 'even' end"
        " from generate_series(1, 100) n",
    )
    files = {
        "target.sql": "create table b (id integer primary key, kind text);",
        "moves/b.sql": "select id, kind from a where kind <> 'odd'",
    }
    folder = write(tmp_path / "dropped", files)
    started(database, folder)
    code, verdict = repot("verify", "--project", folder, dsn=database)
    assert code == 1
    (account,) = verdict["accounts"]
    assert (account["rows"], account["moved"], account["unaccounted"]) == (100, 90, 10)
    assert account["examples"][0] == "id = 10"
    assert rows(database, "select count(*) from v2.b") == [(90,)]


def test_a_rule_accounts_for_it_and_quarantine_keeps_the_row(database: str, tmp_path: Path) -> None:
    run(
        database,
        "create table a (id integer primary key, kind text);"
        " insert into a select n, case when n % 10 = 0 then 'odd' else 'even' end"
        " from generate_series(1, 100) n",
    )
    files = {
        "target.sql": "create table b (id integer primary key, kind text);",
        "moves/b.sql": "select id, kind from a where kind <> 'odd'",
        "leave.toml": "[[rows]]\ntable = 'a'\nwhere = \"kind = 'odd'\"\nreason = 'odd ones'\n",
    }
    folder = write(tmp_path / "ruled", files)
    started(database, folder)
    code, verdict = repot("verify", "--project", folder, dsn=database)
    assert code == 0, verdict["reasons"]
    (account,) = verdict["accounts"]
    assert (account["left"], account["quarantined"]) == (10, 10)
    run(database, "delete from repot_quarantine.a where id = 10")
    code, verdict = repot("verify", "--project", folder, dsn=database)
    assert code == 0  # verify keeps the quarantine up to date itself
    assert rows(database, "select count(*) from repot_quarantine.a") == [(10,)]
