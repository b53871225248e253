"""What an operation is made of, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .facts import Change
from .world import World


@dataclass(frozen=True)
class Step:
    """One statement by its name; `rows`: how many it must touch, if that is known."""

    name: str
    given: Mapping[str, Any]
    rows: int | None = 1


@dataclass
class Work:
    """An operation in one dialect: its statements, and what is so after them."""

    steps: list[Step] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def say(self, name: str, rows: int | None = 1, /, **given: Any) -> Work:
        self.steps.append(Step(name, given, rows))
        return self

    def so(self, *changes: Change) -> Work:
        self.changes.extend(changes)
        return self


# An operation has been thought out once (`Operation.plan`), and may have to be said in the other
# dialect after that: all that is random is decided before. None: that dialect cannot say it.
Said = Callable[[int], Work | None]
Plan = Callable[[World], Said | None]


@dataclass(frozen=True)
class Operation:
    """`weight`: how often, against the others. `grows`, `shrinks`: a kind of which it makes more or
    fewer, so that no kind dies out or goes on growing. `alone`: never with others in a transaction.
    """

    name: str
    plan: Plan
    weight: float
    grows: str | None
    shrinks: str | None
    alone: bool

    def chance(self, world: World) -> float:
        """Its weight as the world is now."""
        weight = self.weight
        if self.grows:
            size, aim = world.size(self.grows), world.aim(self.grows)
            weight *= 2.0 if size < 0.5 * aim else 1.0 if size < aim else 0.3
        if self.shrinks:
            size, aim = world.size(self.shrinks), world.aim(self.shrinks)
            weight *= 0.2 if size < 0.6 * aim else 1.0 if size < 1.3 * aim else 4.0
        return weight


OPERATIONS: list[Operation] = []


def operation(
    weight: float, *, grows: str | None = None, shrinks: str | None = None, alone: bool = False
) -> Callable[[Plan], Plan]:
    """Put a function on the list under its own name."""

    def add(plan: Plan) -> Plan:
        OPERATIONS.append(Operation(plan.__name__, plan, weight, grows, shrinks, alone))
        return plan

    return add
