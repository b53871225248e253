"""`repot follow`."""

from __future__ import annotations

import signal
from threading import Event
from typing import Annotated

import typer

from repot import service
from repot.cli.options import HERE, Database, Json, Project, Workers
from repot.cli.output import Output, plural
from repot.cli.progress import TerminalProgress
from repot.model.errors import Exit


def register(app: typer.Typer) -> None:
    app.command("follow", epilog="Example: repot follow --once && repot verify")(follow)


def follow(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    workers: Workers = None,
    once: Annotated[
        bool, typer.Option("--once", help="Stop as soon as nothing waits any more.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", min=0, help="Stop after so long.")
    ] = None,
) -> None:
    """Keep V2 in step with V1's writes, until stopped (Ctrl-C, SIGTERM); after the cutover, keep V1
    in step with V2's.

    Runs beside `verify`, `cutover` and `rollback` of other terminals, and turns around with them. A
    change that cannot be applied is set aside with its error and stops the cutover, not the rest.
    Exit code 1 if some were.
    """
    out = Output(json)
    stop = Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with TerminalProgress(quiet=json) as progress:
        runner = service.open_project(project, database, progress)
        result = runner.follow(stop=stop, seconds=seconds, once=once, workers=workers)
    way = "V1 to V2" if result.direction == "forward" else "V2 to V1"
    out.print(
        f"{plural(result.changes, 'change')} carried over ({way}), "
        f"{plural(result.written, 'row')} written; {result.pending:,} waiting, "
        f"{result.max_lag_seconds:,.1f} s behind at most"
    )
    if result.poison:
        out.print(
            f"[bold red]{plural(result.poison, 'change')} could not be applied[/]: "
            "`repot status` lists them"
        )
    out.data({"ok": not result.poison, **result.model_dump(mode="json")})
    if result.poison:
        raise typer.Exit(Exit.FAILED)
