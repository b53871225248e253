"""Waiting while the server is in trouble: standbys that lag, many active sessions."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from repot.model.errors import Refused
from repot.model.progress import Progress
from repot.model.project import CopySetting
from repot.postgres.connect import Connection
from repot.stages.copy.sql import load

_SECONDS = 0.5  # between two looks


@dataclass
class Throttle:
    """Before each piece of work: `wait` returns when the server is well, or `stopped` is set."""

    setting: CopySetting
    progress: Progress
    stopped: threading.Event
    waited: float = 0.0  # seconds, added up over workers
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: int = 0

    @property
    def on(self) -> bool:
        return (
            self.setting.max_replication_lag_mb is not None
            or self.setting.max_active_sessions is not None
        )

    def check(self, conn: Connection) -> None:
        """Raises Refused `may-not-watch` if this role could not see what it is to look at."""
        if not self.on:
            return
        row = conn.execute(load("copy_may_watch.sql").encode()).fetchone()
        if not row or not row[0]:
            raise Refused(
                "may-not-watch",
                "this role sees neither other sessions nor standbys, so it could not wait for them",
                hint="GRANT pg_monitor TO …, or take max_replication_lag_mb and "
                "max_active_sessions out of [copy]",
            )

    def wait(self, conn: Connection) -> None:
        why = self.trouble(conn) if self.on else None
        if why is None:
            return
        with self._lock:
            self._waiting += 1
            if self._waiting == 1:
                self.progress.say(f"the copy waits: {why}")
        try:
            while why is not None and not self.stopped.wait(_SECONDS):
                with self._lock:
                    self.waited += _SECONDS
                why = self.trouble(conn)
        finally:
            with self._lock:
                self._waiting -= 1
                if self._waiting == 0:
                    self.progress.say("the copy goes on")

    def trouble(self, conn: Connection) -> str | None:
        """What is above its limit now, in words, or None."""
        lag, sessions = self.setting.max_replication_lag_mb, self.setting.max_active_sessions
        if lag is not None:
            found = _number(conn, "copy_replication_lag.sql")
            if found > lag:
                return f"a standby is {found:.0f} MB behind (limit {lag:g})"
        if sessions is not None:
            found = _number(conn, "copy_active_sessions.sql")
            if found > sessions:
                return f"{found:.0f} sessions are active (limit {sessions})"
        return None


def _number(conn: Connection, file: str) -> float:
    row = conn.execute(load(file).encode()).fetchone()
    return float(str(row[0])) if row else 0.0
