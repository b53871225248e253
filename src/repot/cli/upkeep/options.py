"""Options and words that upkeep's verbs share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from repot.model.upkeep import Entry, State

Folder = Annotated[
    Path,
    typer.Option("--project", metavar="DIR", help="The folder where upkeep.toml is."),
]
HERE = Path()
_STYLE = {
    State.DONE: "green",
    State.FAILED: "bold red",
    State.BROKEN_OFF: "red",
    State.STARTED: "yellow",
}


def local(at: datetime | None, zone: str) -> str:
    """The time that clocks of the zone show, with their distance from UTC."""
    return f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M %z}" if at else "–"


def state(entry: Entry | None) -> str:
    """The run's state in its colour, or a dash."""
    return f"[{_STYLE[entry.state]}]{entry.state.value}[/]" if entry else "–"


def summary(entry: Entry) -> str:
    """What is to be said of a run in one line."""
    first = (entry.error or "").splitlines()[:1]
    parts = [entry.summary or (first[0] if first else "")]
    if entry.missed:
        parts.append(f"for {entry.missed} missed before it, too")
    if entry.attempt > 1:
        parts.append(f"attempt {entry.attempt}")
    if entry.asked:
        parts.append("asked for")
    return escape("; ".join(part for part in parts if part))
