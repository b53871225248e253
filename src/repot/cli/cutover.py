"""`repot cutover`."""

from __future__ import annotations

from typing import Annotated

import typer

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural
from repot.cli.progress import TerminalProgress


def register(app: typer.Typer) -> None:
    app.command("cutover", epilog="Example: repot cutover --max-pause 500")(cutover)


def cutover(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    max_pause: Annotated[
        float | None,
        typer.Option(
            metavar="MS", min=1, help="Give up and try again rather than hold the locks longer."
        ),
    ] = None,
    cancel_blockers: Annotated[
        bool,
        typer.Option(
            "--cancel-blockers", help="Cancel sessions that wait in a cycle with the switch."
        ),
    ] = False,
) -> None:
    """Switch: V2 takes the place of V1, in one transaction.

    Opens only after a passed proof of this plan and a tested backup. V1 may be written all the
    time: what was written since the proof is applied and proven first, the last of it while the
    writers wait.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        runner = service.open_project(project, database, progress)
        run, result = runner.cutover(max_pause_ms=max_pause, cancel_blockers=cancel_blockers)
    out.print(
        f"[bold green]cut over[/]: {plural(result.tables, 'table')} switched, writers paused for "
        f"{result.pause_ms:,.0f} ms ({plural(result.attempts, 'attempt')})"
    )
    out.print(
        "next: try the application; `repot rollback` goes back, `repot cleanup` ends the move"
    )
    out.data({"ok": True, "run": run.id, "phase": run.phase, **result.model_dump(mode="json")})
