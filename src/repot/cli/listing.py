"""`repot listing`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural
from repot.model.errors import Exit
from repot.model.listing import Listing


def register(app: typer.Typer) -> None:
    app.command("listing", epilog="Example: repot listing changed_balances --all --json")(listing)


def listing(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; none: all of them.")
    ] = None,
    project: Project = HERE,
    database: Database = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Rows of each that are shown.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Show every row.")] = False,
    json: Json = False,
) -> None:
    """Show the rows of V1 that people should see before they decide: the project's listings.

    A listing is a SELECT over V1 in listings/NAME.sql: duplicates that will be merged, values that
    will change. Reads only. Exit code 1 if one cannot be run.
    """
    out = Output(json)
    runner = service.open_project(project, database)
    found = service.listings(runner, names or (), None if everything else limit)
    for one in found:
        _show(out, one)
    failed = [one for one in found if one.error]
    out.data({"ok": not failed, "listings": [one.model_dump(mode="json") for one in found]})
    if failed:
        raise typer.Exit(Exit.FAILED)


def _show(out: Output, one: Listing) -> None:
    out.print(f"[bold]{escape(one.name)}[/]  {plural(one.count, 'row')}")
    if one.error:
        out.print(f"  [red]{escape(one.file)} cannot be run: {escape(one.error)}[/]")
    if one.rows:
        table = Table(*(escape(c) for c in one.columns), box=None, header_style="bold")
        for row in one.rows:
            table.add_row(*("[dim]NULL[/]" if v is None else escape(v) for v in row))
        out.print(table)
        if len(one.rows) < one.count:
            out.print(f"  [dim]and {one.count - len(one.rows):,} more: --all shows them[/]")
    out.print("")
