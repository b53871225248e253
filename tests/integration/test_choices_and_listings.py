"""Variants of a file, of which one is chosen, and rows that people should see before they decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.model.errors import UsageError
from repot.project import load_project
from support.moving import TOML, write_project
from support.project import repot
from support.sql import run

V1 = """create table public.item (id int primary key, price numeric);
insert into public.item values (1, 1.25), (2, 2), (3, null)"""
FILES = {
    "repot.toml": TOML.replace('outside = ["auth"]', "") + '[choice]\nrounding = "down"\n',
    "target.sql": "create table items (id int primary key, price int)",
    "moves/items@rounding=down.sql": "select id, floor(price)::int as price from item",
    "moves/items@rounding=up.sql": "select id, ceil(price)::int as price from item",
    "listings/rounded@rounding=down.sql": "select id, price, floor(price) as becomes from item"
    " where price <> floor(price);",
    "listings/unpriced.sql": "select id, price from item where price is null order by id",
}


def problems(folder: Path, files: dict[str, str]) -> str:
    with pytest.raises(UsageError) as wrong:
        load_project(write_project(folder, files))
    return wrong.value.evidence


def test_the_chosen_variant_is_used(tmp_path: Path) -> None:
    down = load_project(write_project(tmp_path / "down", FILES))
    assert "floor" in down.moves["items"].text
    up = FILES | {"repot.toml": FILES["repot.toml"].replace('"down"', '"up"')}
    up["listings/rounded@rounding=up.sql"] = "select id from item"
    chosen = load_project(write_project(tmp_path / "up", up))
    assert "ceil" in chosen.moves["items"].text
    assert chosen.digest != down.digest


def test_what_is_wrong_with_choices_is_named_at_once(tmp_path: Path) -> None:
    said = problems(
        tmp_path,
        {
            **FILES,
            "repot.toml": FILES["repot.toml"].replace('"down"', '"half"') + 'other = "x"\n',
            "moves/more@size=big.sql": "select 1",
            "listings/unpriced@rounding=up.sql": "select 1",
        },
    )
    assert 'no file of items for rounding = "half"; there are: down, up' in said
    assert "choice.other: no file depends on it" in said
    assert "repot.toml has no size in [choice]" in said
    assert "there is a unpriced.sql beside it" in said


def test_listings_are_shown_and_counted(database: str, tmp_path: Path) -> None:
    run(database, V1)
    folder = write_project(tmp_path, FILES)
    code, document = repot("listing", "--project", folder, "--database", database)
    assert code == 0
    rounded, unpriced = document["listings"]
    assert (rounded["name"], rounded["count"]) == ("rounded", 1)
    assert rounded["columns"] == ["id", "price", "becomes"]
    assert rounded["rows"] == [["1", "1.25", "1"]]
    assert unpriced["rows"] == [["3", None]]
    code, document = repot("plan", "--project", folder, "--database", database)
    assert code == 0, document
    found = {f["object"]: f["count"] for f in document["findings"] if f["code"] == "listing"}
    assert found == {"rounded": 1, "unpriced": 1}


def test_only_so_many_rows_are_shown_and_all_are_counted(database: str, tmp_path: Path) -> None:
    run(database, V1 + "; insert into public.item select i, null from generate_series(10, 40) i")
    folder = write_project(tmp_path, FILES)
    words = ("listing", "unpriced", "--project", folder, "--database", database)
    [one] = repot(*words, "--limit", "5")[1]["listings"]
    assert (len(one["rows"]), one["count"]) == (5, 32)
    [one] = repot(*words, "--all")[1]["listings"]
    assert len(one["rows"]) == 32


def test_a_listing_that_fails_or_is_not_there_says_so(database: str, tmp_path: Path) -> None:
    run(database, V1)
    folder = write_project(tmp_path, {**FILES, "listings/broken.sql": "select nothing from item"})
    words = ("--project", folder, "--database", database)
    code, document = repot("listing", *words)
    assert code == 1
    assert {o["name"] for o in document["listings"] if o["error"]} == {"broken"}
    code, document = repot("plan", *words)
    assert code == 1
    assert "listing-fails" in {f["code"] for f in document["findings"]}
    code, document = repot("listing", "nosuch", *words)
    assert (code, document["error"]["code"]) == (2, "unknown-listing")


def test_a_listing_changes_nothing(database: str, tmp_path: Path) -> None:
    """The file is the user's; its transaction is read-only."""
    run(
        database,
        V1 + "; create function public.f() returns int language sql as"
        " $$ delete from item returning id $$",
    )
    folder = write_project(tmp_path, {**FILES, "listings/f.sql": "select f() as id"})
    code, document = repot("listing", "f", "--project", folder, "--database", database)
    assert code == 1
    assert "read-only transaction" in document["listings"][0]["error"]
