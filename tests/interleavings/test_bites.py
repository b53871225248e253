"""Protections taken out, one at a time: some schedule of a few seeds finds it, and goes well with
the protection in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest

from interleavings import mutations, mutations_of_stages
from interleavings.conftest import MakeWorld
from interleavings.schedules import SCHEDULES, Found
from interleavings.world import Kind, World

Mutation = Callable[[World, pytest.MonkeyPatch], AbstractContextManager[None]]


@dataclass(frozen=True)
class Bite:
    """A mistake, and the schedules that find it."""

    mutation: Mutation
    kind: Kind
    most: int  # schedules until it is found
    words: dict[str, Any] = field(default_factory=dict)  # for the schedules while it is in


BITES = [
    Bite(mutations.located_when_captured, Kind.COPIED, 100, {"about": "renames"}),
    Bite(mutations.cleared_at_the_end, Kind.COPIED, 100, {"about": "few"}),
    Bite(mutations.without_the_lane, Kind.COPIED, 100, {"about": "few"}),
    Bite(mutations_of_stages.applied_while_copying, Kind.EMPTY, 30, {"early": True}),
    Bite(mutations_of_stages.armed_after_the_snapshot, Kind.EMPTY, 30),
    Bite(mutations_of_stages.nothing_set_aside, Kind.PROVEN, 30),
    Bite(mutations_of_stages.not_emptied_under_the_locks, Kind.BACK, 20),
    Bite(mutations_of_stages.writers_go_on, Kind.BACK, 20),
]


@pytest.mark.parametrize("bite", BITES, ids=[b.mutation.__name__ for b in BITES])
def test_bite(
    bite: Bite,
    make_world: MakeWorld,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    play = SCHEDULES[bite.kind]
    world = make_world(bite.kind)
    found, seed = None, 0
    with monkeypatch.context() as patch, bite.mutation(world, patch):
        for seed in range(bite.most):
            try:
                play(world, seed, **bite.words)
            except Found as it:
                found = it
                break
    assert found is not None, f"{bite.most} schedules do not find it"
    record_property("found after", seed + 1)
    if bite.kind is Kind.BACK:  # it may have stopped between two switches
        world = make_world(bite.kind)
    words = {name: value for name, value in bite.words.items() if name != "early"}
    play(world, seed, **words)
