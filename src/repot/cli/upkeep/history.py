"""`repot upkeep history`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from repot.cli.options import Database, Json
from repot.cli.output import Output, plural, seconds
from repot.cli.upkeep.options import HERE, Folder, local, state, summary
from repot.model.errors import Exit
from repot.service import database_url
from repot.upkeep import service


def register(app: typer.Typer) -> None:
    app.command("history", epilog="Example: repot upkeep history backup --json")(history)


def history(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Of this task alone.", show_default=False),
    ] = None,
    folder: Folder = HERE,
    database: Database = None,
    json: Json = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Runs to list.")] = 20,
) -> None:
    """List the runs, whoever ran them, and say how each task has fared.

    Changes nothing. Exit code 1 if the last run of an enabled task failed or was broken off, or if
    nobody has run it though it was due: ask it from your monitoring.
    """
    out = Output(json)
    zone = service.load(folder).time_zone
    found = service.history(folder, database_url(database), name, limit)
    runs = Table("due", "task", "state", "took", "runner", "", box=None, pad_edge=False)
    runs.columns[3].justify = "right"
    for column in runs.columns[:4]:
        column.no_wrap = True
    for entry in found.entries:
        took = seconds(entry.seconds * 1000) if entry.seconds is not None else ""
        runs.add_row(
            local(entry.due, zone),
            escape(entry.task),
            state(entry),
            took,
            escape(entry.runner),
            summary(entry),
        )
    if found.entries:
        out.print(runs)
        out.print("")
    tasks = Table("task", "last", "next", box=None, pad_edge=False)
    for fare in found.tasks:
        following = local(fare.next, zone) if fare.enabled else "[dim]not enabled[/]"
        tasks.add_row(escape(fare.task), state(fare.last), following)
    out.print(tasks)
    if found.findings:
        out.print("")
        out.findings(found.findings)
    wrong = len({finding.object for finding in found.findings})
    out.print(f"\n{plural(len(found.tasks), 'task')}, {wrong} in trouble")
    out.data({"ok": not found.findings, **found.model_dump(mode="json")})
    if found.findings:
        raise typer.Exit(Exit.FAILED)
