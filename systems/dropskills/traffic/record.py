"""What one writer did and what it was told, in memory and, if wanted, in a file.

The file is there for a load that is killed: each write is announced before its COMMIT is sent and
confirmed when that has returned. An announcement without an answer is a write of unknown outcome.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .facts import Change, Key, State, States, apply
from .waits import Waits


class Record:
    """One writer's. `shared` holds what it added to common counters: for certain, and perhaps."""

    def __init__(self, file: Path | None = None) -> None:
        self.states: States = {}
        self.shared: dict[Key, list[int]] = {}  # key: [base, added, perhaps added]
        self.operations: Counter[str] = Counter()
        self.retried: Counter[str] = Counter()  # by SQLSTATE
        self.errors: list[str] = []
        self.transactions = self.unknown = self.reconnects = self.switches = self.skipped = 0
        self.statements, self.writes = Waits(), Waits()
        self._file: BinaryIO | None = file.open("xb", buffering=0) if file else None

    def know(self, key: Key, state: State) -> None:
        """A row that was there before the load."""
        self.states[key] = (state,)
        self._say({"base": [list(key), state.cols, state.raw]})

    def share(self, key: Key, base: int) -> None:
        """A counter that all writers add to stood at `base`."""
        self.shared[key] = [base, 0, 0]
        self._say({"share": [list(key), base]})

    def announce(self, changes: Sequence[Change]) -> None:
        """These will be so if the COMMIT that is sent next succeeds."""
        if self._file:
            self._say({"next": [_written(change) for change in changes]})

    def acknowledge(self, changes: Sequence[Change], operations: Iterable[str]) -> None:
        """The COMMIT of what was announced has returned."""
        names = list(operations)
        self._say({"done": names})
        self._apply(changes, sure=True)
        self.transactions += 1
        self.operations.update(names)

    def doubt(self, changes: Sequence[Change]) -> None:
        """The connection was lost at the COMMIT of what was announced."""
        self._say({"lost": True})
        self._apply(changes, sure=False)
        self.unknown += 1

    def refuse(self) -> None:
        """What was announced was not done: the server said so."""
        self._say({"not": True})

    def fail(self, text: str) -> None:
        """Something that the load must not see."""
        self.errors.append(text)
        self._say({"error": text})

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _apply(self, changes: Sequence[Change], *, sure: bool) -> None:
        apply(self.states, changes, sure=sure)
        for change in changes:
            if change.add:
                counter = self.shared.setdefault(change.key, [0, 0, 0])
                counter[1 if sure else 2] += change.add

    def _say(self, what: dict[str, Any]) -> None:
        if self._file:
            line = json.dumps(what, ensure_ascii=False, separators=(",", ":"))
            self._file.write(line.encode() + b"\n")


def read(file: Path) -> Record:
    """What a file says, also one that its writer had no time to finish."""
    record, announced = Record(), None
    for line in file.read_bytes().split(b"\n"):
        try:
            said = json.loads(line)
        except ValueError:
            continue  # the last line, cut off: it announced nothing that was sent
        if announced is not None and "done" in said:
            record.acknowledge(announced, said["done"])
        elif announced is not None and "lost" in said:
            record.doubt(announced)
        announced = [_read(change) for change in said["next"]] if "next" in said else None
        if "base" in said:
            key, cols, raw = said["base"]
            record.know(tuple(key), State(cols, raw))
        elif "share" in said:
            record.share(tuple(said["share"][0]), said["share"][1])
        elif "error" in said:
            record.fail(said["error"])
    if announced is not None:
        record.doubt(announced)
    return record


def _written(change: Change) -> list[Any]:
    flags = [change.new, change.orphan, change.add]
    return [list(change.key), change.cols, change.raw, flags]


def _read(written: list[Any]) -> Change:
    key, cols, raw, (new, orphan, add) = written
    return Change(tuple(key), cols, raw, new, orphan, add)
