"""What a schedule has gone through, read off its trace; and traces that can be compared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from interleavings.actor import Event, text_of

# Of a thousand schedules so many must go through it, at least: about half of what they do, or less
# where that is little.
WANTED = {  # schedules of single steps
    "a writer open across a chunk's snapshot": 20,
    "a writer open while a batch writes V2": 150,
    "a writer commits between a batch's snapshot and its commit": 60,
    "two appliers under way at once": 15,
    "a statement waited for a lock": 200,
}
WANTED_OF_STAGES = {  # schedules of whole stages
    "a writer open across the proof's snapshot": 80,
    "a writer open while the cutover locks": 30,
    "a writer open while the rollback locks": 10,
    "a writer open while a batch writes V2": 100,
    "cutovers": 300,
    "rollbacks": 300,
    "a statement waited for a lock": 200,
    "a lock was not to be had in time": 50,
}
_APPLIES = re.compile(
    r'^(insert into|update|delete from|with gone as \(delete from) "(v2|v1_old)"\.'
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T][\d:.]+([+-][\d:]+)?")
_NUMBER = re.compile(r"\d+")


def exercised(trace: Iterable[Event]) -> Counter[str]:
    """Each of these that happened, once."""
    seen = _Seen()
    for event in trace:
        seen.take(event.actor, text_of(event.what))
    return Counter(dict.fromkeys(seen.found, 1))


class _Seen:
    """Goes along a trace."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.open: dict[str, bool] = {}  # writers in a transaction: whether they have written
        self.batches: set[str] = set()  # who is between taking changes and the commit
        self.cut = False

    def take(self, actor: str, text: str) -> None:
        """One step."""
        if text.startswith("-- "):
            self._note(text)
        elif "writer" in actor:
            self._writer(actor, text)
        else:
            self._repot(actor, text)

    def _note(self, text: str) -> None:
        if "LockNotAvailable" in text:
            self.found.add("a lock was not to be had in time")
        elif "DeadlockDetected" in text:
            self.found.add("statements waited for each other")
        elif text == "-- waits":
            self.found.add("a statement waited for a lock")
        elif text == "-- cut over":
            self.cut = True
            self.found.add("cutovers")
        elif text == "-- rolled back":
            self.found.add("rollbacks")

    def _writer(self, actor: str, text: str) -> None:
        if text.startswith("begin"):
            self.open[actor] = False
        elif text in ("commit", "rollback"):
            if self.open.pop(actor, False) and text == "commit" and self.batches:
                self.found.add("a writer commits between a batch's snapshot and its commit")
        elif actor in self.open and text.startswith(("insert", "update", "delete", "truncate")):
            self.open[actor] = True

    def _repot(self, actor: str, text: str) -> None:
        writing = any(self.open.values())
        if text.startswith("with gone as (delete from") or text.startswith('insert into "pg_temp"'):
            self.batches.add(actor)
        elif text in ("commit", "rollback"):
            self.batches.discard(actor)
        if len(self.batches) > 1:
            self.found.add("two appliers under way at once")
        if not writing:
            return
        if actor.startswith("copier"):
            if text.startswith('insert into "v2".'):
                self.found.add("a writer open across a chunk's snapshot")
        elif _APPLIES.match(text):
            self.found.add("a writer open while a batch writes V2")
        elif "pg_export_snapshot" in text:
            self.found.add("a writer open across the proof's snapshot")
        elif "lock table" in text and "in exclusive mode" in text:
            which = "rollback" if self.cut else "cutover"
            self.found.add(f"a writer open while the {which} locks")


def comparable(trace: Sequence[Event], *, numbers: bool = True) -> list[str]:
    """The steps without what must differ: times; without numbers, also those in Repot's statements
    (names of tables that a cutover makes are counted on)."""
    lines = []
    for event in trace:
        line = _TIME.sub("<time>", str(event))
        keep = numbers or "writer" in event.actor
        lines.append(line if keep else _NUMBER.sub("<n>", line))
    return lines
