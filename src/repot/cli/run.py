"""`repot run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repot import service
from repot.cli.options import HERE, Database, Json, Project, Workers
from repot.cli.output import Output, plural, seconds
from repot.cli.plan import summary
from repot.cli.progress import TerminalProgress
from repot.cli.verify import show_verdict
from repot.model.errors import Exit


def register(app: typer.Typer) -> None:
    app.command("run", epilog="Example: repot run --backups /backups && repot cutover")(run)


def run(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    workers: Workers = None,
    backups: Annotated[
        Path | None,
        typer.Option(help="Folder for the backup.  [default: backups/ in the project]"),
    ] = None,
) -> None:
    """Go from the audit to a passed proof, and stop before the cutover.

    audit → backup → plan → copy → verify. What is done already is not done again: after an
    interruption the same command goes on.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        runner = service.open_project(project, database, progress)
        outcome = service.run_to_proof(runner, backups or project / "backups", workers=workers)
    if outcome.audit:
        out.print(f"audit: {plural(len(outcome.audit.findings), 'finding')} (`repot audit` lists)")
    if outcome.backup:
        rows = sum(outcome.backup.restored.values())
        out.print(f"backup: {plural(rows, 'row')} restored and counted in {outcome.backup.path}")
    if outcome.plan:
        out.findings(outcome.plan.findings, infos=False)
        out.print(f"plan: {summary(outcome.plan)}")
    if outcome.copy:
        out.print(f"copy: {plural(outcome.copy.rows, 'row')} in {seconds(outcome.copy.ms)}\n")
    if outcome.verdict:
        show_verdict(out, outcome.verdict)
    passed = outcome.verdict is not None and outcome.verdict.passed
    if passed:
        out.print("next: [bold]repot cutover[/]")
    out.data(
        {
            "ok": passed,
            "plan": {"findings": [f.model_dump(mode="json") for f in outcome.plan.findings]}
            if outcome.plan
            else None,
            "backup": outcome.backup.model_dump(mode="json") if outcome.backup else None,
            "copy": outcome.copy.model_dump(mode="json") if outcome.copy else None,
            "proof": outcome.verdict.model_dump(mode="json") if outcome.verdict else None,
        }
    )
    if not passed:
        raise typer.Exit(Exit.FAILED)
