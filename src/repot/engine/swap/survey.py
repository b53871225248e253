"""Who goes, who comes, who stays, and what hangs on those who go."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from repot.engine.swap.dependents import Dependent, describe, reach, walk, with_needs
from repot.engine.swap.sql import load
from repot.engine.swap.things import TABLES, Direction, Key, Thing, list_things
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Survey:
    """The swap as it would be made now."""

    direction: Direction
    kind: str  # tables or schema
    outgoing: tuple[Thing, ...]
    incoming: tuple[Thing, ...]
    staying: tuple[Thing, ...]  # in front, before and after: extensions' members among them
    aside: tuple[Thing, ...]  # what is there already where the outgoing go
    dependents: tuple[Dependent, ...]  # outside of both sides; in the order in which to remake them
    entangled: tuple[Dependent, ...]  # of the side that comes, and yet bound to the side that goes
    own_parts: frozenset[Key]  # whatever else depends on those who go: parts of them, Repot's views

    def tables(self, side: str) -> tuple[Thing, ...]:
        """Tables, partitions among them, of one side: v1 or v2."""
        things = self.outgoing if side == self.direction.leaving else self.incoming
        return tuple(t for t in things if t.kind in TABLES)

    @property
    def shared(self) -> tuple[Thing, ...]:
        """Sequences that serve both sides and stay where they are."""
        return tuple(t for t in self.staying if t.kind == "S" and t.extension is None)

    def namesake(self, thing: Thing) -> Thing | None:
        """What comes under the name (and signature) of a thing that goes."""
        return self._coming.get(thing.clash)

    @cached_property
    def _coming(self) -> dict[tuple[str, str, str], Thing]:
        return {t.clash: t for t in self.incoming}


def survey(
    conn: Connection,
    direction: Direction,
    kind: str,
    moved: Collection[tuple[str, Key]] = (),
) -> Survey:
    """Look at the catalogs; `moved` are the things that an earlier swap moved: (side, key).

    Cutover: all of the waiting schema comes. Rollback: what the cutover had moved comes back.
    """
    things = list_things(conn, direction.schemas, direction.schemas)
    front = [t for t in things if t.schema == direction.front]
    waiting = [t for t in things if t.schema == direction.waiting and t.extension is None]
    back_again = {key for side, key in moved if side == direction.coming}
    if direction.coming == "v1" and kind == "tables":
        waiting = [t for t in waiting if t.key in back_again]
    going = _going(conn, direction, kind, front, waiting, moved)
    keys = {t.key for t in going}
    reached = walk(conn, keys)
    found = describe(conn, reached, keys)
    coming = {t.key for t in waiting}
    inside = (direction.waiting, direction.aside)
    dependents = [d for d in found if d.schema not in inside and d.key not in coming]
    return Survey(
        direction=direction,
        kind=kind,
        outgoing=tuple(going),
        incoming=tuple(waiting),
        staying=tuple(t for t in front if t.key not in keys),
        aside=tuple(t for t in things if t.schema == direction.aside),
        dependents=tuple(with_needs(conn, dependents)),
        entangled=tuple(d for d in found if d.schema == direction.waiting or d.key in coming),
        own_parts=frozenset(reached - {d.key for d in dependents}),
    )


def _going(
    conn: Connection,
    direction: Direction,
    kind: str,
    front: list[Thing],
    waiting: list[Thing],
    moved: Collection[tuple[str, Key]],
) -> list[Thing]:
    """With the schema goes everything but extensions. Else: all relations, the things that an
    earlier swap brought, those whose names the other side brings too, and what is bound to them."""
    own = [t for t in front if t.extension is None]
    if kind == "schema":
        return own
    brought = {key for side, key in moved if side == direction.leaving}
    names = {t.clash for t in waiting} | {("type", t.name, "") for t in waiting if t.is_relation}
    here_already = {key for side, key in moved if side == direction.coming}
    shared = _shared_sequences(conn, own, waiting) | here_already
    keys = {
        t.key
        for t in own
        if t.clash in names or (t.key not in shared if t.is_relation else t.key in brought)
    }
    keys |= {d.key for d in reach(conn, keys) if d.schema == direction.front}
    return [t for t in own if t.key in keys]


def _shared_sequences(conn: Connection, own: list[Thing], waiting: list[Thing]) -> set[Key]:
    """Sequences that no column owns and that the coming side uses too: they stay where they are."""
    sequences = [t.oid for t in own if t.kind == "S"]
    relations = [t.oid for t in waiting if t.is_relation]
    rows = conn.execute(
        load("shared_sequences.sql"),
        {"sequences": sequences, "relations": relations},
        prepare=True,
    ).fetchall()
    used = {int(str(r[0])) for r in rows}
    return {t.key for t in own if t.kind == "S" and t.oid in used}
