"""`repot upkeep …` as it is called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from repot.cli.main import main
from repot.upkeep.pgcron.agree import disagreements
from repot.upkeep.registering import ensure
from support.upkeeping import upkeep_of

TASKS = (
    '[task.good]\nschedule = "daily at 00:00"\nsql = "upkeep/good.sql"\n'
    '[task.bad]\nschedule = "monthly on 1 at 00:00"\nsql = "upkeep/bad.sql"\n'
    '[task.off]\nschedule = "daily at 00:00"\ncommand = ["true"]\nenabled = false\n'
)
SQL = {"good": "select 1", "bad": "select 1 / 0"}

Call = Callable[..., tuple[int, dict[str, object]]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """`call(*words)`: the exit code, and the document that was printed."""

    def it(*words: str) -> tuple[int, dict[str, object]]:
        with pytest.raises(SystemExit) as left:
            main(["upkeep", *words, "--json"])
        return int(left.value.code or 0), json.loads(capsys.readouterr().out)

    return it


def test_exit_codes_and_documents(database: str, keep: Callable[..., Path], call: Call) -> None:
    where = ("--project", str(keep(TASKS, SQL)), "--database", database)
    code, said = call("list", *where[:2])
    assert (code, [t["name"] for t in said["tasks"]]) == (0, ["good", "bad", "off"])
    assert [t["in_database"] for t in said["tasks"]] == [True, True, False]

    code, said = call("history", *where)
    assert code == 1
    assert {f["code"] for f in said["findings"]} == {"upkeep-not-registered"}
    assert call("run", *where) == (0, {"ok": True, "runs": []})
    code, said = call("history", *where)
    assert (code, said["ok"]) == (0, True)

    code, said = call("run", "bad", *where)
    assert (code, said["runs"][0]["state"]) == (1, "failed")
    code, said = call("history", *where)
    assert (code, [f["code"] for f in said["findings"]]) == (1, ["upkeep-failed"])
    assert call("history", "good", *where)[0] == 0
    assert call("run", "off", *where)[0] == 0  # asked by name
    assert call("install", *where)[1]["error"]["code"] == "no-pg-cron"


def test_what_is_wrong_with_the_call(database: str, keep: Callable[..., Path], call: Call) -> None:
    folder = keep(TASKS, SQL)
    where = ("--project", str(folder), "--database", database)
    for words, code, exit_ in (
        (("run", "other", *where), "upkeep-no-task", 2),
        (("history", "other", *where), "upkeep-no-task", 2),
        (("run", "good", "--daemon", *where), "upkeep-daemon-name", 2),
        (("list", "--project", str(folder.parent)), "no-upkeep", 2),
        (("install", *where), "no-pg-cron", 3),
    ):
        left, said = call(*words)
        assert (said["error"]["code"], left) == (code, exit_)


def test_for_people(
    database: str, keep: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--project", str(keep(TASKS, SQL)), "--database", database)
    for words in (("run", "bad", *where), ("history", *where), ("list", *where[:2])):
        with pytest.raises(SystemExit):
            main(["upkeep", *words])
    out = capsys.readouterr().out
    for part in ("division by zero", "repot upkeep run bad", "daily at 00:00", "not enabled"):
        assert part in out, out


def test_a_server_with_other_zone_data_is_noticed(database: str, keep: Callable[..., Path]) -> None:
    upkeep = upkeep_of(keep(TASKS, SQL))
    with psycopg.connect(database, autocommit=True) as conn:
        ensure(conn)
        now = conn.execute("select now()").fetchone()
        assert now is not None
        assert disagreements(conn, upkeep, upkeep.tasks, now[0]) == []
        conn.execute("alter function repot_upkeep.dues rename to as_they_are")
        conn.execute(
            "create function repot_upkeep.dues(jsonb, text, timestamptz, timestamptz)"
            " returns setof timestamptz language sql stable as $$ select d from"
            " repot_upkeep.as_they_are($1, 'Africa/Lagos', $3, $4) d $$"  # no summer time
        )
        lines = disagreements(conn, upkeep, upkeep.tasks, now[0])
        assert [line.split(":")[0] for line in lines] == ["good", "bad", "off"]
