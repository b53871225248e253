"""`repot report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output


def register(app: typer.Typer) -> None:
    app.command("report", epilog="Example: repot report --to out && open out/report.html")(report)


def report(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    to: Annotated[
        Path | None, typer.Option(help="Folder for the files.  [default: report/ in the project]")
    ] = None,
) -> None:
    """Write the evidence as report.md, report.html (one file, printable) and report.json."""
    out = Output(json)
    document, paths = service.report(
        service.open_project(project, database), to or project / "report"
    )
    for path in paths:
        out.print(str(path))
    out.data({"ok": True, "files": [str(p) for p in paths], **document.model_dump(mode="json")})
