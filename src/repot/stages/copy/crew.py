"""The workers: threads with a connection each, which stop together when one of them fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import psycopg

from repot.model.errors import RepotError
from repot.postgres.connect import Connection
from repot.stages.copy.board import Board, Later
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
                job.work(conn)
            except Later as later:
                board.postponed(job, later.job)
            else:
                board.finished(job)
    except psycopg.OperationalError as failed:
        board.stop(_lost(failed))  # kept only if it is the first: else it is our own cancelling
    except BaseException as failed:  # noqa: BLE001 - handed to the thread that waits
        board.stop(failed)


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
