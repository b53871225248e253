"""`repot upkeep …`: tasks that run by the clock."""

from __future__ import annotations

import typer

from repot.cli.upkeep import history, install, list, run

app = typer.Typer(
    name="upkeep",
    help="Run the tasks of upkeep.toml when they are due, by pg_cron or by Repot itself, and say "
    "how they have fared.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

for _verb in (list, run, install, history):
    _verb.register(app)


def register(root: typer.Typer) -> None:
    root.add_typer(app)
