"""A named step of the lifecycle, at which an accident is tried."""

from __future__ import annotations

from dataclasses import dataclass

from faults.watching import When

KILL, CRASH = "*", "!"  # the program dies; the server does
DONE = {KILL: "killed", CRASH: "crashed"}


@dataclass(frozen=True)
class Step:
    """`verb`, started on a database in the stage `start`, meets the accident `when` the last of
    `trail` is sent for the `nth` time, and has brought the database to the stage `end` in the end.

    part: the part of the verb that the step is in. some: the accidents that are tried by default;
    both at every step with --crashes all.
    """

    start: str
    verb: str
    end: str
    part: str
    name: str
    when: When
    trail: tuple[str, ...]
    nth: int = 1
    some: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.verb.split())

    def __str__(self) -> str:
        number = f" {self.nth}" if self.nth > 1 else ""
        where = f"{self.start}: {self.words[0]}, {self.part}"
        return f"{where}: {self.when} {self.name}{number}"


# What it is called, when (a number: not the first time; then the accidents of `some`), and the
# statements; under the part of the verb.
Row = tuple[str, str, tuple[str, ...]]
Parts = dict[str, list[Row]]


def steps(start: str, verb: str, end: str, parts: Parts, spread: bool = True) -> list[Step]:
    """spread: whether the rows' own marks hold; else none is tried by default."""
    made = []
    for part, rows in parts.items():
        for name, mark, trail in rows:
            bare = mark.rstrip(KILL + CRASH)
            word, _, number = bare.partition(" ")
            assert word in ("before", "during", "after")
            some = mark[len(bare) :] if spread else ""
            made.append(Step(start, verb, end, part, name, word, trail, int(number or 1), some))
    return made
