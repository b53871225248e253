"""The crash tests fail where a protection is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.moves import Moves
from faults.program import NEVER
from faults.protections import (
    checkpoint_apart_from_rows,
    nobody_looks_what_became_of_the_commit,
    phase_apart_from_swap,
)
from faults.scenario import go_through
from faults.step import CRASH, KILL
from faults.steps import STEPS

BITES = [
    (checkpoint_apart_from_rows, KILL, "built: copy, chunk: after checkpoint 2", "duplicated"),
    (
        nobody_looks_what_became_of_the_commit,
        CRASH,
        "proven: cutover, COMMIT: during COMMIT",
        "was not done",
    ),
    (phase_apart_from_swap, KILL, "proven: cutover, COMMIT: before COMMIT", "not-equal"),
]


@pytest.mark.parametrize(
    ("without", "accident", "name", "told"), BITES, ids=[bite[0].__name__ for bite in BITES]
)
def test_without_a_protection_it_fails(
    moves: Moves,
    without: Callable[[], None],
    accident: str,
    name: str,
    told: str,
    tmp_path: Path,
) -> None:
    (step,) = [s for s in STEPS if str(s) == name]
    with pytest.raises(AssertionError) as caught:
        go_through(moves, step, accident, 3, tmp_path / "held", without)
    assert NEVER not in str(caught.value)
    assert told in str(caught.value)
