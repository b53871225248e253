"""The demo, small: a real system there, back, and there again."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.demo import moving
from support.project import repot

FIELDS = ("rows", "moved", "merged", "split", "left", "quarantined", "unaccounted")


def test_dropskills_is_moved_back_and_moved_again(tmp_path: Path) -> None:
    code, shown = repot(
        *("demo", "dropskills", "--idle", "--rows", 6000, "--seed", 3, "--report", tmp_path)
    )
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


def test_dropskills_is_moved_while_its_application_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moving, "SECONDS", 2.0)
    code, shown = repot("demo", "dropskills", "--rows", 4000, "--writers", 2, "--rate", 80)
    assert code == 0, (shown.get("error"), shown.get("traffic"))
    traffic = shown["traffic"]
    assert traffic["acknowledged"] > 200
    assert traffic["compared"] > 200
    assert (traffic["missing"], traffic["errors"]) == (0, 0)
    assert shown["writes"]["acknowledged"] > 50
    assert shown["writes"]["missing"] == 0
    for switch in ("cutover", "rollback", "second_cutover"):
        assert shown[switch]["pause_ms"] > 0
        assert shown[switch]["longest_wait_ms"] > 0
    assert all(proof["passed"] for proof in shown["proofs"])
