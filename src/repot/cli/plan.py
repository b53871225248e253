"""`repot plan`."""

from __future__ import annotations

import typer

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural
from repot.cli.progress import TerminalProgress
from repot.model.errors import Exit
from repot.model.finding import Severity
from repot.model.plan import Plan


def register(app: typer.Typer) -> None:
    app.command("plan", epilog="Example: repot plan --project shop --json")(plan)


def plan(project: Project = HERE, database: Database = None, json: Json = False) -> None:
    """Compile the project against the real database and list every problem at once.

    Nothing is changed: all of it happens in a transaction that is rolled back. Exit code 1 if there
    are errors.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        result = service.open_project(project, database, progress).plan()
    out.findings(result.findings)
    out.print(f"\n{summary(result)}")
    out.data(
        {
            "ok": not result.errors,
            "digest": result.digest,
            "moves": [m.name for m in result.moves],
            "backs": [{"table": b.name, "derived": b.derived} for b in result.backs],
            "not_carried": [n.model_dump() for n in result.not_carried],
            "findings": [f.model_dump(mode="json") for f in result.findings],
        }
    )
    if result.errors:
        raise typer.Exit(Exit.FAILED)


def summary(result: Plan) -> str:
    """One line: what is planned and how many problems there are."""
    warnings = sum(f.severity is Severity.WARNING for f in result.findings)
    registries = "registry" if len(result.registries) == 1 else "registries"
    ways = "way" if len(result.backs) == 1 else "ways"
    return (
        f"{plural(len(result.moves), 'move')}, {len(result.backs)} {ways} back, "
        f"{len(result.registries)} {registries}: {plural(len(result.errors), 'error')}, "
        f"{plural(warnings, 'warning')} (plan {result.digest[:12]})"
    )
