"""Many deployers at once: each file is applied once, and the others wait or leave."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from repot.folder.deploy import locks
from support.gates import closed, gate, start, waiting
from support.migrating import Folder, history, states
from support.prisma import Engine
from support.sql import connect, rows

NAMES = [f"2026010{n}000000_file" for n in range(1, 6)]


def lay(folder: Folder) -> None:
    """What would be seen if it ran twice: rows without a key; and an index, which waits for all who
    hold a snapshot."""
    folder.write(NAMES[0], "create table a (file int);\ninsert into a values (0);\n")
    folder.write(NAMES[1], f"{gate(1)}\ninsert into a values (1);\n")
    folder.write(NAMES[2], "create index concurrently i on a (file);")
    folder.write(
        NAMES[3],
        "-- repot: no-transaction\ninsert into a values (3);\ninsert into a values (13);\n",
    )
    folder.write(NAMES[4], "insert into a values (4);")


def test_ten_deployers(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path)
    lay(folder)
    with closed(database, 1):
        processes = [start(database, folder, "--wait", "200") for _ in range(10)]
        waiting(database, 1)  # one works, with the others started
    ended = [p.communicate(timeout=250) for p in processes]
    assert [p.returncode for p in processes] == [0] * 10, ended
    ran = Counter(r["name"] for out, _ in ended for r in json.loads(out)["applied"])
    assert ran == dict.fromkeys(NAMES, 1)
    assert rows(database, "select file from a order by file") == [(0,), (1,), (3,), (4,), (13,)]
    assert [(r[0], r[2], r[5]) for r in history(database)] == [(n, True, 1) for n in NAMES]
    assert Engine(database, folder).agrees()


def test_those_that_wait_too_long_leave(tmp_path: Path, database: str) -> None:
    folder = Folder(tmp_path)
    lay(folder)
    with closed(database, 1):
        first = start(database, folder)
        waiting(database, 1)
        others = [start(database, folder, "--wait", "0") for _ in range(3)]
        for other in others:
            out, _ = other.communicate(timeout=150)
            assert other.returncode == 3
            error = json.loads(out)["error"]
            assert error["code"] == "deploy-busy"
            assert "repot migrate deploy" in error["evidence"]
        # Prisma's own engine is kept out by the same lock.
        with connect(database) as prisma:
            assert prisma.execute("select pg_try_advisory_lock(72707369)").fetchone() == (False,)
        assert states(database, folder)[NAMES[1]] == "running"
    first.communicate(timeout=150)
    assert first.returncode == 0
    assert locks.PRISMA == 72707369
