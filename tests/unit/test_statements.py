"""What a user's file may hold, decided by parsing it."""

from __future__ import annotations

import pytest

from repot.model.project import SqlFile
from repot.moves.statements import (
    check_select,
    check_target,
    line_of,
    parse,
    without_foreign_keys,
)


def codes(text: str) -> list[tuple[str, int | None]]:
    return [(f.code, f.line) for f in check_select(SqlFile(path="moves/x.sql", text=text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("select 1 as id", []),
        ("-- a comment\nselect 1 as id;\n-- and another\n", []),
        ("with a as (select 1 as id) select id from a", []),
        ("", [("not-one-select", 1)]),
        ("select 1; select 2", [("not-one-select", 1)]),
        ("select 1;\n\ndelete from t", [("not-one-select", 3)]),
        ("delete from t", [("not-one-select", 1)]),
        ("select 1 into x", [("not-one-select", 1)]),
        ("select id from t for update", [("not-one-select", 1)]),
        ("select id,\n  now() as at from t", [("volatile-expression", 2)]),
        ("select id,\n\n  current_date as at from t", [("volatile-expression", 3)]),
        ("select id, current_user as who from t", [("volatile-expression", 1)]),
        ("select 'é',\n  statement_timestamp() from t", [("volatile-expression", 2)]),
        ("select id from\nwhere", [("sql-syntax", 2)]),
        ("npm warn deprecated\nselect 1", [("sql-syntax", 1)]),
    ],
)
def test_a_move_is_exactly_one_select(text: str, found: list[tuple[str, int | None]]) -> None:
    assert codes(text) == found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("create table a (id int);\nbegin;", 2),
        ("create table a (id int);\n\ncommit", 3),
        ("create table a (id int);\ncreate index concurrently on a (id);", 2),
        ("vacuum", 1),
    ],
)
def test_target_sql_cannot_leave_its_transaction(text: str, line: int) -> None:
    found = check_target(SqlFile(path="target.sql", text=text))
    assert [(f.code, f.line) for f in found] == [("target-not-transactional", line)]


def test_foreign_keys_are_left_out_and_nothing_else() -> None:
    text = """
    create table "A b" (id int primary key, x int not null references c (id) on delete cascade,
      constraint chk check (x > 0), foreign key (x) references d);
    alter table "A b" add constraint f foreign key (x) references e;
    alter table "A b" add constraint u unique (x), add foreign key (x) references e;
    create index on "A b" (x);
    alter table "A b" validate constraint f;
    comment on constraint f on "A b" is 'a key';
    """
    left = without_foreign_keys(SqlFile(path="target.sql", text=text)).text.lower()
    assert "references" not in left
    assert "validate" not in left
    assert "comment" not in left
    for kept in ('"a b"', "primary key", "not null", "check", "unique", "create index"):
        assert kept in left


def test_a_line_is_found_outside_comments_only() -> None:
    assert line_of("-- price\nselect id,\n  price", "PRICE") == 3
    assert line_of("select 1", "price") is None


def test_the_line_of_a_mistake_is_right_behind_accents() -> None:
    file = SqlFile(
        path="moves/a.sql", text="-- été, à côté, où, ça, là, dès, déjà\nselect 1 frm x;\n"
    )
    _, findings = parse(file)
    assert findings[0].line == 2
