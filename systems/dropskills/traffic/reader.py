"""One reader: the application's own queries, over and over."""

from __future__ import annotations

import random
import threading
import time

import psycopg

from .record import Record
from .session import ABSENT, AGAIN, STALE, Session, Undecided, described
from .statements import READS
from .writer import Gate

PAUSE_S = 0.01  # between two pages
# Like the application's ORM: everything there is of a table, whatever its columns are just now.
_EVERYTHING = "select * from tags order by name limit 20"


class Reader(threading.Thread):
    """Reads until the gate says no more; what it must not see is among its record's errors."""

    def __init__(
        self,
        name: str,
        dsn: str,
        session: Session,
        record: Record,
        gate: Gate,
        seed: str,
        pause_s: float = PAUSE_S,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._pause_s = pause_s
        self._dsn, self._session, self.record, self._gate = dsn, session, record, gate
        self._dice = random.Random(seed)

    def run(self) -> None:
        ended = False
        try:
            while self._gate.pass_through():
                self._page()
                time.sleep(self._pause_s)
            ended = True
        finally:
            if not ended:
                self.record.fail(f"{self.name} broke down")  # its traceback is on stderr
            self._session.close()
            self._gate.leave()

    def _page(self) -> None:
        strange = 0
        while not self._gate.ended:
            try:
                if not self._session.alive:
                    before = self._session.dialect
                    self._session.connect()
                    self.record.reconnects += before != 0
                self._read()
            except (psycopg.Error, Undecided) as error:
                strange += 1
                if not self._passes(error, strange):
                    self.record.fail(f"{self.name}: {described(error, self._dsn)}")
                    return
                continue
            return

    def _read(self) -> None:
        session = self._session
        if self._dice.random() < 0.3:
            session.execute(_EVERYTHING, {})
        texts = READS[session.dialect]
        found = session.execute(texts[f"v{session.dialect}_list"], {"limit": 20}).fetchall()
        if not found:
            raise Undecided("the shop's list is empty")

    def _passes(self, error: Exception, strange: int) -> bool:
        """Whether to try again after it."""
        state = getattr(error, "sqlstate", None) or ""
        if not self._session.alive:
            time.sleep(0.05)
            return strange < 1000
        if strange > 6:
            return False
        try:
            if self._session.look():
                self.record.switches += 1
                return True
        except (psycopg.Error, Undecided):
            return True
        self.record.retried[state or "undecided"] += 1
        if state in STALE:
            self._session.close()
            return True
        return state in AGAIN or state in ABSENT or isinstance(error, Undecided)
