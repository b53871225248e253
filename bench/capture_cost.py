"""What capture costs those who write: their throughput with it against without it, in one run.

    make setup && .venv/bin/python bench/capture_cost.py --rows 200000

Dropskills' load, two writers as fast as they can (one process; what its Python takes is part of
each transaction, as an application's own work is). Phases of equal length, in turn and back:

    without, captured, followed, followed, captured, without, …

`without`: all of Repot's capture triggers are disabled; V2 and its foreign keys to outside tables
are there all the same. `captured`: the run's own triggers log each change, and nobody reads the
logs, which are emptied between phases. `followed`: `repot follow` carries the changes over
meanwhile, on the same machine; it begins with V2 equal to V1, and what it has left after the phase
is carried over before the next.

With --wal all tables are captured from the write-ahead log, which costs a writer nothing by itself
(Dropskills' tables keep their replica identities): `without` is a slot that nobody reads,
`followed` one that `repot follow` reads.

A ratio is that of two phases of one half of a turn, so that what drifts with time (tables grow, the
machine has other work) is in both. With fewer cores than writers, followers and server processes
together, `followed` says how the machine is shared, not what capture costs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from live import Busy, House, Peer, Writers, again, follower, house, options, say, until
from psycopg import sql

from repot import service
from repot.engine import capture
from repot.engine.lag import lag
from repot.engine.wal import behind
from repot.model.schemas import REGISTRY
from repot.postgres.compose import ident
from repot.postgres.connect import Connection, connection
from repot.postgres.state import current_run

AIM = 0.9
WITHOUT, CAPTURED, FOLLOWED = "without", "captured", "followed"
SETTLE_S = 0.5  # the load is under way again, and has planned its statements anew
CATCH_UP_S = 300.0
UNREAD = 100_000  # bytes of WAL; Repot's own notes are among them, so there is always something


class Bench:
    """The run, and which of its changes were never captured."""

    def __init__(self, place: House, writers: Peer, seconds: float) -> None:
        self.place, self.writers, self.seconds = place, writers, seconds
        self.stale = True  # V1 was written, and V2 has not heard of all of it
        with connection(place.dsn) as conn:
            run = current_run(conn, place.runner.project.name)
            assert run is not None
            self.run_id = run.id
            self._switches = list(_triggers(conn))
            self.wal = any(c.wal for c in capture.read(conn, run.id, capture.FORWARD))
        if not (self._switches or self.wal):
            raise RuntimeError("the run captures nothing")

    def phase(self, variant: str) -> float:
        """Transactions a second."""
        with connection(self.place.dsn, application="bench") as conn:
            self._capture(conn, on=variant != WITHOUT)
            if not self.wal:
                self._empty(conn)  # else what waits is in the slot, and carried over below
            if variant != FOLLOWED:
                self.stale = True
                return self._written()
            with follower(self.place, "--workers", "2"):
                if self.stale and not self.wal:
                    self._all_changed(conn)
                    self.stale = False
                self._carried(conn)
                found = self._written()
                self._carried(conn)
            return found

    def _written(self) -> float:
        ask = self.writers.ask
        ask("start")
        time.sleep(SETTLE_S)
        before, begun = ask("transactions"), time.monotonic()
        time.sleep(self.seconds)
        after, ended = ask("transactions"), time.monotonic()
        ask("pause")
        return float((after - before) / (ended - begun))

    def _capture(self, conn: Connection, *, on: bool) -> None:
        how = sql.SQL("enable always" if on else "disable")
        for table, trigger in self._switches:
            conn.execute(sql.SQL("alter table {} {} trigger {}").format(table, how, trigger))

    def _empty(self, conn: Connection) -> None:
        for captured in capture.read(conn, self.run_id, capture.FORWARD):
            conn.execute(sql.SQL("truncate {}").format(ident(captured.log)))

    def _all_changed(self, conn: Connection) -> None:
        """As after a TRUNCATE: every table of V2 is derived anew."""
        for captured in capture.read(conn, self.run_id, capture.FORWARD):
            conn.execute(sql.SQL("insert into {} (op) values ('T')").format(ident(captured.log)))

    def _carried(self, conn: Connection) -> None:
        def nothing_waits() -> bool:
            unread = behind(conn, self.run_id) if self.wal else 0
            return unread < UNREAD and not lag(conn, self.run_id, capture.FORWARD).waiting

        if until(nothing_waits, CATCH_UP_S) > CATCH_UP_S:
            raise RuntimeError(f"the follower has not caught up in {CATCH_UP_S:.0f} s")


def _triggers(conn: Connection) -> Iterator[tuple[sql.Identifier, sql.Identifier]]:
    for schema, table, trigger in conn.execute(
        "select n.nspname, c.relname, t.tgname from pg_trigger t"
        " join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace"
        " where starts_with(t.tgname, %s)",
        (capture.PREFIX,),
    ).fetchall():
        yield sql.Identifier(str(schema), str(table)), sql.Identifier(str(trigger))


def measure(place: House, given: argparse.Namespace) -> dict[str, Any]:
    """Halves of turns, each with the transactions a second of its phases by variant."""
    halves: list[dict[str, float]] = []
    with Peer(Writers, place.dsn, given.writers, given.seed, None) as writers:
        bench = Bench(place, writers, given.seconds)
        variants = [v for v in (WITHOUT, CAPTURED, FOLLOWED) if not (given.wal and v == CAPTURED)]
        bench.phase(WITHOUT)  # warm
        for half in range(2 * given.turns):
            order: Iterable[str] = variants if half % 2 == 0 else reversed(variants)
            halves.append({variant: round(bench.phase(variant), 1) for variant in order})
            say(str(halves[-1]))
        errors = writers.ask("judge")["errors"]
    return {
        "halves": halves,
        "per_second": {v: _spread([half[v] for half in halves]) for v in variants},
        "ratio": {v: _spread([half[v] / half[WITHOUT] for half in halves]) for v in variants[1:]},
        "errors": errors,
    }


def from_wal(place: House) -> House:
    """The same project, which says so of all its tables."""
    names = [str(name) for name in place.runner.plan().captured() if name.schema_ != REGISTRY]
    folder = place.work / "project"
    shutil.copytree(place.runner.project.folder, folder)
    with (folder / "repot.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[capture]\nwal = {json.dumps(names)}\n")
    return replace(place, runner=service.open_project(folder, place.dsn))


def _spread(values: list[float]) -> dict[str, float]:
    picks: dict[str, Callable[[list[float]], float]] = {
        "median": statistics.median,
        "min": min,
        "max": max,
    }
    return {name: round(pick(values), 3) for name, pick in picks.items()}


def show(answer: dict[str, Any]) -> None:
    print(
        f"{answer['rows']:,} rows, {answer['writers']} writers, {len(answer['halves'])} times"
        f" {answer['seconds']:g} s each, PostgreSQL {answer['server_version']}, {answer['busy']}"
    )
    print(f"repeat: {answer['command']}")
    print(f"{'':10}{'transactions/s':>26}{'ratio':>22}")
    for variant, rates in answer["per_second"].items():
        line = f"{variant:10}{rates['median']:10.0f} ({rates['min']:.0f} to {rates['max']:.0f})"
        ratio = answer["ratio"].get(variant)
        if ratio:
            line = f"{line:40}{ratio['median']:8.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})"
        print(line)
    if CAPTURED in answer["ratio"]:
        reached = answer["ratio"][CAPTURED]["median"]
        words = "reached" if reached >= AIM else "MISSED"
        print(f"aim: captured / without >= {AIM}: {reached:.2f}, {words}")
    if answer["errors"]:
        print(f"the load saw {len(answer['errors'])} errors: {answer['errors'][:3]}")


def main() -> None:
    parser = options(__doc__, rows=200_000, seconds=10)
    parser.add_argument("--wal", action="store_true", help="capture from the write-ahead log")
    parser.add_argument(
        "--turns", type=int, default=3, help="each is every variant, there and back"
    )
    given = parser.parse_args()
    busy = Busy()
    with house(given.rows, given.seed, durable=given.durable) as place:
        if given.wal:
            place = from_wal(place)
        say("copying")
        place.runner.copy()
        answer = measure(place, given) | {
            "rows": given.rows,
            "writers": given.writers,
            "wal": given.wal,
            "seconds": given.seconds,
            "server_version": place.version(),
            "busy": busy.words(),
            "command": again(),
        }
    if given.json:
        print(json.dumps(answer))
    else:
        show(answer)


if __name__ == "__main__":
    main()
