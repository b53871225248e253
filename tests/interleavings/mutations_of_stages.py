"""More mistakes, in the copy, the proof and the switches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest

from interleavings import roles
from interleavings.world import World
from repot.engine.prove.aside import Aside
from repot.engine.swap.switch import Switch

cutover = import_module("repot.stages.cutover.stage")  # the package has a function of that name

_ARMED = "begin\n if not exists (select from saved.armed) then return null; end if;\n"


@contextmanager
def applied_while_copying(world: World, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trap 2: nothing by itself; the schedules are told to let the applier begin early."""
    yield


@contextmanager
def armed_after_the_snapshot(world: World, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trap 1: capture begins when the first part has been read."""
    conn, reset, copy_run = world.conn, World.reset, roles.copy_run
    conn.execute("create table saved.armed (at timestamptz default now())")
    definitions = conn.execute(
        "select pg_get_functiondef(p.oid), p.prosrc from pg_proc p"
        " join repot.capture c on p.proname = concat_ws('_', 'capture', c.run, c.direction, c.oid)"
    ).fetchall()
    assert definitions
    for definition, body in definitions:
        late = body.replace("begin\n", _ARMED, 1)
        assert late != body
        conn.execute(definition.replace(body, late).encode())

    def unarmed(self: World) -> None:
        reset(self)
        self.conn.execute("delete from saved.armed")

    def arming(session: Any, conn: Any, fill: Any, run: Any) -> Any:
        copied = copy_run(session, conn, fill, run)
        conn.execute("insert into saved.armed default values")
        return copied

    patch.setattr(World, "reset", unarmed)
    patch.setattr(roles, "copy_run", arming)
    try:
        yield
    finally:
        for definition, _ in definitions:
            conn.execute(definition.encode())
        conn.execute("drop table saved.armed")


@contextmanager
def nothing_set_aside(world: World, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The proof compares rows that wait to be derived anew, too: a false alarm."""
    patch.setattr(Aside, "of", lambda *_: None)
    yield


@contextmanager
def not_emptied_under_the_locks(world: World, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trap 6: the cutover takes the batch before its locks for the last one."""
    patch.setattr(cutover, "finish", lambda *_: (0, 0))
    yield


@contextmanager
def writers_go_on(world: World, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trap 4: the last batch is taken before the writers are stopped."""
    patch.setattr(Switch, "stop_writers", lambda self: self.clock.locked(time.monotonic()))
    yield
