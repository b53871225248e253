"""`repot migrate …`: the verbs for a folder of ordered migrations."""

from __future__ import annotations

import typer

from repot.cli.migrate import (
    deploy,
    diff,
    fix,
    lint,
    rehearse,
    resolve,
    restore,
    rollback,
    status,
)

app = typer.Typer(
    name="migrate",
    help="Run a folder of ordered SQL migrations, as Prisma or Supabase wrote it: everything is "
    "examined before anything runs.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

for _verb in (status, lint, fix, rehearse, deploy, resolve, rollback, restore, diff):
    _verb.register(app)


def register(root: typer.Typer) -> None:
    root.add_typer(app)
