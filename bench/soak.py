"""Nothing lost: a living V1 is copied, followed, cut over, written as V2, rolled back, written as
V1, and cut over again; then every acknowledged write is looked for.

    make setup && .venv/bin/python bench/soak.py --rows 200000 --minutes 10

Writers are Dropskills' own, in a process of their own; they begin before the backup and pause only
while it is judged: at the end of each of the four parts that share the time (following, on V2, on
V1 again, on V2 again). `repot follow` runs beside from the copy to the end. Judging:

* the follower must carry over all that waits, and nothing may be set aside as poison;
* every write that a writer was acknowledged must be there, once, with its values: their ledger;
* each table of V2 must hold exactly the rows of its move's view, and no key twice: EXCEPT ALL both
  ways, in SQL that shares nothing with Repot's comparison (equal.py); while V1 serves, V1 likewise
  against the ways back, as far as these are exact.

Exit code 1 where anything is off.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from equal import Equal, both_sides, v1_again
from live import Busy, House, Peer, Writers, again, follower, house, options, quantile, say

from repot.engine.lag import lag
from repot.lifecycle.evidence import last_verdict
from repot.model.errors import RepotError
from repot.model.state import Phase, Run
from repot.postgres.connect import Connection, connection
from repot.postgres.state import current_run, load_plan

EVERY_S = 0.2  # a look at the lag
CARRY_S = 180.0
TRIES = 3  # of a switch or a proof that Repot gives up
AFTERWARDS_S = 0.3  # in which a statement that waited for a switch ends
SHOWN = 5  # sentences of a kind


@dataclass
class Judged:
    """What was found with the load paused. Lists are empty if all is well."""

    when: str
    serves: str  # V1 or V2
    carried_s: float  # from the last write until nothing waited; infinity: never
    waiting: int  # changes and scopes that were left
    poison: list[str]
    acknowledged: int
    transactions: int
    missing: list[str]
    compared_writes: int  # rows that the writers know
    compared_rows: int  # rows of tables held against views
    differences: list[str]
    duplicates: list[str]
    errors: list[str]
    unknown: int

    def troubles(self) -> list[str]:
        """A sentence for each thing that is off."""
        lists = {
            "missing": self.missing,
            "difference": self.differences,
            "duplicate": self.duplicates,
            "error": self.errors,
            "poison": self.poison,
        }
        found = [f"{kind}: {one}" for kind, all_ in lists.items() for one in all_]
        if self.waiting:
            found.append(f"waiting: {self.waiting} changes were not carried over")
        if not (self.acknowledged and self.compared_writes and self.compared_rows):
            found.append("nothing: no writes, or none compared")
        return found


@dataclass
class Switch:
    """A cutover or a rollback; milliseconds."""

    what: str
    pause_ms: float
    locked_ms: float
    attempts: int
    writer_ms: float  # the longest statement of any writer meanwhile
    whole_ms: float  # the longest transaction, with all its tries
    failures: list[str] = field(default_factory=list)


@dataclass
class Soak:
    """One place under load, with a follower beside; the parts of the run, to be called in turn.

    `patience_s`: for all that waits to be carried over once the writers are at rest. `lags`:
    seconds since when the oldest change waits, at most since the last switch: changes of outside
    tables wait while V2 serves, for nobody needs them before a rollback.
    """

    place: House
    writers: Peer
    process: subprocess.Popen[str] | None = None  # the follower
    judged: list[Judged] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    lags: dict[str, list[float]] = field(default_factory=lambda: {"forward": [], "back": []})
    proofs: list[float] = field(default_factory=list)  # seconds
    patience_s: float = CARRY_S
    switched_s: float = -math.inf  # time.monotonic() of the last switch

    def live(self, until_s: float) -> None:
        """Let the load go on until then (time.monotonic()), looking at the lag."""
        with connection(self.place.dsn, application="lag") as conn:
            run = self.run(conn)
            direction = "back" if run.phase is Phase.CUT_OVER else "forward"
            while (left := until_s - time.monotonic()) > 0:
                if self.process is not None and self.process.poll() is not None:
                    raise RuntimeError("the follower has ended")  # why is said by `follower`
                behind = lag(conn, run.id, direction).seconds
                self.lags[direction].append(min(behind, time.monotonic() - self.switched_s))
                time.sleep(min(left, EVERY_S))

    def prove(self) -> None:
        """Raises RuntimeError if the proof does not pass, RepotError."""
        begun = time.monotonic()
        verdict = self._tried(self.place.runner.verify, [])
        self.proofs.append(round(time.monotonic() - begun, 2))
        if not verdict.passed:
            raise RuntimeError(f"the proof did not pass: {'; '.join(verdict.reasons)}")

    def switch(self, what: str, do: Callable[[], tuple[Any, Any]]) -> Switch:
        """A cutover or rollback while the load goes on. Raises RepotError."""
        failures: list[str] = []
        begun = time.monotonic()
        _, result = self._tried(do, failures)
        self.switched_s = time.monotonic()
        window = begun, self.switched_s + AFTERWARDS_S
        time.sleep(AFTERWARDS_S)
        writer, whole = self.writers.ask("waits", *window)
        locked = getattr(result, "locked_ms", result.pause_ms)
        done = Switch(what, result.pause_ms, locked, result.attempts, writer, whole, failures)
        self.switches.append(done)
        say(
            f"{what}: pause {done.pause_ms:.0f} ms, attempts {done.attempts}, the longest statement"
            f" of a writer {writer:.0f} ms"
        )
        return done

    def judge(self, when: str, *, go_on: bool = True) -> Judged:
        """Pause the load, wait until all is carried over, and compare everything; then go on."""
        self.writers.ask("pause")
        paused = time.monotonic()
        with connection(self.place.dsn, application="soak") as conn:
            run = self.run(conn)
            plan, on_v2 = load_plan(conn, run), run.phase is Phase.CUT_OVER
            waiting = self._carried(conn, run, "back" if on_v2 else "forward")
            carried_s = math.inf if waiting else time.monotonic() - paused
            ledger = self.writers.ask("judge")
            found: list[Equal] = [both_sides(conn, run.id, plan)]
            verdict = last_verdict(conn, run)
            if not on_v2 and verdict is not None:
                found.append(v1_again(conn, run.id, plan, verdict.trips))
            poison = conn.execute(
                "select direction, name, scope::text, error from repot.poison where run = %s",
                (run.id,),
            ).fetchall()
        judged = Judged(
            when=when,
            serves="V2" if on_v2 else "V1",
            carried_s=round(carried_s, 2),
            waiting=waiting,
            poison=[" ".join(map(str, row)) for row in poison],
            acknowledged=ledger["acknowledged"],
            transactions=ledger["transactions"],
            missing=ledger["missing"],
            compared_writes=ledger["compared"],
            compared_rows=sum(one.compared for one in found),
            differences=[d for one in found for d in one.differences],
            duplicates=[d for one in found for d in one.duplicates],
            errors=ledger["errors"],
            unknown=ledger["unknown"],
        )
        self.judged.append(judged)
        troubles = judged.troubles()
        say(
            f"{when} ({judged.serves} serves): {judged.acknowledged:,} writes acknowledged,"
            f" {len(judged.missing)} missing; {judged.compared_rows:,} rows compared,"
            f" {len(judged.differences)} differences; carried over in {judged.carried_s} s"
        )
        for trouble in troubles[: 2 * SHOWN]:
            say(f"   {trouble}")
        if go_on:
            self.writers.ask("start")
        return judged

    def run(self, conn: Connection) -> Run:
        run = current_run(conn, self.place.runner.project.name)
        assert run is not None
        return run

    def _carried(self, conn: Connection, run: Run, direction: str) -> int:
        """What still waits when nothing waits any more, or when the patience is over."""
        begun = time.monotonic()
        while True:
            waiting = lag(conn, run.id, direction).waiting
            ended = self.process is not None and self.process.poll() is not None
            if not waiting or ended or time.monotonic() - begun > self.patience_s:
                return waiting
            time.sleep(0.05)

    def _tried(self, do: Callable[[], Any], failures: list[str]) -> Any:
        while True:
            try:
                return do()
            except RepotError as failed:
                failures.append(failed.code)
                say(f"{failed.code}: {failed.message} {failed.evidence or ''}")
                if len(failures) == TRIES:
                    raise


def soak(done: Soak, seconds: float) -> None:
    """The whole way. Raises RuntimeError, RepotError where a stage fails for good."""
    part, runner = seconds / 4, done.place.runner
    done.writers.ask("start")
    begun = time.monotonic()
    say("backup and copy")
    done.place.to_copy()
    with follower(done.place, "--workers", "2") as done.process:
        done.prove()
        done.live(begun + part)
        done.judge("followed")
        done.switch("cutover", runner.cutover)
        done.live(time.monotonic() + part)
        done.judge("after the cutover")
        done.switch("rollback", runner.rollback)
        begun = time.monotonic()
        done.live(begun + part / 2)
        done.prove()
        done.live(begun + part)
        done.judge("after the rollback")
        done.switch("cutover again", runner.cutover)
        done.live(time.monotonic() + part)
        done.judge("at the end", go_on=False)


def figures(done: Soak) -> dict[str, Any]:
    """For JSON; `troubles` is empty if nothing is off."""
    return {
        "judged": [asdict(one) for one in done.judged],
        "switches": [asdict(one) for one in done.switches],
        "proofs_s": done.proofs,
        "lag": {
            direction: {
                "looks": len(seen),
                "median_s": round(statistics.median(seen), 3) if seen else None,
                "p95_s": round(quantile(seen, 0.95), 3) if seen else None,
                "max_s": round(max(seen), 3) if seen else None,
            }
            for direction, seen in done.lags.items()
        },
        "troubles": [f"{one.when}: {t}" for one in done.judged for t in one.troubles()],
    }


def measure(place: House, given: argparse.Namespace) -> dict[str, Any]:
    """The run and its figures; a stage that fails is trouble, too."""
    failures = []
    with Peer(Writers, place.dsn, given.writers, given.seed, given.rate or None) as writers:
        done = Soak(place, writers)
        try:
            soak(done, given.minutes * 60)
        except (RepotError, RuntimeError, TimeoutError) as failed:
            failures = [f"{type(failed).__name__}: {failed} {getattr(failed, 'evidence', '')}"]
        writers.ask("pause")  # also where a stage failed
        ledger = writers.ask("judge")
    answer = figures(done)
    answer["troubles"] += failures
    rest = ("acknowledged", "transactions", "retried", "reconnects", "switches", "unknown")
    return answer | {"ledger": {name: ledger[name] for name in rest}}


def show(answer: dict[str, Any]) -> None:
    print(
        f"{answer['rows']:,} rows, {answer['minutes']:g} minutes, {answer['writers']} writers at"
        f" {answer['rate'] or 'any'} transactions/s, PostgreSQL {answer['server_version']},"
        f" {answer['busy']}"
    )
    print(f"repeat: {answer['command']}")
    heads = ("writes", "missing", "rows", "differ", "twice", "errors", "poison", "carried")
    print(f"{'':20}{'serves':>7}" + "".join(f"{head:>11}" for head in heads))
    for one in answer["judged"]:
        lists = ("differences", "duplicates", "errors", "poison")
        numbers = [one["acknowledged"], len(one["missing"]), one["compared_rows"]]
        numbers += [len(one[name]) for name in lists]
        print(
            f"{one['when']:20}{one['serves']:>7}"
            + "".join(f"{n:11,}" for n in numbers)
            + f"{one['carried_s']:9.2f} s"
        )
    for s in answer["switches"]:
        print(
            f"{s['what']:20} pause {s['pause_ms']:.0f} ms, locked {s['locked_ms']:.0f} ms, attempts"
            f" {s['attempts']}, longest statement {s['writer_ms']:.0f} ms, longest transaction"
            f" {s['whole_ms']:.0f} ms {' '.join(s['failures'])}"
        )
    for direction, lags in answer["lag"].items():
        if lags["looks"]:
            print(
                f"lag {direction:16} median {lags['median_s']:.2f} s, p95 {lags['p95_s']:.2f} s,"
                f" max {lags['max_s']:.2f} s, {lags['looks']} looks"
            )
    print(f"proofs, while V1 was written: {', '.join(f'{s:.1f} s' for s in answer['proofs_s'])}")
    ledger = answer["ledger"]
    print(
        f"{ledger['acknowledged']:,} writes acknowledged, {ledger['transactions']:,} transactions,"
        f" outcome unknown: {ledger['unknown']}, tried again: {ledger['retried']}"
    )
    for trouble in answer["troubles"][:20]:
        print(f"OFF: {trouble}")
    print("nothing lost" if not answer["troubles"] else f"OFF: {len(answer['troubles'])} things")


def main() -> int:
    parser = options(__doc__, rows=200_000, seconds=None)
    parser.add_argument("--minutes", type=float, default=10.0, help="of load, all parts together")
    parser.add_argument("--rate", type=float, default=100.0, help="transactions a second; 0: any")
    given = parser.parse_args()
    busy = Busy()
    with house(given.rows, given.seed, durable=given.durable) as place:
        answer = measure(place, given) | {
            "rows": given.rows,
            "minutes": given.minutes,
            "writers": given.writers,
            "rate": given.rate,
            "seed": given.seed,
            "server_version": place.version(),
            "busy": busy.words(),
            "command": again(),
        }
    if given.json:
        print(json.dumps(answer))
    else:
        show(answer)
    return 1 if answer["troubles"] else 0


if __name__ == "__main__":
    sys.exit(main())
