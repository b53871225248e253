"""In a project: before the cutover what can be looked at, afterwards everything, and never a success
where something was not run."""

from __future__ import annotations

from pathlib import Path

from repot import service
from support.checking import failed
from support.pipeline import started
from support.project import repot, write
from support.sql import rows, run

V1 = """
create schema auth;
create table auth.users (id int primary key);
create table people (id int primary key, name text);
insert into auth.users select g from generate_series(1, 20) g;
insert into people select g, 'n' || g from generate_series(1, 20) g;
"""
PROJECT = {
    "repot.toml": """
name = "checked"
[source]
schema = "public"
outside = ["auth"]
[target]
schema = "v2"
retired = "v1_old"
""",
    "target.sql": """
create table members (id int primary key, name text not null);
alter table members enable row level security;
create function new_member() returns trigger language plpgsql security definer
  set search_path = public as $$ begin insert into members values (new.id, 'new'); return new; end $$;
create function tidy() returns trigger language plpgsql set search_path = '' as
  $$ begin new.name = trim(new.name); return new; end $$;
create trigger tidy before insert on members for each row execute function tidy();
""",
    "moves/members.sql": "select id, name from people",
    "outside/users.sql": "create trigger on_new after insert on auth.users for each row"
    " execute function new_member();",
    "checks/names.sql": "select id from members where name = ''",
    "checks.toml": """
features = ["member"]
[[function]]
signature = "new_member() returns trigger"
security = "definer"
search_path = ["public"]
[[trigger]]
name = "tidy"
table = "members"
timing = "before"
events = ["insert"]
function = "tidy"
[[trigger]]
name = "on_new"
table = "auth.users"
timing = "after"
events = ["insert"]
function = "new_member"
[row_security]
[absent]
tables = ["people"]
""",
    "features/member.sql": "insert into auth.users values (99);\n"
    "-- expect: a member\nselect 1 where not exists (select from members where id = 99);",
}


def outcomes(document: dict[str, list[dict[str, str]]]) -> list[tuple[str, str]]:
    return [(c["kind"], c["outcome"]) for c in document["checks"]]


def test_before_and_after_the_cutover(database: str, tmp_path: Path) -> None:
    run(database, V1)
    folder = write(tmp_path / "checked", PROJECT)

    code, document = repot("check", "--project", folder, dsn=database)
    assert (code, document["error"]["code"]) == (3, "no-target")

    runner = service.open_project(folder, database)
    verdict = service.run_to_proof(runner, tmp_path / "backups").verdict
    assert verdict is not None
    assert verdict.passed
    code, document = repot("check", "--project", folder, dsn=database)
    waits = "not run before the cutover"
    assert outcomes(document) == [
        ("function", "passed"),
        ("trigger", waits),  # it sleeps
        ("trigger", waits),  # it is not there yet
        ("row security", "passed"),
        ("absent", "passed"),  # in v2
        ("query", "passed"),
        ("feature", waits),
    ]
    assert (code, document["ok"], document["in_place"], document["schema"]) == (
        3,
        False,
        False,
        "v2",
    )

    run(database, "alter table v2.members disable row level security")
    code, document = repot("check", "--project", folder, dsn=database)
    assert (code, [kind for kind, _ in failed(document)]) == (1, ["row security"])
    run(database, "alter table v2.members enable row level security")

    runner.cutover()
    code, document = repot("check", "--project", folder, dsn=database)
    assert failed(document) == []
    assert (code, document["ok"], document["in_place"], document["schema"]) == (
        0,
        True,
        True,
        "public",
    )
    assert document["not_run"] == 0
    assert rows(database, "select count(*) from auth.users") == [(20,)]
    kept = "select answer->>'schema' from repot.evidence where kind = 'check' order by id"
    assert rows(database, kept) == [("v2",), ("v2",), ("public",)]

    runner.rollback()
    code, document = repot("check", "--project", folder, dsn=database)
    assert (code, document["schema"]) == (3, "v2")


def test_what_waits_alone_is_no_success(database: str, tmp_path: Path) -> None:
    run(database, V1)
    folder = write(tmp_path / "checked", PROJECT)
    started(database, folder)
    for file in ("checks.toml", "checks/names.sql"):
        (folder / file).unlink()
    code, document = repot("check", "--project", folder, dsn=database)
    assert (code, outcomes(document)) == (1, [("feature", "not run before the cutover")])


def test_a_check_may_ask_a_registry(database: str, tmp_path: Path) -> None:
    run(database, V1)
    settings = PROJECT["repot.toml"] + '[registry.number]\nkind = "number"\nkey = ["id"]\n'
    files = {
        "repot.toml": settings,
        "registry/number.sql": "select id from people",
        "target.sql": "create table members (id int primary key, name text, n bigint)",
        "moves/members.sql": "select p.id, name, r.value as n from people p join number r using (id)",
        "checks/numbers.sql": "select id from members m where not exists (select from number where value = m.n)",
    }
    folder = write(tmp_path / "checked", files)
    started(database, folder)
    code, document = repot("check", "--project", folder, dsn=database)
    assert (code, outcomes(document)) == (0, [("query", "passed")])


def test_a_schema_that_contradicts_the_project(database: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "checked", PROJECT | {"checks.toml": 'schema = "v2"'})
    code, document = repot("check", "--project", folder, dsn=database)
    assert (code, document["error"]["code"]) == (2, "checks-schema")
