"""What an upkeep schedule says in words, as the five fields of cron."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
FORMS = (
    '"daily at 00:00", "weekly on monday at 03:00", "monthly on 1 at 04:00", '
    '"monthly on the last day at 04:00", "hourly at 15", or five fields as of cron'
)

_TIME = r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)"
_WORDS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"hourly at (?P<minute>[0-5]?\d)", lambda m: f"{int(m['minute'])} * * * *"),
    (rf"daily at {_TIME}", lambda m: f"{_time(m)} * * *"),
    (
        rf"weekly on (?P<day>{'|'.join(WEEKDAYS)}) at {_TIME}",
        lambda m: f"{_time(m)} * * {WEEKDAYS.index(m['day'])}",
    ),
    (
        rf"monthly on (?P<day>[1-9]|[12]\d|3[01]) at {_TIME}",
        lambda m: f"{_time(m)} {m['day']} * *",
    ),
    (rf"monthly on the last day at {_TIME}", lambda m: f"{_time(m)} L * *"),
)


def cron_of(schedule: str) -> str:
    """The schedule as five fields: `weekly on monday at 03:00` is `0 3 * * 1`.

    Raises ValueError, whose text says what is wrong.
    """
    words = " ".join(schedule.lower().split())
    for form, write in _WORDS:
        if found := re.fullmatch(form, words):
            return write(found)
    fields = schedule.upper().split()
    if len(fields) != 5:
        raise ValueError(f"{schedule!r} is no schedule: {FORMS}")
    try:
        next(CronSim(" ".join(fields), datetime(2000, 1, 1, tzinfo=UTC)))
    except CronSimError as wrong:
        raise ValueError(f"{schedule!r}: {str(wrong).lower()} of these five fields") from None
    except StopIteration:
        raise ValueError(f"{schedule!r} names no day that there is") from None
    return " ".join(fields)


def _time(found: re.Match[str]) -> str:
    return f"{int(found['minute'])} {int(found['hour'])}"
