"""One system from V1 to V2 and back and to V2 again: what the stories of all systems tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repot import service
from repot.demo.keep import compare_with_kept, keep_v1
from repot.demo.load import Figures, Load
from repot.demo.result import DemoResult, Switched, Writes
from repot.demo.steps import Steps
from repot.demo.systems import System
from repot.lifecycle.runner import Runner
from repot.model.errors import RepotError
from repot.model.progress import Progress
from repot.model.results import CutoverResult, RollbackResult, Verdict
from repot.postgres.connect import connection

WRITES = 400  # on V2, between the cutover and the rollback, where nobody else writes
SECONDS = 4.0  # that the application writes on V2 before the rollback


class Moving:
    """A move and its steps; `idle` or `live` gives the result."""

    def __init__(self, system: System, runner: Runner, work: Path, progress: Progress) -> None:
        self.system, self.runner, self.work = system, runner, work
        self.step = Steps(progress)
        self.waits: list[Switched] = []

    def prove(self, title: str) -> Verdict:
        verdict: Verdict = self.step(title, self.runner.verify)
        if not verdict.passed:
            raise RepotError(
                "demo-not-proven",
                f"{title}: the proof did not pass",
                evidence="\n".join(verdict.reasons),
            )
        return verdict

    def begin(self) -> Verdict:
        """From the audit to the proof."""
        runner = self.runner
        self.step("audit", runner.audit)
        self.step("backup, restored and counted", lambda: runner.backup(self.work / "backups"))
        plan = self.step("plan", runner.plan)
        if plan.errors:
            lines = [f"{f.file}:{f.line} {f.code}: {f.message}" for f in plan.errors]
            raise RepotError("demo-plan", "the plan has errors", evidence="\n".join(lines))
        self.step("copy", runner.copy)
        with service.following(runner):
            return self.prove("proof")

    def idle(
        self,
        counts: dict[str, int],
        seed: int,
        report: Path | None,
        look: Callable[[], object] = lambda: None,
    ) -> DemoResult:
        """Nobody else writes; V1 is compared with itself after the way there and back.

        look: called when V2 serves for the first time and nobody has written there yet.
        """
        runner, start = self.runner, time.monotonic()
        application = self.system.module("application")
        source = runner.project.source.schema_
        first = self.begin()
        with connection(runner.dsn) as conn:
            kept = self.step("keep V1 aside, to compare", lambda: keep_v1(conn, source))
        _, cutover = self.step("cutover", runner.cutover)
        look()
        with connection(runner.dsn) as conn:
            conn.execute("select set_config('search_path', %s, false)", (source,))
            acknowledged = self.step(
                "the application writes on V2",
                lambda: application.write_on_v2(conn, seed, WRITES),
            )
        _, back = self.step("rollback", runner.rollback)
        with connection(runner.dsn) as conn:
            conn.execute("select set_config('search_path', %s, false)", (source,))
            missing = application.missing_in_v1(conn, acknowledged)
            changed = self.step("compare V1", lambda: compare_with_kept(conn, source, kept))
        again = self.prove("proof after the rollback")
        _, second = self.step("cutover again", runner.cutover)
        writes = _judge(len(acknowledged), len(missing), back, changed)
        return self.end(counts, start, (first, again), (cutover, second), back, writes, report)

    def live(self, counts: dict[str, int], load: Load, report: Path | None) -> DemoResult:
        """The application writes all the time."""
        runner, start = self.runner, time.monotonic()
        first = self.begin()
        cutover = self.switch(load, "cutover", runner.cutover)
        before = load.acknowledged()
        with service.following(runner):
            self.step("the application writes on V2", lambda: time.sleep(SECONDS))
        on_v2 = load.acknowledged() - before
        back = self.switch(load, "rollback", runner.rollback)
        load.pause()
        there = self.step("what was acknowledged is looked for in V1", load.figures)
        load.resume()
        with service.following(runner):
            self.step("the application writes on V1", lambda: time.sleep(SECONDS / 2))
            again = self.prove("proof after the rollback")
        second = self.switch(load, "cutover again", runner.cutover)
        self.step("the application writes on V2 again", lambda: time.sleep(SECONDS / 2))
        load.pause()
        figures: Figures = self.step("what was acknowledged is looked for in V2", load.figures)
        writes = Writes(
            acknowledged=on_v2,
            missing=there.missing,
            rows_carried=sum(back.carried.values()),
            v1_rows_changed=0,
            v1_rows_unexplained=0,
        )
        verdicts, cutovers = (first, again), (cutover, second)
        return self.end(counts, start, verdicts, cutovers, back, writes, report, figures)

    def switch(self, load: Load, title: str, what: Callable[[], tuple[Any, Any]]) -> Any:
        """Do it while a follower keeps step, and ask the load how long it waited."""
        with service.following(self.runner):
            begun = time.monotonic()
            _, result = self.step(title, what)
            waited = load.longest_wait_ms(begun, time.monotonic())
        self.waits.append(Switched(longest_wait_ms=round(waited, 1)))
        return result

    def end(
        self,
        counts: dict[str, int],
        start: float,
        verdicts: tuple[Verdict, Verdict],
        cutovers: tuple[CutoverResult, CutoverResult],
        back: RollbackResult,
        writes: Writes,
        report: Path | None,
        figures: Figures | None = None,
    ) -> DemoResult:
        """The result, and the report."""
        path = None
        if report:
            _, paths = self.step("report", lambda: service.report(self.runner, report))
            path = str(paths[1])
        return DemoResult(
            ok=all(v.passed for v in verdicts)
            and not writes.missing
            and not writes.v1_rows_unexplained
            and not any(a.unaccounted for v in verdicts for a in v.accounts)
            and (figures is None or not (figures.missing or figures.errors))
            and (figures is None or figures.acknowledged > 0),
            system=self.system.name,
            rows=sum(counts.values()),
            seconds=round(time.monotonic() - start, 1),
            steps=self.step.seconds,
            accounts=verdicts[0].accounts,
            verdicts=verdicts,
            cutovers=cutovers,
            rollback=back,
            writes=writes,
            traffic=figures,
            waits=tuple(self.waits),
            report=path,
        )


def _judge(
    acknowledged: int, missing: int, back: RollbackResult, changed: dict[str, int]
) -> Writes:
    """If more rows of a table changed than were carried into it, something else changed them."""
    unexplained = sum(max(0, n - back.carried.get(t, 0)) for t, n in changed.items())
    return Writes(
        acknowledged=acknowledged,
        missing=missing,
        rows_carried=sum(back.carried.values()),
        v1_rows_changed=sum(changed.values()),
        v1_rows_unexplained=unexplained,
    )
