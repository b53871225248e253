"""What Repot itself does is no change; without event triggers they are noticed all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from repot.embedded import EmbeddedServer
from repot.engine.build import build
from repot.engine.drift import check, explain, fingerprint, unwatch, watch
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.stages.copy import copy
from repot.stages.cutover import cutover
from repot.stages.rollback import rollback
from support.drift import MORE, mark, project, told, tried
from support.pipeline import planned, started
from support.shop import make_v1
from support.sql import connect, rows, run
from support.swapping import now_proven, whole_backup


@pytest.fixture
def plain(server: EmbeddedServer, tmp_path: Path) -> Iterator[Session]:
    """A copied project whose owner is no superuser, though a member of a stand-in for one."""
    dsn = server.create_database("drift_plain")
    run(dsn, "create role owner login nosuperuser; create role azure_pg_admin")
    run(dsn, "alter database drift_plain owner to owner; alter schema public owner to owner")
    mine = make_conninfo(dsn, user="owner")
    make_v1(mine)
    run(mine, MORE)
    yield started(mine, project(tmp_path))
    server.drop_database("drift_plain")
    run(make_conninfo(dsn, dbname="postgres"), "drop role owner, azure_pg_admin")


def test_without_the_right_to_event_triggers_changes_are_noticed_all_the_same(
    plain: Session,
) -> None:
    with plain.connect() as conn:
        assert watch(conn, plain.run.id) is False
        with connect(make_conninfo(plain.dsn, user="postgres")) as superuser:
            superuser.execute("grant azure_pg_admin to owner")
        assert watch(conn, plain.run.id) is False  # refused by the server, and that is all
        assert rows(plain.dsn, "select evtname from pg_event_trigger") == []
        known = check(conn, plain.run.id, plain.plan, None)
        assert check(conn, plain.run.id, plain.plan, known) == known
        run(plain.dsn, "alter table public.customer add age int")
        with pytest.raises(Refused) as caught:
            check(conn, plain.run.id, plain.plan, known)
        assert caught.value.evidence == 'public.customer: column "age" was added'
        unwatch(conn, plain.run.id)


def test_the_copys_own_work_is_no_change(database: str, tmp_path: Path) -> None:
    make_v1(database)
    run(database, MORE)
    session = planned(database, project(tmp_path))
    assert told(session) == ()
    session = session.at(build(session))
    assert rows(database, "select count(*) > 100 from repot.ground") == [(True,)]
    with session.connect() as conn:
        known = check(conn, session.run.id, session.plan, None)
    assert told(session) == ()
    copy(session)
    with tried(session, "update repot.run set phase = 'copying'") as conn:
        # Rows, keys, foreign keys, triggers: all is back.
        assert fingerprint(conn, session.run.id, session.plan) == known
    with session.connect() as conn:
        check(conn, session.run.id, session.plan, known)
    detach = "alter table shop_v2.logs detach partition shop_v2.logs_all"
    with tried(session, f"update repot.run set phase = 'copying'; {detach}") as conn:
        assert fingerprint(conn, session.run.id, session.plan) != known
        assert explain(conn, session.run.id, session.plan) == (
            "shop_v2.logs_all: the table is not a partition of shop_v2.logs any more",
        )
    with tried(session, "alter table shop_v2.items drop constraint items_slug_key") as conn:
        assert explain(conn, session.run.id, session.plan)
        conn.execute("update repot.run set phase = 'copying'")
        assert explain(conn, session.run.id, session.plan) == ()


@pytest.mark.parametrize("kind", ["tables", "schema"])
def test_after_the_cutover_and_after_the_rollback(database: str, tmp_path: Path, kind: str) -> None:
    """The same tables under other names: Repot's own work is no change, others' is."""
    make_v1(database)
    run(database, MORE)
    folder = project(tmp_path)
    with (folder / "repot.toml").open("a") as file:
        file.write(f'\n[cutover]\nswap = "{kind}"\n')
    session = started(database, folder)
    session, verdict = now_proven(session)
    assert verdict.passed, verdict.reasons
    done, _ = cutover(session, verdict, whole_backup())
    session = session.at(done)
    assert told(session) == ()
    after = mark(session)
    for statements, lines in {
        "alter table shop_old.customer add age int": ['shop_old.customer: column "age" was added'],
        "alter table customers add age int": ['public.customers: column "age" was added'],
        "alter table items disable trigger user": [
            "public.items: the capture triggers are disabled"
        ],
        "drop table shop_old.scratch": ["shop_old.scratch was dropped"],
        "alter table shop_old.note drop constraint note_size_check": [
            'shop_old.note: the constraint "note_size_check" was dropped',
            'shop_old.note_old: the constraint "note_size_check" was dropped',
        ],
        "create trigger mine before insert on shop_old.product for each row"
        " execute function suppress_redundant_updates_trigger()": [
            "shop_old.product: the trigger mine is at work, on the side that does not serve"
        ],
    }.items():
        with tried(session, statements) as conn:
            assert fingerprint(conn, session.run.id, session.plan) != after, statements
            assert list(explain(conn, session.run.id, session.plan)) == lines
            with pytest.raises(Refused) as caught:
                check(conn, session.run.id, session.plan, after)
            assert "rollback" in caught.value.hint
    for statements in (
        "create table wishes (id int)",  # goes along with V2
        "alter table shop_old.product disable trigger all",  # V1's capture sleeps
        "alter table items enable trigger items_touched",
    ):
        with tried(session, statements) as conn:
            check(conn, session.run.id, session.plan, after)
    asleep = "update repot.run set phase = 'rolled_back'; alter table items disable trigger user"
    with tried(session, asleep) as conn:  # nobody captures what V2 is given then
        found = explain(conn, session.run.id, session.plan)
        assert not [line for line in found if line.startswith("public.items: the capture")]
    done, _ = rollback(session)
    session = session.at(done)
    assert told(session) == ()
    with tried(session, "alter table product disable trigger user") as conn:
        assert explain(conn, session.run.id, session.plan) == (
            "public.product: the capture triggers are disabled",
        )
    with tried(session, "alter table shop_v2.items enable trigger items_touched") as conn:
        assert len(explain(conn, session.run.id, session.plan)) == 1
