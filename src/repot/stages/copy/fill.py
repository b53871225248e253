"""Which part of a table comes next, and how much of it at once. No database in here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from repot.model.plan import Derivation

FIRST_GUESS = 150_000.0  # rows a second on one connection, until something was measured


@dataclass(frozen=True)
class Unit:
    """The smallest part: rows with lo <= column < hi. `lo` None: from the start, NULLs among them;
    `hi` None: to the end. Bounds are texts of the column's type."""

    number: int
    lo: str | None
    hi: str | None


@dataclass(frozen=True)
class Run:
    """Consecutive units, copied by one statement in one transaction."""

    first: int
    last: int
    lo: str | None
    hi: str | None

    @property
    def numbers(self) -> range:
        return range(self.first, self.last + 1)


@dataclass
class Fill:
    """A table that is being filled. Not thread-safe: the board's lock is held around every call.

    estimate: rows of the whole view, roughly. column: what the units are ranges of, with its type;
    None: there is one unit.
    """

    move: Derivation
    column: str | None
    type: str | None
    units: dict[int, Unit]
    open: set[int]  # neither done nor being copied
    estimate: float
    busy: set[int] = field(default_factory=set)
    rows: int = 0  # copied by this process
    seconds: float = 0.0  # that took, added up over connections

    @property
    def name(self) -> str:
        return self.move.name

    @property
    def unit_rows(self) -> float:
        return max(1.0, self.estimate / max(1, len(self.units)))

    @property
    def rate(self) -> float:
        """Rows a second on one connection."""
        if self.seconds < 0.05 or not self.rows:
            return FIRST_GUESS
        return self.rows / self.seconds

    @property
    def finished(self) -> bool:
        return not self.open and not self.busy

    def seconds_left(self) -> float:
        """What the open units would take on one connection."""
        return len(self.open) * self.unit_rows / self.rate

    def next_run(self, chunk_seconds: float, hands: int = 1) -> Run | None:
        """Take the next run: all that is left if that fits into the chunk time, else as many units
        as do, or a fair part where `hands` connections have nothing else to copy."""
        if not self.open:
            return None
        left = self.seconds_left()
        count = len(self.open)
        if left > chunk_seconds:
            count = max(1, int(chunk_seconds * self.rate / self.unit_rows))
        if hands > 1 and left > 1.0:  # below that, starting another statement costs more
            count = min(count, math.ceil(len(self.open) / hands))
        first = last = min(self.open)
        while last + 1 in self.open and last + 1 - first < count:
            last += 1
        run = Run(first, last, self.units[first].lo, self.units[last].hi)
        self.open.difference_update(run.numbers)
        self.busy.update(run.numbers)
        return run

    def complete(self, run: Run, rows: int, seconds: float) -> None:
        """The run is committed."""
        self.busy.difference_update(run.numbers)
        self.rows += rows
        self.seconds += seconds
