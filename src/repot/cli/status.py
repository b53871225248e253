"""`repot status`."""

from __future__ import annotations

import typer
from rich.markup import escape

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output


def register(app: typer.Typer) -> None:
    app.command("status", epilog="Example: repot status --json | jq .phase")(status)


def status(project: Project = HERE, database: Database = None, json: Json = False) -> None:
    """Say what has been done, what may come next, and what is in the way.

    Reads the database alone, so every machine sees the same.
    """
    out = Output(json)
    found = service.status(service.open_project(project, database))
    phase = found.phase.value.replace("_", " ") if found.phase else "not begun"
    run = f" (run {found.run}, plan {(found.plan_digest or '')[:12]})" if found.run else ""
    out.print(f"[bold]{escape(found.project)}[/]: {phase}{run}\n")
    for step in found.steps:
        mark = "[green]✓[/]" if step.good else "[red]✗[/]"
        out.print(f"  {mark} {step.at:%Y-%m-%d %H:%M:%S}  {step.stage:<9} {escape(step.what)}")
    if found.pending:
        out.print("\nchanges captured and not applied yet:")
        for table, changes in found.pending.items():
            out.print(f"  {escape(table)}: {changes:,}")
    if found.busy:
        out.print("\nat work now:")
        for line in found.busy:
            out.print(f"  {escape(line)}")
    out.print("\nnext: " + (", ".join(f"[bold]repot {s}[/]" for s in found.may) or "nothing"))
    for stage, reasons in found.obstacles.items():
        for reason in reasons:
            out.print(f"  [yellow]{stage}[/] is not open: {escape(reason)}")
    out.data({"ok": True, **found.model_dump(mode="json")})
