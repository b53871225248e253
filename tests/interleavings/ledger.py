"""What the writers of a schedule were told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count


@dataclass
class Ledger:
    """What the writers were told: some transactions write a token of their own."""

    committed: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    tokens: Iterator[int] = field(default_factory=lambda: count(1))
