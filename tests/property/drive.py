"""A project's whole life, through the service, with writes all along and a look after each stage."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from property.judge import compare
from property.model import Generated
from property.onv2 import difference, expected, read_v1, writable, writes_on_v2
from property.sessions import Journal, Source, write, writing
from property.writes import filling, writes_on
from repot.lifecycle.runner import Runner
from repot.model.errors import RepotError
from repot.model.plan import Plan
from repot.postgres.connect import connection
from repot.postgres.state import ensure_state, record_evidence
from repot.service import following, open_project
from support.project import write as write_folder
from support.swapping import whole_backup

SHOWN = 12
NOTHING = "no row was compared"


class Broken(AssertionError):
    """The property does not hold; the message has all that is needed to see why."""


@dataclass
class Outcome:
    """refused: the plan's error codes. rows: compared, by move. v2_writes: committed on V2."""

    refused: tuple[str, ...] = ()
    rows: Counter[str] = field(default_factory=Counter)
    committed: int = 0
    v2_writes: int = 0
    carried_rows: int = 0


class Life:
    """One project on one database."""

    def __init__(self, project: Generated, dsn: str, folder: Path) -> None:
        self.project, self.dsn, self.layout = project, dsn, project.layout
        self.rng = random.Random(f"life {project.seed}")
        self.journal, self.outcome = Journal(), Outcome()
        self.folder = write_folder(folder, project.files)
        self.stage = "V1"
        self._bursts = 0
        self.runner: Runner

    # ------------------------------------------------------------------------------- stages

    def live(self) -> Outcome:
        self._make_v1()
        self.runner = open_project(self.folder, self.dsn)
        with self._at("plan"):
            plan = self.runner.plan()
        if plan.errors:
            self.outcome.refused = tuple(sorted({f.code for f in plan.errors}))
            return self.outcome
        self._see_ways_back(plan)
        self._pretend_backup()
        with self._at("copy"), self._meanwhile(self._v1(truncate=False)):
            self._fill()
            self.runner.copy(workers=self.rng.choice((1, 2)))
        self._follow("copied")
        self._v1_is_written("followed")
        self._prove()
        self._cut_over("cut over")
        self._v2_is_written_and_goes_back()
        self._v1_is_written("rolled back, followed")
        if self.rng.random() < 0.5:
            self._prove()
            self._cut_over("cut over again")
        empty = [m.name for m in self.project.moves if not self.outcome.rows[m.name]]
        if empty:
            raise self._told(f"there was no row to compare of {empty}")
        self.outcome.committed = self.journal.committed
        return self.outcome

    def _see_ways_back(self, plan: Plan) -> None:
        """Whatever is copied is carried back. Of halves alone something may not be: a NOT NULL column
        of the second is not looked up."""
        without = {f.object for f in plan.findings if f.code == "no-way-back"}
        lost = {(entry.table, entry.column) for entry in plan.not_carried if not entry.of_v1}
        for move in self.project.moves:
            if move.source is None:
                continue
            # A key that a registry replaces comes back through the registry.
            own = set(move.copies) - set(move.source.primary if "registry" in move.kinds else ())
            left = [
                o
                for o in move.outputs
                if o.copies in own and {(move.name, o.name), (move.name, None)} & lost
            ]
            if "halves" not in move.kinds and (left or move.source.name in without):
                raise self._told(f"{move.name} is not carried back: {left}")
            move.outputs = [replace(o, copies=None) if o in left else o for o in move.outputs]
            # Without its key no half of a row comes back.
            whole = "halves" not in move.kinds or set(move.source.primary) <= set(move.copies)
            if move.source.name in without or not whole:
                move.source = None

    def _make_v1(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            conn.execute(self.project.ddl.encode())
        self._fill()
        self._fill()

    def _fill(self) -> None:
        """Deletes cascade: without new rows there would soon be nothing to compare."""
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            for statement in filling(conn, self.layout.source, self.project.tables, self.rng):
                with suppress(psycopg.IntegrityError):
                    conn.execute(statement)
                    self.journal.note(-1, statement.as_string(conn))

    def _pretend_backup(self) -> None:
        """A backup is not what is tested here, and takes a server of its own."""
        with connection(self.dsn) as conn:
            ensure_state(conn)
            kept = whole_backup().model_dump(mode="json")
            record_evidence(conn, None, "backup", "backup", "", "whole?", kept)

    def _v1_is_written(self, stage: str) -> None:
        live = self.rng.random() < 0.4
        with self._at(stage), following(self.runner) if live else nullcontext():
            self._fill()
            self._burst(self._v1())
        self._follow(stage)

    def _prove(self) -> None:
        self._fill()
        with self._at("verify"), self._meanwhile(self._v1(truncate=False)):
            verdict = self.runner.verify()
        if verdict.set_aside and all(r.startswith(NOTHING) for r in verdict.reasons):
            # Few rows, and every one of them was being written in that instant.
            with self._at("verify again"):
                verdict = self.runner.verify()
        if not verdict.passed:
            examples = [e for t in verdict.tables for e in t.examples]
            raise self._told(f"the proof did not pass: {verdict.reasons}\n{examples}")
        self._burst(self._v1())

    def _cut_over(self, stage: str) -> None:
        kept = {m.name for m in self.project.moves}
        old = [t for t in self.project.tables if t.name not in kept]
        source = writes_on(self.layout.source, old, truncate=False) if old else None
        with self._at(stage), self._meanwhile(source):
            self.runner.cutover()
        self._look(stage, self.layout.retired, self.layout.source)

    def _v2_is_written_and_goes_back(self) -> None:
        ways = writable(self.project)
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            before = read_v1(conn, self.project, self.layout.retired)
            committed = self.journal.committed
            if ways:
                source = writes_on_v2(self.layout.source, ways)
                live = self.rng.random() < 0.4
                with self._at("V2 written"), following(self.runner) if live else nullcontext():
                    self._burst(source)
                if self.rng.random() < 0.5:
                    with self._at("followed back"):
                        self.runner.follow(once=True)
                self._burst(source)
            self.outcome.v2_writes += self.journal.committed - committed
            wanted = expected(conn, self.project, self.layout.source, before)
            with self._at("rollback"):
                _, result = self.runner.rollback()
            self.outcome.carried_rows += sum(result.carried.values())
            found = read_v1(conn, self.project, self.layout.source)
        wrong = difference(wanted, found, deletes=any(way.free for way in ways))
        if wrong:
            raise self._told("V1 is not what it must be:\n" + "\n".join(wrong[:SHOWN]))
        self._follow("rolled back")

    # -------------------------------------------------------------------------------- parts

    def _v1(self, *, truncate: bool = True) -> Source:
        return writes_on(self.layout.source, self.project.tables, truncate=truncate)

    def _burst(self, source: Source) -> None:
        write(self.dsn, self._seed(), source, self.journal, 3, 6)

    @contextmanager
    def _meanwhile(self, source: Source | None) -> Iterator[None]:
        if source is None:
            yield
            return
        with writing(self.dsn, self._seed(), source, self.journal, 2, 25):
            yield

    def _seed(self) -> int:
        self._bursts += 1
        return self.project.seed * 100 + self._bursts

    def _follow(self, stage: str) -> None:
        with self._at(f"{stage}: follow --once"):
            result = self.runner.follow(once=True)
        if result.poison or result.pending:
            raise self._told(f"poison {result.poison}, pending {result.pending}: {self._poison()}")
        self._look(stage, self.layout.source, self.layout.target)

    def _poison(self) -> object:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            return conn.execute("select name, scope, error from repot.poison").fetchall()

    def _look(self, stage: str, v1: str, v2: str) -> None:
        self.stage = stage
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            done = compare(conn, self.project, v1, v2)
        if done.wrong:
            raise self._told("V2 is not what its moves say:\n" + "\n".join(done.wrong))
        self.outcome.rows += done.rows
        self.journal.clear()

    @contextmanager
    def _at(self, stage: str) -> Iterator[None]:
        """What Repot says against a project that is sound is a failure of the property."""
        self.stage = stage
        try:
            yield
        except RepotError as failed:
            raise self._told(f"{failed.code}: {failed}\n{failed.evidence}") from failed

    def _told(self, what: str) -> Broken:
        files = "\n".join(f"--- {path}\n{text}" for path, text in self.project.files.items())
        wrote = "\n".join(self.journal.lines)
        seed = self.project.seed
        return Broken(
            f"seed {seed} (--project-seed {seed} --projects 1), {self.stage}: {what}\n"
            f"--- V1\n{self.project.ddl}\n{files}\n--- written since the last good look\n{wrote}\n"
            f"=== seed {seed}, {self.stage}: {what}"
        )
