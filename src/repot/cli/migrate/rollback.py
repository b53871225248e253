"""`repot migrate rollback`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from repot import migrations
from repot.cli.migrate.losses import print_losses
from repot.cli.options import Database, Json
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress
from repot.model.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command("rollback", epilog="Example: repot migrate rollback --last --show")(rollback)


def rollback(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME] [FOLDER]",
            help="The migration to undo, unless --last or --to says it; and the folder of "
            "migrations, or the project it is in.  [default: here]",
            show_default=False,
        ),
    ] = None,
    database: Database = None,
    json: Json = False,
    last: Annotated[bool, typer.Option("--last", help="Undo the newest one.")] = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Undo all that were applied after this one, newest first; it stays itself.",
            show_default=False,
        ),
    ] = None,
    with_later: Annotated[
        bool, typer.Option("--with-later", help="Undo those applied after NAME, too.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the way back, and run nothing.")
    ] = False,
    rehearse: Annotated[
        bool,
        typer.Option(
            "--rehearse",
            help="Count what it would lose on a copy in a private server; the database is only "
            "read.",
        ),
    ] = False,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss", help="Go on although rows or values are lost, and keep them archived."
        ),
    ] = False,
    examples: Annotated[
        int, typer.Option(metavar="N", min=0, help="How many lost rows are named of each table.")
    ] = 5,
) -> None:
    """Undo migrations: by their down.sql, or by a way back that is derived.

    What would be lost is counted first, whatever the way back does, and refused. With --accept-loss
    the lost rows and values are kept in the schema repot_archive: `repot migrate restore`.
    """
    out = Output(json)
    name, folder = _arguments(arguments or [], named=not last and to is None)
    which = migrations.Which(name=name, last=last, to=to, with_later=with_later)
    options = migrations.UndoOptions(
        accept_loss=accept_loss,
        show=show,
        on_copy=rehearse,
        limit=None if json else max(examples, 3),
    )
    with TerminalProgress(quiet=json) as progress:
        result = migrations.rollback(folder, database, which, options, progress)
    _ways(out, result, show)
    print_losses(out, result.losses, examples)
    out.findings(tuple(f for f in result.findings if f.code != "would-lose"))
    for line in _summary(result, show):
        out.print(line)
    out.data({"ok": result.exit == 0, **result.model_dump(mode="json")})
    if result.exit:
        raise typer.Exit(result.exit)


def _arguments(words: list[str], *, named: bool) -> tuple[str | None, Path]:
    """NAME comes first, unless an option says what to undo. Raises UsageError."""
    most = 2 if named else 1
    if len(words) > most or (named and not words):
        raise UsageError(
            "rollback-what",
            "say what to undo, in one way",
            hint="the name of a migration, --last, or --to NAME (which stays); then the folder",
        )
    name = words[0] if named else None
    rest = words[1:] if named else words
    return name, Path(rest[0]) if rest else Path()


def _ways(out: Output, result: migrations.Undoing, show: bool) -> None:
    for one in result.migrations:
        how = "derived" if one.derived else "down.sql"
        steps = plural(len(one.steps), "statement") if one.steps else "no statements"
        out.print(f"[bold]{escape(one.name)}[/] [dim]({how}, {steps})[/]")
        if show:
            for step in one.steps:
                out.print(f"  {escape(step.sql)};")


def _summary(result: migrations.Undoing, show: bool) -> list[str]:
    what = plural(len(result.migrations), "migration")
    if show:
        return [] if result.refused else ["[dim]nothing was run[/]"]
    if result.refused and result.losses:
        return [
            "[bold red]refused[/] (would-lose): nothing was changed",
            "[green]hint:[/] --accept-loss goes on and keeps what is lost in the archive",
        ]
    if result.refused:
        return ["[bold red]refused[/]: nothing was changed"]
    if result.on_copy:
        return [f"{what} undone on a copy in {seconds(result.ms)}; the database is as it was"]
    lines = [f"[bold green]undone[/]: {what} in {seconds(result.ms)}"]
    if result.rollback is not None:
        lines.append(
            f"kept in the archive; `repot migrate restore {result.rollback}` brings it back"
        )
    return lines
