"""The application's load in a process of its own: beside Repot, as it would be in life."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection as Pipe
from types import TracebackType
from typing import Any

from repot.demo.systems import find_system
from repot.model.base import Value
from repot.model.errors import RepotError
from repot.postgres.connect import connection

_SECONDS = 300.0  # that an answer may take


class Figures(Value):
    """What the load was acknowledged, and what of it the database shows."""

    writers: int
    acknowledged: int  # operations
    transactions: int
    missing: int  # acknowledged writes that are not there, or twice
    compared: int  # rows that were looked at for that
    errors: int  # that an application should not see
    unknown: int  # writes whose connection broke at the COMMIT
    retries: int
    reconnects: int
    transactions_per_second: float
    longest_wait_ms: float  # the longest single statement, of the whole time
    examples: tuple[str, ...] = ()  # of what is missing, and of errors


class Load:
    """A context manager: the load runs inside, on whichever of V1 and V2 serves."""

    def __init__(
        self, system: str, dsn: str, *, writers: int, seed: int, rate: float | None
    ) -> None:
        """rate: transactions a second that all writers aim at together."""
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(
            target=_serve, args=(theirs, system, dsn, writers, seed, rate), daemon=True
        )

    def __enter__(self) -> Load:
        self._process.start()
        self.ask("start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.is_alive() and error is None:
            self.ask("stop")
        self._process.terminate()
        self._process.join(10)

    def pause(self) -> None:
        """Each writer ends its transaction and waits."""
        self.ask("pause")

    def resume(self) -> None:
        """Go on."""
        self.ask("start")

    def longest_wait_ms(self, since: float, until: float) -> float:
        """The longest statement that touched this time (time.monotonic(), the same everywhere on
        one machine)."""
        return float(self.ask("wait", since, until))

    def acknowledged(self) -> int:
        """Operations so far."""
        return int(self.ask("acknowledged"))

    def figures(self) -> Figures:
        """With the load paused: compare what was acknowledged with what is there."""
        return Figures.model_validate(self.ask("figures"))

    def ask(self, what: str, *given: float) -> Any:
        self._pipe.send((what, given))
        if not self._pipe.poll(_SECONDS):
            raise RepotError("load-stuck", f"the load does not answer ({what})")
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise RepotError("load-failed", f"the load failed: {answer}")
        return answer


def _serve(pipe: Pipe, system: str, dsn: str, writers: int, seed: int, rate: float | None) -> None:
    """The other process."""
    module = find_system(system).module("traffic")
    traffic = module.Traffic(dsn, writers=writers, seed=seed, rate=rate)
    while True:
        try:
            what, given = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(_answer(traffic, dsn, writers, what, given))
        except Exception as failed:  # noqa: BLE001 - the one who asked is told
            pipe.send(RuntimeError(str(failed)))
        if what == "stop":
            return


def _answer(traffic: Any, dsn: str, writers: int, what: str, given: tuple[float, ...]) -> Any:
    if what in ("start", "pause", "stop"):
        getattr(traffic, what)()
        return time.monotonic()
    ledger = traffic.ledger
    if what == "wait":
        return ledger.longest_wait(given)
    if what == "acknowledged":
        return ledger.acknowledged
    with connection(dsn, application="load") as conn:
        missing = ledger.missing(conn)
    return {
        "writers": writers,
        "acknowledged": ledger.acknowledged,
        "transactions": ledger.transactions,
        "missing": len(missing),
        "compared": ledger.compared,
        "errors": len(ledger.errors),
        "unknown": ledger.unknown,
        "retries": ledger.retries,
        "reconnects": ledger.reconnects,
        "transactions_per_second": round(ledger.transactions_per_second, 1),
        "longest_wait_ms": round(ledger.longest_wait_ms, 1),
        "examples": (*missing[:5], *ledger.errors[:5]),
    }
