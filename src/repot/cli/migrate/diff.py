"""`repot migrate diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from repot import migrations
from repot.cli.migrate.options import HERE, Folder
from repot.cli.options import Database, Json
from repot.cli.output import Output, plural
from repot.cli.progress import TerminalProgress

_LONG = 100  # characters of a property that is shown on one line


def register(app: typer.Typer) -> None:
    app.command("diff", epilog="Example: repot migrate diff prisma/migrations")(diff)


def diff(
    folder: Folder = HERE,
    database: Database = None,
    json: Json = False,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Compare the database with this one instead of with the folder.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="An SQL dump of what was there before the first migration of the folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Say how the database differs from what the folder makes; exit 1 if it does.

    The folder is run from nothing in a private server. The database is only read.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        result = migrations.diff(
            folder, database, against=against, baseline=baseline, progress=progress
        )
    out.findings(result.findings)
    for one in result.differences:
        _print(out, result, one)
    if result.differences:
        out.print(f"[bold red]{plural(len(result.differences), 'difference')}[/]")
    else:
        out.print(
            f"[bold green]the same[/]: {result.expected} and {result.found}, "
            f"{plural(result.compared, 'object')} compared"
        )
    out.data({"ok": result.exit == 0, **result.model_dump(mode="json")})
    if result.exit:
        raise typer.Exit(result.exit)


def _print(out: Output, result: migrations.Diff, one: migrations.Difference) -> None:
    what = f"{one.kind} [bold]{escape(one.name)}[/]"
    if one.side == "both":
        out.print(f"[yellow]differs[/]  {what}")
        for name, change in one.changes.items():
            out.print(f"           {escape(name)}:")
            for where, text in ((result.expected, change.expected), (result.found, change.found)):
                out.print(f"             [dim]{where}:[/] {escape(_short(text))}")
        return
    where, style = (result.expected, "red") if one.side == "expected" else (result.found, "cyan")
    parts = ", ".join(plural(n, kind) for kind, n in one.parts.items())
    out.print(f"[{style}]only in {where}[/]  {what}" + (f" [dim]({parts})[/]" if parts else ""))


def _short(text: str | None) -> str:
    if text is None:
        return "none"
    line = " ".join(text.split())
    return line if len(line) <= _LONG else line[: _LONG - 1] + "…"
