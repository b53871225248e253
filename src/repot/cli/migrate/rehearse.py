"""`repot migrate rehearse`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from repot import migrations
from repot.cli.migrate.options import HERE, Folder
from repot.cli.options import Database, Json
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress

_LOUD = {"ACCESS EXCLUSIVE": "bold red", "EXCLUSIVE": "yellow"}
_QUIET = {"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE"}  # what SELECT and DML take


def register(app: typer.Typer) -> None:
    app.command("rehearse", epilog="Example: repot migrate rehearse prisma/migrations --data")(
        rehearse
    )


def rehearse(
    folder: Folder = HERE,
    database: Database = None,
    json: Json = False,
    data: Annotated[
        bool, typer.Option("--data", help="Copy the rows as well as the schema.")
    ] = False,
) -> None:
    """Run what is pending on a copy, in a private server, and say what each statement did.

    Locks, rewritten tables, rows, time; afterwards what was left unfinished. The database itself
    is only read. Without --data the copy is empty: rows and times say little then.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        result = migrations.rehearse(folder, database, data=data, progress=progress)
    for run in result.files:
        _file(out, run)
    out.findings(result.findings)
    out.print(_summary(result))
    out.data(
        {
            "ok": result.exit == 0,
            **result.model_dump(mode="json"),
        }
    )
    if result.exit:
        raise typer.Exit(result.exit)


def _file(out: Output, run: migrations.FileRun) -> None:
    how = f", statement by statement: {run.why}" if run.why else ", one transaction"
    count = plural(run.statements, "statement")
    out.print(f"[cyan]{escape(run.file)}[/] [dim]({count}{escape(how)})[/]")
    table = Table("line", "statement", "what it did", "took", box=None, padding=(0, 2, 0, 0))
    table.columns[0].justify = table.columns[3].justify = "right"
    table.columns[1].max_width = 46
    for step in run.steps:
        table.add_row(str(step.line), escape(step.sql), "\n".join(_did(step)), seconds(step.ms))
    out.print(table)
    if run.failure is not None:
        failed = run.failure
        out.print(f"  [bold red]failed[/] at line {failed.line}: {escape(failed.message)}")
        for text in (failed.detail, failed.hint):
            for line in text.splitlines():
                out.print(f"    [dim]{escape(line)}[/]")
        done = plural(len(run.steps), "statement")
        stays = "; they would stay" if failed.kept else "; they would be rolled back"
        out.print(f"    [dim]{done} of the file had run before{stays if run.steps else ''}[/]")
    for held in run.held:
        out.print(
            f"  [dim]{escape(held.relation)}: {held.mode} held for {seconds(held.ms)}, "
            "to the end of the transaction[/]"
        )
    out.print("")


def _did(step: migrations.Step) -> list[str]:
    """Each line: a lock with who would wait, or what became of rows."""
    if step.not_rehearsed:
        return [f"[yellow]not rehearsed[/]: {escape(step.not_rehearsed)}"]
    lines = []
    for lock in step.locks:
        if lock.mode in _QUIET:
            continue
        style = _LOUD.get(lock.mode, "default")
        rows = f" (~{plural(lock.rows, 'row')})" if lock.rows else ""
        lines.append(f"[{style}]{lock.mode}[/] {escape(lock.relation)}{rows}: {lock.waits}")
    lines += [f"[bold red]rewrites[/] {escape(name)}" for name in step.rewritten]
    lines += [f"builds {escape(name)}" for name in step.built]
    for wrote in step.wrote:
        parts = [
            f"{count:,} {word}"
            for count, word in (
                (wrote.inserted, "inserted"),
                (wrote.updated, "updated"),
                (wrote.deleted, "deleted"),
            )
            if count
        ]
        if wrote.lost:
            parts.append(f"[bold red]{wrote.lost:,} {wrote.what} lost[/]")
        lines.append(f"{escape(wrote.relation)}: {', '.join(parts)}")
    if step.read:
        lines.append(f"reads {plural(step.read, 'row')}")
    return lines or ["[dim]–[/]"]


def _summary(result: migrations.Rehearsal) -> str:
    if not result.files:
        return "nothing is pending" if not result.left else "[bold red]cannot be run[/]: see above"
    ran = plural(len(result.files), "migration")
    with_rows = "with the data" if result.data else "without data (--data copies them)"
    text = f"{ran} rehearsed on PostgreSQL {result.server} {with_rows} in {seconds(result.ms)}"
    if result.failure is not None:
        left = f"; {plural(len(result.left), 'migration')} not reached" if result.left else ""
        return f"[bold red]would fail[/] in {escape(result.failure.file)}{left}\n{text}"
    return text
