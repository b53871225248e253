"""The demo, small: a real system there, back, and there again."""

from __future__ import annotations

from pathlib import Path

from support.project import repot

FIELDS = ("rows", "moved", "merged", "split", "left", "quarantined", "unaccounted")


def test_dropskills_is_moved_back_and_moved_again(tmp_path: Path) -> None:
    code, shown = repot("demo", "dropskills", "--rows", 6000, "--seed", 3, "--report", tmp_path)
    assert code == 0
    assert shown["ok"] is True
    assert len(shown["tables"]) == 15
    for name, table in shown["tables"].items():
        assert set(FIELDS) <= set(table), name
        assert table["unaccounted"] == 0, name
        parts = sum(table[part] for part in ("moved", "merged", "split", "left"))
        assert parts == table["rows"] > 0, name
        assert table["quarantined"] == table["left"], name
    assert shown["proof"]["rows_compared"] > 4000
    assert shown["proof"]["differences"] == 0
    assert shown["cutover"]["pause_ms"] > 0
    writes = shown["writes"]
    assert writes["acknowledged"] > 100
    assert writes["missing"] == 0
    assert writes["v1_rows_changed"] > 50
    assert writes["v1_rows_unexplained"] == 0
    page = (tmp_path / "report.html").read_text()
    assert "packs" in page
    assert "<svg" in page
