"""`repot audit`."""

from __future__ import annotations

import typer
from rich.table import Table

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress


def register(app: typer.Typer) -> None:
    app.command("audit", epilog="Example: repot audit --database postgresql:///shop")(audit)


def audit(project: Project = HERE, database: Database = None, json: Json = False) -> None:
    """Read the whole of V1 and say what is in it and what is wrong with the data.

    Changes nothing; needs the right to read.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        result = service.open_project(project, database, progress).audit()
    table = Table("table", "rows", "size", "key", box=None, header_style="bold")
    for one in result.tables:
        rows = f"{one.rows:,}" if one.rows is not None else f"~{one.estimate:,}"
        size = f"{one.bytes / 1e6:,.1f} MB"
        table.add_row(str(one.name), rows, size, ", ".join(one.primary) or "[red]none[/]")
    for column in table.columns[1:3]:
        column.justify = "right"
    out.print(table)
    out.print("")
    out.findings(result.findings)
    total = plural(result.rows_read, "row")
    out.print(f"\n{total} read in {seconds(result.ms)}; {plural(len(result.findings), 'finding')}")
    out.data({"ok": True, **result.model_dump(mode="json")})
