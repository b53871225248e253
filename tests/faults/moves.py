"""The undisturbed move of the shop, with a database to begin from at each stage of it."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from faults.course import BEFORE, CARRIED, SIDES, WRITES
from faults.load import Ledger, missing
from faults.program import Program, done
from faults.steps_there import LAST_BUILD
from faults.watching import Stop
from repot import service
from repot.embedded import EmbeddedServer
from repot.postgres.connect import connection
from repot.postgres.state import ensure_state, record_evidence
from support.shop import copy_project, make_v1
from support.sql import rows, run
from support.swapping import whole_backup

Shape = list[tuple[object, ...]]
SHAPE = (Path(__file__).parent / "shape.sql").read_text()


@dataclass
class Moves:
    """Databases to be copied, one for each stage, and what each looks like when nothing happened; both
    are made when they are first asked for."""

    server: EmbeddedServer
    folder: Path
    _names: dict[str, str] = field(default_factory=dict)
    _shapes: dict[str, Shape] = field(default_factory=dict)
    _phases: dict[str, str] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def made(cls, server: EmbeddedServer, folder: Path) -> Moves:
        return cls(server, copy_project(folder))

    def shape(self, stage: str) -> Shape:
        """What a user can see there."""
        self._template(stage)
        return self._shapes[stage]

    def phase(self, stage: str) -> str:
        """What the run's phase is there."""
        self._template(stage)
        return self._phases[stage]

    def database(self, stage: str) -> str:
        """The connection string of a new database in this stage."""
        return self.server.create_database(f"fault_{next(self._numbers)}", self._template(stage))

    def drop(self, dsn: str) -> None:
        self.server.drop_database(dsn.rpartition("dbname=")[2])

    def settle(self, dsn: str, stage: str) -> None:
        """Nobody writes any more: carry over what is left, and prove it."""
        if len(SIDES[stage]) < 2:
            return
        runner = service.open_project(self.folder, dsn)
        followed = runner.follow(once=True)
        assert (followed.pending, followed.poison) == (0, 0), followed
        if SIDES[stage]["v1"] == "public":
            verdict = runner.verify()
            assert verdict.passed, (verdict.reasons, [t.examples for t in verdict.tables])
            assert (verdict.set_aside, verdict.left) == (0, 0)

    def check(self, dsn: str, stage: str, *ledgers: Ledger, kept: str = "nothing") -> None:
        """The database is in this stage, both sides are equal, nothing that was acknowledged is
        missing on either, nothing is twice, and nothing tells of an accident. kept: what the way
        there leaves beyond that, by its beginning."""
        wait_until_idle(dsn)
        self.settle(dsn, stage)
        sides = SIDES[stage]
        for ledger in ledgers:
            assert ledger.errors == []
            for side, schema in sides.items():
                assert missing(ledger, dsn, side, schema) == []
        for pair in CARRIED if len(sides) == 2 else ():
            one, other = (text.format(**sides) for text in pair)
            assert rows(dsn, f"{one} except all {other}") == []
            assert rows(dsn, f"{other} except all {one}") == []
        found = [r for r in rows(dsn, SHAPE) if not str(r[1]).startswith(kept)]
        expected = [r for r in self.shape(stage) if not str(r[1]).startswith(kept)]
        assert not (odd := sorted(set(found) ^ set(expected), key=str)), odd

    def _template(self, stage: str) -> str:
        if stage not in self._names:
            name = f"faults_{next(self._numbers)}_{stage.replace(' ', '_')}"
            self._make(stage, name)
            self._names[stage] = name
        return self._names[stage]

    def _make(self, stage: str, name: str) -> None:
        if stage == "v1":
            dsn = self.server.create_database(name)
            make_v1(dsn)
            run(dsn, "analyze")
            with connection(dsn) as conn:
                ensure_state(conn)
                answer = whole_backup().model_dump(mode="json")
                record_evidence(conn, None, "backup", "backup", "", "is it whole?", answer)
        elif stage == "built":
            dsn = self.server.create_database(name, self._template("v1"))
            assert Program(("copy",), dsn, self.folder, Stop(LAST_BUILD, "after")).died()
        else:
            before, verb = BEFORE[stage]
            dsn = self.server.create_database(name, self._template(before))
            run(dsn, WRITES[before])
            done(dsn, self.folder, *verb.split())
        wait_until_idle(dsn)
        # Settled elsewhere: the stage's own proof is to find what it would find.
        copy = self.server.create_database(f"{name}_settled", name)
        self.settle(copy, stage)
        self._phases[stage] = phase(copy)
        self._shapes[stage] = rows(copy, SHAPE)
        self.drop(copy)
        wait_until_idle(dsn)


def phase(dsn: str) -> str:
    """Of the last run; nothing if there is none."""
    found = rows(dsn, "select phase from repot.run order by id desc limit 1")
    return str(found[0][0]) if found else ""


def wait_until_idle(dsn: str, seconds: float = 30) -> None:
    """Until no session of a program that was killed is left; fails after `seconds`."""
    until = time.monotonic() + seconds
    query = (
        "select application_name, query from pg_stat_activity where datname = current_database()"
        " and application_name ~ '^(repot|pg_dump)'"
    )
    left: list[object] = ["not asked"]
    while left:
        try:
            left = list(rows(dsn, query))
        except psycopg.OperationalError:
            left = ["the server is away"]
        assert time.monotonic() < until, left
        time.sleep(0.01)
