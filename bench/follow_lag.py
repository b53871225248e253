"""How far `repot follow` is behind a V1 that is written, looked at every 100 ms from outside.

    make setup && .venv/bin/python bench/follow_lag.py --rows 200000

Two writers of Dropskills' load (a process of their own), at fixed rates and as fast as they can;
the follower is the command `repot follow`. Lag: since when the oldest change waits that is not in
V2. It keeps up if, in the second half of the time, the lag's median is no more than a second longer
than in the first half; `catches up` is the time from the last write until nothing waits.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import threading
import time
from typing import Any

from live import Busy, House, Peer, Writers, again, follower, house, options, quantile, say, until

from repot.engine.lag import lag
from repot.postgres.connect import connection
from repot.postgres.state import current_run

AIM_S = 1.0  # of the median at the fixed rates
EVERY_S = 0.1
SLOW_S = 120.0  # for a backlog to go away


class Watch:
    """Looks at the lag every 100 ms; to be made in a process of its own."""

    def __init__(self, dsn: str, project: str) -> None:
        self._dsn, self._project = dsn, project
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: list[tuple[float, float, int]] = []

    def ready(self) -> None:
        """Everything is loaded."""

    def start(self) -> None:
        self._seen = []
        self._stop.clear()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def seen(self) -> list[tuple[float, float, int]]:
        """Stop looking; time.monotonic(), seconds behind, changes and scopes that waited."""
        self.stop()
        return self._seen

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(30)

    def _look(self) -> None:
        with connection(self._dsn, application="lag") as conn:
            run = current_run(conn, self._project)
            assert run is not None
            due = time.monotonic()
            while not self._stop.is_set():
                now = lag(conn, run.id, "forward")
                self._seen.append((time.monotonic(), now.seconds, now.waiting))
                due = max(due + EVERY_S, time.monotonic())
                time.sleep(max(0.0, due - time.monotonic()))


def measure(
    place: House,
    process: subprocess.Popen[str],
    writers: Peer,
    watch: Peer,
    rate: float | None,
    seconds: float,
) -> dict[str, Any]:
    """One rate for so long, and the way back to nothing waiting."""
    writers.ask("rate", rate)
    before = writers.ask("transactions")
    watch.ask("start")
    start = time.monotonic()
    writers.ask("start")
    time.sleep(seconds)
    writers.ask("pause")
    took = time.monotonic() - start
    seen = watch.ask("seen")
    with connection(place.dsn) as conn:
        run = current_run(conn, place.runner.project.name)
        assert run is not None
        caught = until(
            lambda: process.poll() is not None or lag(conn, run.id, "forward").waiting == 0, SLOW_S
        )
    lags = [behind for _, behind, _ in seen]
    half = len(lags) // 2
    first, second = statistics.median(lags[:half]), statistics.median(lags[half:])
    return {
        "wanted": rate,
        "transactions_per_second": round((writers.ask("transactions") - before) / took, 1),
        "median_s": round(statistics.median(lags), 3),
        "p95_s": round(quantile(lags, 0.95), 3),
        "max_s": round(max(lags), 3),
        "most_waiting": max(n for _, _, n in seen),
        "looks": len(lags),
        "catches_up_s": None if math.isinf(caught) else round(caught, 2),
        "keeps_up": second - first <= AIM_S and not math.isinf(caught),
    }


def show(answer: dict[str, Any]) -> None:
    print(
        f"{answer['rows']:,} rows, {answer['writers']} writers, follower with "
        f"{answer['workers']} workers, PostgreSQL {answer['server_version']}, {answer['busy']}"
    )
    print(f"repeat: {answer['command']}")
    print(
        f"{'rate':>10}{'reached':>9}{'median':>9}{'p95':>8}{'max':>8}{'catches up':>12}  keeps up"
    )
    for r in answer["rates"]:
        wanted = f"{r['wanted']:.0f}/s" if r["wanted"] else "unlimited"
        caught = "never" if r["catches_up_s"] is None else f"{r['catches_up_s']:.2f} s"
        print(
            f"{wanted:>10}{r['transactions_per_second']:>7.0f}/s{r['median_s']:>7.2f} s"
            f"{r['p95_s']:>6.2f} s{r['max_s']:>6.2f} s{caught:>12}"
            f"  {'yes' if r['keeps_up'] else 'NO'}"
        )
    fixed = [r for r in answer["rates"] if r["wanted"]] or answer["rates"]
    good = all(r["median_s"] < AIM_S and r["keeps_up"] for r in fixed)
    print(f"aim: median below {AIM_S:.0f} s at fixed rates: {'reached' if good else 'MISSED'}")


def main() -> None:
    parser = options(__doc__, rows=200_000, seconds=20)
    parser.add_argument("--workers", type=int, default=2, help="connections of the follower")
    parser.add_argument(
        "--rates", default="100,200,400,0", help="transactions a second; 0: as fast as they can"
    )
    given = parser.parse_args()
    busy = Busy()
    with house(given.rows, given.seed, durable=given.durable) as place:
        say("copying")
        place.to_copy()
        name = place.runner.project.name
        with (
            Peer(Writers, place.dsn, given.writers, given.seed, None) as writers,
            Peer(Watch, place.dsn, name) as watch,
            follower(place, "--workers", str(given.workers)) as process,
        ):
            writers.ask("start")  # until everything is loaded and planned
            time.sleep(3)
            writers.ask("pause")
            time.sleep(2)
            found = []
            for rate in (float(r) for r in given.rates.split(",")):
                if process.poll() is not None:
                    break  # the block says why
                found.append(measure(place, process, writers, watch, rate or None, given.seconds))
                say(str(found[-1]))
        answer = {
            "rows": given.rows,
            "writers": given.writers,
            "workers": given.workers,
            "server_version": place.version(),
            "busy": busy.words(),
            "command": again(),
            "rates": found,
        }
    if given.json:
        print(json.dumps(answer))
    else:
        show(answer)


if __name__ == "__main__":
    main()
