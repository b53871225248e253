"""`repot`: the verbs put together, and errors turned into exit codes."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from repot import __version__
from repot.cli.output import Output
from repot.model.errors import RepotError

VERBS: tuple[str, ...] = (
    *("init", "audit", "backup", "plan", "listing", "copy", "follow", "verify", "access", "check"),
    *("cutover", "rollback", "cleanup", "report", "status", "doctor", "run", "demo"),
    *("migrate", "upkeep"),
)


class Verbs(TyperGroup):
    """Imports a verb's module, of its name, when the verb is called: all of them take longer to
    import than many a verb takes to run."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for verb in (cmd_name,) if cmd_name in VERBS else VERBS:  # others may be suggested
            if verb not in self.commands:
                self.commands[verb] = _imported(verb)
        return super().get_command(ctx, cmd_name)


def _imported(verb: str) -> Any:
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.callback()(lambda: None)  # a group, even of one
    import_module(f"repot.cli.{verb}").register(alone)
    group = get_command(alone)
    assert isinstance(group, TyperGroup)
    return group.commands[verb]


app = typer.Typer(
    name="repot",
    cls=Verbs,
    help="Moves a living PostgreSQL database into a new schema: built beside the old one, filled, "
    "proven equal row by row, switched in one transaction, and switched back without losing a "
    "write.",
    epilog="Exit codes: 0 done · 1 failed · 2 usage · 3 refused by a gate · 4 outcome unknown, "
    "a person must look.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"repot {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    """Nothing to do before a verb."""


def main(argv: list[str] | None = None) -> None:
    """The console script; leaves with one of the documented exit codes."""
    try:
        app(args=argv)  # leaves by itself: with 0, or with 2 where the words of the call are off
    except RepotError as failed:
        (Output.active or Output(False)).error(failed)
        sys.exit(failed.exit)


if __name__ == "__main__":
    main()
