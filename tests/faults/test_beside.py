"""A follower runs beside the cutover, and one of the two, or the server, does not live to its end."""

from __future__ import annotations

from pathlib import Path

from faults.course import FROM_V1, WRITES
from faults.load import Load
from faults.moves import Moves
from faults.program import Program, done
from faults.scenario import EXCUSES, meet
from faults.step import CRASH, KILL
from faults.steps import STEPS
from faults.steps_there import STOPPED
from faults.watching import Stop
from support.sql import rows, run

IN_THE_SWAP, AT_COMMIT = (
    next(s for s in STEPS if str(s) == f"proven: cutover, {name}")
    for name in ("under the locks: after swap", "COMMIT: during COMMIT")
)


def follower(moves: Moves, dsn: str) -> Program:
    """A `repot follow` that is at work."""
    program = Program(("follow",), dsn, moves.folder)
    while rows(dsn, "select from repot.event where what = 'following'") == []:
        assert program.running
    return program


def scene(moves: Moves) -> str:
    dsn = moves.database("proven")
    run(dsn, WRITES["proven"])
    return dsn


def test_the_cutover_is_killed_and_the_follower_goes_on(moves: Moves, tmp_path: Path) -> None:
    dsn = scene(moves)
    with Load(dsn, 201, FROM_V1) as load:
        beside = follower(moves, dsn)
        meet(moves, dsn, IN_THE_SWAP, KILL, tmp_path / "held")
        meet(moves, dsn, AT_COMMIT, KILL, tmp_path / "held")
        done(dsn, moves.folder, "cutover")
        assert beside.running
        ledger = load.stop()
    beside.terminate()
    code, document = beside.end()
    assert code == 0, document
    moves.check(dsn, "cut", ledger)
    moves.drop(dsn)


def test_the_follower_is_killed_while_the_cutover_has_its_locks(
    moves: Moves, tmp_path: Path
) -> None:
    dsn, held = scene(moves), tmp_path / "held"
    with Load(dsn, 203, FROM_V1) as load:
        beside = follower(moves, dsn)
        stop = Stop(STOPPED[:1], "after", hold=held)
        cutover = Program(("cutover",), dsn, moves.folder, stop)
        cutover.wait_until_held()
        beside.kill()
        held.unlink()
        code, document = cutover.end()
        assert code == 0, document
        ledger = load.stop()
    moves.check(dsn, "cut", ledger)
    moves.drop(dsn)


def test_the_server_takes_both_with_it(moves: Moves, tmp_path: Path) -> None:
    dsn = scene(moves)
    with Load(dsn, 205, FROM_V1) as load:
        beside = follower(moves, dsn)
        meet(moves, dsn, AT_COMMIT, CRASH, tmp_path / "held")
        done(dsn, moves.folder, "cutover")
        beside.terminate()
        code, document = beside.end()
        assert code == 0 or document["error"]["code"] in EXCUSES, document
        ledger = load.stop()
    moves.check(dsn, "cut", ledger)
    moves.drop(dsn)
