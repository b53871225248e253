"""Everything that a copy has to do, laid on the board; and what came of it, for the evidence."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

from psycopg import sql

from repot.engine import quarantine, registry
from repot.engine.deferred import Deferred
from repot.engine.session import Session
from repot.model.plan import Derivation
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.postgres.relations import current, relation_oid
from repot.stages.copy.board import Board, Job
from repot.stages.copy.chunk import copy_run
from repot.stages.copy.fill import Fill, Run
from repot.stages.copy.puttingback import jobs
from repot.stages.copy.sql import load
from repot.stages.copy.units import plan_units, still_open, weight


class Agenda:
    """The jobs of one copy. Their work runs on the workers' threads and connections."""

    def __init__(self, session: Session, workers: int, chunk_seconds: float) -> None:
        self.session, self.plan, self.progress = session, session.plan, session.progress
        self.run_id = session.run.id
        self.board = Board(workers, chunk_seconds, self._copy_run)
        self.given: dict[str, int] = {}  # registry: keys that got a value
        self.registry_ms: dict[str, int] = {}
        self.kept: dict[str, int] = {}  # V1 table: rows in quarantine

    def lay(self, conn: Connection, todo: Iterable[Deferred]) -> None:
        """Statistics and registries first, then units, rows, and what stands on the rows."""
        statistics = [
            Job(f"statistics:{oid}", partial(self._analyze, oid=oid), rank=-4)
            for oid in self._never_analyzed(conn)
        ]
        known = frozenset(job.key for job in statistics)
        registries = {r.table: f"registry:{r.name}" for r in self.plan.registries}
        weights = {move.name: weight(self.plan, move) for move in self.plan.moves}
        objects = [item for item in todo if item.step != "trigger"]
        self.progress.start("constraints", "Keys, indexes, foreign keys", len(objects), "objects")
        self.board.add(
            *statistics,
            *(
                Job(key, partial(self._allocate, name=table.name), known, rank=-3)
                for table, key in registries.items()
            ),
            *(
                Job(
                    f"units:{move.name}",
                    partial(self._cut, move=move),
                    known | {registries[u.source] for u in move.uses if u.source in registries},
                    rank=-2,
                    weight=weights[move.name],
                )
                for move in self.plan.moves
            ),
            *([Job("quarantine", self._quarantine)] if self.plan.leave.rows else []),
            *jobs(self.session, objects, {m.name for m in self.plan.moves}, weights),
        )

    def _never_analyzed(self, conn: Connection) -> list[int]:
        """V1 tables without statistics: the moves' joins would be planned blindly."""
        tables = [t.name for t in self.plan.source.tables if t.parent is None]
        oids = [relation_oid(conn, self.run_id, name) for name in tables]
        rows = conn.execute(load("copy_never_analyzed.sql").encode(), {"oids": oids}).fetchall()
        return [int(str(r[0])) for r in rows]

    def _analyze(self, conn: Connection, oid: int) -> None:
        # Without the right to, PostgreSQL warns and skips the table.
        conn.execute(sql.SQL("analyze {}").format(ident(current(conn, oid))))

    def _allocate(self, conn: Connection, name: str) -> None:
        started = time.monotonic()
        item = next(r for r in self.plan.registries if r.name == name)
        count = registry.allocate(conn, item, path=(self.plan.source_schema,))
        conn.execute(sql.SQL("analyze {}").format(ident(item.table)))
        self.given[name] = count
        self.registry_ms[name] = round((time.monotonic() - started) * 1000)

    def _cut(self, conn: Connection, move: Derivation) -> None:
        fill = plan_units(self.session, conn, move)
        row = conn.execute(
            "select coalesce(sum(rows), 0) from repot.chunk where run = %s and move = %s",
            (self.run_id, move.name),
        ).fetchone()
        key = f"copy:{move.name}"
        self.progress.start(key, move.name, round(fill.estimate), "rows")
        self.progress.advance(key, int(str(row[0])) if row else 0)
        if fill.finished:
            self.progress.finish(key)
        self.board.add_fill(fill)

    def _copy_run(self, conn: Connection, fill: Fill, run: Run) -> None:
        copied = copy_run(self.session, conn, fill, run)
        if copied.rows is None:
            left = still_open(self.session, conn, fill.name, run.numbers)
            self.board.returned(fill, run, left)
            return
        self.board.completed(fill, run, copied.rows, copied.seconds)
        self.progress.advance(f"copy:{fill.name}", copied.rows)
        if fill.finished:
            self.progress.finish(f"copy:{fill.name}")

    def _quarantine(self, conn: Connection) -> None:
        self.kept = quarantine.fill(conn, self.run_id, self.plan)
