"""`repot check`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress
from repot.model.checks import Checked, CheckReport, Outcome
from repot.model.errors import Exit

_STYLE = {
    Outcome.PASSED: "[green]ok[/]",
    Outcome.FAILED: "[bold red]failed[/]",
    Outcome.NOT_RUN: "[yellow]not run[/]",
}

Schema = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="NAME",
        help="Look at this schema, whoever made it, as what serves. Default: `schema` in "
        "checks.toml; in a project, where V2 stands.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    app.command("check", epilog="Example: repot check --project systems/amethyst --json")(check)


def check(
    project: Project = HERE,
    database: Database = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Check what must be true after a migration: functions, triggers, row security, features.

    Works on a project and on any folder with a checks.toml. What is tried out is rolled back.
    Exit code 1 if a check fails, cannot be run, or there is none; 3 if some have to wait for the
    cutover.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        report = service.check(project, database, schema=schema, progress=progress)
    show_report(out, report)
    out.data(document(report))
    if report.failed:
        raise typer.Exit(Exit.FAILED)
    if not report.passed:
        raise typer.Exit(Exit.REFUSED)


def document(report: CheckReport) -> dict[str, object]:
    """The report for scripts."""
    return {
        "ok": report.passed,
        "passed": report.count(Outcome.PASSED),
        "failed": report.count(Outcome.FAILED),
        "not_run": report.count(Outcome.NOT_RUN),
        **report.model_dump(mode="json", by_alias=True),
    }


def show_report(out: Output, report: CheckReport) -> None:
    """One line for each check, and the reasons below those that did not pass."""
    table = Table("", "check", "what", "took", box=None, header_style="bold", pad_edge=False)
    table.columns[-1].justify = "right"
    for one in report.checks:
        table.add_row(
            _STYLE[one.outcome],
            one.kind,
            escape(one.name) + _details(one),
            seconds(one.ms),
        )
    out.print(table)
    counts = [
        f"{plural(report.count(outcome), 'check')} {outcome.value}"
        for outcome in Outcome
        if report.count(outcome)
    ]
    where = f"schema {report.schema_} of {report.database}"
    out.print(f"\n{escape(where)}: {', '.join(counts) or 'nothing was checked'}")


def _details(one: Checked) -> str:
    lines = []
    colour = "red" if one.outcome is Outcome.FAILED else "yellow"
    place = f"{one.file}: " if one.file and one.reasons else ""
    lines += [f"[{colour}]{escape(place + reason)}[/]" for reason in one.reasons]
    lines += [f"[dim]e.g. {escape(example)}[/]" for example in one.examples]
    if one.hint and one.reasons:
        lines.append(f"[green]hint:[/] {escape(one.hint)}")
    return "".join(f"\n  {line}" for line in lines)
