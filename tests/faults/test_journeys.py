"""A whole move, there and back and there again, with an accident in every verb, under one load.

The accidents are drawn; the seed is in the test's name.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from faults.course import FROM_V1, WRITES
from faults.load import Load
from faults.moves import Moves
from faults.program import done
from faults.scenario import meet
from faults.step import CRASH, KILL, Step
from faults.steps import DROP_V1, STEPS
from support.sql import run

JOURNEYS = {"few": 1, "some": 1, "all": 8}
ROUTE = [  # stage, verb, and the stage after it
    ("v1", "copy", "copied"),
    ("copied", "verify", "proven"),
    ("proven", "follow --once", "proven"),
    ("proven", "cutover", "cut"),
    ("cut", "follow --once", "cut"),
    ("cut", "rollback", "back"),
    ("back", "verify", "back"),
    ("back", "cutover", "cut"),
]
LEFT_BEHIND = "repot_quarantine."  # what a rollback had no place for on V1
SAME = {("back", "verify"): "copied", ("back", "cutover"): "proven"}  # the stage whose steps it has


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    number = JOURNEYS[metafunc.config.getoption("--crashes")]
    metafunc.parametrize("seed", range(1, number + 1))


def drawn(rng: random.Random, stage: str, verb: str, after: str) -> Step:
    """A step that the verb passes on this journey."""
    start = SAME.get((stage, verb), stage)
    found = [s for s in STEPS if (s.start, s.verb) == (start, verb)]
    return replace(rng.choice(found), start=stage, end=after)


def test_an_accident_in_every_verb(moves: Moves, seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    dsn = moves.database("v1")
    happened = []
    with Load(dsn, 100 + seed, FROM_V1) as load:
        for number, (stage, verb, after) in enumerate(ROUTE):
            run(dsn, WRITES[stage])
            step, accident = drawn(rng, stage, verb, after), rng.choice((KILL, CRASH))
            happened.append(f"{step} {accident}")
            try:
                meet(moves, dsn, step, accident, tmp_path / f"held{number}")
                done(dsn, moves.folder, *step.words)
            except AssertionError as failed:
                failed.add_note("; ".join(happened))
                raise
        ledger = load.stop()
    moves.check(dsn, "cut", ledger, kept=LEFT_BEHIND)
    done(dsn, moves.folder, *DROP_V1.split())
    moves.check(dsn, "ended", kept=LEFT_BEHIND)
    moves.drop(dsn)
