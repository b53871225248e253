"""`repot cleanup`."""

from __future__ import annotations

from typing import Annotated

import typer

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output
from repot.cli.progress import TerminalProgress


def register(app: typer.Typer) -> None:
    app.command("cleanup", epilog="Example: repot cleanup --force dropskills_old")(cleanup)


def cleanup(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    force: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEMA",
            help="Do not wait for the grace period: type the name of the schema to be dropped.",
        ),
    ] = None,
    abandon: Annotated[
        bool,
        typer.Option(
            "--abandon", help="Before a cutover or after a rollback: give V2 up and remove it."
        ),
    ] = False,
) -> None:
    """End the move: drop the retired V1 (or, with --abandon, V2) and Repot's own objects.

    Refuses without a passed proof, a tested backup and the grace period of repot.toml. Evidence
    stays.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        run = service.open_project(project, database, progress).cleanup(
            force_name=force, abandon=abandon
        )
    out.print(
        f"[bold green]cleaned up[/]: run {run.id} is over; its evidence stays in schema repot"
    )
    out.data({"ok": True, "run": run.id, "phase": run.phase})
