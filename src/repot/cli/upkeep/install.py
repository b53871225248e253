"""`repot upkeep install`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from repot.cli.options import Database, Json
from repot.cli.output import Output, plural
from repot.cli.upkeep.options import HERE, Folder
from repot.service import database_url
from repot.upkeep import service


def register(app: typer.Typer) -> None:
    app.command("install", epilog="Example: repot upkeep install --dry-run")(install)


def install(
    folder: Folder = HERE,
    database: Database = None,
    json: Json = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take this project's jobs out of pg_cron.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
    home: Annotated[
        str | None,
        typer.Option(
            "--cron-database",
            metavar="NAME",
            help="The database that pg_cron lives in, where this role may not see the setting.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make the tasks jobs of pg_cron, in the database itself, so that they run without Repot.

    May be repeated: jobs that are no longer declared go, changed ones are renewed. pg_cron knows
    only GMT, so a job comes at every time of day that can be the declared one, and the database
    decides by the declared zone whether the task is due. Programs and built-ins that work outside
    the database are named: run them with `repot upkeep run`.
    """
    out = Output(json)
    url = database_url(database)
    done = service.install(folder, url, remove=remove, dry_run=dry_run, home=home)
    would = "would be " if dry_run else ""
    for job in done.made:
        out.print(f"[green]+[/] {escape(job.name)}  [dim]{escape(job.schedule)}[/]")
        out.print(f"    [dim]{escape(job.command)}[/]")
    for name in done.kept:
        out.print(f"[dim]=[/] {escape(name)}")
    for name in done.removed:
        out.print(f"[red]-[/] {escape(name)}")
    out.findings(done.findings)
    out.print(
        f"{plural(len(done.made), 'job')} {would}made, {len(done.kept)} kept, "
        f"{len(done.removed)} {would}removed, in {escape(done.home)}"
    )
    out.data({"ok": True, **done.model_dump(mode="json")})
