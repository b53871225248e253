"""The workers: threads with a connection each, which stop together when one of them fails."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg

from repot.model.errors import RepotError
from repot.postgres.connect import Connection
from repot.stages.copy.board import Board
from repot.stages.copy.throttle import Throttle

# Commits need not wait for the disk: a chunk's rows and its checkpoint are one transaction, so a
# crash that loses the one loses the other. What is greater stays as the server has it.
_SETTINGS = """
select pg_catalog.set_config('synchronous_commit', 'off', false),
       pg_catalog.set_config('jit', 'off', false),
       pg_catalog.set_config('work_mem', greatest(pg_catalog.current_setting('work_mem')::bytea
"""


def work(board: Board, connect: Callable[[], Connection], throttle: Throttle) -> None:
    """Run the board's jobs on `board.workers` connections until all are done.

    Raises the first failure; then the statements of the other workers have been cancelled, and
    what was committed stays.
    """
    hands: list[Connection] = []
    threads: list[threading.Thread] = []
    try:
        hands.extend(_ready(connect()) for _ in range(board.workers))
        for conn in hands:
            threads.append(
                threading.Thread(target=_loop, args=(board, conn, throttle), daemon=True)
            )
            threads[-1].start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # short, so that Ctrl-C gets through
                if board.stopped.is_set():
                    _cancel(hands)
    except BaseException as failure:
        board.stop(failure)
        _cancel(hands)
        for thread in threads:
            thread.join(30)
        raise
    finally:
        for conn in hands:
            conn.close()
    if board.failure is not None:
        raise board.failure
