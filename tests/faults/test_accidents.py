"""`kill -9` of the program, or a crash of the server, at each named step, while an application
writes: the same command again goes on, nothing that was acknowledged is missing, and in the end
nothing tells of it.

A few by default, a spread of them with --crashes some (or --long), all with --crashes all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.moves import Moves
from faults.program import NEVER
from faults.scenario import go_through
from faults.step import CRASH, DONE, KILL, Step
from faults.steps import STEPS


def cases(every: bool) -> list[tuple[Step, str]]:
    """Steps and accidents."""
    return [(s, a) for s in STEPS for a in (KILL, CRASH) if every or a in s.some]


def few(chosen: list[tuple[Step, str]]) -> list[tuple[Step, str]]:
    """One accident for each verb."""
    found: dict[str, tuple[Step, str]] = {}
    for step, accident in chosen:
        found.setdefault(step.verb.split()[0], (step, accident))
    return list(found.values())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "accident" in metafunc.fixturenames and "step" in metafunc.fixturenames:
        much = metafunc.config.getoption("--crashes")
        chosen = cases(much == "all")
        if much == "few":
            chosen = few(chosen)
        names = [f"{step}, {DONE[accident]}" for step, accident in chosen]
        metafunc.parametrize(("step", "accident"), chosen, ids=names)


def test_the_same_command_goes_on(moves: Moves, step: Step, accident: str, tmp_path: Path) -> None:
    seed = 4 * STEPS.index(step) + 2 * (accident == CRASH) + 1
    go_through(moves, step, accident, seed, tmp_path / "held")


def test_each_part_is_tried_at_length() -> None:
    chosen = cases(every=False)
    marked = {(s.verb, s.part) for s in STEPS if s.part != "batch first"}
    assert {(step.verb, step.part) for step, _ in chosen} == marked
    assert {accident for _, accident in chosen} == {KILL, CRASH}
    assert len({str(step) for step in STEPS}) == len(STEPS)


@pytest.mark.parametrize("how", [KILL, CRASH], ids=DONE.get)
def test_a_step_that_is_never_reached_is_a_failure(moves: Moves, how: str, tmp_path: Path) -> None:
    step = Step("proven", "follow --once", "proven", "", "", "after", ("nobody says this",))
    with pytest.raises(AssertionError, match=NEVER):
        go_through(moves, step, how, 1, tmp_path / "held")
