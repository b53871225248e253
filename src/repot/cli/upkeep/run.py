"""`repot upkeep run`."""

from __future__ import annotations

import json as jsonlib
import signal
import sys
from threading import Lock
from typing import Annotated

import typer
from rich.markup import escape

from repot.cli.options import Database, Json
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress
from repot.cli.upkeep.options import HERE, Folder, state, summary
from repot.model.errors import Exit, UsageError
from repot.model.upkeep import Entry
from repot.service import database_url
from repot.upkeep import service
from repot.upkeep.notice import Notice, What

_STYLE = {What.TROUBLE: "yellow", What.IGNORED: "yellow", What.RAN: ""}


def register(app: typer.Typer) -> None:
    app.command("run", epilog="Example: repot upkeep run --daemon --json >> upkeep.log")(run)


def run(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Run this task now, due or not.", show_default=False),
    ] = None,
    folder: Folder = HERE,
    database: Database = None,
    json: Json = False,
    daemon: Annotated[
        bool,
        typer.Option("--daemon", help="Stay, and run each task when it is due."),
    ] = False,
) -> None:
    """Run what is due now, each task once, however often it was missed: for the machine's cron.

    Several runners may be at work, pg_cron among them: each run is done by one of them. A task that
    fails does not keep the others from running. Exit code 1 if one failed.

    --daemon stays until SIGTERM or Ctrl-C, ends after the tasks that run then, comes back when the
    connection was lost, and takes a changed upkeep.toml over. With --json it prints a document a
    line. A first call only makes the tasks known: they are due from then on.
    """
    out = Output(json)
    if daemon:
        if name is not None:
            raise UsageError("upkeep-daemon-name", "--daemon runs all tasks: give it no NAME")
        _stay(out, folder, database)
        return
    with TerminalProgress(quiet=json) as progress:
        runs = service.run(folder, database_url(database), name, progress)
    for entry in runs:
        _show(out, entry)
    failed = [entry for entry in runs if not entry.ok]
    out.print(
        f"{plural(len(runs), 'task')} run, {len(failed)} failed" if runs else "nothing is due"
    )
    out.data({"ok": not failed, "runs": [entry.model_dump(mode="json") for entry in runs]})
    if failed:
        raise typer.Exit(Exit.FAILED)


def _stay(out: Output, folder: Folder, database: str | None) -> None:
    lock = Lock()

    def tell(notice: Notice) -> None:
        with lock:  # it is called by several threads
            if out.as_json:
                line = notice.model_dump(mode="json", exclude_none=True)
                sys.stdout.write(jsonlib.dumps(line, ensure_ascii=False) + "\n")
                sys.stdout.flush()
                return
            text = f"[dim]{notice.at:%Y-%m-%d %H:%M:%S}[/] {escape(notice.text)}"
            style = _STYLE.get(notice.what, "dim")
            if notice.entry is not None and not notice.entry.ok:
                style = "bold red"
            out.print(f"[{style}]{text}[/]" if style else text)

    working = service.daemon(folder, database_url(database), tell)

    def end(*_: object) -> None:
        working.stop()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # asked twice, it ends at once

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    working.run()


def _show(out: Output, entry: Entry) -> None:
    took = seconds((entry.seconds or 0) * 1000)
    out.print(f"{state(entry)}  [bold]{escape(entry.task)}[/] in {took}  {summary(entry)}")
    for line in (entry.error or "").splitlines():
        out.print(f"    [dim]{escape(line)}[/]")
    out.findings(entry.findings)
