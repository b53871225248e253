"""Whether the server and this machine count the same due times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from psycopg.types.json import Jsonb

from repot.model.upkeep import Task, Upkeep
from repot.postgres.connect import Connection
from repot.upkeep.schedule import between, taken_apart

_AHEAD = timedelta(days=400)
_MOST = 500  # due times of a task that are compared


def disagreements(
    conn: Connection, upkeep: Upkeep, tasks: Sequence[Task], now: datetime
) -> list[str]:
    """A line for each task whose next due times differ, the first difference in it."""
    lines = []
    for task in tasks:
        zone = upkeep.time_zone
        here = list(islice(between(task.cron, zone, now, now + _AHEAD), _MOST))
        if not here:
            continue
        rows = conn.execute(
            "select d from repot_upkeep.dues(%s, %s, %s, %s) as d",
            (Jsonb(taken_apart(task.cron)), zone, now, here[-1]),
        ).fetchall()
        there = [at for (at,) in rows if isinstance(at, datetime)]
        if here != there:
            first = min(set(here) ^ set(there))
            who = "this machine" if first in here else "the server"
            lines.append(f"{task.name}: {first:%Y-%m-%d %H:%M} UTC is due for {who} alone")
    return lines
