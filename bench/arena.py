"""One private server, one V1 on it, and a fresh copy of that V1 for every contestant."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from repot.demo.systems import find_system
from repot.embedded import EmbeddedServer
from repot.engine import registry
from repot.engine.build import build
from repot.engine.session import Session
from repot.model.plan import Derivation, Plan
from repot.model.progress import Silent
from repot.postgres.connect import Connection, connection
from repot.postgres.state import create_run, ensure_state
from repot.project import load_project
from repot.stages.plan import make_plan

SETTINGS: dict[str, str] = {
    "wal_level": "logical",  # what following a living V1 needs, so what Repot meets
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "off",  # it would come when it likes, in one contestant's time and not another's
}
Task = Callable[[Connection], object]


@dataclass(frozen=True)
class Cost:
    """What a contestant took. cpu: seconds of all the server's processes, 0 where not known; of
    use on a machine that others work on as well."""

    seconds: float
    cpu: float


class Arena:
    """`template` holds V1, Repot's empty V2 with capture armed, and filled registries."""

    def __init__(self, server: EmbeddedServer, rows: int, seed: int) -> None:
        self.server, self._number = server, 0
        system = find_system("dropskills")
        dsn = server.create_database("template_v1")
        made = system.module("generate")
        made.create_v1(dsn)
        self._postmaster = _parent(dsn)
        self.generate = self.cost(lambda: made.generate(dsn, rows, seed))
        with connection(dsn) as conn:
            conn.execute("vacuum analyze")
            ensure_state(conn)
        self.plan = make_plan(dsn, load_project(system.folder), Silent())
        assert not self.plan.errors, self.plan.errors
        with connection(dsn) as conn:
            run = create_run(conn, self.plan)
        self.run = build(Session(dsn, run, self.plan))
        with connection(dsn) as conn:
            conn.execute("set work_mem = '64MB'")  # as in the copy
            self.allocate = self.cost(lambda: registry.allocate_all(conn, self.plan, analyze=True))
            conn.execute("vacuum analyze")

    def fresh(self) -> str:
        """The connection string of a new copy of the template; `drop` drops it."""
        self._number += 1
        dsn = self.server.create_database(f"case_{self._number}", "template_v1")
        with connection(dsn) as conn:
            conn.execute("checkpoint")  # what the copying left to write is not the contestant's
        return dsn

    def drop(self) -> None:
        self.server.drop_database(f"case_{self._number}")

    def session(self, dsn: str) -> Session:
        return Session(dsn, self.run, self.plan)

    def cost(self, what: Callable[[], object]) -> Cost:
        """Of a call."""
        cpu, start = self._cpu(), time.monotonic()
        what()
        return Cost(time.monotonic() - start, self._cpu() - cpu)

    def _cpu(self) -> float:
        """Of the server's processes so far: those that live, and those that it has seen end."""
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = _fields(stat)
            except OSError:
                continue  # it has just ended
            if int(fields[1]) == self._postmaster:
                total += int(fields[11]) + int(fields[12])
            elif stat.parent.name == str(self._postmaster):
                total += sum(map(int, fields[11:15]))
        return total / os.sysconf("SC_CLK_TCK")


class Crew:
    """Connections that work at the same time; a context manager."""

    def __init__(self, dsn: str, count: int, settings: str) -> None:
        self._stack = ExitStack()
        self._free = [self._stack.enter_context(connection(dsn)) for _ in range(count)]
        for conn in self._free:
            conn.execute(settings.encode())

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def work(self, tasks: Sequence[Task]) -> None:
        """The tasks, in order, each on the first connection that is free."""
        queue: SimpleQueue[Task] = SimpleQueue()
        for task in tasks:
            queue.put(task)

        def loop(conn: Connection) -> None:
            while True:
                try:
                    task = queue.get_nowait()
                except Empty:
                    return
                task(conn)

        with ThreadPoolExecutor(len(self._free)) as pool:
            for future in [pool.submit(loop, conn) for conn in self._free]:
                future.result()


def largest_first(plan: Plan) -> list[Derivation]:
    """The moves by the size of the largest V1 table that each reads."""
    sizes = {t.name: t.estimate for t in plan.source.tables}

    def size(move: Derivation) -> float:
        return max((sizes.get(use.source, 0) for use in move.uses), default=0)

    return sorted(plan.moves, key=size, reverse=True)


def _parent(dsn: str) -> int:
    """The server's first process, the parent of every session; 0 where /proc does not tell."""
    with connection(dsn) as conn:
        row = conn.execute("select pg_catalog.pg_backend_pid()").fetchone()
    stat = Path(f"/proc/{row[0] if row else 0}/stat")
    return int(_fields(stat)[1]) if stat.is_file() else 0


def _fields(stat: Path) -> list[str]:
    """Of /proc/PID/stat, those after the name: state, parent, …, utime (11), stime, cutime, …"""
    return stat.read_text().rpartition(")")[2].split()
