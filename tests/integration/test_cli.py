"""The terminal: exit codes, help with an example, one JSON document, no secret anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repot.cli.main import app
from support.project import repot
from support.shop import FOLDER, copy_project, make_v1

VERBS = ("init", "audit", "backup", "plan", "copy", "verify", "cutover", "rollback", "cleanup")
VERBS += ("report", "status", "run", "demo")


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "repot.cli.main", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    done = CliRunner().invoke(app, [verb, "--help"])
    assert done.exit_code == 0
    assert f"Example: repot {verb}" in done.stdout
    assert "--json" in done.stdout


@pytest.mark.parametrize(
    "words",
    [("nosuch",), ("plan", "--nosuch"), ("copy", "--workers", "0"), ("demo", "nosuch")],
)
def test_wrong_words_leave_with_2(words: tuple[str, ...]) -> None:
    done = call(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_verb_that_is_not_there_is_told_from_those_that_are() -> None:
    done = CliRunner().invoke(app, ["plna"])
    assert done.exit_code == 2
    assert "'plan'" in done.output


def test_only_the_verb_that_is_called_is_imported() -> None:
    program = (
        "import sys; from repot.cli.main import VERBS, main\n"
        "try: main(['migrate', 'deploy', '--help'])\n"
        "finally: print('\\n', [v for v in VERBS if f'repot.cli.{v}' in sys.modules],"
        " 'repot.stages' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "['migrate'] False"


def test_a_folder_without_a_project_leaves_with_2(tmp_path: Path) -> None:
    code, document = repot("plan", "--project", tmp_path)
    assert code == 2
    assert document["error"]["code"] == "no-project"


def test_every_mistake_in_the_settings_is_named_at_once(tmp_path: Path) -> None:
    folder = copy_project(tmp_path)
    (folder / "repot.toml").write_text(
        '[source]\nschema = "public"\n[target]\nschema = "public"\nretired = "pg_old"\n'
        '[copy]\nworkers = 0\n[cutover]\nswap = "both"\n[registry.x]\nkind = "slug"\nkey = ["id"]\n'
        'within = ["nokey"]\n'
        "[nonsense]\n"
    )
    code, document = repot("plan", "--project", folder)
    assert code == 2
    evidence = document["error"]["evidence"]
    for part in (
        "nonsense",
        "three different schemas",
        "pg_old",
        "workers",
        "swap",
        "registry.x",
        "nokey",
    ):
        assert part in evidence, evidence


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    url = "postgresql://somebody:geheim-4711@127.0.0.1:1/nowhere"
    for verb in ("status", "plan"):
        done = call(verb, "--project", str(FOLDER), "--database", url)
        assert done.returncode == 1
        assert "geheim-4711" not in done.stdout + done.stderr
        assert "hint:" in done.stderr


def test_gates_refuse_with_3_and_say_what_comes_next(database: str, tmp_path: Path) -> None:
    make_v1(database)
    folder = copy_project(tmp_path)
    for verb in ("verify", "cutover", "rollback", "cleanup", "report"):
        code, document = repot(verb, "--project", folder, dsn=database)
        assert (code, document["error"]["code"]) == (3, "no-run")
    assert repot("copy", "--project", folder, dsn=database)[0] == 0
    code, document = repot("cutover", "--project", folder, dsn=database)
    assert (code, document["error"]["code"]) == (3, "no-proof")
    assert repot("verify", "--project", folder, dsn=database)[0] == 0
    code, document = repot("cutover", "--project", folder, dsn=database)
    assert (code, document["error"]["code"]) == (3, "no-backup")
    code, document = repot("rollback", "--project", folder, dsn=database)
    assert (code, document["error"]["code"]) == (3, "wrong-phase")
    code, status = repot("status", "--project", folder, dsn=database)
    assert code == 0
    assert status["phase"] == "copied"
    assert status["obstacles"]["cutover"] == ["no tested backup: `repot backup`"]


def test_changed_files_are_noticed(database: str, tmp_path: Path) -> None:
    make_v1(database)
    folder = copy_project(tmp_path)
    assert repot("copy", "--project", folder, dsn=database)[0] == 0
    with (folder / "moves/customers.sql").open("a") as file:
        file.write("-- another thought\n")
    code, document = repot("verify", "--project", folder, dsn=database)
    assert (code, document["error"]["code"]) == (3, "project-changed")
    assert repot("copy", "--restart", "--project", folder, dsn=database)[0] == 0
    assert repot("verify", "--project", folder, dsn=database)[0] == 0


def test_json_is_one_document_on_stdout(database: str, tmp_path: Path) -> None:
    make_v1(database)
    folder = copy_project(tmp_path)
    done = call("plan", "--project", str(folder), "--database", database, "--json")
    assert json.loads(done.stdout)["ok"] is True
    assert len(done.stdout.strip().splitlines()) == 1
