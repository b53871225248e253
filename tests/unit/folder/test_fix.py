"""`repot migrate fix`: what it shows, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from repot.cli.main import app
from repot.folder.book import open_book
from repot.folder.fix import plan_fixes, refusals, write_fixes
from repot.model.errors import RepotError, UsageError
from support.books import codes, prisma

NOISY = "npm warn exec x\r\n-- é\r\nCREATE TABLE a (id int);\r\nhe\r\nALTER TABLE a ADD b int;"
CLEAN = "-- é\r\nCREATE TABLE a (id int);\r\nALTER TABLE a ADD b int;"
FIRST = "20260101000000_m1/migration.sql"


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def call(*words: object) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["migrate", *map(str, words), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_only_what_is_cut_changes(tmp_path: Path) -> None:
    folder = prisma(tmp_path, [NOISY, "SELECT 1;\r\n", "SELEC 1;"])
    before = files(folder)
    (fix,) = plan_fixes(open_book(folder))
    assert write_fixes([fix]) == (FIRST,)
    assert files(folder) == before | {FIRST: CLEAN.encode()}


def test_the_mode_and_a_link_are_kept(tmp_path: Path) -> None:
    folder = prisma(tmp_path, [NOISY])
    target = tmp_path / "elsewhere.sql"
    (folder / FIRST).rename(target)
    (folder / FIRST).symlink_to(target)
    target.chmod(0o640)
    write_fixes(plan_fixes(open_book(folder)))
    assert (folder / FIRST).is_symlink()
    assert target.read_bytes() == CLEAN.encode()
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_file_that_was_applied_is_refused_and_its_way_back_is_not(tmp_path: Path) -> None:
    folder = prisma(tmp_path, [(NOISY, "npm warn x\nSELECT 1;\n"), NOISY])
    before = files(folder)
    fixes = plan_fixes(open_book(folder), frozenset({"20260101000000_m1"}))
    assert codes(refusals(fixes)) == ["fix-applied"]
    written = write_fixes(fixes)
    assert written == ("20260101000000_m1/down.sql", "20260102000000_m2/migration.sql")
    assert files(folder)[FIRST] == before[FIRST]


def test_a_file_that_changed_meanwhile_is_not_written_and_no_other(tmp_path: Path) -> None:
    folder = prisma(tmp_path, [NOISY, NOISY])
    fixes = plan_fixes(open_book(folder))
    (folder / "20260102000000_m2/migration.sql").write_text("SELECT 1;\n")
    before = files(folder)
    with pytest.raises(RepotError, match="not as it was") as caught:
        write_fixes(fixes)
    assert caught.value.code == "file-changed"
    assert files(folder) == before


def test_a_file_that_is_not_utf8_is_left(tmp_path: Path) -> None:
    folder = prisma(tmp_path, ["SELECT 1;"])
    (folder / FIRST).write_bytes(b"npm warn exec x\nSELECT 'caf\xe9';\n")
    assert plan_fixes(open_book(folder)) == ()


def test_more_noise_than_is_named_at_once_goes_in_one(tmp_path: Path) -> None:
    text = "".join(f"npm warn exec {n}\nSELECT {n};\n" for n in range(60))
    (fix,) = plan_fixes(open_book(prisma(tmp_path, [text])))
    assert fix.after == "".join(f"SELECT {n};\n" for n in range(60))
    assert fix.remaining == ()


def test_the_verb_shows_without_writing_and_writes_with_yes(tmp_path: Path) -> None:
    folder = prisma(tmp_path, [NOISY, "SELECT 1;\n"])
    before = files(folder)
    code, document = call("fix", folder)
    assert code == 0
    assert document["written"] == []
    assert files(folder) == before
    (fix,) = document["fixes"]
    assert fix["diff"].startswith(f"--- a/{FIRST}\n+++ b/{FIRST}\n@@ ")
    assert [c["line"] for c in fix["cuts"]] == [1, 4]
    code, document = call("fix", folder, "--yes")
    assert document["written"] == [FIRST]
    assert call("fix", folder)[1]["fixes"] == []


def test_nobody_to_ask_is_said(tmp_path: Path) -> None:
    folder = prisma(tmp_path, [NOISY])
    before = files(folder)
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(app, ["migrate", "fix", str(folder)], catch_exceptions=False)
    assert caught.value.code == "not-confirmed"
    assert files(folder) == before


def test_what_remains_is_said_with_its_new_line(tmp_path: Path) -> None:
    folder = prisma(tmp_path, ["npm warn exec x\nCREATE TABLE a (b datetime);\n"])
    code, document = call("fix", folder, "--yes")
    assert code == 1
    (remaining,) = document["findings"]
    assert (remaining["code"], remaining["line"]) == ("type-unknown", 1)


def test_the_diff_shows_what_cannot_be_seen(tmp_path: Path) -> None:
    folder = prisma(tmp_path, ["\ufeffSELECT 1;\n\x1b[31mSELECT 2;\n"])
    done = CliRunner().invoke(app, ["migrate", "fix", str(folder), "--yes"])
    assert "-<U+FEFF>SELECT 1;" in done.stdout
    assert "-<U+001B>[31mSELECT 2;" in done.stdout
    assert "\x1b[31mSELECT" not in done.stdout
