"""What the copy does next: runs of units, and jobs that wait for each other. No database."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import pytest

from repot.model.names import name
from repot.model.plan import Derivation
from repot.model.project import SqlFile
from repot.postgres.connect import Connection
from repot.stages.copy.board import Board, Job, Later, rows_key
from repot.stages.copy.fill import FIRST_GUESS, Fill, Run, Unit

NO_CONNECTION = cast(Connection, None)


def make_fill(units: int, estimate: float, table: str = "t") -> Fill:
    move = Derivation(
        name=table,
        table=name("v2", table),
        user_view=name("repot_sql", table),
        view=name("repot_view", table),
        columns=("id",),
        key=("id",),
        scope=("id",),
        outputs=(),
        uses=(),
        sql=SqlFile(path=f"moves/{table}.sql", text=""),
    )
    edges: list[str | None] = [None, *(f"{n:03}" for n in range(1, units)), None]
    made = {n: Unit(n, edges[n - 1], edges[n]) for n in range(1, units + 1)}
    return Fill(move, "id", "text", made, set(made), estimate)


def test_a_table_that_fits_into_the_chunk_time_is_one_run() -> None:
    fill = make_fill(10, FIRST_GUESS * 2)
    assert fill.next_run(3.0) == Run(1, 10, None, None)
    assert fill.next_run(3.0) is None
    assert not fill.finished


def test_runs_grow_and_shrink_with_the_rate() -> None:
    fill = make_fill(100, FIRST_GUESS * 100)  # a unit of about one second
    first = fill.next_run(3.0)
    assert first == Run(1, 3, None, "003")
    fill.complete(first, round(FIRST_GUESS * 3), 12.0)  # four times as slow as was guessed
    second = fill.next_run(3.0)
    assert second == Run(4, 4, "003", "004")
    fill.complete(second, round(FIRST_GUESS * 100), 1.0)
    third = fill.next_run(3.0)
    assert third is not None
    assert third.last - third.first > 10


def test_a_last_large_table_is_shared_by_all_hands() -> None:
    fill = make_fill(40, FIRST_GUESS * 2)
    sizes = []
    while (run := fill.next_run(30.0, hands=2)) is not None:
        sizes.append(run.last - run.first + 1)
    assert sizes[0] == 20
    assert sum(sizes) == 40


def test_what_an_earlier_copy_did_is_left_out() -> None:
    fill = make_fill(10, 1000)
    fill.open -= {4, 5, 10}
    runs = []
    while (run := fill.next_run(3.0)) is not None:
        runs.append((run.first, run.last, run.lo, run.hi))
    assert runs == [(1, 3, None, "003"), (6, 9, "005", "009")]


def board(*, seconds: float = 3.0, workers: int = 1) -> tuple[Board, list[str]]:
    """A board, and what was done on it, in order."""
    done: list[str] = []

    def copy_run(_conn: Connection, fill: Fill, run: Run) -> None:
        done.append(f"{fill.name}:{run.first}-{run.last}")
        made.completed(fill, run, 10, 0.1)

    made = Board(workers, seconds, copy_run)
    return made, done


def work_off(made: Board) -> None:
    while (job := made.take()) is not None:
        try:
            job.work(NO_CONNECTION)
        except Later as later:
            made.postponed(job, later.job)
        else:
            made.finished(job)


def job(key: str, done: list[str], *needs: str, **more: Any) -> Job:
    return Job(key, lambda _conn: done.append(key), frozenset(needs), **more)


def test_largest_table_first_and_indexes_after_their_rows() -> None:
    made, done = board()
    made.add(
        job("index", done, rows_key("big"), rank=1),
        job("key", done, "index", rank=1),
        job("prepare", done, rank=-1),
        job("other index", done, rows_key("small"), rank=1, weight=5.0),
    )
    made.add_fill(make_fill(2, 100, "small"))
    made.add_fill(make_fill(2, 10_000, "big"))
    work_off(made)
    assert done == ["prepare", "big:1-2", "small:1-2", "other index", "index", "key"]


def test_a_table_without_open_units_is_done() -> None:
    made, done = board()
    fill = make_fill(2, 100)
    fill.open.clear()
    made.add(job("index", done, rows_key("t")))
    made.add_fill(fill)
    work_off(made)
    assert done == ["index"]


def test_units_that_another_session_did_are_given_back() -> None:
    made, done = board()
    fill = make_fill(4, 100)
    made.add_fill(fill)
    taken = made.take()
    assert taken is not None
    run = Run(1, 4, None, None)
    made.returned(fill, run, {3})
    made.finished(taken)
    work_off(made)
    assert done == ["t:3-3"]


def test_jobs_that_must_be_alone() -> None:
    made, done = board()
    made.add(
        job("a", done, alone=frozenset({"x"})),
        job("b", done, alone=frozenset({"x", "y"}), rank=1),
        job("c", done, rank=2),
    )
    first, second = made.take(), made.take()
    assert first is not None
    assert second is not None
    assert (first.key, second.key) == ("a", "c")  # b would only wait for a inside the server
    made.finished(second)
    waiting: list[Job | None] = []
    thread = threading.Thread(target=lambda: waiting.append(made.take()))
    thread.start()
    time.sleep(0.1)
    assert not waiting
    made.finished(first)
    thread.join(5)
    assert waiting
    assert waiting[0] is not None
    assert waiting[0].key == "b"


def test_a_postponed_job_keeps_others_waiting() -> None:
    made, done = board()

    def not_yet(_conn: Connection) -> None:
        raise Later(job("index", done, rows_key("t")))

    made.add(Job("index", not_yet, rank=-1), job("key", done, "index"))
    made.add_fill(make_fill(1, 10))
    work_off(made)
    assert done == ["t:1-1", "index", "key"]


def test_after_a_failure_nothing_is_begun_and_the_first_one_counts() -> None:
    made, done = board()
    made.add(job("a", done))
    made.stop(ValueError("first"))
    made.stop(ValueError("second"))
    assert made.take() is None
    assert str(made.failure) == "first"
    assert not done


def test_jobs_that_wait_for_each_other_are_a_fault() -> None:
    made, done = board()
    made.add(job("a", done, "b"), job("b", done, "a"))
    with pytest.raises(AssertionError, match="nothing can start"):
        made.take()
