"""How long statements took: few numbers, however many statements."""

from __future__ import annotations

import math

_SLOT_S = 0.02  # the longest wait of each slot is kept
_STEP = 1.1  # buckets of the histogram grow by a tenth


class Waits:
    """Durations of what one thread did. Written by that thread alone; others may read."""

    def __init__(self) -> None:
        self.count = 0
        self.longest_s = 0.0
        self._slots: dict[int, tuple[float, float]] = {}  # begin and end, time.monotonic()
        self._buckets: dict[int, int] = {}

    def note(self, begin: float, end: float) -> None:
        """Something took from `begin` to `end`, by time.monotonic()."""
        took = end - begin
        self.count += 1
        self.longest_s = max(self.longest_s, took)
        slot = int(end / _SLOT_S)
        kept = self._slots.get(slot)
        if kept is None or took > kept[1] - kept[0]:
            self._slots[slot] = (begin, end)
        bucket = math.ceil(math.log(max(took, 1e-6) / 1e-6, _STEP))
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def longest(self, between: tuple[float, float] | None = None) -> float:
        """The longest wait, in milliseconds, of those that touch the time `between`.

        Times are time.monotonic()'s; of waits that end within the same 20 ms the longest counts.
        """
        if between is None:
            return 1000 * self.longest_s
        first, last = between
        slots = list(self._slots.values())
        inside = (end - begin for begin, end in slots if begin <= last and end >= first)
        return 1000 * max(inside, default=0.0)


def median_ms(all_waits: list[Waits]) -> float:
    """The median of all of them, in milliseconds, to a tenth of itself; 0.0 if there are none."""
    buckets: dict[int, int] = {}
    for waits in all_waits:
        for bucket, n in list(waits._buckets.items()):
            buckets[bucket] = buckets.get(bucket, 0) + n
    half, seen = sum(buckets.values()) / 2, 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= half:
            return 1000 * 1e-6 * _STEP**bucket
    return 0.0
