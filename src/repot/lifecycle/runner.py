"""The one runner: opens gates in order, calls the stages, and keeps what they returned."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from repot.engine.build import build, drop_build
from repot.engine.session import Session
from repot.lifecycle.access import access_of_project, compare_project
from repot.lifecycle.evidence import last_backup, last_change, last_verdict, proof_counts
from repot.lifecycle.gates import enter
from repot.model.access import Access, Comparison
from repot.model.audit import Audit
from repot.model.errors import Refused
from repot.model.plan import Plan
from repot.model.progress import Progress, Silent
from repot.model.project import Project
from repot.model.results import (
    CopyResult,
    CutoverResult,
    FollowResult,
    RollbackResult,
    TestedBackup,
    Verdict,
)
from repot.model.state import Phase, Run
from repot.postgres.connect import Connection, connection
from repot.postgres.state import (
    create_run,
    current_run,
    ensure_state,
    load_plan,
    lock_run,
    record_event,
    record_evidence,
    replace_plan,
)
from repot.postgres.trouble import explained
from repot.stages.audit import audit
from repot.stages.backup import backup
from repot.stages.cleanup import cleanup
from repot.stages.copy import copy
from repot.stages.cutover import cutover
from repot.stages.follow import follow
from repot.stages.plan import make_plan
from repot.stages.rollback import rollback
from repot.stages.verify import verify


@dataclass(frozen=True)
class Runner:
    """One project on one database. `dsn` may hold a password and is never shown."""

    dsn: str = field(repr=False)
    project: Project
    progress: Progress = field(default_factory=Silent)

    def audit(self) -> Audit:
        """Read the whole of V1; changes nothing but Repot's own state."""
        source = self.project.source
        schemas = (source.schema_,)
        with explained("audit"):
            result = audit(self.dsn, schemas, progress=self.progress, outside=source.outside)
        with explained("audit"), connection(self.dsn) as conn:
            ensure_state(conn)
            record_evidence(
                conn,
                None,
                "audit",
                "audit",
                "",
                f"what is in {', '.join(schemas)}?",
                result.model_dump(mode="json"),
            )
        return result

    def backup(self, folder: Path, *, jobs: int = 2, scratch: str = "embedded") -> TestedBackup:
        """Dump, restore into a scratch database, count; a backup counts only then."""
        with explained("backup"):
            result = backup(self.dsn, folder, jobs=jobs, progress=self.progress, scratch=scratch)
        with explained("backup"), connection(self.dsn) as conn:
            ensure_state(conn)
            record_evidence(
                conn,
                None,
                "backup",
                "backup",
                "",
                "does the restored backup hold the rows that were dumped?",
                result.model_dump(mode="json"),
            )
        return result

    def plan(self) -> Plan:
        """Compile and probe; changes nothing in V1 and V2."""
        with explained("plan"), connection(self.dsn) as conn:
            run = current_run(conn, self.project.name)
        if run is not None and run.phase is Phase.CUT_OVER:
            raise Refused(
                "already-cut-over",
                f"run {run.id} is cut over: the source schema holds V2 now",
                hint="`repot rollback` goes back; `repot cleanup` ends the move",
            )
        with explained("plan"):
            return make_plan(self.dsn, self.project, self.progress)

    def copy(
        self,
        *,
        workers: int | None = None,
        chunk_seconds: float | None = None,
        restart: bool = False,
    ) -> CopyResult:
        """Build V2 and fill it, or go on where an earlier copy stopped."""
        with self._working(restart=restart) as session:
            if session.run.phase is Phase.PLANNED:
                session = session.at(build(session))
            return copy(session, workers=workers, chunk_seconds=chunk_seconds)

    def verify(self, *, workers: int | None = None) -> Verdict:
        """Prove every row."""
        with self._entering("verify") as session:
            return verify(session, workers=workers)

    def access(self, schema: str | None = None, *, only: Collection[str] = ()) -> Access:
        """Try who may reach which rows of V2, or of `schema`; nothing stays."""
        return access_of_project(self.dsn, self.project, self.progress, schema=schema, only=only)

    def compare_access(self, *, only: Collection[str] = ()) -> Comparison:
        """The same for V1 and V2, and what changes."""
        return compare_project(self.dsn, self.project, self.progress, only=only)

    def follow(
        self,
        *,
        stop: Event | None = None,
        seconds: float | None = None,
        once: bool = False,
        workers: int | None = None,
        both: str | None = None,
        with_triggers: bool = False,
    ) -> FollowResult:
        """Carry changes over until `stop` is set or `seconds` are over; beside other stages."""
        with explained("follow"):
            with connection(self.dsn, application="repot follow") as conn:
                run = enter("follow", current_run(conn, self.project.name))
                plan = load_plan(conn, run)
            self._same_files(run, plan)
            session = Session(self.dsn, run, plan, self.progress)
            return follow(
                session,
                stop=stop or Event(),
                seconds=seconds,
                once=once,
                workers=workers or plan.copying.workers,
                both=both,
                with_triggers=with_triggers,
            )

    def cutover(
        self, *, max_pause_ms: float | None = None, cancel_blockers: bool = False
    ) -> tuple[Run, CutoverResult]:
        """Switch; only a passed proof of this plan and a tested backup get here."""
        with self._entering("cutover") as session, session.connect() as conn:
            verdict, tested = self._keys_of_the_cutover(conn, session.run)
            return cutover(
                session,
                verdict,
                tested,
                max_pause_ms=max_pause_ms,
                cancel_blockers=cancel_blockers,
            )

    def rollback(self, *, accept_loss: bool = False) -> tuple[Run, RollbackResult]:
        """Switch back; writes made on V2 come along."""
        with self._entering("rollback") as session:
            return rollback(session, accept_loss=accept_loss)

    def cleanup(self, *, force_name: str | None = None, abandon: bool = False) -> Run:
        """Remove what the move leaves behind."""
        with self._entering("cleanup", changed_files=True) as session:
            return cleanup(session, force_name=force_name, abandon=abandon)

    def _keys_of_the_cutover(self, conn: Connection, run: Run) -> tuple[Verdict, TestedBackup]:
        verdict, tested = last_verdict(conn, run), last_backup(conn)
        done = run.phase is Phase.CUT_OVER  # asked again: the stage says that it is done
        why = None if done else proof_counts(verdict, run, last_change(conn, run))
        if why or verdict is None:
            raise Refused("no-proof", f"the cutover needs a passed proof: {why}")
        if tested is None:
            raise Refused(
                "no-backup",
                "the cutover needs a backup that was restored and counted",
                hint="`repot backup` makes one",
            )
        return verdict, tested

    @contextmanager
    def _entering(self, stage: str, *, changed_files: bool = False) -> Iterator[Session]:
        """The session of a stage of the current run, held against other runners."""
        with explained(stage), connection(self.dsn, application=f"repot {stage}") as conn:
            run = enter(stage, current_run(conn, self.project.name))
            lock_run(conn, run)
            run = enter(stage, current_run(conn, self.project.name))  # it may have moved on
            plan = load_plan(conn, run)
            if not changed_files:
                self._same_files(run, plan)
            record_event(conn, run.id, stage, "started")
            yield Session(self.dsn, run, plan, self.progress)

    @contextmanager
    def _working(self, *, restart: bool) -> Iterator[Session]:
        """The session of a copy: a new run, or the one that was begun."""
        with explained("copy"), connection(self.dsn, application="repot copy") as conn:
            ensure_state(conn)
            run, plan = current_run(conn, self.project.name), None
            if run is None or run.phase is Phase.CLEANED:
                plan = self._sound_plan()
                run = create_run(conn, plan)
            lock_run(conn, run)
            run = enter("copy", current_run(conn, self.project.name))
            begun = run.phase is not Phase.PLANNED
            if begun and restart:
                old = load_plan(conn, run)
                run = drop_build(Session(self.dsn, run, old, self.progress))
            if restart or not begun:
                plan = plan or self._sound_plan()
                run = replace_plan(conn, run, plan)
                self._keep_plan(conn, run, plan)
            else:
                plan = load_plan(conn, run)
            self._same_files(run, plan)
            record_event(conn, run.id, "copy", "started", {"restart": restart})
            yield Session(self.dsn, run, plan, self.progress)

    def _sound_plan(self) -> Plan:
        plan = self.plan()
        if plan.errors:
            lines = [f"{f.code}: {f.message}" for f in plan.errors]
            raise Refused(
                "plan-has-errors",
                f"the plan has {len(plan.errors)} error" + ("s" if len(lines) > 1 else ""),
                evidence="\n".join(lines),
                hint="`repot plan` shows each with its place and remedy",
            )
        return plan

    def _keep_plan(self, conn: Connection, run: Run, plan: Plan) -> None:
        answer = plan.model_dump(mode="json", include={"findings", "not_carried"})
        question = "do the moves compile, and do the rows fit V2?"
        record_evidence(conn, run.id, "plan", "plan", plan.digest, question, answer)

    def _same_files(self, run: Run, plan: Plan) -> None:
        if plan.project_digest != self.project.digest:
            raise Refused(
                "project-changed",
                f"the project's files are not those that run {run.id} was begun with",
                evidence=f"run: {plan.project_digest[:12]}, folder: {self.project.digest[:12]}",
                hint="bring the files back, or begin again with `repot copy --restart`",
            )
