"""squawk's findings in our form; no database is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.folder import squawk
from repot.folder.book import open_book
from repot.model.finding import Severity
from support.folders import write

_LOCKS = "-- a remark\n\ncreate index i on t (c);\nalter table t add column v varchar(3);\n"


def test_in_our_form(tmp_path: Path) -> None:
    write(tmp_path / "m", [_LOCKS, "drop table x;"])
    found = squawk.examine_locks(open_book(tmp_path / "m"))
    assert [(f.code, f.line, f.severity) for f in found] == [
        ("squawk-require-concurrent-index-creation", 3, Severity.WARNING),
        ("squawk-ban-drop-table", 1, Severity.WARNING),
    ]
    assert found[0].file == "20260101000000_step.sql"
    assert "concurrently" in found[0].hint


def test_prisma_layout_and_odd_names(tmp_path: Path) -> None:
    names = ["20260101000000_it's [1] ü", "-20260102000000_dash"]
    for name in names:
        (tmp_path / "m" / name).mkdir(parents=True)
        (tmp_path / "m" / name / "migration.sql").write_text(_LOCKS)
    found = squawk.examine_locks(open_book(tmp_path / "m"))
    assert {f.file for f in found} == {f"{name}/migration.sql" for name in names}


def test_only_those_that_are_asked_for(tmp_path: Path) -> None:
    names = write(tmp_path / "m", [_LOCKS, "drop table x;"])
    found = squawk.examine_locks(open_book(tmp_path / "m"), names[1:], major=14)
    assert [f.code for f in found] == ["squawk-ban-drop-table"]


def test_what_is_no_sql_is_not_said_twice(tmp_path: Path) -> None:
    write(tmp_path / "m", ["npm warn something\ncreate table t ();", "drop table x;"])
    found = squawk.examine_locks(open_book(tmp_path / "m"))
    assert [f.code for f in found] == ["squawk-ban-drop-table"]


def test_without_squawk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "m", ["drop table x;"])
    monkeypatch.setattr(squawk, "_PROGRAM", "no-such-program")
    (found,) = squawk.examine_locks(open_book(tmp_path / "m"))
    assert (found.code, found.severity) == ("squawk-missing", Severity.INFO)


def test_a_squawk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "m", ["drop table x;"])
    broken = tmp_path / "squawk"
    broken.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(squawk, "program", lambda: broken)
    (found,) = squawk.examine_locks(open_book(tmp_path / "m"))
    assert (found.code, found.severity) == ("squawk-failed", Severity.INFO)
    assert "broken" in found.message


def test_many_files_in_few_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = squawk._call
    monkeypatch.setattr(squawk, "_call", lambda *a: calls.append(a) or real(*a))
    (tmp_path / "m").mkdir()
    for number in range(500):
        (tmp_path / "m" / f"{20250101000000 + number}_x.sql").write_text("drop table x;")
    assert len(squawk.examine_locks(open_book(tmp_path / "m"))) == 500
    assert len(calls) == 1
