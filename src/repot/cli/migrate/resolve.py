"""`repot migrate resolve`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from repot import migrations
from repot.cli.migrate.options import HERE, Folder
from repot.cli.options import Database, Json
from repot.cli.output import Output
from repot.model.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command(
        "resolve",
        epilog="Example: repot migrate resolve --rolled-back 20260301090000_add_slugs",
    )(resolve)


def resolve(
    folder: Folder = HERE,
    database: Database = None,
    json: Json = False,
    applied: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="It is in the database, and will not run. May be given again.",
            show_default=False,
        ),
    ] = None,
    rolled_back: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="It failed and nothing of it is in the database: it will run again.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Say by hand what became of a migration, as `prisma migrate resolve` does.

    In Supabase's folders as `supabase migration repair`: the row comes or goes. No migration runs.
    """
    if bool(applied) == bool(rolled_back):
        raise UsageError(
            "resolve-what",
            "say either --applied or --rolled-back",
            hint="`repot migrate status` shows which one needs a word",
        )
    out = Output(json)
    found = migrations.resolve(folder, database, applied=tuple(applied or ()), rolled=rolled_back)
    for name in found.applied:
        out.print(f"{escape(name)} counts as applied ({escape(found.table)})")
    if found.rolled_back:
        out.print(
            f"{escape(found.rolled_back)} counts as rolled back ({escape(found.table)}); "
            "`repot migrate deploy` runs it again"
        )
    out.data({"ok": True, "findings": [], **found.model_dump(mode="json")})
