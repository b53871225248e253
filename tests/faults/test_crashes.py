"""`kill -9` of the client and immediate stop of the server, at random moments of copy and cutover.

Afterwards the same command goes on, and the end is that of an undisturbed run: nothing twice,
nothing missing. The seed of each case is in its name; --crashes all tries more of them, and
REPOT_FAULTS=60 that many.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from repot import service
from repot.embedded import EmbeddedServer
from repot.lifecycle.runner import Runner
from repot.model.errors import RepotError
from support.shop import copy_project, make_v1
from support.sql import rows, run

CASES = {"few": 2, "some": 4, "all": 20}

MORE_ROWS = """
insert into product (id, name, price, category_id, labels)
select n, 'Pack ' || n % 900, n * 0.1, 1 + n % 5, array['l' || n % 7, 'm']
  from generate_series(1001, 16000) n;
insert into purchase (customer_id, product_id, amount)
select 1 + n % 90, 1001 + n % 14000, n * 0.01 from generate_series(1, 20000) n;
"""

CHILD = """
import sys
from pathlib import Path
from repot import service
runner = service.open_project(Path(sys.argv[2]), sys.argv[3])
print("ready", flush=True)
getattr(runner, sys.argv[1])()
"""

# Everything that a user can see of the end: names, kinds, owners, indexes, constraints, triggers.
SHAPE = """
select 'relation', n.nspname, c.relname, c.relkind::text, pg_get_userbyid(c.relowner)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ('public', 'shop_v2', 'shop_old') and c.relkind <> 't'
union all
select 'constraint', n.nspname, t.relname, c.conname, pg_get_constraintdef(c.oid)
  from pg_constraint c join pg_class t on t.oid = c.conrelid
  join pg_namespace n on n.oid = t.relnamespace
 where n.nspname in ('public', 'shop_v2', 'shop_old')
union all
select 'trigger', n.nspname, t.relname, g.tgname, g.tgenabled::text
  from pg_trigger g join pg_class t on t.oid = g.tgrelid
  join pg_namespace n on n.oid = t.relnamespace
 where not g.tgisinternal and n.nspname in ('public', 'shop_v2', 'shop_old')
order by 1, 2, 3, 4, 5
"""


@dataclass(frozen=True)
class World:
    """A durable server, databases to begin from, and what an undisturbed run takes and gives."""

    server: EmbeddedServer
    folder: Path
    seconds: dict[str, float]
    shapes: dict[str, list[tuple[object, ...]]]

    def runner(self, dsn: str) -> Runner:
        return service.open_project(self.folder, dsn)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = copy_project(tmp_path_factory.mktemp("faults"))
    with EmbeddedServer(durable=True, settings={"wal_level": "logical"}) as server:
        dsn = server.create_database("before_copy")
        make_v1(dsn)
        run(dsn, MORE_ROWS + "analyze;")
        seconds, shapes = {}, {}
        runner = service.open_project(folder, dsn_of(server, "copy_done", "before_copy"))
        runner.backup(folder / "backups")
        for stage in ("copy", "cutover"):
            if stage == "cutover":
                assert runner.verify().passed
                server.create_database("before_cutover", "copy_done")
            start = time.monotonic()
            getattr(runner, stage)()
            seconds[stage] = time.monotonic() - start
            shapes[stage] = rows(runner.dsn, SHAPE)
        yield World(server, folder, seconds, shapes)


def dsn_of(server: EmbeddedServer, name: str, template: str) -> str:
    return server.create_database(name, template)


def disturb(world: World, stage: str, dsn: str, seed: int) -> str:
    """Begin `stage` in a process of its own and break it at a random moment; says what was done."""
    rng = random.Random(seed)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, stage, str(world.folder), dsn],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        return _break(world, child, rng, stage)
    finally:
        child.kill()
        child.communicate(timeout=30)


def _break(world: World, child: subprocess.Popen[str], rng: random.Random, stage: str) -> str:
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    delay = rng.uniform(0, 1.1) * world.seconds[stage]
    time.sleep(delay)
    if rng.random() < 0.5:
        child.kill()
        child.wait(30)
        return f"client killed after {delay:.2f} s"
    if rng.random() < 0.5:
        world.server.restart("immediate")
    else:
        world.server.kill()
        world.server.start()
    child.wait(60)
    return f"server stopped after {delay:.2f} s"


def settled(dsn: str) -> None:
    """Wait until the server has noticed that the client is gone."""
    for _ in range(200):
        try:
            busy = rows(
                dsn,
                "select 1 from pg_stat_activity where application_name like 'repot%'"
                " and datname = current_database()",
            )
        except psycopg.OperationalError:
            busy = [(1,)]
        if not busy:
            return
        time.sleep(0.05)
    raise AssertionError("the killed client's sessions are still there")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cases = CASES[metafunc.config.getoption("--crashes")]
    metafunc.parametrize("seed", range(int(os.environ.get("REPOT_FAULTS", cases))))


def test_the_same_command_goes_on(world: World, seed: int) -> None:
    stage = ("copy", "cutover")[seed % 2]
    name = f"fault_{seed}"
    dsn = world.server.create_database(name, f"before_{stage}")
    try:
        what = disturb(world, stage, dsn, seed)
        settled(dsn)
        runner = world.runner(dsn)
        again(runner, stage)
        assert rows(dsn, SHAPE) == world.shapes[stage], what
        if stage == "copy":
            verdict = runner.verify()
            assert verdict.passed, (what, verdict.reasons)
            assert rows(dsn, "select count(*) from repot.chunk where done_at is null") == [(0,)]
        else:
            assert service.status(runner).phase == "cut_over", what
            assert rows(dsn, "select count(*) from public.items") == [(15460,)]
            assert rows(dsn, "select count(*) from shop_old.product") == [(15400,)]
    finally:
        world.server.drop_database(name)


def again(runner: Runner, stage: str) -> None:
    """The same command until it is through; an error must leave it able to go on."""
    for attempt in range(3):
        try:
            getattr(runner, stage)()
        except RepotError:
            if attempt == 2:
                raise
            time.sleep(0.5)
        else:
            return
