"""The swap itself, in the caller's transaction, one way and the other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from psycopg import errors, sql

from repot.engine import deferred
from repot.engine.swap import (
    memory,
    outside_sql,
    outward_keys,
    publications,
    replica_identity,
    schema_kind,
    sequences,
    tables_kind,
    triggers,
)
from repot.engine.swap.attempts import Clock
from repot.engine.swap.definitions import Definition, Remake, read_definitions, remake
from repot.engine.swap.dependents import Dependent, describe, walk
from repot.engine.swap.locks import (
    LockPlan,
    NotLocked,
    hold_still,
    lock_plan,
    stop_readers,
    stop_writers,
)
from repot.engine.swap.namesakes import Namesakes
from repot.engine.swap.remaking import make_anew
from repot.engine.swap.survey import Survey, survey
from repot.engine.swap.things import Direction, Key, back, forward
from repot.model.errors import RepotError
from repot.model.plan import Plan
from repot.model.schemas import REGISTRY
from repot.postgres.connect import Connection

_SHARE = 0.7  # of deadlock_timeout that writers may wait for locks that are not had
_LAST_MS = 20


@dataclass
class Switch:
    """A swap that has been looked at under locks that keep the catalogs still."""

    conn: Connection
    plan: Plan
    run: int
    clock: Clock
    swap: Survey
    locks: LockPlan
    outside: dict[str, Definition]  # what hangs on the side that goes, as it is now
    remakes: list[Remake]  # those of them that lead to the other side by their names
    counters: sequences.Settings
    rules: dict[int, str]  # of the views: their rules' versions
    deadlock_ms: float  # after which the server looks whether those who wait wait for each other
    left: list[str] = field(default_factory=list)  # objects that stay with the side that goes
    set_sequences: dict[str, int] = field(default_factory=dict)
    _before: list[sql.Composable] = field(
        default_factory=list
    )  # done under the lock, then the move
    _moves: list[sql.Composable] = field(default_factory=list)
    _again: list[Remake] = field(default_factory=list)
    _noting: outside_sql.Noting | None = None

    def stop_writers(self) -> None:
        """From here to the commit nobody writes to the side that serves, nor to captured tables.

        All that can be done without that is done before: call `prepare_v2` or `prepare_v1` first.
        """
        timeout = self.plan.cutover.lock_timeout_ms
        self.clock.locked(stop_writers(self.conn, self.locks, timeout, self.clock.attempt))
        self.clock.guard(self.conn)
        if _rules(self.conn, self.swap) != self.rules:
            raise NotLocked  # somebody has replaced a view since it was looked at

    def prepare_v2(self) -> None:
        """Note what the way back needs, and lay out the swap; nobody waits for this."""
        conn, run, swap = self.conn, self.run, self.swap
        old = triggers.user_triggers(conn, swap.outgoing)
        new = triggers.user_triggers(conn, swap.incoming)
        off, on = outward_keys.take_off(conn, swap)
        memory.forget_moved(conn, run)
        memory.remember_moved(conn, run, "v1", [t.key for t in (*swap.outgoing, *swap.shared)])
        memory.remember_moved(conn, run, "v2", [t.key for t in swap.incoming])
        memory.remember_restore(
            conn,
            run,
            [
                *on,
                *publications.hand_over(conn, swap),
                *triggers.enabling(conn, old),
                *(remake(conn, d) for d in self.outside.values()),
            ],
        )
        replica_identity.take_over(conn, swap)
        waking = triggers.planned_modes(self.plan, new, memory.modes(conn, run))
        keys = outward_keys.put_on(conn, swap, deferred.outward(conn, run))
        deferred.outward_made(conn, run)
        self._before = [
            *triggers.all_to(old, "D"),
            *triggers.changes(new, waking),
            *off,
            *keys.now,
        ]
        self._again = [*self.remakes, *memory.taken_off(conn, run)]
        memory.remember_taken_off(conn, run, [])
        memory.forget_afterwards(conn, run)
        memory.remember_afterwards(conn, run, [*self._again, *keys.checks])
        self._noting = outside_sql.Noting(conn, self.plan, swap)
        self._lay_out()

    def to_v2(self) -> None:
        """V1 goes, V2 comes; with what was prepared."""
        self._swap()
        self._make_anew(self._again)
        self.set_sequences = sequences.set_beyond(self.conn, self.counters)
        self.clock.guard(self.conn)
        assert self._noting is not None
        undo = self._noting.run(self.outside)
        if undo:
            memory.remember_restore(self.conn, self.run, undo)
        self._assert_free()

    def prepare_v1(self) -> None:
        """Lay out the way back; nobody waits for this."""
        conn, run, swap = self.conn, self.run, self.swap
        old = triggers.user_triggers(conn, swap.outgoing)
        off, on = outward_keys.take_off(conn, swap)
        memory.remember_taken_off(conn, run, on)
        memory.remember_moved(conn, run, "v2", [t.key for t in swap.outgoing])
        memory.remember_modes(conn, run, "v2", {t.oid: t.mode for t in old})
        publications.hand_over(conn, swap)
        self._before = [
            *triggers.all_to([*old, *triggers.captures(conn, swap.outgoing)], "D"),
            *triggers.all_to(triggers.captures(conn, swap.incoming), "A"),
            *off,
        ]
        self._again = memory.to_restore(conn, run)
        memory.restored(conn, run)
        memory.forget_afterwards(conn, run)
        memory.remember_afterwards(conn, run, self._again)
        noted = {r.what for r in self._again}
        self.left = [what for what in self.outside if what not in noted]
        self._lay_out()

    def to_v1(self, *, tolerant: bool = False) -> list[str]:
        """V2 goes, V1 comes back, and what the cutover changed outside is put back.

        Gives what could not be put back; unless `tolerant`, that is an error.
        """
        self._swap()
        failures = self._make_anew(self._again, tolerant=tolerant)
        self.set_sequences = sequences.set_beyond(self.conn, self.counters)
        back_files = outside_sql.files(self.plan, back=True)
        outside_sql.run(self.conn, back_files, self.swap.direction.front)
        return failures

    def _lay_out(self) -> None:
        if self.swap.kind == "schema":
            self._moves = schema_kind.statements(self.conn, self.swap)
        else:
            self._moves = tables_kind.statements(self.swap)

    def _swap(self) -> None:
        # A writer who waits for us may hold what we want now, having read it. He would be the one
        # whom the server ends, as he waits for longer: so give up before.
        _, held = self.clock.held_ms()
        left = max(_LAST_MS, int(_SHARE * self.deadlock_ms - held))
        timeout = min(self.plan.cutover.lock_timeout_ms, left)
        stop_readers(self.conn, self.locks, timeout, self.clock.attempt)
        self.clock.guard(self.conn)
        self.conn.execute(sql.SQL(";\n").join([*self._before, *self._moves]))
        self.clock.guard(self.conn)

    def _make_anew(self, remakes: list[Remake], *, tolerant: bool = False) -> list[str]:
        try:
            with self.conn.transaction():
                make_anew(self.conn, remakes, self.outside)
            return []
        except RepotError:
            if not tolerant:
                raise
        failures = []
        for one in remakes:  # as many as can be
            try:
                with self.conn.transaction():
                    make_anew(self.conn, [one], self.outside)
            except RepotError as failed:
                failures.append(f"{one.what}: {failed.evidence}")
        return failures

    def _assert_free(self) -> None:
        """Nothing outside that could have been led to V2 may still hang on V1."""
        seeds = {t.key for t in self.swap.outgoing}
        new = walk(self.conn, seeds) - self.swap.own_parts
        where = self.swap.direction
        inside = (where.front, where.aside, where.waiting)
        found = describe(self.conn, new, seeds)
        rest = [d for d in found if d.remade and d.schema not in inside]
        if rest:
            raise RepotError(
                "outside-still-on-v1",
                "objects outside would still use V1 after the cutover: nothing was changed",
                evidence="; ".join(str(d) for d in rest[:10]),
                hint="give an outside/<name>.sql that drops or rewrites them",
            )


def look(conn: Connection, plan: Plan, run: int, *, to: str, kind: str) -> Survey:
    """Both sides as they are now, while nobody is held up. to, kind: as for `open_switch`."""
    direction: Direction = forward(plan) if to == "v2" else back(plan)
    return survey(conn, direction, kind, memory.moved(conn, run) if to == "v1" else [])


def open_switch(
    conn: Connection,
    plan: Plan,
    run: int,
    clock: Clock,
    *,
    to: str,
    kind: str,
    seen: Survey | None = None,
) -> Switch:
    """Look at both sides and hold their catalogs still; readers and writers go on.

    to: v2 (cutover) or v1 (rollback). kind: tables or schema. seen: by `look`, just before. Raises
    NotLocked.
    """
    outside = [n for n in plan.captured() if n.schema_ not in (plan.source_schema, REGISTRY)]
    if to == "v2":
        outside += [key.references for _, key in outward_keys.of_v2(plan)]
    for _ in range(5):
        before = seen or look(conn, plan, run, to=to, kind=kind)
        seen = None
        locks = lock_plan(conn, before, outside)
        try:
            with conn.transaction():
                hold_still(conn, locks, plan.cutover.lock_timeout_ms)
        except errors.UndefinedTable:
            continue  # dropped since it was seen
        swap = look(conn, plan, run, to=to, kind=kind)
        if lock_plan(conn, swap, outside) == locks:
            return _opened(conn, plan, run, clock, swap, locks)
    raise RepotError(
        "schema-in-motion",
        "tables are being created, dropped or renamed while the switch looks at them",
        hint="stop what changes the schema (migrations, partition maintenance) and try again",
    )


def _opened(
    conn: Connection, plan: Plan, run: int, clock: Clock, swap: Survey, locks: LockPlan
) -> Switch:
    remade = [d for d in swap.dependents if d.remade]
    definitions = read_definitions(conn, [d.key for d in remade])
    ordered = [definitions[d.key] for d in remade if d.key in definitions]
    names = Namesakes(conn, swap)
    by_name = {d.key: d for d in remade if not names.lacking(d)}
    bound = _stand_on_unable(remade, set(by_name))
    row = conn.execute(
        "select extract(epoch from current_setting('deadlock_timeout')::interval) * 1000"
    ).fetchone()
    return Switch(
        deadlock_ms=float(str(row[0])) if row else 1000.0,
        conn=conn,
        plan=plan,
        run=run,
        clock=clock,
        swap=swap,
        locks=locks,
        outside={d.what: d for d in ordered},
        remakes=[remake(conn, d) for d in ordered if d.key in by_name and d.key not in bound],
        counters=sequences.prepare(conn, swap, plan),
        rules=_rules(conn, swap),
    )


def _rules(conn: Connection, swap: Survey) -> dict[int, str]:
    views = [t.oid for t in swap.outgoing if t.kind == "v"]
    views += [d.key[1] for d in swap.dependents if d.kind == "view"]
    rows = conn.execute(
        "select oid::bigint, xmin::text from pg_catalog.pg_rewrite"
        " where ev_class = any (%s::oid[]) and ev_type = '1'",
        (views,),
        prepare=True,
    ).fetchall()
    return {int(str(oid)): str(version) for oid, version in rows}


def _stand_on_unable(remade: Collection[Dependent], able: set[Key]) -> set[Key]:
    """Those that stand on an object which cannot be led over by its names: they stay with it."""
    unable = {d.key for d in remade} - able
    for dependent in remade:  # in dependency order
        if any(need.key in unable for need in dependent.needs):
            unable.add(dependent.key)
    return unable
