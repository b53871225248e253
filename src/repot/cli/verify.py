"""`repot verify`."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Table

from repot import service
from repot.cli.access import access_line
from repot.cli.options import HERE, Database, Json, Project, Workers
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress
from repot.model.errors import Exit
from repot.model.results import Account, Difference, Trip, Verdict


def register(app: typer.Typer) -> None:
    app.command("verify", epilog="Example: repot verify --json | jq .differences")(verify)


def verify(
    project: Project = HERE,
    database: Database = None,
    json: Json = False,
    workers: Workers = None,
) -> None:
    """Prove every row: V2 against the views, every V1 row accounted for, the way back, the checks.

    Exit code 1 if one row differs, one V1 row is not accounted for, a check finds a row, or nothing
    was compared.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        verdict = service.open_project(project, database, progress).verify(workers=workers)
    show_verdict(out, verdict)
    out.data(
        {
            "ok": verdict.passed,
            "differences": verdict.differences,
            **verdict.model_dump(mode="json"),
        }
    )
    if not verdict.passed:
        raise typer.Exit(Exit.FAILED)


def show_verdict(out: Output, verdict: Verdict) -> None:
    """The proof, the account, the round trip and the checks, for people."""
    proofs = Table("V2 table", "rows compared", "differences", box=None, header_style="bold")
    for proof in verdict.tables:
        bad = proof.differences > 0
        mark = f"[bold red]{proof.differences:,}[/]" if bad else "0"
        proofs.add_row(escape(proof.table), f"{proof.rows_compared:,}", mark)
    for column in proofs.columns[1:]:
        column.justify = "right"
    out.print(proofs)
    for proof in verdict.tables:
        for example in proof.examples:
            out.print(f"  [red]{escape(difference(example))}[/]")
    out.print("")
    out.print(accounts_table(verdict.accounts))
    for account in verdict.accounts:
        for lost in account.examples:
            out.print(f"  [red]{escape(account.table)}: not accounted for: {escape(lost)}[/]")
    trips = [t for t in verdict.trips if t.verdict == "lost"]
    if trips:
        out.print(
            "\nnot brought back by a rollback (V1's own values stay where V2 changed nothing):"
        )
        for trip in trips:
            out.print(f"  {escape(trip_line(trip))}")
    for check in verdict.checks:
        word = "ok" if check.failing_rows == 0 else f"{plural(check.failing_rows, 'failing row')}"
        style = "green" if check.failing_rows == 0 else "bold red"
        out.print(f"[{style}]{word}[/]  {escape(check.file)}")
        for text in check.examples:
            out.print(f"      [dim]{escape(text)}[/]")
    if verdict.access is not None:
        out.print(f"\naccess: {access_line(verdict.access)}")
    if verdict.passed:
        out.print(
            f"\n[bold green]proven[/]: {plural(verdict.rows_compared, 'row')} compared in one "
            f"snapshot, 0 differences, {seconds(verdict.ms)}"
        )
    else:
        out.print("\n[bold red]not proven[/]:")
        for reason in verdict.reasons:
            out.print(f"  {escape(reason)}")


def accounts_table(accounts: tuple[Account, ...]) -> Table:
    """Where the rows of each V1 table went."""
    table = Table(
        "V1 table",
        "rows",
        "moved",
        "merged",
        "split",
        "left out",
        "unaccounted",
        "into",
        box=None,
        header_style="bold",
    )
    for a in accounts:
        into = ", ".join(f"{escape(t)} {n:,}" for t, n in a.into.items()) or "-"
        numbers = (a.rows, a.moved, a.merged, a.split, a.left)
        lost = f"[bold red]{a.unaccounted:,}[/]" if a.unaccounted else "0"
        table.add_row(escape(a.table), *(f"{n:,}" for n in numbers), lost, into)
    for column in table.columns[1:7]:
        column.justify = "right"
    return table


def difference(d: Difference) -> str:
    """One differing row: table, kind, key, and each column with both values."""
    key = ", ".join(f"{k} = {v}" for k, v in d.key.items())
    columns = "; ".join(
        f"{name}: view {_shown(view)}, table {_shown(table)}"
        for name, (view, table) in d.columns.items()
    )
    return f"{d.table}: {d.kind} ({key})" + (f": {columns}" if columns else "")


def trip_line(t: Trip) -> str:
    """One V1 column that does not come back."""
    figures = f"{plural(t.rows_changed, 'row')}, {plural(t.distinct_lost, 'distinct value')}"
    return f"{t.table}.{t.column}: {figures}" + (f" ({t.why})" if t.why else "")


def _shown(value: str | None) -> str:
    return "NULL" if value is None else f"'{value}'"
