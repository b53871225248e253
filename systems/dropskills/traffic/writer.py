"""One writer: a thread, a connection, rows of its own, and what to do when the server says no."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

import psycopg

from .facts import Change
from .record import Record
from .session import ABSENT, AGAIN, STALE, Session, Undecided, WrongCount, described
from .work import OPERATIONS, Operation, Said, Step
from .world import World

PATIENCE_S = 120.0  # before a connection that does not come is an error
_STRANGE = 6  # attempts with an error that a switch would explain, though none is to be seen


class Gate:
    """Lets the threads of a load go on, pauses them, ends them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.running = self.ended = False
        self._idle = 0

    def say(self, *, running: bool, ended: bool = False) -> None:
        with self._changed:
            self.running, self.ended = running, ended
            self._changed.notify_all()

    def pass_through(self) -> bool:
        """Wait while the load is paused; whether it goes on."""
        if not self.running or self.ended:
            with self._changed:
                self._idle += 1
                self._changed.notify_all()
                self._changed.wait_for(lambda: self.running or self.ended)
                self._idle -= 1
        return not self.ended

    def leave(self) -> None:
        """The thread ends: it never writes again."""
        with self._changed:
            self._idle += 1
            self._changed.notify_all()

    def wait_idle(self, threads: int, timeout_s: float) -> bool:
        """Until all of them are paused or gone."""
        with self._changed:
            return self._changed.wait_for(lambda: self._idle >= threads, timeout_s)


class Writer(threading.Thread):
    """Writes until the gate says no more. `rate`: at most so many transactions a second."""

    def __init__(
        self,
        name: str,
        dsn: str,
        session: Session,
        record: Record,
        world: World,
        gate: Gate,
        *,
        rate: float | None,
        without: Collection[str],
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._dsn, self._session, self.record, self._world = dsn, session, record, world
        self._gate, self._dice, self._rate = gate, world.dice, rate
        self._operations = [o for o in OPERATIONS if o.name not in without]
        self._chances: list[float] = []
        self._age = 0

    def run(self) -> None:
        next_at, ended = time.monotonic(), False
        try:
            while self._gate.pass_through():
                self._transaction()
                if self._rate:
                    next_at = max(next_at + 1 / self._rate, time.monotonic() - 1)
                    time.sleep(max(0.0, next_at - time.monotonic()))
            ended = True
        finally:
            if not ended:
                self.record.fail(f"{self.name} broke down")  # its traceback is on stderr
            self._session.close()
            self._gate.leave()

    # ------------------------------------------------------------------------- one transaction

    def _transaction(self) -> None:
        """Think of one, and go on until it is acknowledged, unknown or an error."""
        wanted = self._think()
        if not wanted:
            return
        begin, patience, strange = time.monotonic(), time.monotonic() + PATIENCE_S, 0
        changes: list[Change] = []
        while not self._gate.ended:
            self._at_commit = False
            try:
                if not self._session.alive:
                    self._session.connect()
                steps, changes, names = self._say(wanted)
                if not steps:
                    self.record.skipped += 1
                    return
                self._do(steps, changes)
            except (psycopg.Error, WrongCount, Undecided) as error:
                strange, over = self._after(error, changes, strange, patience)
                if over:
                    return
                continue
            self.record.acknowledge(changes, names)
            self._world.learn([change.key for change in changes])
            self.record.writes.note(begin, time.monotonic())
            return

    def _think(self) -> list[tuple[Operation, Said]]:
        """One operation, or a few that have nothing to do with each other."""
        if self._age % 50 == 0:
            self._chances = [o.chance(self._world) for o in self._operations]
        self._age += 1
        self._world.begin()
        self._alone = self._dice.random() < 0.65
        wanted: list[tuple[Operation, Said]] = []
        for _ in range(1 if self._alone else self._dice.randrange(2, 5)):
            (one,) = self._dice.choices(self._operations, self._chances)
            if one.alone and wanted:
                continue
            said = one.plan(self._world)
            if said:
                wanted.append((one, said))
            if one.alone:
                break
        # What all writers add to is locked last, and in one order.
        return sorted(wanted, key=lambda w: w[0].name.startswith("hot_"))

    def _say(
        self, wanted: list[tuple[Operation, Said]]
    ) -> tuple[list[Step], list[Change], list[str]]:
        """The statements in the dialect that serves, what is so after them, and their names."""
        steps: list[Step] = []
        changes: list[Change] = []
        names = []
        for one, said in wanted:
            work = said(self._session.dialect)
            if work is not None:
                steps += work.steps
                changes += work.changes
                names.append(one.name)
        return steps, changes, names

    def _do(self, steps: list[Step], changes: list[Change]) -> None:
        """One statement alone is often its own transaction; the rest is put between two."""
        session = self._session
        if len(steps) == 1 and self._alone:
            self._announce(changes)
            session.run(steps[0].name, dict(steps[0].given), steps[0].rows)
            return
        session.begin()
        for step in steps:
            session.run(step.name, dict(step.given), step.rows)
        if self._dice.random() < 0.06:
            time.sleep(self._dice.uniform(0.005, 0.02))  # the application thinks
        self._announce(changes)
        session.commit()

    def _announce(self, changes: list[Change]) -> None:
        self.record.announce(changes)
        self._at_commit = True

    # ------------------------------------------------------------------------------ when it fails

    def _after(
        self, error: Exception, changes: list[Change], strange: int, patience: float
    ) -> tuple[int, bool]:
        """What is to be done after an error: the number of strange ones so far, and whether the
        transaction is over."""
        record, state = self.record, getattr(error, "sqlstate", None) or ""
        if not self._session.alive:
            if self._at_commit:
                record.doubt(changes)
                self._world.retire(changes)
                self._world.learn([change.key for change in changes])
                self._wait_for_server(patience)
                return 0, True
            record.retried[state or "connection lost"] += 1
            return 0, not self._wait_for_server(patience)
        if self._at_commit:
            record.refuse()
        try:
            self._session.rollback()
            news = self._session.look()
        except (psycopg.Error, Undecided) as again:
            if not self._session.alive:
                record.retried["connection lost"] += 1
                return strange, not self._wait_for_server(patience)
            error, news = again, False
        if news:
            record.switches += 1
            return 0, False
        if state in AGAIN:
            record.retried[state] += 1
            time.sleep(self._dice.uniform(0.001, 0.02))
            return strange, False
        passing = state in ABSENT or state in STALE or isinstance(error, Undecided)
        if passing and strange < _STRANGE:
            record.retried[state or "undecided"] += 1
            if state in STALE:
                self._session.close()
                return strange + 1, not self._wait_for_server(patience)
            time.sleep(0.02)
            return strange + 1, False
        record.fail(described(error, self._dsn))
        self._world.retire(changes)  # or the same error would come again and again
        return strange, True

    def _wait_for_server(self, patience: float) -> bool:
        """Connect again; whether that succeeded before the patience or the load ended."""
        trouble: Exception | None = None
        while not self._gate.ended:
            try:
                before = self._session.dialect
                self._session.connect()
            except (psycopg.OperationalError, Undecided) as error:
                trouble = error
                if time.monotonic() > patience:
                    break
                time.sleep(self._dice.uniform(0.02, 0.1))
            else:
                self.record.reconnects += 1
                self.record.switches += before not in (0, self._session.dialect)
                return True
        if trouble is not None and not self._gate.ended:
            self.record.fail(f"no connection: {described(trouble, self._dsn)}")
        return False
