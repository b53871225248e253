"""`repot follow`."""

from __future__ import annotations

import signal
from enum import StrEnum
from threading import Event
from typing import Annotated

import typer

from repot import service
from repot.cli.options import HERE, Database, Json, Project, Workers
from repot.cli.output import Output, plural
from repot.cli.progress import TerminalProgress
from repot.model.errors import Exit


class Rule(StrEnum):
    """Who wins a conflict."""

    LAST = "last"
    V1 = "v1"
    V2 = "v2"


def register(app: typer.Typer) -> None:
    app.command("follow", epilog="Example: repot follow --once && repot verify")(follow)


def follow(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    workers: Workers = None,
    once: Annotated[bool, typer.Option("--once", help="Apply what waits now, then stop.")] = False,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", min=0, help="Stop after so long.")
    ] = None,
    both: Annotated[
        bool, typer.Option("--both", help="Some write V1, some V2: carry both ways.")
    ] = False,
    rule: Annotated[
        Rule,
        typer.Option(help="With --both: who wins where both sides changed a row."),
    ] = Rule.LAST,
    with_triggers: Annotated[
        bool,
        typer.Option(
            "--with-triggers", help="With --both: user triggers may fire for carried rows."
        ),
    ] = False,
) -> None:
    """Keep V2 in step with V1's writes, until stopped (Ctrl-C, SIGTERM); after the cutover, keep V1
    in step with V2's.

    Runs beside `verify`, `cutover` and `rollback` of other terminals, and turns around with them. A
    change that cannot be applied is set aside with its error and stops the cutover, not the rest.
    Exit code 1 if some were.

    --both is for moving endpoints one at a time: V2 may be written as well, under its own schema
    name before the cutover, and V1 under its retired one after it. A row that both sides change
    before either change was carried over is a conflict: the rule decides, and both are kept.
    """
    out = Output(json)
    stop = Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with TerminalProgress(quiet=json) as progress:
        runner = service.open_project(project, database, progress)
        result = runner.follow(
            stop=stop,
            seconds=seconds,
            once=once,
            workers=workers,
            both=rule.value if both else None,
            with_triggers=with_triggers,
        )
    ways = {"forward": "V1 to V2", "back": "V2 to V1", "both": "both ways"}
    way = ways[result.direction]
    out.print(
        f"{plural(result.changes, 'change')} carried over ({way}), "
        f"{plural(result.written, 'row')} written; {result.pending:,} waiting, "
        f"{result.max_lag_seconds:,.1f} s behind at most"
    )
    if result.conflicts:
        out.print(
            f"[yellow]{plural(result.conflicts, 'conflict')}[/] settled by the rule; both versions "
            "of each row are in repot.conflict"
        )
    if result.poison:
        out.print(
            f"[bold red]{plural(result.poison, 'change')} could not be applied[/]: "
            "`repot status` lists them"
        )
    out.data({"ok": not result.poison, **result.model_dump(mode="json")})
    if result.poison:
        raise typer.Exit(Exit.FAILED)
