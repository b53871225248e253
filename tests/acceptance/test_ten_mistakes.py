"""A plan with ten different mistakes names each one, at its place, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.project import repot, write
from support.sql import rows, run

V1 = """
create table people (id integer primary key, mail text, age integer, joined timestamptz);
create table teams (id integer primary key, title text, colour text);
create table members (team_id integer references teams, person_id integer references people,
                      primary key (team_id, person_id));
create table scores (id integer primary key, person_id integer, points text, weird text);
create table forgotten (id integer primary key, note text);
insert into people select n, case when n % 10 = 0 then null else 'p' || n || '@x.test' end, n - 5,
                          '2024-01-01' from generate_series(1, 50) n;
insert into teams select n, 'Team ' || n % 4, 'red' from generate_series(1, 10) n;
insert into members select 1 + n % 10, n from generate_series(1, 50) n;
insert into scores select n, n * 10, n::text, 'w' from generate_series(1, 30) n;
"""

FILES = {
    "target.sql": """
create table people (
  id integer primary key,
  mail text not null,
  age integer not null check (age >= 0),
  joined timestamptz not null
);
create table teams (id integer primary key, slug text not null unique);
create table members (
  team_id integer not null references teams (id),
  person_id integer not null references people (id),
  badge_id integer references badges_to_come (id),
  primary key (team_id, person_id)
);
create table scores (
  id integer primary key,
  person_id integer references people (id),
  points integer not null
);
create table games (id integer primary key);
create table unfilled (id integer primary key);
""".replace(" references badges_to_come (id)", ""),
    "moves/people.sql": """select p.id,
       p.mail,
       p.age,
       now() as joined
from people p
""",
    "moves/teams.sql": """select t.id,
       lower(t.title) as slug
from teams t
""",
    "moves/members.sql": """select m.team_id, m.person_id, m.badge as badge_id
from members m
""",
    "moves/scores.sql": """select s.id,
       s.person_id,
       s.points
from scores s
""",
    "moves/games.sql": "select 1 as id; delete from games",
    "moves/nowhere.sql": "select 1 as id",
}

# code: (file, line, object)
EXPECTED = {
    "unknown-column": ("moves/members.sql", 1, None),
    "type-mismatch": ("moves/scores.sql", 3, "scores.points"),
    "volatile-expression": ("moves/people.sql", 4, "now"),
    "duplicate-in-unique": ("moves/teams.sql", 2, "teams.teams_slug_key"),
    "not-one-select": ("moves/games.sql", 1, None),
    "unknown-target-table": ("moves/nowhere.sql", 1, "nowhere"),
    "table-without-move": ("target.sql", None, "unfilled"),
    "table-not-covered": ("leave.toml", None, "forgotten"),
    "column-not-covered": ("leave.toml", None, "teams.colour"),
    "leave-entry-stale": ("leave.toml", None, None),
}

# The same project with the first layer mended: what the rows themselves would break.
MENDED = {
    **FILES,
    "moves/people.sql": """select p.id,
       p.mail,
       p.age,
       p.joined
from people p
""",
    "moves/members.sql": "select m.team_id, m.person_id, 7 as badge_id from members m",
    "moves/scores.sql": """select s.id,
       s.person_id,
       s.points::integer as points
from scores s
""",
    "target.sql": "create table unfilled (id integer primary key);"
    + FILES["target.sql"]
    .replace("create table unfilled (id integer primary key);", "")
    .replace("badge_id integer", "badge_id integer references unfilled (id)"),
}
ROWS = {
    "null-in-not-null": ("moves/people.sql", "people.mail", 5),
    "check-violated": ("moves/people.sql", "people.people_age_check", 4),
    "duplicate-in-unique": ("moves/teams.sql", "teams.teams_slug_key", 6),
    "foreign-key-orphan": ("moves/scores.sql", "scores.scores_person_id_fkey", 25),
    "foreign-key-parent-not-moved": ("moves/members.sql", "members.members_badge_id_fkey", 50),
}

EVERYTHING = """
select n.nspname, c.relname, c.relkind::text, c.oid::bigint from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' order by 1, 2
"""


@pytest.fixture
def planned(database: str, tmp_path: Path) -> tuple[str, Path]:
    run(database, V1)
    leave = '[[table]]\nname = "never_there"\nreason = "a mistake"\n'
    return database, write(tmp_path / "mistakes", {**FILES, "leave.toml": leave})


def test_each_mistake_is_named_with_its_place_and_remedy(planned: tuple[str, Path]) -> None:
    database, folder = planned
    before = rows(database, EVERYTHING)
    counts = rows(database, "select (select count(*) from people), (select count(*) from scores)")

    code, document = repot("plan", "--project", folder, dsn=database)

    assert code == 1
    found = {f["code"]: f for f in document["findings"]}
    for expected, (file, line, thing) in EXPECTED.items():
        assert expected in found, (expected, sorted(found))
        finding = found[expected]
        assert finding["file"] == file
        if line is not None:
            assert finding["line"] == line, finding
        if thing is not None:
            assert finding["object"] == thing
        assert finding["hint"], finding
    assert len(EXPECTED) == 10
    assert rows(database, EVERYTHING) == before
    assert counts == rows(
        database, "select (select count(*) from people), (select count(*) from scores)"
    )


def test_what_the_rows_would_break_is_counted_with_three_examples(
    database: str, tmp_path: Path
) -> None:
    run(database, V1)
    folder = write(tmp_path / "rows", MENDED)
    code, document = repot("plan", "--project", folder, dsn=database)
    assert code == 1
    found = {(f["code"], f["file"]): f for f in document["findings"]}
    for expected, (file, thing, count) in ROWS.items():
        assert (expected, file) in found, (expected, sorted(found))
        finding = found[expected, file]
        assert finding["object"] == thing
        assert finding["count"] == count, finding
        assert 1 <= len(finding["examples"]) <= 3
    assert found["null-in-not-null", "moves/people.sql"]["examples"] == [
        "id = 10",
        "id = 20",
        "id = 30",
    ]


def test_a_project_without_mistakes_has_no_error(database: str, tmp_path: Path) -> None:
    """The same V1 with everything mended: the findings above are not always there."""
    run(database, V1)
    good = {
        "target.sql": "create table people (id integer primary key, mail text, age integer,"
        " joined timestamptz); create table teams (id integer primary key, title text);"
        " create table members (team_id integer not null references teams (id),"
        " person_id integer not null references people (id), primary key (team_id, person_id));",
        "moves/people.sql": "select id, mail, age, joined from people",
        "moves/teams.sql": "select id, title from teams",
        "moves/members.sql": "select team_id, person_id from members",
        "leave.toml": '[[table]]\nname = "forgotten"\nreason = "empty"\n'
        '[[table]]\nname = "scores"\nreason = "not wanted"\n'
        '[[column]]\ntable = "teams"\ncolumn = "colour"\nreason = "always red"\n',
    }
    code, document = repot("plan", "--project", write(tmp_path / "good", good), dsn=database)
    assert [f for f in document["findings"] if f["severity"] == "error"] == []
    assert code == 0
