"""The soak of bench/soak.py, short: there, back and there again under load, and nothing is lost; and
each of its checks fails where something is lost on purpose."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from repot.demo.systems import find_system
from repot.embedded import EmbeddedServer
from repot.service import open_project
from support.sql import connect, rows
from support.sql import run as execute

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from live import SYSTEM, House, Peer, Writers, furnished
from soak import Soak, figures, soak
from torn import Torn, look, watch

SEED, RATE = 11, 40.0


def test_nothing_is_lost_there_and_back_and_there_again(database: str, tmp_path: Path) -> None:
    place = furnished(database, 1500, SEED, tmp_path)
    with Peer(Writers, database, 2, SEED, RATE) as writers:
        done = Soak(place, writers)
        soak(done, seconds=10)
    found = figures(done)
    assert found["troubles"] == [], f"seed {SEED}"
    assert [one.serves for one in done.judged] == ["V1", "V2", "V1", "V2"]
    acknowledged = [0, *(one.acknowledged for one in done.judged)]
    assert all(b - a > 10 for a, b in pairwise(acknowledged))
    assert all(one.compared_rows > 1000 for one in done.judged)
    assert [s.what for s in done.switches] == ["cutover", "rollback", "cutover again"]
    assert all(s.pause_ms > 0 and s.writer_ms > 0 for s in done.switches)
    assert found["lag"]["forward"]["looks"] > 5
    assert found["lag"]["back"]["looks"] > 5


# ---------------------------------------------------------------------------- lost on purpose


@pytest.fixture(scope="module")
def proven(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with a small V1, copied and proven."""
    name = "nothing_lost"
    dsn = server.create_database(name)
    place = furnished(dsn, 1000, SEED, tmp_path_factory.mktemp("backups"))
    place.runner.copy()
    assert place.runner.verify().passed
    yield name
    server.drop_database(name)


@pytest.fixture
def written(
    make_database: Callable[..., str], proven: str, tmp_path: Path
) -> Iterator[tuple[Soak, str]]:
    """A soak of a copy of it that was written for a second, and that nobody follows."""
    dsn = make_database(proven)
    place = House(dsn, open_project(find_system(SYSTEM).folder, dsn), tmp_path)
    with Peer(Writers, dsn, 1, SEED, 2 * RATE) as writers:
        writers.ask("start")
        time.sleep(1)
        writers.ask("pause")
        yield Soak(place, writers, patience_s=0.1), dsn


def test_what_was_captured_and_never_carried_over_is_noticed(written: tuple[Soak, str]) -> None:
    done, dsn = written
    judged = done.judge("nobody follows", go_on=False)
    assert judged.waiting > 0
    assert judged.missing == []
    assert any(trouble.startswith("waiting") for trouble in judged.troubles())
    ((log,),) = rows(dsn, "select log from repot.capture where source = 'public.samples'")
    assert rows(dsn, f"delete from repot.{log} returning 1")
    done.place.runner.follow(once=True)
    judged = done.judge("lost", go_on=False)
    assert judged.waiting == 0
    assert {difference.partition(":")[0] for difference in judged.differences} == {"samples"}


def test_acknowledged_writes_that_are_gone_on_both_sides_are_noticed(
    written: tuple[Soak, str],
) -> None:
    done, dsn = written
    execute(dsn, "delete from public.products_tags; delete from public.tags")
    done.place.runner.follow(once=True)
    judged = done.judge("lost", go_on=False)
    assert judged.differences == []  # they are equal all the same
    assert any(sentence.startswith("tag ") for sentence in judged.missing)


def test_rows_that_are_lost_changed_or_doubled_by_hand_are_noticed(
    written: tuple[Soak, str],
) -> None:
    done, dsn = written
    done.place.runner.follow(once=True)
    judged = done.judge("carried over", go_on=False)
    assert judged.troubles() == []
    execute(
        dsn,
        "delete from dropskills_v2.samples"
        " where id = (select id from dropskills_v2.samples limit 1)",
    )
    execute(
        dsn,
        "update dropskills_v2.trending_ideas set title = title || ' '"
        " where id = (select id from dropskills_v2.trending_ideas limit 1)",
    )
    execute(
        dsn,
        "alter table dropskills_v2.favorites drop constraint favorites_pkey;"
        " insert into dropskills_v2.favorites select * from dropskills_v2.favorites limit 1",
    )
    execute(
        dsn,
        "alter table public.categories disable trigger repot_capture_upd;"
        " update public.categories set description = 'lost'"
        " where id = (select id from public.categories limit 1)",
    )
    judged = done.judge("lost", go_on=False)
    lacking = {
        "in the view, not in V2",
        "back from the moves, not from V2",
        "in V1, not back from V2",
    }
    too_much = {"in V2, not in its view", "back from V2, not from the moves"}
    found: dict[str, set[str]] = {}
    for sentence in judged.differences:
        table, words, _ = sentence.split(": ", 2)
        found.setdefault(table, set()).add(words)
    assert found == {
        "samples": lacking,
        "trending_ideas": lacking | too_much,
        "favorites": too_much,
        "categories": lacking | too_much,
    }
    assert {sentence.partition(":")[0] for sentence in judged.duplicates} == {
        "dropskills_v2.favorites",
        "repot_back.favorites",
    }


def test_a_transaction_on_both_sides_of_a_switch_is_noticed(database: str) -> None:
    execute(
        database,
        """
        create schema repot; create schema old; create schema new; create schema auth;
        create table repot.evidence (id bigint generated always as identity, kind text);
        create table auth.users (id int primary key);
        create table public.a (x int);
        create table public.b (x int references auth.users on delete set null);
        create table new.b (x int references auth.users on delete set null);
        insert into auth.users values (1), (2);
        insert into public.b values (1), (2); insert into new.b values (1), (2)
        """,
    )
    with connect(database) as torn, connect(database) as other, connect(database) as switch:
        watch(switch)
        other.execute("delete from auth.users where id = 1")  # through its keys in b of both sides
        torn.execute("begin")
        torn.execute("insert into a values (1)")  # so the switch had better wait, but does not
        switch.execute(
            "begin; alter table public.b set schema old; alter table new.b set schema public;"
            " insert into repot.evidence (kind) values ('cutover'); commit"
        )
        torn.execute("insert into b values (2)")
        torn.execute("commit")
        other.execute("delete from auth.users where id = 2")
        assert look(switch, "cutover") == Torn(before=2, after=2, both=1)
