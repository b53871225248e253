"""Names, plain and hostile."""

from __future__ import annotations

import random

PLAIN = ("item", "pack", "member", "line", "city", "label", "note", "stock", "event", "price")
HOSTILE = (
    "order",
    "select",
    "user",
    "table",
    "group",
    "UserPacks",
    "_Mixed_Case",
    "CamelId",
    'a "quoted" Name',
    "it's",
    "50 % {0} $1",
    "%s",
    "two words",
    "Été",
    "имя",
    "名前",
    "ÆØÅ ß",
    "a.b",
    "back\\slash",
    ":colon",
    "é" * 31,
    "x" * 62,
)


def quoted(*names: str) -> str:
    """As it is written in a user's file."""
    return ".".join('"' + n.replace('"', '""') + '"' for n in names)


class Names:
    """Names that are all different; `hostility` is how often one is not plain."""

    def __init__(self, rng: random.Random, hostility: float) -> None:
        self._rng, self._hostility = rng, hostility
        self._taken: set[str] = set()

    def new(self, like: str = "") -> str:
        """`like`: this very name, where it is free."""
        if like and like not in self._taken:
            self._taken.add(like)
            return like
        pool = HOSTILE if self._rng.random() < self._hostility else PLAIN
        name = self._rng.choice(pool)
        number = 0
        base = name
        while name in self._taken:
            number += 1
            end = str(number)
            # Names of 63 bytes that differ in the last one only: cut, they would be the same.
            cut = base.encode()[: 63 - len(end)].decode(errors="ignore")
            name = cut + end
        self._taken.add(name)
        return name
