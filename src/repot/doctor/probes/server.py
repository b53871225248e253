"""The server itself: whether it takes connections and writes."""

from __future__ import annotations

from collections.abc import Iterator

from repot.doctor.visit import Visit, error, warning
from repot.model.doctor import Trouble

_WRAPAROUND = 1_500_000_000  # transactions; at two thousand millions the server stops


def connections(visit: Visit) -> Iterator[Trouble]:
    """Connections that are running out, and transaction numbers that are."""
    row = visit.rows("server.sql")[0]
    if row["used"] >= row["most"] * visit.limits.connections:
        yield warning(
            "connections-short",
            f"{row['used']} of {row['most']} connections are in use, {row['idle']} of them idle: "
            "soon nobody gets one",
            hint="a pool in each application keeps them open; put a pooler between",
            next="select application_name, state, count(*) from pg_stat_activity group by 1, 2 "
            "order by 3 desc;",
        )
    if row["oldest"] >= _WRAPAROUND:
        yield error(
            "wraparound-near",
            f"the oldest transaction number is {row['oldest']:,} transactions old; at "
            "2,146,483,648 the server takes no more writes",
            hint="find what holds VACUUM back (transactions, slots above), then let it run",
            next="VACUUM (FREEZE, VERBOSE);",
        )
