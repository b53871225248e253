"""The private server: start, use, end."""

from __future__ import annotations

from support.sql import rows, run


def test_fresh_database(database: str) -> None:
    run(database, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    assert rows(database, "SELECT a, current_setting('wal_level') FROM t WHERE a = %s", [1]) == [
        (1, "logical")
    ]
