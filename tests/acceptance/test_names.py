"""Every name of the schema is hostile: quotes, upper case, reserved words, accents, 63 bytes.

Moved from the plan to the second cutover; a statement that pastes one name unquoted fails here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from repot import service
from support.project import write
from support.sql import rows, run

LONG = "é" * 31 + "x"  # 63 bytes in UTF-8
LONG_OTHER = "é" * 31 + "y"  # cut to 62 bytes or fewer, the two would be one
TABLE, CHILD, TAGS = LONG, 'order "by"', "SELECT"
ID, TEXT, PARENT, PRICE = "user", 'a "quoted" Column', LONG_OTHER, "%s {0} $1"
V1, V2, OLD = 'V1 "é" %', "Table", "ПРОШЛОЕ"


def q(*names: str) -> str:
    return ".".join('"' + n.replace('"', '""') + '"' for n in names)


V1_SQL = f"""
create schema {q(V1)};
create type {q(V1, "Enum é")} as enum ('Un', 'DEUX "2"');
create table {q(V1, TABLE)} (
  {q(ID)} integer primary key, {q(TEXT)} text not null, {q(PRICE)} double precision,
  {q("Enum é")} {q(V1, "Enum é")} not null default 'Un');
create table {q(V1, CHILD)} (
  {q(ID)} bigserial, {q(PARENT)} integer references {q(V1, TABLE)} on delete cascade,
  {q(LONG)} text[] not null default '{{}}', primary key ({q(ID)}));
create table {q(V1, "left %")} ({q("%")} text);
insert into {q(V1, TABLE)}
select n, case when n % 3 = 0 then 'It''s "50 %" {{é}}' else 'T ' || n end, n * 1.5,
  case when n % 2 = 0 then 'Un' else 'DEUX "2"' end::{q(V1, "Enum é")}
  from generate_series(1, 60) n;
insert into {q(V1, CHILD)} ({q(PARENT)}, {q(LONG)})
  select 1 + n % 60, array['x''' || n % 4, '%s'] from generate_series(1, 120) n;
"""

FILES = {
    "repot.toml": f"""
name = 'names "é" %'
[source]
schema = '{V1}'
[target]
schema = '{V2}'
retired = '{OLD}'
[registry.'Slug "%"']
kind = "slug"
key = ['{ID}']
text = '{TEXT}'
[registry.'{LONG_OTHER}']
kind = "uuid"
key = ['{ID}']
""",
    "leave.toml": "[[table]]\nname = 'left %'\nreason = 'empty'\n",
    "target.sql": f"""
create table {q(TABLE)} ({q(ID)} integer primary key, {q("group")} text not null,
  {q("Slug %")} text not null unique check ({q("Slug %")} <> '%'), {q(PRICE)} numeric(10,2),
  {q("Enum é")} {q("Enum é")} not null);
create table {q(CHILD)} ({q(LONG)} uuid primary key, {q("ID")} bigint not null unique,
  {q(PARENT)} integer not null references {q(TABLE)} ({q(ID)}) on delete cascade);
create table {q(TAGS)} ({q("ID")} bigint not null, {q("%")} text not null,
  primary key ({q("ID")}, {q("%")}));
create index {q(LONG[:-1] + "z")} on {q(CHILD)} ({q(PARENT)});
""",
    f"moves/{TABLE}.sql": f"""select t.{q(ID)}, t.{q(TEXT)} as {q("group")},
  s.value as {q("Slug %")}, t.{q(PRICE)}::numeric(10,2) as {q(PRICE)}, t.{q("Enum é")}
from {q(TABLE)} t join {q('Slug "%"')} s on s.{q(ID)} = t.{q(ID)}""",
    f"moves/{CHILD}.sql": f"""select k.value as {q(LONG)}, c.{q(ID)} as {q("ID")}, c.{q(PARENT)}
from {q(CHILD)} c join {q(LONG_OTHER)} k on k.{q(ID)} = c.{q(ID)}""",
    f"moves/{TAGS}.sql": f"""select c.{q(ID)} as {q("ID")}, u.tag as {q("%")}
from {q(CHILD)} c cross join lateral unnest(c.{q(LONG)}) as u(tag)""",
    'registry/Slug "%".sql': f"select {q(ID)}, {q(TEXT)} from {q(TABLE)}",
    f"registry/{LONG_OTHER}.sql": f"select {q(ID)} from {q(CHILD)}",
    f"back/{TABLE}.sql": f"""select {q(ID)}, {q("group")} as {q(TEXT)},
  {q(PRICE)}::double precision as {q(PRICE)}, {q("Enum é")} from {q(TABLE)}""",
    f"back/{CHILD}.sql": f"select {q('ID')} as {q(ID)}, {q(PARENT)} from {q(CHILD)}",
    'checks/50 % "é".sql': f"select {q(ID)} from {q(TABLE)} where {q('group')} = ''",
}


def own_type() -> dict[str, str]:
    """Both schemas are renamed: V1's type goes away with its schema, so V2 makes one of its own."""
    target, move = FILES["target.sql"], FILES[f"moves/{TABLE}.sql"]
    back = FILES[f"back/{TABLE}.sql"]
    return {
        "target.sql": f"create type {q('Enum é')} as enum ('Un', 'DEUX \"2\"');{target}",
        f"moves/{TABLE}.sql": move.replace(
            f"t.{q('Enum é')}", f"t.{q('Enum é')}::text::{q(V2, 'Enum é')} as {q('Enum é')}"
        ),
        f"back/{TABLE}.sql": back.replace(
            q("Enum é"), f"{q('Enum é')}::text::{q(V1, 'Enum é')} as {q('Enum é')}"
        ),
    }


@pytest.mark.parametrize("swap", ["tables", "schema"])
def test_a_schema_of_hostile_names_is_moved_and_moved_back(
    database: str, tmp_path: Path, swap: str
) -> None:
    run(database, V1_SQL)
    files = {**FILES, "repot.toml": FILES["repot.toml"] + f'\n[cutover]\nswap = "{swap}"\n'}
    if swap == "schema":
        files |= own_type()
    folder = write(tmp_path / "names", files)
    runner = service.open_project(folder, database)

    plan = runner.plan()
    assert plan.errors == ()
    runner.backup(tmp_path / "backup")
    runner.copy()
    verdict = runner.verify()
    assert verdict.passed, verdict.reasons
    assert verdict.rows_compared == 60 + 120 + 240
    assert {a.table: (a.rows, a.unaccounted) for a in verdict.accounts}[TABLE] == (60, 0)

    before = rows(database, f"table {q(V1, TABLE)}")
    runner.cutover()
    assert rows(database, f"select count(*) from {q(V1, TAGS)}") == [(240,)]
    run(
        database,
        f"update {q(V1, TABLE)} set {q('group')} = 'New %s' where {q(ID)} = 3;"
        f" delete from {q(V1, TABLE)} where {q(ID)} = 4",
    )
    runner.rollback()
    after = rows(database, f"table {q(V1, TABLE)}")
    expected = {r[0]: r for r in before if r[0] != 4}
    expected[3] = (3, "New %s", *expected[3][2:])
    assert {r[0]: r for r in after} == expected
    again = runner.verify()
    assert again.passed, again.reasons
    runner.cutover()
