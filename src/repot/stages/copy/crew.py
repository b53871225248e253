"""The workers: threads with a connection each, which stop together when one of them fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import psycopg

from repot.model.errors import RepotError
from repot.postgres.connect import Connection
from repot.postgres.patience import IN_THE_WAY, Patience
from repot.stages.copy.board import Board, Job, Later
from repot.stages.copy.sql import load
from repot.stages.copy.throttle import Throttle


def work(board: Board, connect: Callable[[], Connection], throttle: Throttle) -> None:
    """Run the board's jobs on `board.workers` connections until all are done.

    Raises the first failure; by then the statements of the other workers have been cancelled and
    their threads have ended. What was committed stays.
    """
    connections: list[Connection] = []
    threads: list[threading.Thread] = []
    try:
        for _ in range(board.workers):
            connections.append(connect())
            connections[-1].execute(load("copy_session.sql").encode())
        for conn in connections:
            thread = threading.Thread(target=_loop, args=(board, conn, throttle), daemon=True)
            threads.append(thread)
            thread.start()
        _join(board, threads, connections)
    except BaseException as failure:  # Ctrl-C too
        board.stop(failure)
        _join(board, threads, connections)
        raise
    finally:
        for conn in connections:
            conn.close()
    if board.failure is not None:
        raise board.failure


def _loop(board: Board, conn: Connection, throttle: Throttle) -> None:
    try:
        while (job := board.take()) is not None:
            throttle.wait(conn)
            if board.stopped.is_set():
                return
            try:
                _do(board, job, conn)
            except Later as later:
                board.postponed(job, later.job)
            else:
                board.finished(job)
    except psycopg.OperationalError as failed:
        board.stop(_lost(failed))  # kept only if it is the first: else it is our own cancelling
    except BaseException as failed:  # noqa: BLE001 - handed to the thread that waits
        board.stop(failed)


def _do(board: Board, job: Job, conn: Connection) -> None:
    """A job is a transaction, or several that it does not repeat: where somebody else has a lock,
    it begins again. See repot.postgres.patience."""
    patience = Patience(f"the copy ({job.key})", board.stopped)
    while True:
        try:
            return job.work(conn)
        except IN_THE_WAY:
            patience.wait(conn)


def _join(
    board: Board, threads: Sequence[threading.Thread], connections: Sequence[Connection]
) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # short, so that Ctrl-C gets through
            if board.stopped.is_set():
                _cancel(connections)


def _cancel(connections: Sequence[Connection]) -> None:
    for conn in connections:
        try:
            conn.cancel_safe(timeout=2)
        except psycopg.Error:
            continue  # the connection is gone, and its statement with it


def _lost(failed: psycopg.Error) -> RepotError:
    return RepotError(
        "connection-lost",
        "the server ended the connection, or a statement of the copy",
        evidence=(failed.diag.message_primary or str(failed)).strip(),
        hint="run `repot copy` again: it goes on with what is missing",
    )
