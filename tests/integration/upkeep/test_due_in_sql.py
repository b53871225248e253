"""The database's own arithmetic, for pg_cron, and cronsim's are one."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from repot.upkeep.registering import ensure
from repot.upkeep.schedule import between, count_between, last_due, taken_apart

ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "America/St_Johns", "UTC")
CRONS = (
    *("30 2 * * *", "0 0 * * *", "*/15 * * * *", "0 * * * *", "0 3 * * 1", "0 4 1 * *"),
    *("0 4 L * *", "30 2 LW * *", "15 0,1,2,3 * * *", "0,30 0-4 * * *", "*/20 2 * * *"),
    *("30 * * * 0", "0 0 1 * MON", "0 0 29 2 *", "0 1 * * MON#1", "0 1 * * 5L", "30 2 */2 * 0"),
)


@pytest.mark.parametrize("seed", [1])
def test_due_times_are_the_same(database: str, seed: int) -> None:
    print(f"seed {seed}")  # noqa: T201
    pick = random.Random(seed)
    with psycopg.connect(database, autocommit=True) as conn:
        ensure(conn)
        for zone in ZONES:
            for cron in CRONS:
                # Around a change of the clocks, or a few months for what is seldom due.
                change = pick.choice(
                    [datetime(2026, 3, 8), datetime(2026, 3, 29), datetime(2026, 10, 25)]
                )
                since = change.replace(tzinfo=UTC) - timedelta(minutes=pick.randrange(2_000))
                seldom = cron.split()[2:] != ["*", "*", "*"]
                until = since + timedelta(
                    minutes=pick.randrange(3_000, 200_000 if seldom else 6_000)
                )
                place = f"{cron} in {zone}, {since} to {until}"
                spec = Jsonb(taken_apart(cron))
                here = list(between(cron, zone, since, until))
                rows = conn.execute(
                    "select d from repot_upkeep.dues(%s, %s, %s, %s) d", (spec, zone, since, until)
                )
                assert [at for (at,) in rows] == here, place
                one = conn.execute(
                    "select repot_upkeep.last_due(%(p)s, %(z)s, %(s)s, %(u)s),"
                    " repot_upkeep.count_dues(%(p)s, %(z)s, %(s)s, %(u)s)",
                    {"p": spec, "z": zone, "s": since, "u": until},
                ).fetchone()
                assert one == (
                    last_due(cron, zone, since, until),
                    count_between(cron, zone, since, until),
                ), place
