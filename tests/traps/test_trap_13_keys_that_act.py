"""Trap 13, on: what ON UPDATE CASCADE (or SET NULL) writes by itself is derived anew afterwards."""

from __future__ import annotations

import pytest

from repot.engine.apply import batch
from repot.engine.session import Session
from support.sql import run
from traps.scene import Scenes, followed, stale

V1 = """
create table shelf (id integer primary key, code text not null unique);
create table book (id integer primary key, shelf text{});
"""
ROWS = """
insert into shelf select n, 'code ' || n from generate_series(1, 4) n;
insert into book select n, 'code ' || 1 + n % 4 from generate_series(1, 12) n;
"""
# In V1 the books go on naming a code that is nobody's; V2's key would name another one for them.
RENAMED = "update shelf set code = 'other' where id = 1"
ACTIONS = ("cascade", "set null")


def library(scenes: Scenes, action: str) -> Session:
    """V1 has no foreign key; V2's key does something when a code changes."""
    target = V1.format(f" references shelf (code) on update {action}")
    return scenes.copied(
        V1.format("") + ROWS,
        {
            "target.sql": target,
            "moves/shelf.sql": "select id, code from shelf",
            "moves/book.sql": "select id, shelf from book",
        },
    )


@pytest.mark.parametrize("action", ACTIONS)
def test_rows_that_a_key_updates_are_derived_anew(scenes: Scenes, action: str) -> None:
    """What V2's key does not allow is told, and not done otherwise."""
    session = library(scenes, action)
    run(session.dsn, RENAMED)
    assert followed(session).poison == 3
    run(session.dsn, "update book set shelf = 'other' where shelf = 'code 1'")
    assert followed(session).poison == 0
    assert stale(session) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_it_bites_where_nobody_notes_them(
    scenes: Scenes, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "note_what_keys_change", lambda *_: 0)
    session = library(scenes, action)
    run(session.dsn, RENAMED)
    assert followed(session).poison == 0
    assert stale(session) != []
