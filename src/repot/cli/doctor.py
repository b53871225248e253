"""`repot doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress
from repot.model.doctor import Diagnosis
from repot.model.errors import Exit
from repot.model.finding import Severity

Schema = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="NAME",
        help="Where the bare names of doctor.toml and checks.toml are. Default: `schema` in the "
        "file; in a project, where V2 stands.",
        show_default=False,
    ),
]
Migrations = Annotated[
    Path | None,
    typer.Option(
        "--migrations",
        metavar="DIR",
        help="A folder of ordered migrations. Default: supabase/migrations or prisma/migrations, "
        "where they are.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    app.command("doctor", epilog="Example: repot doctor --database postgresql:///shop")(doctor)


def doctor(
    project: Project = HERE,
    database: Database = None,
    schema: Schema = None,
    migrations: Migrations = None,
    json: Json = False,
) -> None:
    """Look for common troubles: what is wrong, the evidence, the next command. Changes nothing.

    Works on any database; a project's doctor.toml adds troubles of its own. Exit code 1 if an error
    was found.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        found = service.doctor(
            project, database, schema=schema, migrations=migrations, progress=progress
        )
    show(out, found)
    out.data({"ok": found.healthy, **found.model_dump(mode="json")})
    if not found.healthy:
        raise typer.Exit(Exit.FAILED)


def show(out: Output, found: Diagnosis) -> None:
    """Each trouble with its evidence and what to do, errors first."""
    for trouble in found.troubles:
        out.about(trouble, trouble.area, trouble.next)
        out.print("")
    counts = [
        plural(sum(t.severity is severity for t in found.troubles), severity.value)
        for severity in Severity
        if any(t.severity is severity for t in found.troubles)
    ]
    asked = plural(sum(found.areas.values()), "question")
    result = ", ".join(counts) or "[green]nothing found[/]"
    out.print(f"{escape(found.database)}: {result} ({asked} in {seconds(found.ms)})")
