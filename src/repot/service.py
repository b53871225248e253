"""What Repot can do, as typed functions; every front door calls these and nothing below."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from repot.doctor import diagnose
from repot.engine.listing import SHOWN, read_listings
from repot.lifecycle.access import access_of_folder
from repot.lifecycle.checking import check_folder
from repot.lifecycle.runner import Runner
from repot.lifecycle.status import read_status
from repot.model.access import Access, Comparison
from repot.model.audit import Audit
from repot.model.checks import CheckReport
from repot.model.doctor import Diagnosis, Limits
from repot.model.errors import Refused, RepotError
from repot.model.finding import Finding
from repot.model.listing import Listing
from repot.model.plan import Plan
from repot.model.progress import Progress, Silent
from repot.model.results import CopyResult, TestedBackup, Verdict
from repot.model.status import Status
from repot.postgres.connect import connection
from repot.postgres.state import all_evidence, current_run
from repot.project import load_project
from repot.project.load import SETTINGS
from repot.report import Report, assemble, write_report


def database_url(given: str | None) -> str:
    """The connection string: as given, else DATABASE_URL, else empty (libpq reads PG* itself)."""
    return given or os.environ.get("DATABASE_URL", "")


def open_project(
    folder: Path, database: str | None = None, progress: Progress | None = None
) -> Runner:
    """The project in `folder` on a database. Raises UsageError where the folder cannot be read."""
    return Runner(database_url(database), load_project(folder), progress or Silent())


def status(runner: Runner) -> Status:
    """Where the project stands."""
    return read_status(runner.dsn, runner.project.name, runner.project.digest)


def check(
    folder: Path,
    database: str | None = None,
    *,
    schema: str | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check what must be true after a migration; see `repot.lifecycle.checking.check_folder`."""
    return check_folder(database_url(database), folder, schema, progress or Silent())


def access(
    folder: Path,
    database: str | None = None,
    *,
    schema: str | None = None,
    compare: bool = False,
    only: Collection[str] = (),
    progress: Progress | None = None,
) -> Access | Comparison:
    """Try who may reach which rows; see `repot.lifecycle.access`. `compare`: V1, too."""
    if compare or (folder / SETTINGS).is_file():
        runner = open_project(folder, database, progress)
        return runner.compare_access(only=only) if compare else runner.access(schema, only=only)
    dsn = database_url(database)
    return access_of_folder(dsn, folder, progress or Silent(), schema=schema, only=only)


def listings(
    runner: Runner, names: Sequence[str] = (), limit: int | None = SHOWN
) -> tuple[Listing, ...]:
    """The rows of V1 that the project's listings give. Raises what `read_listings` raises."""
    return read_listings(runner.dsn, runner.project, names, limit)


def doctor(
    folder: Path,
    database: str | None = None,
    *,
    schema: str | None = None,
    migrations: Path | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Diagnosis:
    """Look for common troubles; see `repot.doctor.diagnose`."""
    return diagnose(
        database_url(database),
        folder,
        progress or Silent(),
        schema=schema,
        migrations=migrations,
        limits=limits,
    )


def report(runner: Runner, folder: Path) -> tuple[Report, tuple[Path, ...]]:
    """Write the report of the newest run into `folder`. Refused `no-run` if there is none."""
    with connection(runner.dsn, application="repot report") as conn:
        run = current_run(conn, runner.project.name)
        if run is None:
            raise Refused(
                "no-run",
                "there is no run to report on",
                hint="`repot run` goes from the audit to a passed proof",
            )
        document = assemble(run, all_evidence(conn, run.id))
    return document, write_report(document, folder)


class RunOutcome:
    """What `run` did, in order; `verdict` is None where it stopped before the proof."""

    def __init__(self) -> None:
        self.audit: Audit | None = None
        self.backup: TestedBackup | None = None
        self.plan: Plan | None = None
        self.copy: CopyResult | None = None
        self.verdict: Verdict | None = None

    @property
    def problems(self) -> tuple[Finding, ...]:
        return self.plan.errors if self.plan else ()


def run_to_proof(
    runner: Runner, backups: Path, *, workers: int | None = None, skip_done: bool = True
) -> RunOutcome:
    """audit → backup → plan → copy → verify, stopping before the cutover.

    What has been done already for this project is not done again (`skip_done`): a run that was
    interrupted anywhere goes on. Raises Refused where a gate is closed.
    """
    outcome = RunOutcome()
    before = status(runner)
    done = {step.stage for step in before.steps} if skip_done else set()
    if before.phase is not None and before.phase.value == "cut_over":
        raise Refused(
            "already-cut-over",
            f"run {before.run} is cut over already",
            hint="`repot status` shows what may come next",
        )
    if "audit" not in done:
        outcome.audit = runner.audit()
    if "backup" not in done:
        outcome.backup = runner.backup(backups)
    if before.phase in (None, "planned", "cleaned"):
        outcome.plan = runner.plan()
        if outcome.plan.errors:
            return outcome
    if before.phase != "rolled_back":
        outcome.copy = runner.copy(workers=workers)
    with following(runner, workers):
        outcome.verdict = runner.verify(workers=workers)
    return outcome


@contextmanager
def following(runner: Runner, workers: int | None = None) -> Iterator[None]:
    """A follower in the background: V2 keeps step while other things are done.

    What stops it is raised at the end, unless another follower is at work already.
    """
    stop, failures = Event(), list[Exception]()
    quiet = Runner(runner.dsn, runner.project, Silent())

    def work() -> None:
        try:
            quiet.follow(stop=stop, workers=workers)
        except Exception as failed:  # noqa: BLE001 - raised below, in the caller's thread
            failures.append(failed)

    thread = Thread(target=work, name="repot follow", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    for failed in failures:
        if not (isinstance(failed, RepotError) and failed.code == "follow-busy"):
            raise failed
