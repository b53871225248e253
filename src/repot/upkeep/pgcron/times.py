"""A task's schedule as pg_cron can have it.

pg_cron up to 1.4 knows only GMT. So a job comes at every time of day that can be a due time, summer
or winter, on every day; the procedure it calls decides by the declared zone. A visit for nothing
costs one query, and visits on other days catch up what was missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from repot.upkeep.schedule import between, taken_apart

_YEARS = 3  # of clock changes that are looked at, back and ahead
_DAY = 24 * 60


def job_schedule(cron: str, zone: str, now: datetime, job_zone: str = "UTC") -> str:
    """Five fields that come at every time of day, in pg_cron's own zone, at which the task can be
    due in its zone."""
    fields = taken_apart(cron)
    named = {hour * 60 + minute for hour in fields["hours"] for minute in fields["minutes"]}
    today = now.astimezone(UTC).date()
    times = {(minute - away) % _DAY for minute in named for away in _offsets(zone, today)}
    if fields["fixed"]:
        times |= set(_after_jumps(cron, zone, today))
    local = {(time + away) % _DAY for time in times for away in _offsets(job_zone, today)}
    minutes = sorted({time % 60 for time in local})
    hours = sorted({time // 60 for time in local})
    return f"{_field(minutes, 60)} {_field(hours, 24)} * * *"


def _field(values: list[int], all_of: int) -> str:
    return "*" if len(values) == all_of else ",".join(map(str, values))


@cache
def _changes(zone: str, today: date) -> tuple[tuple[datetime, int], ...]:
    """Days by which the zone's clocks have changed, with how many minutes they are ahead of UTC
    then; the first day of the years that are looked at among them."""
    here = ZoneInfo(zone)
    start = datetime(today.year - _YEARS, 1, 1, tzinfo=UTC)
    found: list[tuple[datetime, int]] = []
    for number in range(366 * (2 * _YEARS + 1)):
        day = start + timedelta(days=number)
        away = day.astimezone(here).utcoffset()
        assert away is not None
        minutes = int(away.total_seconds() // 60)
        if not found or found[-1][1] != minutes:
            found.append((day, minutes))
    return tuple(found)


def _offsets(zone: str, today: date) -> set[int]:
    return {minutes for _, minutes in _changes(zone, today)}


def _after_jumps(cron: str, zone: str, today: date) -> Iterator[int]:
    """Minutes of the UTC day of due times that follow upon a jump: 02:30, where there is none, is
    due at 03:00."""
    minute, hour, *_ = cron.split()
    for day, _ in _changes(zone, today)[1:]:
        around = (day - timedelta(days=2), day + timedelta(days=1))
        for due in between(f"{minute} {hour} * * *", zone, *around):
            yield due.hour * 60 + due.minute
