"""What once happened to the platform: a line of npm's in a migration. A plain runner fails half-way and is
stuck; Repot names the line before anything runs, gets the history out of it, and goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repot.demo.equality import compare
from repot.demo.plain import PlainFailure, baseline, failed, run_plainly
from repot.embedded import EmbeddedServer
from repot.folder.book import open_book
from repot.folder.fingerprint import fingerprint, rows_fingerprint
from repot.postgres.connect import connection
from support.personalization import FOLDER, INIT, deploy_all, template
from support.project import repot
from support.sql import rows

NAME = "20260103160147_add_saas_personalization_models"
FILE = f"{NAME}/migration.sql"
LINE = "npm warn config production Use `--omit=dev` instead.\n"
BEFORE = [p.name for p in sorted(FOLDER.iterdir()) if p.is_dir() and p.name < NAME][1:]
AFTER = [p.name for p in sorted(FOLDER.iterdir()) if p.is_dir() and p.name >= NAME]


@pytest.fixture(scope="module")
def v1(server: EmbeddedServer) -> Iterator[str]:
    with template(server, "personalization_story", 800, seed=2) as name:
        yield name


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The folder, with npm's remark in the first line of one file."""
    copy = tmp_path / "migrations"
    shutil.copytree(FOLDER, copy)
    file = copy / FILE
    file.write_text(LINE + file.read_text())
    return copy


def _picture(dsn: str) -> tuple[str, str]:
    with connection(dsn) as conn:
        return fingerprint(conn), rows_fingerprint(conn)


def _codes(document: dict[str, object]) -> set[tuple[str, str, int]]:
    """Errors of the up scripts: (code, file, line)."""
    found = document["findings"]
    assert isinstance(found, list)
    return {
        (f["code"], f["file"], f["line"])
        for f in found
        if f["severity"] == "error" and (f["file"] or "").endswith("migration.sql")
    }


def test_the_story(make_database: Callable[..., str], v1: str, broken: Path) -> None:
    dsn = make_database(v1)
    baseline(dsn, INIT, (FOLDER / INIT / "migration.sql").read_text())

    # Before anything runs, without a database: file, line, cause.
    found = open_book(broken).findings
    assert [(f.code, f.file, f.line) for f in found] == [("tool-output", FILE, 1)]
    assert "package manager" in found[0].message
    code, shown = repot("migrate", "lint", broken)
    assert code == 1
    assert ("tool-output", FILE, 1) in _codes(shown)

    # Repot refuses the whole deployment: nothing of it, not even what comes before, was run.
    before = _picture(dsn)
    code, shown = repot("migrate", "deploy", broken, dsn=dsn)
    assert code != 0
    assert _picture(dsn) == before
    assert ("tool-output", FILE, 1) in _codes(shown)

    # A plain runner applies what comes before and fails in the middle of the deployment.
    with pytest.raises(PlainFailure, match='syntax error at or near "npm"') as stopped:
        run_plainly(dsn, broken)
    assert stopped.value.name == NAME
    history = rows(
        dsn,
        'select migration_name, finished_at is not null, logs from "_prisma_migrations" order by started_at',
    )
    assert [(name, done) for name, done, _ in history] == [
        (INIT, True), *((name, True) for name in BEFORE), (NAME, False)
    ]  # fmt: skip
    assert "npm" in history[-1][2]

    # The file left nothing behind: the schema is that of the folder without it.
    other, short = make_database(v1), broken.parent / "short"
    shutil.copytree(FOLDER, short)
    for name in AFTER:
        shutil.rmtree(short / name)
    deploy_all(other, short)
    assert compare(dsn, other, "public").equal

    # The failed row blocks: the plain runner with any file, Repot with a name for it and a remedy.
    with pytest.raises(PlainFailure, match="failed before"):
        run_plainly(dsn, FOLDER)
    stuck = _picture(dsn)
    code, shown = repot("migrate", "status", FOLDER, dsn=dsn)
    assert code == 1
    assert "migration-failed" in {f["code"] for f in shown["findings"]}
    code, shown = repot("migrate", "deploy", FOLDER, dsn=dsn)
    assert code != 0
    assert "migration-failed" in {f["code"] for f in shown["findings"]}
    assert _picture(dsn) == stuck

    # Resolved as rolled back; the file as it is is still refused.
    code, _ = repot("migrate", "resolve", broken, "--rolled-back", NAME, dsn=dsn)
    assert code == 0
    assert failed(dsn) == []
    code, shown = repot("migrate", "deploy", broken, dsn=dsn)
    assert code != 0
    assert ("tool-output", FILE, 1) in _codes(shown)
    assert _picture(dsn) == stuck

    # The cut is shown, then made: the file is what it should have been.
    code, shown = repot("migrate", "fix", broken, dsn=dsn)
    assert LINE.strip() in str(shown)
    assert (broken / FILE).read_text().startswith(LINE)
    code, _ = repot("migrate", "fix", broken, "--yes", dsn=dsn)
    assert code == 0
    assert (broken / FILE).read_bytes() == (FOLDER / FILE).read_bytes()

    # Applied, with all that follow; the end is that of the folder which was never broken.
    code, shown = repot("migrate", "deploy", broken, dsn=dsn)
    assert code == 0, shown
    right = make_database(v1)
    deploy_all(right)
    end = compare(dsn, right, "public")
    assert end.schema_differences == ()
    assert end.equal
    history = rows(
        dsn,
        "select finished_at is not null, rolled_back_at is not null, applied_steps_count"
        f" from \"_prisma_migrations\" where migration_name = '{NAME}' order by started_at",
    )
    assert history == [(False, True, 0), (True, False, 1)]
    # And the plain runner agrees that there is nothing left to do.
    assert run_plainly(dsn, broken) == []
