"""One server, the undisturbed move on it, and databases that stand where that one stood."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from faults import state, world
from faults.client import Client, done
from repot.embedded import EmbeddedServer
from repot.engine.swap.memory import ensure_memory
from repot.postgres.connect import connection
from support.sql import connect, run

_numbers = itertools.count(1)

# When the work that is to be disturbed has begun: a client that only starts is no news.
BEGUN = {
    "run": "select from repot.run",
    "verify": "select from pg_stat_activity where application_name = 'repot verify'"
    " and datname = current_database()",
    "cutover": "select from pg_stat_activity where application_name = 'repot cutover'"
    " and datname = current_database()",
    "rollback": "select from pg_stat_activity where application_name = 'repot rollback'"
    " and datname = current_database()",
}


@dataclass
class Stages:
    """`v1`: with a tested backup; `proven`: copied and proven; `cut`: cut over, and written to;
    `back`: rolled back; `again`: proven and cut over once more."""

    server: EmbeddedServer
    folder: Path
    expected: dict[str, state.Lines] = field(default_factory=dict)
    sequences: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  # of each verb, once it has begun
    made: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        """Go the whole way without an accident, keeping a copy of each stage to begin from."""
        dsn = self._create(None)
        world.make_v1(dsn)
        done(dsn, self.folder, "backup", "--to", str(self.folder.parent / "backups"))
        with connection(dsn) as conn:
            ensure_memory(conn)
        self._keep(dsn, "v1")
        self._timed(dsn, "run")
        self._keep(dsn, "proven")
        self._timed(dsn, "cutover")
        run(dsn, world.WRITES)
        self._keep(dsn, "cut")
        self._timed(dsn, "rollback")
        self._keep(dsn, "back", begin_here=False)
        self._timed(dsn, "verify")
        done(dsn, self.folder, "cutover")
        self._keep(dsn, "again", begin_here=False)

    def database(self, stage: str) -> str:
        """The connection string of a new database in this stage."""
        return self._create(f"{self._prefix}_{stage}")

    def check(self, dsn: str, stage: str, what: str) -> None:
        """The database is in this stage and nothing in it tells of an accident."""
        state.wait_until_idle(dsn)
        found = state.differences(state.read(dsn), self.expected[stage])
        assert not found, f"{what}: after {stage}:\n" + "\n".join(found)
        counters = state.sequences(dsn)
        assert state.same_sequences(counters, self.sequences[stage]), (
            f"{what}: after {stage}: {counters} instead of {self.sequences[stage]}"
        )

    def drop(self) -> None:
        for name in reversed(self.made):
            self.server.drop_database(name)

    @property
    def _prefix(self) -> str:
        return "faults"

    def _create(self, template: str | None) -> str:
        name = f"faults_{next(_numbers)}"
        self.made.append(name)
        return self.server.create_database(name, template)

    def _keep(self, dsn: str, stage: str, *, begin_here: bool = True) -> None:
        state.wait_until_idle(dsn)
        self.expected[stage] = state.read(dsn)
        self.sequences[stage] = state.sequences(dsn)
        if begin_here:
            with connect(dsn) as conn:
                name = conn.info.dbname
            self.server.create_database(f"{self._prefix}_{stage}", name)
            self.made.append(f"{self._prefix}_{stage}")

    def _timed(self, dsn: str, verb: str) -> None:
        client = Client((verb,), dsn, self.folder)
        wait_for_work(dsn, verb, client)
        began = time.monotonic()
        code, document = client.end()
        assert code == 0, (verb, document)
        self.seconds[verb] = time.monotonic() - began


def wait_for_work(dsn: str, verb: str, client: Client) -> None:
    """Until the client has begun with its work, or has ended."""
    with connect(dsn) as conn:
        while client.running and not conn.execute(BEGUN[verb].encode()).fetchall():
            time.sleep(0.003)


Accident = Callable[[Client, str], bool]  # what happens to a client at work; whether it was hit
