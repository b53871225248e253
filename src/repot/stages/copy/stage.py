"""The copy: every row that the moves give, then keys, indexes and foreign keys. See `copy`."""

from __future__ import annotations

import time
from functools import partial

from psycopg import sql

from repot.engine import quarantine, registry
from repot.engine.deferred import Deferred, deferred, put_back
from repot.engine.session import Session
from repot.model.errors import RepotError
from repot.model.plan import Derivation
from repot.model.results import CopyResult
from repot.model.state import Phase
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.postgres.relations import current, relation_oid
from repot.postgres.state import record_event, record_evidence, set_phase
from repot.stages.copy.board import Board, Job
from repot.stages.copy.chunk import copy_run
from repot.stages.copy.constraint import explained
from repot.stages.copy.crew import work
from repot.stages.copy.fill import Fill, Run
from repot.stages.copy.gates import begun, check_captured, check_phase, hold
from repot.stages.copy.puttingback import jobs
from repot.stages.copy.result import read_result
from repot.stages.copy.sql import load
from repot.stages.copy.throttle import Throttle
from repot.stages.copy.units import plan_units, still_open, weight


def copy(
    session: Session, workers: int | None = None, chunk_seconds: float | None = None
) -> CopyResult:
    """Fill the V2 that `engine.build` made, and make it complete: phase `copied`.

    workers: connections; chunk_seconds: how long one transaction should take; both as the project
    says where None. An earlier copy that was broken off, however, is gone on with: what was
    committed is neither done again nor lost. Of a run that is `copied` the result is given again.

    Raises Refused `not-built`, `wrong-phase`, `run-busy`, `not-captured`, `may-not-watch`,
    `lock-timeout`; RepotError `copy-failed`, `constraint-failed`, `connection-lost`,
    `slug-too-long`. After any of them the copy may be called again.
    """
    setting = session.plan.copying
    conn = session.connect("repot copy")
    try:
        return _Copy(
            session, conn, workers or setting.workers, chunk_seconds or setting.chunk_seconds
        ).run()
    finally:
        conn.close()


class _Copy:
    def __init__(
        self, session: Session, conn: Connection, workers: int, chunk_seconds: float
    ) -> None:
        self.session, self.conn = session, conn
        self.plan, self.progress, self.run_id = session.plan, session.progress, session.run.id
        self.board = Board(workers, chunk_seconds, self.copy_run)
        self.given: dict[str, int] = {}  # registry: keys that got a value
        self.registry_ms: dict[str, int] = {}
        self.kept: dict[str, int] = {}  # V1 table: rows in quarantine

    def run(self) -> CopyResult:
        """All of it; the connection of this object only watches, begins and ends."""
        started = time.monotonic()
        hold(self.conn, self.run_id)
        if check_phase(self.conn, self.session) is Phase.COPIED:
            return read_result(self.conn, self.session, ms=0, resumed=True)
        check_captured(self.conn, self.session)
        throttle = Throttle(self.plan.copying, self.progress, self.board.stopped)
        throttle.check(self.conn)
        resumed = begun(self.conn, self.run_id)
        todo = [d for d in deferred(self.conn, self.run_id) if not d.done]
        self.plan_work(todo)
        work(self.board, partial(self.session.connect, "repot copy"), throttle)
        result = self.finish(todo, started, resumed)
        self.progress.finish("constraints")
        return result

    def plan_work(self, todo: list[Deferred]) -> None:
        """Statistics and registries first, then units, rows, and what stands on the rows."""
        first: list[Job] = []
        for oid in self.never_analyzed():
            first.append(Job(f"statistics:{oid}", partial(self.analyze, oid=oid), rank=-4))
        for item in self.plan.registries:
            first.append(
                Job(
                    f"registry:{item.name}",
                    partial(self.allocate, name=item.name),
                    frozenset(j.key for j in first if j.rank == -4),
                    rank=-3,
                )
            )
        known = frozenset(j.key for j in first if j.rank == -4)
        registries = {r.table: f"registry:{r.name}" for r in self.plan.registries}
        weights = {move.name: weight(self.plan, move) for move in self.plan.moves}
        for move in self.plan.moves:
            first.append(
                Job(
                    f"units:{move.name}",
                    partial(self.cut, move=move),
                    known | {registries[u.source] for u in move.uses if u.source in registries},
                    rank=-2,
                    weight=weights[move.name],
                )
            )
        if self.plan.leave.rows:
            first.append(Job("quarantine", self.quarantine, rank=0))
        objects = [d for d in todo if d.step != "trigger"]
        self.progress.start("constraints", "Keys, indexes, foreign keys", len(objects), "objects")
        self.board.add(*first)
        self.board.add(*jobs(self.session, objects, {m.name for m in self.plan.moves}, weights))

    def never_analyzed(self) -> list[int]:
        """V1 tables without statistics: the moves' joins would be planned blindly."""
        oids = [
            relation_oid(self.conn, self.run_id, t.name)
            for t in self.plan.source.tables
            if t.parent is None
        ]
        rows = self.conn.execute(
            load("copy_never_analyzed.sql").encode(), {"oids": oids}
        ).fetchall()
        return [int(str(r[0])) for r in rows]

    def analyze(self, conn: Connection, oid: int) -> None:
        # Without the right to, PostgreSQL warns and skips the table.
        conn.execute(sql.SQL("analyze {}").format(ident(current(conn, oid))))

    def allocate(self, conn: Connection, name: str) -> None:
        started = time.monotonic()
        item = next(r for r in self.plan.registries if r.name == name)
        count = registry.allocate(conn, item, path=(self.plan.source_schema,))
        conn.execute(sql.SQL("analyze {}").format(ident(item.table)))
        self.given[name] = count
        self.registry_ms[name] = round((time.monotonic() - started) * 1000)

    def cut(self, conn: Connection, move: Derivation) -> None:
        fill = plan_units(self.session, conn, move)
        done = sum(
            int(str(r[0]))
            for r in conn.execute(
                "select coalesce(sum(rows), 0) from repot.chunk where run = %s and move = %s",
                (self.run_id, move.name),
            ).fetchall()
        )
        self.progress.start(f"copy:{move.name}", move.name, round(fill.estimate), "rows")
        self.progress.advance(f"copy:{move.name}", done)
        if fill.finished:
            self.progress.finish(f"copy:{move.name}")
        self.board.add_fill(fill)

    def copy_run(self, conn: Connection, fill: Fill, run: Run) -> None:
        copied = copy_run(self.session, conn, fill, run)
        if copied.rows is None:
            left = still_open(self.session, conn, fill.name, run.numbers)
            self.board.returned(fill, run, left)
            return
        self.board.completed(fill, run, copied.rows, copied.seconds)
        self.progress.advance(f"copy:{fill.name}", copied.rows)
        if fill.finished:
            self.progress.finish(f"copy:{fill.name}")

    def quarantine(self, conn: Connection) -> None:
        self.kept = quarantine.fill(conn, self.run_id, self.plan)

    def finish(self, todo: list[Deferred], started: float, resumed: bool) -> CopyResult:
        """Triggers, evidence and the phase, in one transaction: V2 is complete, or it is not."""
        triggers = [d for d in todo if d.step == "trigger"]
        with self.conn.transaction():
            self.conn.execute("select from repot.run where id = %s for update", (self.run_id,))
            for item in triggers:
                with explained(item):
                    put_back(self.conn, self.run_id, item.number)
            self.assert_complete()
            ms = round((time.monotonic() - started) * 1000)
            result = read_result(self.conn, self.session, ms=ms, resumed=resumed)
            record_evidence(
                self.conn,
                self.run_id,
                "copy",
                "copy",
                self.plan.digest,
                "insert into each V2 table what its move gives: how many rows?",
                result.model_dump(mode="json")
                | {
                    "registries": self.given,
                    "registry_ms": self.registry_ms,
                    "quarantined": self.kept,
                },
            )
            record_event(self.conn, self.run_id, "copy", "copied", {"rows": result.rows})
            set_phase(self.conn, self.session.run, Phase.COPIED)
        return result

    def assert_complete(self) -> None:
        rows = self.conn.execute(
            load("copy_open.sql").encode(),
            {"run": self.run_id, "moves": [m.name for m in self.plan.moves]},
        ).fetchall()
        if rows:
            raise RepotError(
                "copy-incomplete",
                f"{len(rows)} parts of V2 are not there",
                evidence=", ".join(str(r[0]) for r in rows[:10]),
                hint="run `repot copy` again; if it stays, this is a fault of Repot's",
            )
