"""`repot migrate lint`."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

import typer
from rich.markup import escape

from repot import migrations
from repot.cli.migrate.options import HERE, Folder, OnlyDatabase
from repot.cli.options import Json
from repot.cli.output import Output, plural
from repot.model.errors import Exit
from repot.model.finding import Finding, Severity


def register(app: typer.Typer) -> None:
    app.command("lint", epilog="Example: repot migrate lint prisma/migrations")(lint)


def lint(
    folder: Folder = HERE,
    database: OnlyDatabase = None,
    json: Json = False,
    squawk: Annotated[
        bool, typer.Option("--squawk/--no-squawk", help="Ask squawk about the locks as well.")
    ] = True,
    timeout: Annotated[
        int,
        typer.Option(metavar="SECONDS", min=1, help="For one question about the data."),
    ] = 60,
) -> None:
    """Say everything that is wrong with the folder before anything runs.

    Each file is parsed whole, and what the files make is followed through their order. With
    --database, what is pending is held against the data. Changes nothing; leaves with 1 where
    something is an error.
    """
    out = Output(json)
    result = migrations.lint(folder, database, locks=squawk, timeout_s=timeout)
    for file, findings in groupby(result.findings, key=lambda f: f.file):
        out.print(f"[cyan]{escape(file)}[/]" if file else f"[cyan]{result.book.folder.path}[/]")
        out.findings(tuple(_within(f) for f in findings))
        out.print("")
    out.print(
        f"{plural(len(result.book.pages), 'migration')}, "
        f"{plural(result.statements, 'statement')}: {counted(result.findings)}"
    )
    out.data(
        {
            "ok": result.ok,
            "layout": result.book.folder.layout,
            "migrations": len(result.book.pages),
            "statements": result.statements,
            "findings": [f.model_dump(mode="json") for f in result.findings],
        }
    )
    if not result.ok:
        raise typer.Exit(Exit.FAILED)


def counted(findings: tuple[Finding, ...]) -> str:
    """How many of each severity, in words."""
    parts = [
        plural(count, one.value)
        for one in (Severity.ERROR, Severity.WARNING)
        if (count := sum(f.severity is one for f in findings))
    ]
    infos = sum(f.severity is Severity.INFO for f in findings)
    return ", ".join([*parts, *([f"{infos} info"] if infos else [])]) or "nothing to say"


def _within(finding: Finding) -> Finding:
    """The finding below its file's name: the line is enough."""
    line = f"line {finding.line}" if finding.line else None
    return finding.model_copy(update={"file": line, "line": None})
