"""`repot rollback`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural
from repot.cli.progress import TerminalProgress
from repot.cli.verify import difference


def register(app: typer.Typer) -> None:
    app.command("rollback", epilog="Example: repot rollback --project shop")(rollback)


def rollback(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Go back even if writes on V2 cannot be carried; they are kept in quarantine.",
        ),
    ] = False,
) -> None:
    """Switch back: V1 serves again, with the writes that were made on V2 in it."""
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        runner = service.open_project(project, database, progress)
        run, result = runner.rollback(accept_loss=accept_loss)
    carried = sum(result.carried.values())
    out.print(
        f"[bold green]rolled back[/]: {plural(carried, 'row')} written on V2 carried into V1, "
        f"writers paused for {result.pause_ms:,.0f} ms"
    )
    for table, rows in result.carried.items():
        out.print(f"  {escape(table)}: {plural(rows, 'row')}")
    if result.not_carried_rows:
        out.print(
            f"[yellow]{plural(result.not_carried_rows, 'row')} of V2 could not be carried[/] "
            "(kept in schema repot_quarantine):"
        )
        for example in result.not_carried:
            out.print(f"  {escape(difference(example))}")
    out.data({"ok": True, "run": run.id, "phase": run.phase, **result.model_dump(mode="json")})
