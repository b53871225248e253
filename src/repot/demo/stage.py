"""Where a story is told: a private server, one system, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from repot import service
from repot.demo.systems import System
from repot.embedded import EmbeddedServer
from repot.lifecycle.runner import Runner
from repot.model.progress import Progress
from repot.postgres.connect import connection

RATE = 150.0  # transactions a second of all clients together


@dataclass(frozen=True)
class Stage:
    """rows, seed: of V1. writers, rate: of the application that writes meanwhile (0: nobody does).
    work: a folder that is gone afterwards. report: the folder for the report, if one is wanted."""

    system: System
    server: EmbeddedServer = field(repr=False)
    work: Path
    progress: Progress
    rows: int
    seed: int
    writers: int = 0
    rate: float | None = RATE
    report: Path | None = None

    def make_v1(self) -> tuple[str, dict[str, int]]:
        """A database with V1 and its rows: its connection string, and the rows of each table."""
        self.progress.say(f"— V1 with about {self.rows:,} rows")
        dsn = self.server.create_database(self.system.name)
        generate = self.system.module("generate")
        generate.create_v1(dsn)
        counts: dict[str, int] = generate.generate(dsn, self.rows, self.seed)
        with connection(dsn) as conn:
            conn.execute("analyze")
        return dsn, counts

    def runner(self, dsn: str) -> Runner:
        """The system's project on a database."""
        return service.open_project(self.system.folder, dsn, self.progress)
