"""Random orders of writers, appliers, copies, proofs and cutovers, statement by statement.

2,000 schedules; --schedules N for more of them, --seed S for one (with both: N, from S on). The
message of a failure has the seed, and a seed always gives the same steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from interleavings.conftest import MakeWorld
from interleavings.exercised import WANTED, WANTED_OF_STAGES, comparable, exercised
from interleavings.schedules import SCHEDULES, STAGES, Found, kind_of
from interleavings.world import Kind

ENOUGH = 100  # schedules for which it can be said how often something must have happened
REPEATED = {Kind.COPIED: 12, Kind.EMPTY: 3, Kind.CUT: 3, Kind.PROVEN: 2, Kind.BACK: 1}
# These see whether something that a TRUNCATE left is there from an earlier schedule.
TOLD_BY_A_TRUNCATE = [1088, 1097, 1169, 1307, 1347, 1385]


def test_schedules(
    seeds: list[int], world_of: MakeWorld, record_property: Callable[[str, object], None]
) -> None:
    """View and table are equal at the end of each, and no acknowledged write is lost."""
    counted: Counter[str] = Counter()
    for seed in seeds:
        kind = kind_of(seed)
        try:
            done = SCHEDULES[kind](world_of(kind), seed)
        except Found as found:
            pytest.fail(str(found), pytrace=False)
        assert done.rows, f"seed {seed} compared nothing"  # trap 15
        counted += exercised(done.trace)
        counted += Counter(
            {"schedules": 1, "steps": len(done.trace), "rows compared": done.rows}
        ) + Counter({f"schedules: {kind.value}": 1})
    record_property("counted", dict(counted))
    assert counted["schedules"] == len(seeds)
    if len(seeds) >= ENOUGH:
        wanted = WANTED_OF_STAGES if kind_of(seeds[0]) in STAGES else WANTED
        few = {
            what: counted[what]
            for what, share in wanted.items()
            if counted[what] * 1000 < share * len(seeds)
        }
        assert not few, f"too seldom in {len(seeds)} schedules: {few}"


def test_a_seed_repeats(
    world_of: MakeWorld, make_world: MakeWorld, request: pytest.FixtureRequest
) -> None:
    """The same steps in another world, and in another order of the seeds."""
    first = request.config.getoption("seed")
    if first is not None:
        kind = kind_of(first)
        chosen = {kind: [first]}
    else:
        chosen = {kind: [*range(number)] for kind, number in REPEATED.items()}
        chosen[Kind.COPIED] += TOLD_BY_A_TRUNCATE
    for kind, seeds in chosen.items():
        world, other = world_of(kind), make_world(kind)
        # A cutover makes tables whose names are counted on.
        numbers = kind is not Kind.BACK
        steps = {s: comparable(SCHEDULES[kind](world, s).trace, numbers=numbers) for s in seeds}
        for seed in reversed(seeds):
            again = comparable(SCHEDULES[kind](other, seed).trace, numbers=numbers)
            assert again == steps[seed], f"seed {seed}, {kind}"
