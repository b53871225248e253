"""`repot migrate deploy`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from repot import migrations
from repot.cli.migrate.options import HERE, Folder
from repot.cli.options import Database, Json
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress


def register(app: typer.Typer) -> None:
    app.command("deploy", epilog="Example: repot migrate deploy prisma/migrations --dry-run")(
        deploy
    )


def deploy(
    folder: Folder = HERE,
    database: Database = None,
    json: Json = False,
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="Wait for another deployment at most so long."),
    ] = 10.0,
    lock_timeout: Annotated[
        int,
        typer.Option(
            metavar="MS",
            min=1,
            help="For each lock of a file that sets no lock_timeout itself; then the file is "
            "rolled back and tried again.",
        ),
    ] = 500,
    retries: Annotated[
        int, typer.Option(min=0, help="How often a file is tried again for want of a lock.")
    ] = 20,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE",
            help="Go past the errors of this code. May be given again.",
            show_default=False,
        ),
    ] = None,
    include_all: Annotated[
        bool,
        typer.Option(
            "--include-all",
            help="Run what stands before the last applied one, too (--accept "
            "migration-out-of-order).",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, and run nothing.")
    ] = False,
) -> None:
    """Apply what is pending, one file, one transaction; nothing begins on an error.

    Everything is examined first. Prisma's lock is held besides Repot's own, and each tool's history
    is kept as the tool itself keeps it. A file that needs it runs statement by statement, and goes
    on where it stopped.
    """
    out = Output(json)
    codes = {*(accept or ()), *({"migration-out-of-order"} if include_all else ())}
    options = migrations.Options(
        wait_s=wait,
        lock_timeout_ms=lock_timeout,
        retries=retries,
        accept=frozenset(codes),
        dry_run=dry_run,
    )
    with TerminalProgress(quiet=json) as progress:
        result = migrations.deploy(folder, database, options, progress)
    for ran in result.applied:
        parts = [plural(ran.statements, "statement"), seconds(ran.ms)]
        parts += ["statement by statement"] if ran.mode == "steps" else []
        parts += [f"from statement {ran.resumed}"] if ran.resumed else []
        parts += [f"{ran.attempts} tries"] if ran.attempts > 1 else []
        out.print(f"[green]applied[/] {escape(ran.name)} [dim]({', '.join(parts)})[/]")
    out.findings(result.findings, infos=False)
    if result.dry_run:
        for one in result.pending:
            how = f", statement by statement: {one.why}" if one.why else ", one transaction"
            first = f" from statement {one.first}" if one.first > 1 else ""
            count = plural(one.statements, "statement")
            out.print(f"would run {escape(one.name)}{first} [dim]({count}{escape(how)})[/]")
    out.print(_summary(result))
    out.data(
        {
            "ok": result.exit == 0,
            **result.model_dump(mode="json"),
        }
    )
    if result.exit:
        raise typer.Exit(result.exit)


def _summary(result: migrations.Deployment) -> str:
    done = plural(len(result.applied), "migration")
    left = plural(len(result.pending), "migration")
    if result.failure is not None:
        failed = escape(result.failure.name)
        return f"[bold red]failed[/]: {failed}; {done} applied before it, {left} still to run"
    if result.refused:
        return "[bold red]refused[/]: nothing was begun"
    if result.dry_run:
        return f"{left} would run" if result.pending else "nothing is pending"
    return f"{done} applied in {seconds(result.ms)}" if result.applied else "nothing is pending"
