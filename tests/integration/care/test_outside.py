"""What runs beside the database: vacuum, and backups that are restored and counted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from repot.model.errors import RepotError
from repot.model.upkeep import Outcome, Work
from repot.upkeep.care import CARE
from support.caring import Care
from support.sql import connect, run


def work(care: Care, name: str, folder: Path = Path(), **settings: Any) -> Outcome:
    builtin = CARE[name]
    assert builtin.run is not None
    assert builtin.check(settings) == []
    return builtin.run(Work(care.dsn, name, settings, datetime.now(UTC), folder))


def found(outcome: Outcome) -> list[str]:
    return [finding.code for finding in outcome.findings]


@pytest.fixture
def blown(care: Care) -> Care:
    care.run(
        'create table blown (id int primary key, "Pad" text); alter table blown set (autovacuum_enabled = off);'
        "insert into blown select n, repeat('x', 100) from generate_series(1, 20000) n;"
        'create index "Blown pad" on blown (id, "Pad"); delete from blown where id % 10 <> 0'
    )
    return care


def test_vacuum(blown: Care) -> None:
    size = blown.one("select pg_relation_size('\"Blown pad\"')")
    with connect(blown.dsn) as conn, pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute('create unique index concurrently "Broken" on blown ("Pad")')
    outcome = work(blown, "vacuum", schemas=["public"])
    assert (
        outcome.ok,
        outcome.figures["vacuumed"],
        outcome.figures["rebuilt"],
        found(outcome),
    ) == (True, 1, 0, [])
    assert blown.one("select reltuples::int from pg_class where relname = 'blown'") == 2000

    assert blown.one("select pg_relation_size('\"Blown pad\"')") == size  # nobody asked for more
    blown.run('drop index "Broken"; create index "Broken" on blown (id)')
    run(
        blown.admin,
        "update pg_index set indisvalid = false where indexrelid = '\"Broken\"'::regclass",
    )
    outcome = work(
        blown, "vacuum", schemas=["public"], reindex=["invalid", "bloated"], min_bytes=100_000
    )
    assert outcome.figures["rebuilt"] >= 2, outcome
    assert outcome.figures["freed_bytes"] > size / 2
    assert blown.one("select indisvalid from pg_index where indexrelid = '\"Broken\"'::regclass")
    assert blown.one("select pg_relation_size('\"Blown pad\"')") < size / 5


def test_vacuum_leaves_what_is_locked_or_of_others(blown: Care) -> None:
    run(
        blown.admin,
        "create schema dark; grant usage on schema dark to care_keeper; create table dark.hidden (n int)",
    )
    with connect(blown.dsn) as other, other.transaction():
        other.execute("lock table blown in row exclusive mode")
        other.execute("lock table blown in share update exclusive mode")
        outcome = work(blown, "vacuum", schemas=["public"])
    assert (found(outcome), outcome.figures["vacuumed"]) == (["vacuum-busy"], 0)
    assert work(blown, "vacuum", schemas=["public", "dark"]).ok


def test_vacuum_stops_when_it_is_told(blown: Care) -> None:
    run_vacuum = CARE["vacuum"].run
    assert run_vacuum is not None
    outcome = run_vacuum(
        Work(
            blown.dsn, "v", {"schemas": ["public"]}, datetime.now(UTC), Path(), stopped=lambda: True
        )
    )
    assert found(outcome) == ["vacuum-unfinished"]


def test_a_backup_is_restored_and_counted(blown: Care, tmp_path: Path) -> None:
    first = work(blown, "backup", tmp_path, into="kept", scratch="same", keep=2)
    assert first.ok
    assert (first.figures["rows"], first.figures["removed"]) == (2000, 0)
    # A damaged one is said, kept, and not counted.
    dump = next((Path(first.figures["folder"]) / "dump").glob("*.dat*"))
    dump.write_bytes(b"nothing")
    second = work(blown, "backup", tmp_path, into="kept", scratch="same", keep=2)
    assert (found(second), second.figures["removed"]) == (["backup-damaged"], 0)
    work(blown, "backup", tmp_path, into="kept", scratch="same", keep=2)
    fourth = work(blown, "backup", tmp_path, into="kept", scratch="same", keep=2)
    assert fourth.figures["removed"] == 1
    names = {p.name for p in (tmp_path / "kept").iterdir()}
    assert len(names) == 3
    assert Path(second.figures["folder"]).name not in names


def test_a_backup_that_does_not_come_back_is_none(
    blown: Care, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from repot.stages.backup import run as stage

    kept = work(blown, "backup", tmp_path, into="kept", scratch="same", keep=1)
    counted = stage.count
    monkeypatch.setattr(stage, "count", lambda *a: {k: n - 1 for k, n in counted(*a).items()})
    with pytest.raises(RepotError, match="what was dumped"):
        work(blown, "backup", tmp_path, into="kept", scratch="same", keep=1)
    assert Path(kept.figures["folder"]).exists()  # the good one is not removed for it
