"""`repot status`."""

from __future__ import annotations

import typer
from rich.markup import escape

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural


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
    if found.lag:
        way = "V1 → V2" if found.lag.direction == "forward" else "V2 → V1"
        behind = f"{found.lag.waiting:,} waiting, {found.lag.seconds:,.1f} s behind"
        out.print(f"\n{way}: " + (behind if found.lag.waiting else "[green]in step[/]"))
        for table, changes in found.pending.items():
            out.print(f"  {escape(table)}: {plural(changes, 'change')}")
    if found.slot and found.slot.trouble:
        out.print(f"[bold red]changes were lost[/]: {escape(found.slot.trouble)}")
    elif found.slot:
        out.print(
            f"{escape(found.slot.name)}: {found.slot.behind / 1e6:,.1f} MB of WAL to be read, "
            f"{found.slot.kept / 1e6:,.1f} MB kept for it"
        )
    if found.set_aside:
        out.print(f"[bold red]{plural(found.set_aside, 'change')} could not be applied[/]")
    for table, count in found.uncarried.items():
        out.print(f"  {escape(table)}: {plural(count, 'row')} of V2 without a place in V1")
    if found.uncarried_unforeseen:
        out.print(
            f"  [yellow]{found.uncarried_unforeseen:,} of them[/] the plan did not foresee: "
            "`repot rollback` refuses to leave them behind"
        )
    if found.conflicts:
        out.print(f"{plural(found.conflicts, 'conflict')} settled (table repot.conflict)")
    if found.busy:
        out.print("\nat work now:")
        for line in found.busy:
            out.print(f"  {escape(line)}")
    out.print("\nnext: " + (", ".join(f"[bold]repot {s}[/]" for s in found.may) or "nothing"))
    for stage, reasons in found.obstacles.items():
        for reason in reasons:
            out.print(f"  [yellow]{stage}[/] is not open: {escape(reason)}")
    out.data({"ok": True, **found.model_dump(mode="json")})
