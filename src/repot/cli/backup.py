"""`repot backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress


def register(app: typer.Typer) -> None:
    app.command("backup", epilog="Example: repot backup --to /backups --jobs 4")(backup)


def backup(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    to: Annotated[
        Path | None,
        typer.Option(help="Folder for the backup.  [default: backups/ in the project]"),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Tables dumped at once.")] = 2,
    scratch: Annotated[
        str,
        typer.Option(
            metavar="WHERE",
            help="Where the backup is restored for the test: `embedded`, a private server of "
            "Repot's own, or `same`, a scratch database on the same server.",
        ),
    ] = "embedded",
) -> None:
    """Dump the database, restore the dump into a scratch database, and count every table.

    Only a backup that was restored and counted opens the cutover.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        runner = service.open_project(project, database, progress)
        result = runner.backup(to or project / "backups", jobs=jobs, scratch=scratch)
    tables, rows = len(result.restored), sum(result.restored.values())
    out.print(
        f"{result.path}: {result.bytes / 1e6:,.1f} MB, {plural(tables, 'table')}, "
        f"{plural(rows, 'row')} restored and counted in {seconds(result.ms)}"
    )
    out.data({"ok": True, **result.model_dump(mode="json")})
