"""What a cutover costs those who write and read: many of them, one after the other, under load.

    make setup && .venv/bin/python bench/cutover_waits.py --rows 1000000

One copy; then cutover, writes on V2, rollback, writes on V1, proof, cutover, … Writers and readers
are Dropskills' own, in a process each, and time every statement; `repot follow` runs beside. `calm`
is the longest statement of a writer in as long a time just before, with no switch in it: what this
machine makes of a statement anyhow. `whole` is the longest transaction, with all its tries.

Lost or torn, after each switch: writes that were acknowledged and are not there, by the ledger;
and transactions that wrote by name into V1's tables and into V2's, read from the WAL with the names
that the tables had when they were written. torn.py says how, and why rows cannot tell: an account
that is deleted changes rows of both sides through their foreign keys to auth.users, as it should.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from live import Busy, House, Peer, Readers, Writers, again, follower, house, options, say
from torn import Torn, look, watch

from repot.model.errors import RepotError
from repot.postgres.connect import connection

MEDIAN_MS, WORST_MS = 50.0, 250.0  # aims
AFTERWARDS_S = 0.3  # in which a statement that waited for the switch ends
TRIES = 5  # of a switch that Repot refuses or gives up


@dataclass(frozen=True)
class Switched:
    """One cutover or rollback. Times of clients in milliseconds."""

    what: str
    writer_ms: float  # the longest statement, COMMIT or connect of any writer
    whole_ms: float  # the longest transaction, with all its tries
    reader_ms: float
    calm_ms: float
    pause_ms: float  # as Repot reports, as the rest
    locked_ms: float
    attempts: int
    drained: int
    proven: int
    took_s: float
    failures: tuple[str, ...]  # codes of tries that Repot ended without switching
    torn: Torn | None = None


class Watcher:
    """Does a switch and asks everybody how long it was."""

    def __init__(self, place: House, writers: Peer, readers: Peer) -> None:
        self.place, self.writers, self.readers = place, writers, readers
        with connection(place.dsn) as conn:
            watch(conn)
        self._last = time.monotonic()

    def switch(self, what: str, do: Callable[[], tuple[Any, Any]]) -> Switched:
        """Raises RepotError where it fails for good."""
        failures: list[str] = []
        begun = time.monotonic()
        while True:
            try:
                _, result = do()
                break
            except RepotError as failed:
                failures.append(failed.code)
                say(f"{what}: {failed.code}: {failed.message} {failed.evidence}")
                if len(failures) == TRIES:
                    raise
        ended = time.monotonic()
        time.sleep(AFTERWARDS_S)
        window = (begun, ended + AFTERWARDS_S)
        writer, whole = self.writers.ask("waits", *window)
        before = max(self._last, begun - (ended - begun) - AFTERWARDS_S)
        calm, _ = self.writers.ask("waits", before, begun - 0.05)
        self._last = ended + AFTERWARDS_S
        return Switched(
            what=what,
            writer_ms=writer,
            whole_ms=whole,
            reader_ms=self.readers.ask("wait", *window),
            calm_ms=calm,
            pause_ms=result.pause_ms,
            locked_ms=getattr(result, "locked_ms", result.pause_ms),
            attempts=result.attempts,
            drained=getattr(result, "drained", 0),
            proven=getattr(result, "proven", 0),
            took_s=ended - begun,
            failures=tuple(failures),
        )

    def torn(self, kind: str) -> Torn:
        """Transactions around the last switch, with the load paused."""
        with connection(self.place.dsn) as conn:
            return look(conn, kind, self.place.runner.project.source.schema_)


def measure(place: House, given: argparse.Namespace) -> dict[str, Any]:
    runner = place.runner
    switches: list[Switched] = []
    with (
        Peer(Writers, place.dsn, given.writers, given.seed, given.rate or None) as writers,
        Peer(Readers, place.dsn, given.readers, given.seed) as readers,
        follower(place, "--workers", "2") as process,
    ):
        writers.ask("start")
        readers.ask("start")
        watcher = Watcher(place, writers, readers)
        for number in range(given.cutovers):
            if process.poll() is not None:
                break  # the block says why
            verdict = runner.verify()
            if not verdict.passed:
                raise RuntimeError(f"the proof did not pass: {verdict.reasons}")
            for what, do in (("cutover", runner.cutover), ("rollback", runner.rollback)):
                time.sleep(given.seconds)
                found = watcher.switch(what, do)
                time.sleep(given.seconds)
                writers.ask("pause")
                torn, judged = watcher.torn(what), writers.ask("judge")
                writers.ask("start")
                switches.append(replace(found, torn=torn))
                missing = len(judged["missing"])
                line = (
                    f"{number + 1}. {what}: writer {found.writer_ms:.0f} ms (calm"
                    f" {found.calm_ms:.0f}), whole {found.whole_ms:.0f} ms, reader"
                    f" {found.reader_ms:.0f} ms; locked {found.locked_ms:.0f} ms, attempts"
                    f" {found.attempts}, drained {found.drained}, proven {found.proven},"
                    f" {found.took_s:.1f} s; torn {torn.both} of {torn.before} and {torn.after}"
                    f" transactions before and after, missing {missing}"
                )
                say(line)
                for sentence in judged["missing"][:5]:
                    say(f"   MISSING {sentence}")
        writers.ask("pause")
        judged = writers.ask("judge")
        reading = {"statements": readers.ask("statements"), "errors": readers.ask("errors")}
    return {"switches": [asdict(s) for s in switches], "ledger": judged, "readers": reading}


def show(answer: dict[str, Any]) -> None:
    print(
        f"{answer['rows']:,} rows, {answer['writers']} writers at {answer['rate'] or 'any'}"
        f" transactions/s, {answer['readers_count']} readers, PostgreSQL"
        f" {answer['server_version']}, {answer['busy']}"
    )
    print(f"repeat: {answer['command']}")
    columns = ("writer", "whole", "reader", "calm", "pause", "locked")
    print(f"{'ms':24}" + "".join(f"{c:>9}" for c in columns) + f"{'attempts':>10}{'failed':>8}")
    for what in ("cutover", "rollback"):
        rows = [s for s in answer["switches"] if s["what"] == what]
        for name, pick in (("median", statistics.median), ("worst", max)):
            values = [pick([r[f"{c}_ms"] for r in rows]) for c in columns]
            print(
                f"{len(rows):>4} {what + 's, ' + name:19}"
                + "".join(f"{v:9.0f}" for v in values)
                + f"{pick([r['attempts'] for r in rows]):10.0f}"
                + f"{sum(len(r['failures']) for r in rows):8}"
            )
    ledger = answer["ledger"]
    torn = sum(s["torn"]["both"] for s in answer["switches"])
    print(
        f"{ledger['transactions']:,} transactions acknowledged, {len(ledger['missing'])} writes"
        f" missing, {torn} torn, {len(ledger['errors'])} errors, tried again: {ledger['retried']}"
    )
    print(
        f"{answer['readers']['statements']:,} statements read,"
        f" {len(answer['readers']['errors'])} errors"
    )
    cutovers = [s for s in answer["switches"] if s["what"] == "cutover"]
    waits = [s["writer_ms"] for s in cutovers]
    timeout = answer["lock_timeout_ms"]
    for words, value, aim in (
        ("median of the longest writer's statement", statistics.median(waits), MEDIAN_MS),
        ("worst of them", max(waits), WORST_MS),
        ("worst of any reader", max(s["reader_ms"] for s in answer["switches"]), timeout),
    ):
        print(f"aim: {words} < {aim:.0f} ms: {value:.0f}, {'reached' if value < aim else 'MISSED'}")


def main() -> None:
    parser = options(__doc__, rows=1_000_000, seconds=2)
    parser.add_argument("--cutovers", type=int, default=20)
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=200.0, help="transactions a second; 0: any")
    given = parser.parse_args()
    busy = Busy()
    with house(given.rows, given.seed, durable=given.durable) as place:
        say("copying")
        place.to_copy()
        place.settle()
        answer = measure(place, given) | {
            "rows": given.rows,
            "writers": given.writers,
            "rate": given.rate,
            "readers_count": given.readers,
            "lock_timeout_ms": place.runner.project.cutover.lock_timeout_ms,
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
