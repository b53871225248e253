"""Schedules: words, zones, and the days on which clocks are changed, against the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from repot.model.errors import UsageError
from repot.project.schedule import cron_of
from repot.project.upkeep import load_upkeep
from repot.upkeep.pgcron.times import job_schedule
from repot.upkeep.schedule import between, count_between, last_due, next_due

PARIS = ZoneInfo("Europe/Paris")
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
JUMP, REPEAT = date(2026, 3, 29), date(2026, 10, 25)


def in_paris(cron: str, since: datetime = YEAR[0], until: datetime = YEAR[1]) -> list[datetime]:
    return [at.astimezone(PARIS) for at in between(cron, "Europe/Paris", since, until)]


def on(day: date, found: list[datetime]) -> list[str]:
    return [at.isoformat(timespec="minutes")[11:] for at in found if at.date() == day]


@pytest.mark.parametrize(
    ("words", "cron"),
    [
        ("daily at 00:00", "0 0 * * *"),
        ("Daily  at 7:05", "5 7 * * *"),
        ("hourly at 15", "15 * * * *"),
        ("weekly on monday at 03:00", "0 3 * * 1"),
        ("weekly on sunday at 23:59", "59 23 * * 0"),
        ("monthly on 1 at 04:00", "0 4 1 * *"),
        ("monthly on the last day at 04:00", "0 4 L * *"),
        ("*/5 8-18 * * mon-fri", "*/5 8-18 * * MON-FRI"),
    ],
)
def test_words_are_five_fields(words: str, cron: str) -> None:
    assert cron_of(words) == cron


@pytest.mark.parametrize(
    "wrong",
    ["", "daily", "daily at 24:00", "weekly on mondays at 03:00", "monthly on 32 at 04:00",
     "61 * * * *", "0 0 30 2 *", "* * * * * *", "0 0 * *"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        cron_of(wrong)


def test_midnight_is_midnight_in_paris_on_every_day_of_the_year() -> None:
    found = in_paris("0 0 * * *", YEAR[0] - timedelta(hours=2), YEAR[1] - timedelta(hours=2))
    assert [at.date() for at in found] == [date(2026, 1, 1) + timedelta(d) for d in range(365)]
    assert {at.strftime("%H:%M") for at in found} == {"00:00"}
    assert {str(at.utcoffset()) for at in found} == {"1:00:00", "2:00:00"}


def test_half_past_two_is_due_once_on_the_day_that_jumps_and_on_the_day_that_repeats() -> None:
    found = in_paris("30 2 * * *")
    assert len(found) == len({at.date() for at in found}) == 365
    assert on(JUMP, found) == ["03:00+02:00"]  # the next minute that there is
    assert on(REPEAT, found) == ["02:30+02:00"]  # the first of the two


def test_several_times_in_the_hour_that_is_skipped_are_one_run() -> None:
    found = in_paris("0,15,30,45 2,3 * * *")
    assert on(JUMP, found) == ["03:00+02:00", "03:15+02:00", "03:30+02:00", "03:45+02:00"]
    assert len(on(REPEAT, found)) == 8


def test_every_hour_is_every_hour_that_passes() -> None:
    found = in_paris("0 * * * *")
    assert len(found) == 365 * 24
    assert len(on(JUMP, found)) == 23
    assert len(on(REPEAT, found)) == 25


def test_asked_within_the_repeated_hour_the_next_time_is_in_the_future() -> None:
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10, for the second time
    following = next_due("30 2 * * *", "Europe/Paris", second)
    assert following == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Asia/Kolkata", "UTC"])
def test_days_and_weekdays_are_those_of_the_calendar(zone: str) -> None:
    here = ZoneInfo(zone)
    first = datetime(2026, 1, 1, tzinfo=here)
    days = [first.date() + timedelta(d) for d in range(365)]

    def due(cron: str) -> list[date]:
        since, until = first - timedelta(minutes=1), datetime(2027, 1, 1, tzinfo=here)
        found = list(between(cron, zone, since, until - timedelta(minutes=1)))
        assert {at.astimezone(here).strftime("%H:%M") for at in found} == {"04:00"}
        return [at.astimezone(here).date() for at in found]

    assert due("0 4 * * 1") == [d for d in days if d.weekday() == 0]
    assert due("0 4 1 * *") == [d for d in days if d.day == 1]
    assert due("0 4 L * *") == [d for d in days if (d + timedelta(1)).day == 1]
    assert due("0 4 31 * *") == [d for d in days if d.day == 31]
    assert due("0 4 1 * 1") == [d for d in days if d.day == 1 or d.weekday() == 0]
    assert due("0 4 * * 1#1") == [d for d in days if d.weekday() == 0 and d.day <= 7]


def test_the_newest_due_time_and_the_count_agree_with_the_list() -> None:
    since, until = datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 9, 4, 12, tzinfo=UTC)
    for cron in ("0 0 * * *", "30 2 1 * *", "0 * * * 0", "0 0 29 2 *"):
        every = list(between(cron, "Europe/Paris", since, until))
        assert last_due(cron, "Europe/Paris", since, until) == (every[-1] if every else None)
        assert count_between(cron, "Europe/Paris", since, until) == len(every)


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/St_Johns", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize(
    "cron", ["0 0 * * *", "30 2 * * *", "0 3 * * 1", "15 2 1 * *", "*/20 5 * * *"]
)
@pytest.mark.parametrize("job_zone", ["UTC", "Asia/Kolkata"])
def test_a_job_of_pg_cron_comes_at_every_due_time(zone: str, cron: str, job_zone: str) -> None:
    """Its day fields are stars, so minute and hour decide."""
    now = datetime(2026, 6, 1, tzinfo=UTC)
    minutes, hours, *rest = job_schedule(cron, zone, now, job_zone).split()
    assert rest == ["*", "*", "*"]
    for at in between(cron, zone, now - timedelta(days=700), now + timedelta(days=700)):
        there = at.astimezone(ZoneInfo(job_zone))
        assert minutes == "*" or str(there.minute) in minutes.split(",")
        assert hours == "*" or str(there.hour) in hours.split(",")


def test_jobs_come_no_oftener_than_they_must() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert job_schedule("0 0 * * *", "Europe/Paris", now) == "0 22,23 * * *"
    assert job_schedule("*/5 * * * *", "Europe/Paris", now).endswith(" * * * *")
    assert job_schedule("0 4 1 * *", "UTC", now) == "0 4 * * *"


def test_every_problem_of_a_file_is_said_at_once(tmp_path) -> None:
    (tmp_path / "empty.sql").write_text(" \n")
    (tmp_path / "upkeep.toml").write_text(
        'time_zone = "Paris"\ncolour = 1\n'
        '[task.a]\nschedule = "now and then"\nsql = "missing.sql"\n'
        '[task.b]\nschedule = "daily at 00:00"\n'
        '[task.c]\nschedule = "daily at 00:00"\nsql = "empty.sql"\ncare = "dust"\n'
        '[task.d]\nschedule = "daily at 00:00"\ncommand = []\ntimeout = "soon"\nwhen = 1\n'
        '[task."e:f"]\nschedule = "daily at 00:00"\ncommand = ["true"]\n'
        '[task.g]\nschedule = "daily at 00:00"\ncommand = ["true"]\ncatch_up = "twice"\n'
    )
    with pytest.raises(UsageError) as said:
        load_upkeep(tmp_path, lambda name, _: [f"no {name}"])
    assert said.value.code == "upkeep-invalid"
    text = said.value.evidence
    for part in (
        "Paris", "colour", "now and then", "missing.sql", "task.b: takes one of", "empty.sql is empty",
        "no dust", "task.c: takes one of", "task.d: command", "'soon'", "unknown key: when", "e:f", "task.g.catch_up",
    ):  # fmt: skip
        assert part in text, part
