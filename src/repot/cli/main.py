"""`repot`: the verbs put together, and errors turned into exit codes."""

from __future__ import annotations

import sys

import typer

from repot import __version__
from repot.cli import (
    access,
    audit,
    backup,
    check,
    cleanup,
    copy,
    cutover,
    demo,
    doctor,
    follow,
    init,
    listing,
    migrate,
    plan,
    report,
    rollback,
    run,
    status,
    upkeep,
    verify,
)
from repot.cli.output import Output
from repot.model.errors import RepotError

app = typer.Typer(
    name="repot",
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


for _verb in (
    init,
    audit,
    backup,
    plan,
    listing,
    copy,
    follow,
    verify,
    access,
    check,
    cutover,
    rollback,
    cleanup,
    report,
    status,
    doctor,
    run,
    migrate,
    upkeep,
    demo,
):
    _verb.register(app)


def main(argv: list[str] | None = None) -> None:
    """The console script; leaves with one of the documented exit codes."""
    try:
        app(args=argv)  # leaves by itself: with 0, or with 2 where the words of the call are off
    except RepotError as failed:
        (Output.active or Output(False)).error(failed)
        sys.exit(failed.exit)


if __name__ == "__main__":
    main()
