"""A V1 that lives: one private server, the application's load in processes of its own, `repot
follow` in another, and what all the live benchmarks print about the machine."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import TracebackType
from typing import Any

from repot import service
from repot.demo.systems import find_system
from repot.embedded import EmbeddedServer
from repot.lifecycle.runner import Runner
from repot.postgres.connect import connection

SYSTEM = "dropskills"
SETTINGS: dict[str, str] = {  # autovacuum stays on: it is part of life
    "wal_level": "logical",
    "shared_buffers": "1GB",
    "min_wal_size": "4GB",
    "max_wal_size": "8GB",
}
PATIENCE_S = 600.0  # for an answer of another process
# Threads of a load take turns more often than every 5 ms: a wait for the interpreter would be
# taken for a wait for the server.
TURNS_S = 0.0005


@dataclass(frozen=True)
class House:
    """A database with one V1 in it; `work` is a folder for backups."""

    dsn: str
    runner: Runner
    work: Path

    def to_copy(self) -> None:
        """Everything before the proof: backup, restored and counted, plan, copy."""
        self.runner.audit()
        self.runner.backup(self.work / "backups")
        self.runner.copy()

    def settle(self) -> None:
        """Bring the server to where one is that has run for a while: it logs into files that it has
        used before. To make one more, 16 MB of zeros, takes tens of milliseconds, in which every
        COMMIT waits."""
        with connection(self.dsn) as conn:
            conn.execute("checkpoint")

    def version(self) -> str:
        with connection(self.dsn) as conn:
            row = conn.execute("show server_version").fetchone()
        return str(row[0]) if row else ""


@contextmanager
def house(
    rows: int, seed: int, *, durable: bool = False, settings: dict[str, str] | None = None
) -> Iterator[House]:
    """Dropskills' V1 with about `rows` rows on a server that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="repot-bench-") as work,
        EmbeddedServer(settings=SETTINGS | (settings or {}), durable=durable) as server,
    ):
        yield furnished(server.create_database(SYSTEM), rows, seed, Path(work))


def furnished(dsn: str, rows: int, seed: int, work: Path) -> House:
    """The same in an empty database of a server that runs already."""
    system = find_system(SYSTEM)
    made = system.module("generate")
    made.create_v1(dsn)
    made.generate(dsn, rows, seed)
    with connection(dsn) as conn:
        conn.execute("vacuum analyze")
    return House(dsn, service.open_project(system.folder, dsn), work)


# ------------------------------------------------------------------------------ other processes


class Peer:
    """Another process that answers questions; a context manager.

    `make(*given)` is called there and gives the one that is asked: an object with methods.
    """

    def __init__(self, make: Callable[..., Any], *given: Any) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, make, given), daemon=True)

    def __enter__(self) -> Peer:
        self._process.start()
        self.ask("ready")
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

    def ask(self, what: str, *given: Any) -> Any:
        """Call this method there. Raises RuntimeError if that failed, TimeoutError."""
        self._pipe.send((what, given))
        if not self._pipe.poll(PATIENCE_S):
            raise TimeoutError(f"no answer to {what} in {PATIENCE_S:.0f} s")
        good, answer = self._pipe.recv()
        if not good:
            raise RuntimeError(f"{what}: {answer}")
        return answer


def _serve(pipe: Pipe, make: Callable[..., Any], given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the asker is told, and ends this
    sys.setswitchinterval(TURNS_S)
    # A load's ledger grows, and to look through all of it for garbage takes tenths of a second, in
    # which its threads would seem to wait for the server.
    gc.disable()
    served = None
    while True:
        try:
            what, arguments = pipe.recv()
        except EOFError:
            return
        try:
            if served is None:
                served = make(*given)
            pipe.send((True, getattr(served, what)(*arguments)))
        except Exception as failed:  # noqa: BLE001 - the asker is told
            pipe.send((False, f"{type(failed).__name__}: {failed}"))
        if what == "stop":
            return


class Writers:
    """Dropskills' writers, to be made in a process of its own; and their ledger."""

    def __init__(self, dsn: str, writers: int, seed: int, rate: float | None) -> None:
        self._dsn = dsn
        module = find_system(SYSTEM).module("traffic")
        self._traffic = module.Traffic(dsn, writers=writers, seed=seed, rate=rate)

    def ready(self) -> None:
        """Everything is loaded."""

    def start(self) -> None:
        self._traffic.start()

    def pause(self) -> None:
        """Each writer ends its transaction and waits."""
        self._traffic.pause()

    def stop(self) -> None:
        self._traffic.stop()

    def rate(self, rate: float | None) -> None:
        """Transactions a second from now on, of all writers together; None: all they can."""
        writers = [t for t in self._traffic._threads if hasattr(t, "_rate")]
        for writer in writers:
            writer._rate = rate / len(writers) if rate else None

    def transactions(self) -> int:
        return int(self._traffic.ledger.transactions)

    def waits(self, since: float, until: float) -> tuple[float, float]:
        """Milliseconds: the longest statement, and the longest transaction with all its tries, that
        touched this time (time.monotonic(), the same everywhere on one machine)."""
        ledger = self._traffic.ledger
        return ledger.longest_wait((since, until)), ledger.longest_write((since, until))

    def judge(self) -> dict[str, Any]:
        """With the load paused: what was acknowledged, held against what is there."""
        ledger = self._traffic.ledger
        with connection(self._dsn, application="ledger") as conn:
            missing = ledger.missing(conn)
        return {
            "acknowledged": ledger.acknowledged,
            "transactions": ledger.transactions,
            "compared": ledger.compared,
            "missing": missing,
            "errors": ledger.errors,
            "unknown": ledger.unknown,
            "retried": ledger.retried,
            "reconnects": ledger.reconnects,
            "switches": ledger.switches,
        }


class Readers:
    """Readers of the shop's list, to be made in a process of its own.

    They pause: at a million rows each page is a parallel scan of a tenth of a second, and two of
    them without a pause would keep both cores from the writers.
    """

    PAUSE_S = 0.5

    def __init__(self, dsn: str, readers: int, seed: int) -> None:
        module = find_system(SYSTEM).module("traffic")
        package = module.Traffic.__module__.rpartition(".")[0]
        part = {n: sys.modules[f"{package}.{n}"] for n in ("reader", "record", "session", "writer")}
        self._gate = part["writer"].Gate()
        self._threads, self._records = [], []
        for n in range(readers):
            record, name = part["record"].Record(), f"reader-{n}"
            session = part["session"].Session(
                dsn, "public", record.statements, prepared=n % 2 == 0, name=name
            )
            dice = f"{seed}-reader-{n}"
            reader = part["reader"].Reader(
                name, dsn, session, record, self._gate, dice, self.PAUSE_S
            )
            self._threads.append(reader)
            self._records.append(record)
            reader.start()

    def ready(self) -> None:
        """Everything is loaded."""

    def start(self) -> None:
        self._gate.say(running=True)

    def stop(self) -> None:
        self._gate.say(running=False, ended=True)
        for thread in self._threads:
            thread.join(30)

    def wait(self, since: float, until: float) -> float:
        """Milliseconds: the longest statement that touched this time (time.monotonic())."""
        between = (since, until)
        return max((r.statements.longest(between) for r in self._records), default=0.0)

    def statements(self) -> int:
        return sum(r.statements.count for r in self._records)

    def errors(self) -> list[str]:
        return [error for record in self._records for error in record.errors]


@contextmanager
def follower(place: House, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`repot follow` beside, until the end of the block; raises RuntimeError if it failed."""
    folder = str(place.runner.project.folder)
    program = Path(sys.executable).with_name("repot")
    command = [str(program), "follow", "--project", folder, "--json", *options]
    process = subprocess.Popen(
        command,
        env=os.environ | {"DATABASE_URL": place.dsn},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: process.poll() is not None or _followed(place), 30)
        if process.poll() is None:
            yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"repot follow ended with {process.returncode}: {err[-2000:]} {out}")


def _followed(place: House) -> bool:
    with connection(place.dsn) as conn:
        row = conn.execute(
            "select exists (select from pg_stat_activity"
            " where datname = current_database() and application_name = 'repot follow')"
        ).fetchone()
    return bool(row and row[0])


# ------------------------------------------------------------------------------------- figures


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below `share` of all of them; 0.0 of none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Busy:
    """The machine's load average (one minute) from the beginning to the end."""

    def __init__(self) -> None:
        self._first = os.getloadavg()[0]

    def words(self) -> str:
        return f"load average {self._first:.1f} before, {os.getloadavg()[0]:.1f} after"

    def figures(self) -> list[float]:
        return [round(self._first, 2), round(os.getloadavg()[0], 2)]


def again() -> str:
    """The command to repeat this run."""
    return shlex.join([".venv/bin/python", f"bench/{Path(sys.argv[0]).name}", *sys.argv[1:]])


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def options(doc: str | None, *, rows: int, seconds: float | None) -> argparse.ArgumentParser:
    """Those that all of these benchmarks know; `seconds` None: one that has no use for them."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=rows)
    if seconds is not None:
        parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--durable", action="store_true", help="the server waits for its disk")
    parser.add_argument("--json", action="store_true")
    return parser


def until(what: Callable[[], bool], seconds: float) -> float:
    """Wait until it is so; the seconds that took, or math.inf if longer than `seconds`."""
    start = time.monotonic()
    while not what():
        if time.monotonic() - start > seconds:
            return float("inf")
        time.sleep(0.05)
    return time.monotonic() - start
