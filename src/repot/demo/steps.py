"""The steps of a story: said when they begin, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from repot.model.progress import Progress

T = TypeVar("T")


class Steps:
    """seconds: by title, in order."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}

    def __call__(self, title: str, what: Callable[[], T]) -> T:
        """Do `what`, saying so, and keep how long it took."""
        self.progress.say(f"— {title}")
        start = time.monotonic()
        result = what()
        self.seconds[title] = round(time.monotonic() - start, 2)
        return result
