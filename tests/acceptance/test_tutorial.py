"""The tutorial, followed to the letter: its files are written, its commands run, in its order."""

from __future__ import annotations

import re
from pathlib import Path

from support.project import repot
from support.sql import rows, run

TUTORIAL = Path(__file__).parents[2] / "docs/tutorial/first-move.md"
STEP = re.compile(
    r"<!-- (?P<kind>file|run|sql)(?:: (?P<what>[^>]*?))? -->\n(?:```\w+\n(?P<text>.*?)```)?", re.S
)


def test_the_tutorial_works_as_written(database: str, tmp_path: Path) -> None:
    steps = list(STEP.finditer(TUTORIAL.read_text(encoding="utf-8")))
    assert len(steps) > 15
    first, *rest = steps
    assert first["what"] == "v1.sql"
    run(database, first["text"])
    folder = tmp_path / "bakery"
    assert repot("init", folder)[0] == 0
    ran = []
    for step in rest:
        match step["kind"]:
            case "file":
                (folder / step["what"]).parent.mkdir(exist_ok=True)
                (folder / step["what"]).write_text(step["text"], encoding="utf-8")
            case "run":
                command, expected = step["what"].split(", exit ")
                code, document = repot(*command.split(), "--project", folder, dsn=database)
                assert code == int(expected), (command, document)
                ran.append((command.split()[0], document))
            case "sql":
                sql = f"set search_path = public; {step['text']}"
                if step["what"]:
                    assert rows(database, step["text"].strip().rstrip(";")) == [(step["what"],)]
                else:
                    run(database, sql)
    first_plan = next(d for command, d in ran if command == "plan")
    assert [f["code"] for f in first_plan["findings"] if f["severity"] == "error"] == [
        "check-violated"
    ]
    proof = next(d for command, d in ran if command == "run")["proof"]
    sale = next(a for a in proof["accounts"] if a["table"] == "sale")
    assert (sale["rows"], sale["moved"], sale["left"], sale["unaccounted"]) == (
        5000,
        3750,
        1250,
        0,
    )
    assert (folder / "report/report.html").stat().st_size > 5000
