"""`repot copy`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from repot import service
from repot.cli.options import HERE, Database, Json, Project, Workers
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress


def register(app: typer.Typer) -> None:
    app.command("copy", epilog="Example: repot copy --workers 4 --chunk-seconds 2")(copy)


def copy(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    workers: Workers = None,
    chunk_seconds: Annotated[
        float | None,
        typer.Option(min=0.01, help="How long one chunk should take.  [default: as in repot.toml]"),
    ] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart", help="Throw away the V2 that this run built and begin again; V1 stays."
        ),
    ] = False,
) -> None:
    """Build V2 beside V1 and fill it; goes on where an earlier copy stopped.

    V1 keeps serving. Every row is copied exactly once, whatever happens to this process or the
    server.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        runner = service.open_project(project, database, progress)
        result = runner.copy(workers=workers, chunk_seconds=chunk_seconds, restart=restart)
    table = Table("table", "rows", "chunks", "time", box=None, header_style="bold")
    for one in result.tables:
        table.add_row(one.table, f"{one.rows:,}", f"{one.chunks:,}", seconds(one.ms))
    for column in table.columns[1:]:
        column.justify = "right"
    out.print(table)
    again = " (resumed)" if result.resumed else ""
    out.print(f"\n{plural(result.rows, 'row')} copied in {seconds(result.ms)}{again}")
    out.data({"ok": True, **result.model_dump(mode="json")})
