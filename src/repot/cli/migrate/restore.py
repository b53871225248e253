"""`repot migrate restore`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from repot import migrations
from repot.cli.options import Database, Json
from repot.cli.output import Output, plural
from repot.cli.progress import TerminalProgress
from repot.model.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command("restore", epilog="Example: repot migrate restore 1 --on-conflict keep")(restore)


def restore(
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="[ROLLBACK]",
            help="The number that the rollback gave, and that --list shows.",
            show_default=False,
        ),
    ] = None,
    database: Database = None,
    json: Json = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Show what the archive keeps, and restore nothing.")
    ] = False,
    on_conflict: Annotated[
        migrations.OnConflict | None,
        typer.Option(
            help="Where something else stands in the place: keep it, or archive it and bring the "
            "archived back.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Fill tables without a key that are not empty.")
    ] = False,
    examples: Annotated[
        int, typer.Option(metavar="N", min=0, help="How many rows in the way are named.")
    ] = 5,
) -> None:
    """Bring back what a rollback lost: missing rows by their keys, values into their columns.

    The migration is to be applied again first. Nothing is put over what is there, unless you say
    so; the archive itself stays.
    """
    out = Output(json)
    if listed:
        found = migrations.archive(database)
        _list(out, found)
        out.data({"ok": True, "archive": [a.model_dump(mode="json") for a in found]})
        return
    if number is None:
        raise UsageError(
            "restore-what",
            "say which rollback to bring back",
            hint="`repot migrate restore --list` shows what the archive keeps",
        )
    with TerminalProgress(quiet=json) as progress:
        result = migrations.restore(
            number,
            database,
            on_conflict=on_conflict,
            force=force,
            limit=None if json else examples,
            progress=progress,
        )
    out.findings(result.findings)
    for one in result.tables:
        noun = "row" if one.kind == "rows" else "value"
        word = "would go back" if result.refused else "restored"
        parts = [f"{one.restored:,} {word}", f"{one.already:,} already there"]
        parts.append(f"{one.refused:,} {'in the way' if result.refused else 'left in the archive'}")
        parts += [f"{one.displaced:,} of them in the place of others"] if one.displaced else []
        out.print(
            f"{escape(one.table)}: {plural(one.archived, noun)} archived = [bold]"
            f"{' + '.join(parts[:3])}[/]" + (f" ({parts[3]})" if len(parts) > 3 else "")
        )
    if result.refused:
        out.print("[bold red]refused[/]: nothing was changed")
    else:
        out.print(f"[bold green]restored[/]: rollback {number}; the archive stays")
        if result.displaced is not None:
            out.print(f"what was displaced is in the archive as {result.displaced}")
    out.data({"ok": result.exit == 0, **result.model_dump(mode="json")})
    if result.exit:
        raise typer.Exit(result.exit)


def _list(out: Output, found: tuple[migrations.Archived, ...]) -> None:
    if not found:
        out.print("the archive is empty")
        return
    table = Table("id", "when", "what", "migration", "table", "kept", "restored", box=None)
    for entry in found:
        for kept in entry.kept:
            noun = "row" if kept.kind == "rows" else "value"
            table.add_row(
                str(entry.id),
                f"{entry.at:%Y-%m-%d %H:%M}",
                entry.what,
                escape(kept.migration),
                escape(kept.table),
                plural(kept.count, noun),
                f"{kept.restored:,}",
            )
    out.print(table)
