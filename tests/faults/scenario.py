"""One accident at one step, under load: what happens, and what must be so afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from faults.course import FROM_V1, LOADS, WRITES
from faults.load import Load
from faults.moves import Moves, phase
from faults.program import NEVER, Program, done
from faults.step import CRASH, KILL, Step
from faults.watching import Stop
from support.sql import run

Without = Callable[[], None] | None
# What the program may say when its server goes away.
EXCUSES = ("connection-broken", "connection-lost", "connection-failed", "outcome-unknown")


def go_through(
    moves: Moves, step: Step, accident: str, seed: int, held: Path, without: Without = None
) -> None:
    """A database in the step's stage meets the accident while it is written; then the same command
    again, and everything is as it would have been without. held: a file that is not there.

    without: takes a protection of the program out, which should make this fail.
    """
    dsn = moves.database(step.start)
    run(dsn, WRITES[step.start])
    with ExitStack() as stack:
        places = LOADS.get(step.start, (FROM_V1,))
        loads = [stack.enter_context(Load(dsn, seed + n, where)) for n, where in enumerate(places)]
        meet(moves, dsn, step, accident, held, without)
        done(dsn, moves.folder, *step.words)
        ledgers = [load.stop() for load in loads]
    assert all(ledger.acknowledged > 10 for ledger in ledgers)
    moves.check(dsn, step.end, *ledgers)
    moves.drop(dsn)


def meet(
    moves: Moves, dsn: str, step: Step, accident: str, held: Path, without: Without = None
) -> None:
    """Call the program and let the accident happen at the step; fails if it never comes there."""
    before = phase(dsn)
    if accident == KILL:
        stop = Stop(step.trail, step.when, step.nth)
        assert Program(step.words, dsn, moves.folder, stop, without).died(), NEVER
    else:
        assert accident == CRASH
        stop = Stop(step.trail, step.when, step.nth, held)
        program = Program(step.words, dsn, moves.folder, stop, without)
        program.wait_until_held()
        moves.server.restart("immediate")
        held.unlink()
        code, document = program.end()
        believe(code, document, before, phase(dsn), moves.phase(step.end))


def believe(code: int, document: dict[str, Any], before: str, now: str, after: str) -> None:
    """What the program said of how it ended must be so."""
    error = document.get("error", {})
    if code == 0:
        assert now == after, document
    else:
        # A worker that came after the crash asks for a snapshot of before it.
        lost = error.get("code") in EXCUSES or "SQLSTATE 42704" in error["evidence"]
        assert lost, (code, document)
        if "was not done" in error["message"]:
            assert now == before, document
