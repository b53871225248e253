"""Protections of Repot taken out: random projects find each of them, soon."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from property.drive import Broken, Life
from property.generate import generate
from repot.engine.apply import locating, unit, write
from repot.engine.apply.work import Work
from repot.engine.tail import applying

derive = import_module("repot.engine.apply.derive")  # the package has names like it

PROJECTS = 25
FIRST = {"nobody_makes_way": 515}  # the seed of a project that finds it


def joined_tables_are_not_looked_up(patch: pytest.MonkeyPatch) -> None:
    """What a changed row of a joined table touches is not worked out (links by `locate`)."""
    inner = locating.touched_scopes

    def own_keys_only(use: Any, *rest: Any, **options: Any) -> Any:
        return None if locating.located(use) else inner(use, *rest, **options)

    patch.setattr(locating, "touched_scopes", own_keys_only)
    patch.setattr(applying, "touched_scopes", own_keys_only)


def deletes_are_not_carried(patch: pytest.MonkeyPatch) -> None:
    """Rows that the view does not give any more stay in V2."""
    patch.setattr(derive, "delete_first", lambda *_: 0)
    patch.setattr(derive, "delete_rest", lambda *_: 0)


def keys_are_checked_between_update_and_insert(patch: pytest.MonkeyPatch) -> None:
    """A row that stays and comes to refer to a new one of its own table is written before it."""
    patch.setattr(unit, "refers_to_itself", lambda work: False)


def nobody_makes_way(patch: pytest.MonkeyPatch) -> None:
    """Trap 13: rows that exchange unique values are updated as they come."""

    def none(conn: Any, works: list[Work]) -> list[list[Any]]:
        return [[] for _ in works]

    patch.setattr(write, "in_the_way", none)


V2_DIFFERS = "V2 is not what its moves say|the proof did not pass"
NOT_APPLIED = "poison [1-9]|could not be applied|not-applied|apply-failed"
BITES = {
    joined_tables_are_not_looked_up: V2_DIFFERS,
    deletes_are_not_carried: V2_DIFFERS,
    keys_are_checked_between_update_and_insert: NOT_APPLIED,
    nobody_makes_way: NOT_APPLIED,
}


@pytest.mark.parametrize("bite", BITES, ids=lambda bite: bite.__name__)
def test_a_protection_taken_out_is_noticed(
    bite: Callable[[pytest.MonkeyPatch], None],
    make_database: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def live() -> None:
        first = FIRST.get(bite.__name__, 509)
        for seed in range(first, first + PROJECTS):
            Life(generate(seed), make_database(), tmp_path / str(seed)).live()

    bite(monkeypatch)
    with pytest.raises(Broken, match=BITES[bite]):
        live()
