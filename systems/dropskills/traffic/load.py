"""The load: writers and readers that start, pause and stop together."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from .compare import known, look, serving
from .facts import Key
from .ledger import Ledger
from .reader import Reader
from .record import Record
from .session import Session
from .statements import LOOKS, WRITES
from .work import OPERATIONS
from .world import World
from .writer import Gate, Writer

KINDS = ("user", "product", "pack", "tag", "request")
_MOST = 150  # rows of a kind that a writer adopts
_SHARE = 0.4  # of the rows of a kind that all writers together adopt at most
_HOT = 3  # rows that all writers count up


class Traffic:
    """What the application does all day, on whichever of V1 and V2 serves.

    `writers` threads write, each on rows of its own, half of them with prepared statements and half
    in the simple protocol; `readers` read the shop's list. `rate`: transactions a second that they
    aim at together; None: as many as they can. `schema`: where the application finds its tables,
    before and after the cutover. `ledger`: a path; each writer adds to a file of its own,
    `<ledger>.<number>`, so that Ledger.read can judge a load whose process was killed. `without`:
    names of operations to leave out.

    As a context manager it starts on entry and stops at the end. It adopts rows that are there: no
    second load, and nobody else, may write what it writes, or the ledger is wrong. On V2 it makes
    only what can be brought back to V1.
    """

    def __init__(
        self,
        dsn: str,
        *,
        writers: int = 4,
        seed: int = 1,
        rate: float | None = None,
        readers: int = 0,
        schema: str = "public",
        ledger: Path | None = None,
        without: Collection[str] = (),
    ) -> None:
        if writers < 1:
            raise ValueError("a load needs a writer")
        if ledger and list(ledger.parent.glob(f"{ledger.name}.[0-9]*")):
            raise FileExistsError(f"{ledger} is another load's: its writers' files are there")
        unknown = set(without) - {o.name for o in OPERATIONS}
        if unknown:
            raise ValueError(f"no such operation: {', '.join(sorted(unknown))}")
        self._dsn, self._schema, self._seed, self._readers = dsn, schema, seed, readers
        self._writers, self._rate, self._file, self._without = writers, rate, ledger, without
        self._gate = Gate()
        self._records: list[Record] = []
        self._threads: list[Writer | Reader] = []
        self._ran, self._since = 0.0, 0.0

    def start(self) -> None:
        """Begin, or go on after a pause. Raises psycopg.OperationalError, LookupError."""
        if self._gate.ended:
            raise RuntimeError("this load has ended")
        if not self._threads:
            self._prepare()
        if not self._gate.running:
            self._since = time.monotonic()
        self._gate.say(running=True)

    def pause(self, timeout_s: float = 300.0) -> None:
        """Let each writer end its transaction and wait. Raises TimeoutError."""
        self._gate.say(running=False)
        self._clock()
        if not self._gate.wait_idle(len(self._threads), timeout_s):
            raise TimeoutError(f"writers are still at work after {timeout_s} s")

    def stop(self, timeout_s: float = 300.0) -> Ledger:
        """Let each writer end its transaction and go; the ledger. Raises TimeoutError."""
        self._gate.say(running=False, ended=True)
        self._clock()
        for thread in self._threads:
            thread.join(timeout_s)
            if thread.is_alive():
                raise TimeoutError(f"{thread.name} is still at work after {timeout_s} s")
        for record in self._records:
            record.close()
        return self.ledger

    @property
    def ledger(self) -> Ledger:
        """The figures so far; ask `missing` of it only while the load is paused or has ended."""
        running = time.monotonic() - self._since if self._since else 0.0
        return Ledger(self._records, self._ran + running, self._schema)

    def __enter__(self) -> Traffic:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._gate.ended:
            self.stop()

    def _clock(self) -> None:
        if self._since:
            self._ran += time.monotonic() - self._since
        self._since = 0.0

    # ------------------------------------------------------------------------------- preparing

    def _prepare(self) -> None:
        run = uuid.uuid4().hex[:8]
        rate = self._rate / self._writers if self._rate else None
        worlds = []
        for number in range(self._writers):
            file = self._file.parent / f"{self._file.name}.{number}" if self._file else None
            record = Record(file)
            dice = random.Random(f"{self._seed}-{number}")
            worlds.append(World(record.states, dice, f"{run}-{number}"))
            self._records.append(record)
        with psycopg.connect(self._dsn) as conn:
            conn.execute("set transaction isolation level repeatable read, read only")
            conn.execute(WRITES[1]["search_path"], {"schema": self._schema, "local": True})
            self._adopt(conn, worlds)
        for number, world in enumerate(worlds):
            record, name = self._records[number], f"writer-{number}"
            session = self._session(record, number, name)
            self._threads.append(
                Writer(
                    *(name, self._dsn, session, record, world, self._gate),
                    rate=rate,
                    without=self._without,
                )
            )
        for number in range(self._readers):
            record, name = Record(), f"reader-{number}"
            session = self._session(record, number, name)
            seed = f"{self._seed}-reader-{number}"
            self._records.append(record)
            self._threads.append(Reader(name, self._dsn, session, record, self._gate, seed))
        for thread in self._threads:
            thread.start()

    def _session(self, record: Record, number: int, name: str) -> Session:
        prepared = number % 2 == 0
        return Session(self._dsn, self._schema, record.statements, prepared=prepared, name=name)

    def _adopt(self, conn: psycopg.Connection[Any], worlds: list[World]) -> None:
        """Give each writer rows of its own among those that are there."""
        dialect, n = serving(conn), len(worlds)
        there = conn.execute(LOOKS[dialect]["population"]).fetchone()
        assert there is not None
        population = dict(zip(KINDS, there, strict=True))
        for kind in KINDS:
            limit = min(_MOST * n, int(population[kind] * _SHARE)) + _HOT
            ids = self._column(conn, LOOKS[dialect][f"adopt_{kind}"], {"n": limit})
            hot = kind in ("product", "request")
            keys: list[Key] = [(kind, id_) for id_ in (ids[_HOT:] if hot else ids)]
            if kind == "product":
                self._share(conn, dialect, "hot_views", ids[:_HOT], worlds)
                self._know(conn, dialect, "stats", [("stats", k[1]) for k in keys], worlds)
            if kind == "request":
                self._share(conn, dialect, "hot_votes", ids[:_HOT], worlds)
            self._know(conn, dialect, kind, keys, worlds)
        categories = self._column(conn, LOOKS[dialect]["adopt_category"])
        ideas: list[Key] = [("idea", i) for i in self._column(conn, LOOKS[dialect]["adopt_idea"])]
        self._know(conn, dialect, "idea", ideas, worlds[:1])
        worlds[0].ideas = True
        for world in worlds:
            world.categories = categories
            world.aims = {kind: max(80, world.size(kind)) for kind in KINDS}

    def _know(
        self,
        conn: psycopg.Connection[Any],
        dialect: int,
        kind: str,
        keys: list[Key],
        worlds: list[World],
    ) -> None:
        found = look(conn, dialect, kind, keys)
        for number, key in enumerate(keys):
            owner = number % len(worlds)
            (state,) = found[key]
            # Another writer may delete the user that a request names.
            without = ("user",) if kind == "request" else ()
            cols = known(state.cols, without=without)
            self._records[owner].know(key, type(state)(cols, state.raw))
            worlds[owner].learn([key])

    def _share(
        self,
        conn: psycopg.Connection[Any],
        dialect: int,
        kind: str,
        ids: list[str],
        worlds: list[World],
    ) -> None:
        found = look(conn, dialect, kind, [(kind, id_) for id_ in ids])
        for id_ in ids:
            rows = found.get((kind, id_))
            self._records[0].share((kind, id_), rows[0].cols["n"] if rows else 0)
        for world in worlds:
            hot = world.hot_products if kind == "hot_views" else world.hot_requests
            hot.extend(ids)

    def _column(
        self, conn: psycopg.Connection[Any], text: str, given: dict[str, Any] | None = None
    ) -> list[str]:
        return [row[0] for row in conn.execute(text, given)]
