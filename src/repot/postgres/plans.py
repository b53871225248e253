"""Prepared statements that outlive DDL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from repot.postgres.connect import Connection


@contextmanager
def kept(conn: Connection) -> Iterator[None]:
    """In the block nothing is prepared, and what has been stays so.

    The driver forgets all of it after an ALTER or a DROP. Whoever asks the catalogs again after his
    own DDL, while others wait, would have each question planned anew.
    """
    threshold, conn.prepare_threshold = conn.prepare_threshold, None
    try:
        yield
    finally:
        conn.prepare_threshold = threshold
