"""`repot upkeep list`."""

from __future__ import annotations

from datetime import UTC, datetime

import typer
from rich.markup import escape
from rich.table import Table

from repot.cli.options import Json
from repot.cli.output import Output, plural
from repot.cli.upkeep.options import HERE, Folder, local
from repot.upkeep import service
from repot.upkeep.builtins import builtins, in_database
from repot.upkeep.schedule import next_due


def register(app: typer.Typer) -> None:
    app.command("list", epilog="Example: repot upkeep list --built-ins")(list_tasks)


def list_tasks(
    folder: Folder = HERE,
    json: Json = False,
    built_ins: bool = typer.Option(False, "--built-ins", help="List the built-ins instead."),
) -> None:
    """Say which tasks are declared, when each is due next, and whether pg_cron can run it.

    Asks no database.
    """
    out = Output(json)
    if built_ins:
        _built_ins(out)
        return
    upkeep = service.load(folder)
    now = datetime.now(UTC)
    table = Table("task", "schedule", "next", "what", "pg_cron", box=None, pad_edge=False)
    table.columns[2].no_wrap = True
    rows = []
    for task in upkeep.tasks:
        due = next_due(task.cron, upkeep.time_zone, now) if task.enabled else None
        inside = in_database(task)
        table.add_row(
            escape(task.name),
            escape(task.schedule),
            local(due, upkeep.time_zone) if task.enabled else "[dim]not enabled[/]",
            f"{task.kind.value} {escape(task.what)}",
            "yes" if inside else "[yellow]no[/]",
        )
        values = task.model_dump(mode="json", exclude={"sql"})
        rows.append({**values, "what": task.what, "kind": task.kind.value, "next": due})
        rows[-1]["in_database"] = inside
    out.print(table)
    out.print(f"\n{plural(len(rows), 'task')} of {escape(upkeep.project)}, in {upkeep.time_zone}")
    out.data(
        {
            "ok": True,
            "project": upkeep.project,
            "time_zone": upkeep.time_zone,
            "schema": upkeep.schema_,
            "tasks": rows,
        }
    )


def _built_ins(out: Output) -> None:
    table = Table("built-in", "what it does", "pg_cron", box=None, pad_edge=False)
    for one in builtins().values():
        table.add_row(one.name, escape(one.about), "yes" if one.in_database else "[yellow]no[/]")
    out.print(table)
    out.data(
        {
            "ok": True,
            "built_ins": [
                {"name": one.name, "about": one.about, "in_database": one.in_database}
                for one in builtins().values()
            ],
        }
    )
