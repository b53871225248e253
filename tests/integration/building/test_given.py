"""What a build makes, and what copy puts back at its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repot.engine.build import build
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.model.state import Phase
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import connection
from repot.stages.copy import copy
from support.building import (
    FILES,
    V1,
    as_target_sql_makes_it,
    details,
    shape,
)
from support.moving import make_session
from support.sql import rows, run


def test_build_takes_off_and_copy_puts_back(
    session: Session, make_database: Callable[..., str]
) -> None:
    """After the copy V2 is, to the last definition, what target.sql would have made by itself."""
    built = build(session)
    assert built.phase is Phase.COPYING
    with connection(session.dsn) as conn:
        bare = read_catalog(conn, ["v2"])
    by_name = {t.name.name: t for t in bare.tables}
    assert not by_name["notes"].indexes
    assert not by_name["notes"].triggers
    assert not any(t.foreign_keys for t in bare.tables)
    # A view groups by it: without the key it could not be.
    assert by_name["people"].primary == ("id",)
    assert [i.name for i in by_name["people"].indexes] == ["people_pkey"]
    assert all(c.not_null for c in by_name["notes"].columns if c.name in ("id", "person_id"))
    assert by_name["people"].checks

    copy(session)
    expected, expected_details = as_target_sql_makes_it(make_database)
    with connection(session.dsn) as conn:
        made = read_catalog(conn, ["v2"])
    for got, wanted in zip(shape(made), shape(expected), strict=True):
        assert got == wanted
    assert details(session.dsn) == expected_details
    triggers = {t.name: t for table in made.tables for t in table.triggers}
    assert set(triggers) == {"notes_bump", "notes_quiet", "notes_late"}
    assert {t.enabled for t in triggers.values()} == {"D"}
    wanted = {t.name: t for table in expected.tables for t in table.triggers}
    assert {n: t.definition for n, t in triggers.items()} == {
        n: t.definition for n, t in wanted.items()
    }
    assert rows(session.dsn, "select count(*) from v2.notes") == [(50,)]


def test_foreign_key_to_a_table_outside(database: str, tmp_path: Path) -> None:
    files = {
        "repot.toml": FILES["repot.toml"].replace('["events"]', "[]"),
        "target.sql": "create table people (id int primary key"
        " references auth.users on delete cascade, name text)",
        "moves/people.sql": "select p.id, p.name from person p",
    }
    made = make_session(database, tmp_path, files, V1)
    build(made)
    assert copy(made).rows == 20
    assert (
        rows(
            database,
            "select pg_get_constraintdef(oid), convalidated from pg_constraint"
            " where contype = 'f' and connamespace = 'v2'::regnamespace",
        )
        == []
    )  # it comes with the cutover: test_outward_keys.py


def test_build_remembers_its_tables_and_is_done_once(session: Session) -> None:
    built = build(session)
    remembered = rows(
        session.dsn,
        "select side, schema, name from repot.relation where oid = to_regclass(format('%I.%I',"
        " schema, name)) order by 1, 2, 3",
    )
    assert remembered == [
        ("outside", "auth", "users"),
        ("v1", "public", "note"),
        ("v1", "public", "person"),
        *(("v2", "v2", t) for t in sorted(x.name.name for x in session.plan.target.tables)),
    ]
    before = rows(session.dsn, "select oid from pg_class where relnamespace = 'v2'::regnamespace")
    assert build(session).phase is Phase.COPYING
    assert build(session.at(built)).phase is Phase.COPYING
    after = rows(session.dsn, "select oid from pg_class where relnamespace = 'v2'::regnamespace")
    assert after == before


def test_capture_is_armed_when_the_build_commits(session: Session) -> None:
    build(session)
    run(session.dsn, "update note set text = 'x' where id = 7")
    ((log,),) = rows(session.dsn, "select log from repot.capture where source = 'public.note'")
    assert rows(session.dsn, f"select count(*) from repot.{log}") == [(1,)]


@pytest.mark.parametrize(
    "thing",
    [
        "table stranger (a int)",
        "view stranger as select 1",
        "sequence stranger",
        "type stranger as enum ('a')",
    ],
)
def test_what_the_run_did_not_make_is_not_built_upon(session: Session, thing: str) -> None:
    run(session.dsn, f"create schema v2; set search_path = v2; create {thing}")
    with pytest.raises(Refused) as caught:
        build(session)
    assert caught.value.code == "target-not-empty"
    assert "stranger" in caught.value.evidence
    assert caught.value.hint


def test_an_empty_schema_is_used(session: Session) -> None:
    run(session.dsn, "create schema v2")
    assert build(session).phase is Phase.COPYING


def test_another_move_in_the_same_database(session: Session) -> None:
    run(session.dsn, "create schema repot_view; create view repot_view.other as select 1")
    with pytest.raises(Refused) as caught:
        build(session)
    assert caught.value.code == "schemas-in-use"
