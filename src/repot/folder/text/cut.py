"""Taking out of a text what does not belong in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cut:
    """The characters from `start` up to `end` go; `put` comes in their place."""

    start: int
    end: int
    put: str = ""


def cut_out(text: str, cuts: Iterable[Cut]) -> str:
    """The text without the cuts; one within another is part of it."""
    parts, at = [], 0
    for cut in sorted(cuts, key=lambda c: (c.start, -c.end)):
        if cut.start < at:
            continue
        parts += [text[at : cut.start], cut.put]
        at = cut.end
    return "".join([*parts, text[at:]])


def masked(text: str, start: int, end: int) -> str:
    """The same text, as long and with as many lines, without what is between the two places."""
    blank = "".join(c if c == "\n" else " " for c in text[start:end])
    return text[:start] + blank + text[end:]
