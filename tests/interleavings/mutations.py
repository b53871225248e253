"""Known mistakes, put into Repot on purpose: the schedules must find each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any

import pytest
from psycopg import sql

from interleavings.world import World
from repot.engine.apply import batch
from repot.engine.apply.batch import Batch
from repot.engine.apply.taking import ALL, Taken
from repot.model.names import Name
from repot.model.plan import Derivation, Link, Use

_SIDES = {"INSERT": ["repot_new"], "DELETE": ["repot_old"], "UPDATE": ["repot_old", "repot_new"]}

drain = import_module("repot.engine.apply.drain")  # the package has a function of that name

Mutation = Callable[[World, pytest.MonkeyPatch], Any]


@contextmanager
def located_when_captured(world: World, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trap 17: which rows join a changed one is worked out in the writer's transaction."""
    rows = world.conn.execute(
        "select c.id, c.source, c.columns, p.prosrc, pg_get_functiondef(p.oid)"
        " from repot.capture c join pg_proc p"
        " on p.proname = concat_ws('_', 'capture', c.run, c.direction, c.oid)"
    ).fetchall()
    assert rows
    todo = dict(world.conn.execute("select name, id from repot.work").fetchall())
    for _, source, columns, body, definition in rows:
        notes = _notes(world, source, columns, todo)
        changed = body.replace("return null;\nend", f"{notes}\nreturn null;\nend")
        assert changed != body
        world.conn.execute(definition.replace(body, changed).encode())
    note = batch.note_todo

    def of_its_own_key(
        conn: Any, derivations: Iterable[Derivation], todos: Any, taken: dict[Name, Taken]
    ) -> int:
        cut = [d for d in derivations if any(_cut(u.source, taken) for u in d.uses)]
        near = [
            d if d in cut else d.model_copy(update={"uses": tuple(u for u in d.uses if _near(u))})
            for d in derivations
        ]
        return note(conn, near, todos, taken)

    patch.setattr(batch, "note_todo", of_its_own_key)
    try:
        yield
    finally:
        for *_, definition in rows:
            world.conn.execute(definition.encode())


def _cut(source: Name, taken: dict[Name, Taken]) -> bool:
    return source in taken and taken[source].truncated


def _near(use: Use) -> bool:
    return use.link is None or use.link.locate_view is None


def _notes(world: World, source: str, columns: list[str], todo: dict[str, int]) -> str:
    """Statements of a trigger that note the scopes which the rows just written touch."""
    parts = []
    for event, sides in _SIDES.items():
        keys = " union ".join(f"select {', '.join(columns)} from {side}" for side in sides)
        fields = ", ".join(f"c{n + 1}" for n in range(len(columns)))
        parts.append(f"if tg_op = '{event}' then")
        for d in world.plan.moves:
            for use in d.uses:
                if str(use.source) == source and use.link and use.link.locate_view:
                    mine = [f"k.c{columns.index(c) + 1}" for c in use.link.capture]
                    parts.append(_note(d, use.link, todo[d.name], f"({keys}) k ({fields})", mine))
        parts.append("end if;")
    return "\n".join(parts)


def _note(d: Derivation, link: Link, todo: int, keys: str, mine: list[str]) -> str:
    scope = ", ".join(f"s{n + 1}" for n in range(len(d.scope)))
    assert link.locate_view is not None
    view = sql.Identifier(link.locate_view.schema_, link.locate_view.name).as_string(None)
    links = ", ".join(f"l.repot_link_{n + 1}" for n in range(len(mine)))
    return (
        f"insert into repot.todo_{todo} ({scope}) select {', '.join('l.' + c for c in d.scope)}"
        f" from {view} l join {keys} on ({links}) = ({', '.join(mine)})"
        f" where l.{d.scope[0]} is not null;"
    )


@contextmanager
def cleared_at_the_end(world: World, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is in the log when a batch ends is taken for done: it was derived with an older snapshot
    than the one in which it is taken off."""
    end = Batch.end

    def clearing(self: Batch) -> Any:
        for captured in self.captured:
            self.conn.execute(
                sql.SQL("delete from {}").format(sql.Identifier("repot", captured.log.name))
            )
        return end(self)

    locate = Batch.locate
    patch.setattr(Batch, "locate", lambda self, _: locate(self, ALL))
    patch.setattr(Batch, "end", clearing)
    patch.setattr(drain, "one_snapshot", lambda *_: nullcontext())
    yield


@contextmanager
def without_the_lane(world: World, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trap 16: two appliers of one key; the one with the older snapshot writes last. They pass over
    what the other has taken, as readers of a queue do."""

    def passing_over(text: str) -> str:
        return re.sub(
            r"(select ctid from \S+ where .*? limit \d+)\)", r"\1 for update skip locked)", text
        )

    patch.setattr(world.pool, "edit", passing_over)
    patch.setattr(batch, "hold_lane", lambda *_: None)
    patch.setattr(drain, "lane", lambda *_, **__: nullcontext())
    patch.setattr(drain, "one_snapshot", lambda *_: nullcontext())
    yield
