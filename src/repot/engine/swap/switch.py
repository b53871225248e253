"""The swap itself, in the caller's transaction, one way and the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from psycopg import errors, sql

from repot.engine import deferred
from repot.engine.swap import (
    memory,
    outside_sql,
    outward_keys,
    schema_kind,
    sequences,
    tables_kind,
    triggers,
)
from repot.engine.swap.attempts import Clock
from repot.engine.swap.definitions import Definition, Remake, remake
from repot.engine.swap.dependents import beyond, describe
from repot.engine.swap.locks import (
    NotLocked,
    NotStill,
    hold_still,
    in_the_way,
    stop_readers,
    stop_writers,
)
from repot.engine.swap.opening import Seen, rules, see
from repot.engine.swap.remaking import make_anew
from repot.engine.swap.stamp import stamp
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import Key
from repot.model.errors import RepotError
from repot.model.plan import Plan
from repot.postgres.compose import joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.plans import kept

_SHARE = 0.7  # of deadlock_timeout that writers may wait for locks that are not had
_LAST_MS = 20


@dataclass
class Switch:
    """A swap that has been looked at; from `hold_still` on what was seen stays as it is."""

    conn: Connection
    plan: Plan
    run: int
    clock: Clock
    seen: Seen
    stamp: str | None  # of the catalogs when it was seen; None: they are held still
    deadlock_ms: float  # after which the server looks whether those who wait wait for each other
    left: list[str] = field(default_factory=list)  # objects that stay with the side that goes
    set_sequences: dict[str, int] = field(default_factory=dict)
    _moves: sql.Composable = field(default_factory=lambda: sql.SQL(""))
    _again: list[Remake] = field(default_factory=list)

    @property
    def swap(self) -> Survey:
        """Who goes, who comes, who stays."""
        return self.seen.swap

    @property
    def outside(self) -> dict[str, Definition]:
        """What hangs on the side that goes."""
        return self.seen.outside

    def in_the_way(self, beside: Connection, waited_s: float) -> bool:
        """Whether somebody is at the side that goes who should be waited for, after so many
        seconds. beside: another connection, in autocommit."""
        return in_the_way(beside, self.seen.locks, self.conn.info.backend_pid, waited_s)

    def hold_still(self) -> None:
        """From here on there is no DDL on the tables of either side; readers and writers go on, a
        TRUNCATE waits. Raises NotLocked, also where somebody has changed what was seen."""
        conn, seen = self.conn, self.seen
        if self.stamp is not None:
            try:
                hold_still(conn, seen.locks, self.plan.cutover.lock_timeout_ms)
            except errors.UndefinedTable as failed:
                raise NotStill from failed
            if stamp(conn) != self.stamp:
                raise NotStill
            self.stamp = None
        now = [*seen.identities, *seen.published.now]
        if now:
            with kept(conn):
                conn.execute(sql.SQL(";\n").join(now))

    def stop_writers(self) -> None:
        """From here to the commit nobody writes to the side that serves, nor to captured tables.

        All that can be done without that is done before: call `prepare_v2` or `prepare_v1` first,
        and `hold_still`.
        """
        timeout = self.plan.cutover.lock_timeout_ms
        self.clock.locked(stop_writers(self.conn, self.seen.locks, timeout, self.clock.attempt))
        self.clock.guard(self.conn)
        if rules(self.conn, self.swap) != self.seen.rules:
            raise NotLocked  # somebody has replaced a view since it was looked at

    def prepare_v2(self) -> None:
        """Note what the way back needs, and lay out the swap; nobody waits for this."""
        conn, run, swap, seen = self.conn, self.run, self.swap, self.seen
        memory.forget_moved(conn, run)
        memory.remember_moved(conn, run, "v1", [t.key for t in (*swap.outgoing, *swap.shared)])
        memory.remember_moved(conn, run, "v2", [t.key for t in swap.incoming])
        memory.remember_restore(
            conn,
            run,
            [
                *seen.taken.on,
                *seen.published.restore,
                *triggers.enabling(conn, seen.old),
                *(remake(conn, d) for d in seen.outside.values()),
            ],
        )
        waking = triggers.planned_modes(self.plan, seen.new, memory.modes(conn, run))
        keys = outward_keys.put_on(conn, swap, deferred.outward(conn, run))
        deferred.outward_made(conn, run)
        before = [
            *triggers.all_to(seen.old, "D"),
            *triggers.changes(seen.new, waking),
            *seen.taken.off,
            *keys.now,
        ]
        self._again = [*seen.remakes, *memory.taken_off(conn, run)]
        memory.remember_taken_off(conn, run, [])
        memory.forget_afterwards(conn, run)
        memory.remember_afterwards(conn, run, [*self._again, *keys.checks])
        self._still_on_old()  # planned now
        self._lay_out(before)

    def to_v2(self) -> None:
        """V1 goes, V2 comes; with what was prepared."""
        self._swap()
        with kept(self.conn):
            self._make_anew(self._again)
        self.set_sequences = sequences.set_beyond(self.conn, self.seen.counters)
        self.clock.guard(self.conn)
        undo = self.seen.noting.run(self.outside)
        if undo:
            memory.remember_restore(self.conn, self.run, undo)
        self._assert_free()

    def prepare_v1(self) -> None:
        """Lay out the way back; nobody waits for this."""
        conn, run, swap, seen = self.conn, self.run, self.swap, self.seen
        memory.remember_taken_off(conn, run, seen.taken.on)
        memory.remember_moved(conn, run, "v2", [t.key for t in swap.outgoing])
        memory.remember_modes(conn, run, "v2", {t.oid: t.mode for t in seen.old})
        before = [
            *triggers.all_to([*seen.old, *triggers.captures(conn, swap.outgoing)], "D"),
            *triggers.all_to(triggers.captures(conn, swap.incoming), "A"),
            *seen.taken.off,
        ]
        self._again = memory.to_restore(conn, run)
        memory.restored(conn, run)
        memory.forget_afterwards(conn, run)
        memory.remember_afterwards(conn, run, self._again)
        noted = {r.what.removeprefix(outside_sql.MADE) for r in self._again}
        self.left = [what for what in self.outside if what not in noted]
        self._lay_out(before)

    def to_v1(self, *, tolerant: bool = False) -> list[str]:
        """V2 goes, V1 comes back, and what the cutover changed outside is put back.

        Gives what could not be put back; unless `tolerant`, that is an error.
        """
        self._swap()
        failures = self._make_anew(self._again, tolerant=tolerant)
        self.set_sequences = sequences.set_beyond(self.conn, self.seen.counters)
        back_files = outside_sql.files(self.plan, back=True)
        outside_sql.run(self.conn, back_files, self.swap.direction.front)
        return failures

    def _lay_out(self, before: Sequence[sql.Composable]) -> None:
        """The move, with what comes before it under the locks."""
        if self.swap.kind == "schema":
            moves = schema_kind.statements(self.conn, self.swap)
        else:
            moves = tables_kind.statements(self.swap)
        # As text: to compose it takes time, too.
        self._moves = trusted(joined([*before, *moves], "; ").as_string(self.conn))

    def _swap(self) -> None:
        # A writer who waits for us may hold what we want now, having read it. He would be the one
        # whom the server ends, as he waits for longer: so give up before.
        _, held = self.clock.held_ms()
        left = max(_LAST_MS, int(_SHARE * self.deadlock_ms - held))
        timeout = min(self.plan.cutover.lock_timeout_ms, left)
        self.clock.check()
        then = [*self.clock.guarding(), self._moves]
        stop_readers(self.conn, self.seen.locks, timeout, self.clock.attempt, then)
        self.clock.guard(self.conn)

    def _make_anew(self, remakes: list[Remake], *, tolerant: bool = False) -> list[str]:
        try:
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
        new, seeds = self._still_on_old()
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

    def _still_on_old(self) -> tuple[set[Key], set[Key]]:
        """What depends on the side that goes and is no part of it; and that side."""
        seeds = {t.key for t in self.swap.outgoing}
        return beyond(self.conn, self.swap.own_parts | seeds, seeds), seeds


def open_switch(
    conn: Connection,
    plan: Plan,
    run: int,
    clock: Clock,
    *,
    to: str,
    kind: str,
    refuse: Callable[[Survey], None] = lambda _: None,
) -> Switch:
    """Look at both sides, in a transaction that has a number; nobody is held up, as a rule.

    to: v2 (cutover) or v1 (rollback). kind: tables or schema. refuse: raises where what is seen
    cannot be. Raises NotLocked.
    """
    seen, known = see(conn, plan, run, to=to, kind=kind, moved=clock.moved, refuse=refuse)
    row = conn.execute(
        "select extract(epoch from current_setting('deadlock_timeout')::interval) * 1000"
    ).fetchone()
    deadlock_ms = float(str(row[0])) if row else 1000.0
    return Switch(conn, plan, run, clock, seen, known, deadlock_ms)
