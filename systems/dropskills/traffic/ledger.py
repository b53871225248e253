"""What a load was acknowledged, and what the database must hold because of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from .compare import Connection, differences, shared_differences
from .facts import Key, States
from .record import Record, read
from .statements import WRITES
from .waits import median_ms


class Ledger:
    """Figures over all writers. Times are in milliseconds.

    `acknowledged` counts operations, `transactions` the COMMITs that returned; `unknown` are those
    whose connection was lost at the COMMIT: both outcomes are right. `switches` count how often a
    connection found the other dialect serving, `retries` the transactions that were tried again.
    """

    def __init__(
        self, records: Sequence[Record], seconds: float = 0.0, schema: str = "public"
    ) -> None:
        self._records, self.seconds, self._schema = list(records), seconds, schema
        self.compared = 0  # rows, by the last call of `missing`
        self.left_in_v1: list[str] = []  # links of what is gone, see `missing`; by the same call

    @classmethod
    def read(cls, path: Path, schema: str = "public") -> Ledger:
        """The ledger of a load whose process may have been killed; see Traffic's `ledger`.

        Raises FileNotFoundError if no writer left a file.
        """
        files = sorted(path.parent.glob(f"{path.name}.[0-9]*"))
        if not files:
            raise FileNotFoundError(f"no writer left a file {path}.0 or the like")
        return cls([read(file) for file in files], schema=schema)

    @property
    def acknowledged(self) -> int:
        return sum(self.operations.values())

    @property
    def operations(self) -> dict[str, int]:
        """Acknowledged operations by name."""
        return dict(sum((Counter(r.operations) for r in self._records), Counter[str]()))

    @property
    def transactions(self) -> int:
        return sum(r.transactions for r in self._records)

    @property
    def unknown(self) -> int:
        return sum(r.unknown for r in self._records)

    @property
    def errors(self) -> list[str]:
        """What the application must not see, without secrets."""
        return list(chain.from_iterable(r.errors for r in self._records))

    @property
    def reconnects(self) -> int:
        return sum(r.reconnects for r in self._records)

    @property
    def switches(self) -> int:
        return sum(r.switches for r in self._records)

    @property
    def skipped(self) -> int:
        """Operations that the dialect that serves has no words for."""
        return sum(r.skipped for r in self._records)

    @property
    def retried(self) -> dict[str, int]:
        """Transactions tried again, by SQLSTATE or what else made them."""
        return dict(sum((Counter(r.retried) for r in self._records), Counter[str]()))

    @property
    def retries(self) -> int:
        return sum(self.retried.values())

    @property
    def longest_wait_ms(self) -> float:
        """The longest single statement, COMMIT or connect."""
        return self.longest_wait()

    def longest_wait(self, between: tuple[float, float] | None = None) -> float:
        """The same, of those that touch the time `between` (time.monotonic())."""
        return max((r.statements.longest(between) for r in self._records), default=0.0)

    def longest_write(self, between: tuple[float, float] | None = None) -> float:
        """The longest time from the wish for a transaction to its acknowledgement, with all the
        times that it was tried again: what a switch costs the application."""
        return max((r.writes.longest(between) for r in self._records), default=0.0)

    @property
    def median_ms(self) -> float:
        """The median of single statements."""
        return median_ms([r.statements for r in self._records])

    @property
    def writes_per_second(self) -> float:
        """Acknowledged operations in the time that the load was not paused."""
        return self.acknowledged / self.seconds if self.seconds else 0.0

    @property
    def transactions_per_second(self) -> float:
        return self.transactions / self.seconds if self.seconds else 0.0

    def expected(self) -> States:
        """By its key, each row that the writers know, and what it must look like: None if it was
        deleted, more than one state if the outcome of a write is unknown."""
        merged: States = {}
        for record in self._records:
            merged.update(record.states)
        return merged

    def shared(self) -> dict[Key, list[int]]:
        """By its key, each counter that all writers add to: its base, what was added, and what was
        perhaps added."""
        merged: dict[Key, list[int]] = {}
        for record in self._records:
            for key, numbers in record.shared.items():
                sums = merged.get(key, [0, 0, 0])
                merged[key] = [a + b for a, b in zip(sums, numbers, strict=True)]
        return merged

    def missing(self, conn: Connection) -> list[str]:
        """A sentence for each acknowledged write that the database does not show, or shows twice.

        To be asked while the load is paused or has ended. `conn` may have any search_path; one
        snapshot is read if it is not in a transaction. Afterwards `compared` says how many rows
        were compared, and `left_in_v1` names links that were deleted, whose other end is gone, and
        that V1 shows all the same: it has no foreign keys there. Raises LookupError if neither V1
        nor V2 serves.
        """
        states, shared = self.expected(), self.shared()
        fresh = conn.info.transaction_status.name == "IDLE"
        with conn.transaction():
            if fresh:
                conn.execute("set transaction isolation level repeatable read, read only")
            conn.execute(WRITES[1]["search_path"], {"schema": self._schema, "local": True})
            self.left_in_v1 = []
            found = [
                *differences(conn, states, self.left_in_v1),
                *shared_differences(conn, shared),
            ]
        self.compared = len(states) + len(shared)
        return found

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        names = (
            *("acknowledged", "transactions", "unknown", "operations", "errors", "reconnects"),
            *("switches", "retries", "retried", "skipped", "seconds"),
            *("longest_wait_ms", "median_ms", "writes_per_second", "transactions_per_second"),
        )
        figures = {name: getattr(self, name) for name in names}
        figures["longest_write_ms"] = self.longest_write()
        return {k: round(v, 2) if isinstance(v, float) else v for k, v in figures.items()}
