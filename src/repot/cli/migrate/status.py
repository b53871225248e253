"""`repot migrate status`."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Table

from repot import migrations
from repot.cli.migrate.options import HERE, Folder
from repot.cli.options import Database, Json
from repot.cli.output import Output, plural, seconds
from repot.model.errors import Exit
from repot.model.finding import Severity

_STYLE = {
    "applied": "green",
    "failed": "bold red",
    "stopped": "yellow",
    "interrupted": "yellow",
    "not in the folder": "red",
}


def register(app: typer.Typer) -> None:
    app.command("status", epilog="Example: repot migrate status --json | jq .pending")(status)


def status(folder: Folder = HERE, database: Database = None, json: Json = False) -> None:
    """Say where each migration stands, who applied it and when, and what comes next.

    Changes nothing; leaves with 1 where something is an error.
    """
    out = Output(json)
    found = migrations.status(folder, database)
    table = Table("migration", "standing", "when (UTC)", "who", "took", box=None, pad_edge=False)
    table.columns[-1].justify = "right"
    for row in found.rows:
        table.add_row(
            escape(row.name),
            f"[{_STYLE.get(row.state.value, 'dim')}]{row.state.value}[/]" + _reached(row),
            f"{row.at:%Y-%m-%d %H:%M:%S}" if row.at else "",
            escape(row.who or ""),
            seconds(row.duration_ms) if row.duration_ms is not None else "",
        )
    out.print(table)
    if found.findings:
        out.print("")
        out.findings(found.findings)
    counts = ", ".join(f"{n} {state}" for state, n in found.counts.items())
    out.print(f"\n{plural(len(found.rows), 'migration')}: {counts or 'none'} ({found.table})")
    if found.next:
        out.print("next: " + escape(found.next))
    bad = any(f.severity is Severity.ERROR for f in found.findings)
    out.data(
        {
            "ok": not bad,
            "layout": found.layout,
            "table": found.table,
            "migrations": [r.model_dump(mode="json") for r in found.rows],
            "pending": list(found.pending),
            "next": found.next,
            "findings": [f.model_dump(mode="json") for f in found.findings],
        }
    )
    if bad:
        raise typer.Exit(Exit.FAILED)


def _reached(row: migrations.Row) -> str:
    if row.statement is None or row.state.value in ("applied", "interrupted"):
        return ""
    return f" [dim]at {row.statement} of {row.statements}[/]"
