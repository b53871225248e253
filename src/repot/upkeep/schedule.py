"""When tasks are due: cronsim's arithmetic in the declared zone, as instants in UTC.

A schedule that names its times (`30 2 * * *`) is due once for each wall time that it names: at the
next time that exists where the clock jumps over it, at the first of two where it is repeated. One
with a star or a step for minute or hour is due whenever a clock shows it, as in Debian's cron.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

# Due times that follow upon a change of the clocks are found from before it; none is longer.
_BEFORE = timedelta(hours=4)
_MOST = 10_000  # due times are counted so far; as in sql/schedule.sql


def dues(cron: str, zone: str, since: datetime) -> Iterator[datetime]:
    """The due times after `since`, in order, without end unless the days run out. In UTC."""
    last = since
    for found in CronSim(cron, (since - _BEFORE).astimezone(ZoneInfo(zone))):
        due = found.astimezone(UTC)
        if due > last:
            yield due
            last = due


def next_due(cron: str, zone: str, after: datetime) -> datetime | None:
    """The first due time after an instant; None where there is none any more."""
    return next(dues(cron, zone, after), None)


def between(cron: str, zone: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """The due times after `since` up to `until`."""
    for due in dues(cron, zone, since):
        if due > until:
            return
        yield due


def last_due(cron: str, zone: str, since: datetime, until: datetime) -> datetime | None:
    """The newest due time after `since` up to `until`; looks at the last days first."""
    end, span = until, timedelta(days=2)
    while end > since:
        start = max(since, end - span)
        found = list(between(cron, zone, start, end))
        if found:
            return found[-1]
        end, span = start, span * 4
    return None


def count_between(cron: str, zone: str, since: datetime, until: datetime) -> int:
    """How many due times there are after `since` and before `until`; 10,000 at most."""
    return sum(1 for due in islice(between(cron, zone, since, until), _MOST) if due < until)


def taken_apart(cron: str) -> dict[str, Any]:
    """The schedule as lists, for repot_upkeep.dues (sql/schedule.sql)."""
    fields = CronSim(cron, datetime(2000, 1, 1, tzinfo=ZoneInfo("Europe/Paris")))
    nth = [day for day in fields.weekdays if isinstance(day, tuple)]
    return {
        "minutes": sorted(fields.minutes),
        "hours": sorted(fields.hours),
        "days": sorted(fields.days),
        "months": sorted(fields.months),
        "weekdays": sorted(day for day in fields.weekdays if isinstance(day, int)),
        "nth": sorted([list(pair) for pair in nth]),
        "both": fields.day_and,
        "fixed": fields.fixup_tz is not None,
    }
