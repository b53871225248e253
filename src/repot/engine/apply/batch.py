"""One batch of captured changes, in one transaction: take, locate, derive anew, write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from psycopg import sql

from repot.engine import todo as todos_of
from repot.engine import wal
from repot.engine.apply import poison
from repot.engine.apply.acting import note_what_keys_change
from repot.engine.apply.closure import work_out_closed
from repot.engine.apply.derive import Place, work_out, write
from repot.engine.apply.locating import note_todo, note_touched, touched, touched_whole
from repot.engine.apply.names import Names
from repot.engine.apply.new_keys import allocate_new, keys_table
from repot.engine.apply.order import parents_first
from repot.engine.apply.remember import remember
from repot.engine.apply.scope import Bucket, Scope, empty, pick
from repot.engine.apply.scope import waiting as todo_waiting
from repot.engine.apply.taking import ALL, OWN, Taken, take, taken_table
from repot.engine.apply.taking import waiting as logs_waiting
from repot.engine.apply.temporary import Temporary
from repot.engine.apply.work import Work
from repot.engine.capture import BACK, FORWARD, Captured, read
from repot.model.errors import RepotError
from repot.model.names import Name
from repot.model.plan import Derivation, Plan
from repot.model.results import DrainResult, PoisonRow
from repot.model.state import Phase
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection
from repot.postgres.together import together

_SWITCH = "repot.switch"


@dataclass
class Applied:
    """What a batch has done so far."""

    changes: int = 0
    keys: int = 0
    tables: dict[str, int] | None = None
    poison: tuple[PoisonRow, ...] = ()
    noted: int = 0

    def add(self, scopes: Sequence[Scope], written: dict[str, int]) -> None:
        self.keys += sum(s.count for s in scopes)
        self.tables = self.tables or {}
        for name, rows in written.items():
            self.tables[name] = self.tables.get(name, 0) + rows

    def result(self) -> DrainResult:
        tables = self.tables or {}
        return DrainResult(
            changes=self.changes,
            keys=self.keys,
            written=sum(tables.values()),
            tables=tables,
            poison=self.poison,
            noted=self.noted,
        )


def hold_switch(conn: Connection, run_id: int) -> None:
    """One switch at a time; and until the transaction ends nobody else applies anything, so that
    little is left to be done under the switch's locks."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, %s))", (_SWITCH, run_id))


def hold_lane(conn: Connection, run_id: int, direction: str) -> None:
    """Let no other applier of this direction work until the transaction ends."""
    conn.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, %s))", (_lane(direction), run_id)
    )


@contextmanager
def lane(
    conn: Connection, run_id: int, direction: str, *, switching: bool = False
) -> Iterator[None]:
    """The same for the session, for a transaction whose snapshot must be later.

    switching: on behalf of a switch; others wait until there is none.
    """
    key = (_lane(direction), run_id)
    with nullcontext() if switching else no_switch(conn, run_id):
        conn.execute("select pg_advisory_lock(hashtextextended(%s, %s))", key)
        try:
            yield
        finally:
            if not conn.closed:
                conn.execute("select pg_advisory_unlock(hashtextextended(%s, %s))", key)


@contextmanager
def no_switch(conn: Connection, run_id: int) -> Iterator[None]:
    """Wait until no switch is under way, and let none begin."""
    key = (_SWITCH, run_id)
    conn.execute("select pg_advisory_lock_shared(hashtextextended(%s, %s))", key)
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("select pg_advisory_unlock_shared(hashtextextended(%s, %s))", key)


def lay_out_back(conn: Connection, run_id: int, plan: Plan) -> None:
    """The same of the way back."""
    temp = Temporary(conn)
    todos = todos_of.read(conn, run_id, BACK)
    place = Place(BACK, plan.source, Names(conn, run_id))
    _lay_out_logs(conn, temp, run_id)
    for d in todos_of.derivations(plan, BACK):
        if d.name in todos:
            work_out(conn, temp, place, [empty(temp, d, todos[d.name])])
    temp.tell_planner()


def lay_out(conn: Connection, run_id: int, plan: Plan, *, only_given: bool = False) -> None:
    """Make the temporary tables of the way there now: under a switch's locks there is no time.

    only_given: as of the batches that will use them.
    """
    temp = Temporary(conn)
    todos = todos_of.read(conn, run_id, FORWARD)
    place = Place(FORWARD, plan.target, Names(conn, run_id), only_given=only_given)
    _lay_out_logs(conn, temp, run_id)
    for number, registry in enumerate(plan.registries):
        keys_table(temp, run_id, number, registry)
    for d in plan.moves:
        empty(temp, d, todos[d.name], "prove")
        work_out(conn, temp, place, [empty(temp, d, todos[d.name])])
    temp.tell_planner()


def _lay_out_logs(conn: Connection, temp: Temporary, run_id: int) -> None:
    """The tables that changes are taken into, of both directions."""
    for captured in (*read(conn, run_id, FORWARD), *read(conn, run_id, BACK)):
        taken_table(temp, captured)


def _lane(direction: str) -> str:
    return f"repot.apply.{direction}"


class Batch:
    """The appliers' work inside a transaction that the caller has begun.

    A change is seen by the derived rows if its log row was: READ COMMITTED, where they are derived
    with a later snapshot than took the keys, or REPEATABLE READ, where it is one and the same. The
    latter must have begun after the lane was free (trap 16: the older snapshot would write last);
    it makes of V2 what V1 was at one moment, over all tables.

    bucket: one of several appliers, which only applies, and only its share; None: the only one.
    only_given: V2's columns that the moves do not give are its own. shared: others write the tables
    that are written here, too.
    """

    def __init__(
        self,
        conn: Connection,
        run_id: int,
        plan: Plan,
        direction: str,
        bucket: Bucket | None = None,
        *,
        only_given: bool = False,
        shared: bool = False,
    ) -> None:
        self.conn, self.run_id, self.plan, self.direction = conn, run_id, plan, direction
        self.bucket = bucket
        self._take_lane()  # before the run's row, as everybody does
        # The epoch and the phase stay as they are until this transaction ends.
        row = conn.execute(
            "select epoch, phase from repot.run where id = %s for share", (run_id,)
        ).fetchone()
        if row is None:
            raise RepotError("run-gone", f"run {run_id} is not in this database any more")
        self.epoch, self.phase = int(str(row[0])), Phase(str(row[1]))
        conn.execute(
            "insert into repot.own_transaction values (pg_catalog.pg_current_xact_id())"
            " on conflict do nothing"
        )
        if direction == BACK and plan.capture.wal:
            wal.mark_own(conn, run_id)
        self.temp = Temporary(conn)
        self.names = Names(conn, run_id)
        self._catalog = plan.source if direction == BACK else plan.target
        self._derived = todos_of.derivations(plan, direction)
        self.place = Place(direction, self._catalog, self.names, self._derived, only_given, shared)
        self.done = Applied()
        self._captured: tuple[Captured, ...] | None = None
        self._todos: dict[str, todos_of.Todo] | None = None
        self._derivations: list[Derivation] | None = None

    # Read when they are needed: a batch that comes too late, after a switch, needs none of them,
    # and may not find them any more. (functools.cached_property has one lock for all instances
    # before Python 3.12: appliers in other threads would wait for this one's query.)

    @property
    def captured(self) -> tuple[Captured, ...]:
        """What is logged in this direction."""
        if self._captured is None:
            self._captured = read(self.conn, self.run_id, self.direction)
        return self._captured

    @property
    def todos(self) -> dict[str, todos_of.Todo]:
        """What is to be derived anew, by name."""
        if self._todos is None:
            self._todos = todos_of.read(self.conn, self.run_id, self.direction)
        return self._todos

    @property
    def derivations(self) -> list[Derivation]:
        """What is derived in this direction, parents first."""
        if self._derivations is None:
            ordered = parents_first(self._derived, self._catalog)
            self._derivations = [d for d in ordered if d.name in self.todos]
        return self._derivations

    def _take_lane(self) -> None:
        """A key belongs to one applier at a time (trap 16); the locks go with the transaction."""
        if self.bucket is None:
            hold_lane(self.conn, self.run_id, self.direction)
            return
        self.conn.execute(
            "select pg_advisory_xact_lock_shared(hashtextextended(%s, %s))",
            (_lane(self.direction), self.run_id),
        )
        self.conn.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, %s))",
            (f"repot.bucket.{self.direction}.{self.bucket.number}/{self.bucket.of}", self.run_id),
        )

    def locate(self, limit: int) -> int:
        """Take up to `limit` changes off each log and note the scopes they touch; how many."""
        return self.note(self.take(limit))

    def take(self, limit: int, *, commit_times: bool = False) -> dict[Name, Taken]:
        """The first half of `locate`: up to `limit` changes, off each log."""
        self.temp = Temporary(self.conn)
        return take(self.conn, self.temp, self.captured, limit=limit, commit_times=commit_times)

    def note(self, taken: dict[Name, Taken]) -> int:
        """The second half: note what the changes touch; gives how many changes they are."""
        if not taken:
            return 0
        if self.direction == BACK:
            remember(self.conn, self.temp, self.run_id, self.plan, taken)
            touch_written(self.conn, self.run_id, self.plan, taken, self.epoch)
        else:
            allocate_new(self.conn, self.temp, self.run_id, self.plan, taken)
        note_todo(self.conn, self.derivations, self.todos, taken)
        changes = sum(t.rows for t in taken.values())
        self.done.changes += changes
        return changes

    def apply(self, limit: int, *, set_aside: bool) -> int:
        """Derive up to `limit` waiting scopes anew; gives how many.

        set_aside: what cannot be applied becomes poison; else the error is raised.
        """
        self.temp = Temporary(self.conn)
        picked = pick(self.conn, self.temp, self.derivations, self.todos, limit, self.bucket)
        if not picked:
            return 0
        poison.forget(self.conn, self.run_id, self.direction, picked)
        if not set_aside:
            written = self._write(self.temp, picked)
        else:
            try:
                with self.conn.transaction():
                    written = self._write(self.temp, picked)
            except poison.BLAMED:
                written, bad = poison.apply_what_can_be(self.conn, picked, self._write_closed)
                poison.note(self.conn, self.run_id, self.direction, bad)
                self.done.poison += tuple(bad)
        self.done.add(picked, written)
        if self.direction == BACK:
            self._pass_on_own()
        return sum(s.count for s in picked) + sum(s.all for s in picked)

    def waits(self) -> bool:
        """Whether a change or a scope waits; one round trip each."""
        todos = [self.todos[d.name] for d in self.derivations]
        return bool(logs_waiting(self.conn, self.captured) or todo_waiting(self.conn, todos))

    def end(self) -> DrainResult:
        """The last thing before the commit."""
        self.conn.execute(
            "delete from repot.own_transaction where xid = pg_catalog.pg_current_xact_id()"
        )
        return self.done.result()

    def _write(self, temp: Temporary, picked: Sequence[Scope]) -> dict[str, int]:
        works = work_out(self.conn, temp, self.place, picked)
        written = self.write(works)
        self.touch(picked)
        return written

    def _write_closed(self, temp: Temporary, picked: Sequence[Scope]) -> dict[str, int]:
        grown, works = work_out_closed(
            self.conn, temp, self.place, picked, self.derivations, self.todos
        )
        written = self.write(works)
        self.touch(grown)
        return written

    def write(self, works: Sequence[Work]) -> dict[str, int]:
        """Bring the tables to what was worked out; rows written by table."""
        epoch = self.epoch if self.direction == FORWARD else None
        self.done.noted += note_what_keys_change(self.conn, works, self.todos, epoch)
        return write(self.conn, works)

    def touch(self, written: Sequence[Scope]) -> None:
        """V2's rows in these scopes are not proven any more."""
        if self.direction != FORWARD:
            return
        statements = []
        for scope in written:
            if scope.all:
                statements.append(touched_whole(scope.todo, self.epoch))
            query = sql.SQL("select {} from {}").format(
                idents(scope.todo.fields), ident(scope.table)
            )
            statements.append(touched(scope.todo, query, self.epoch))
        together(self.conn, statements)

    def _pass_on_own(self) -> None:
        """Rows of V2 that look at what was just written into V1.

        While V2 serves it is the truth, and they are only to be compared; while V1 does (both ways
        at once), they follow it.
        """
        temp = Temporary(self.conn)
        moves = todos_of.read(self.conn, self.run_id, FORWARD)
        taken = take(self.conn, temp, read(self.conn, self.run_id, FORWARD), whose=OWN, limit=ALL)
        if not taken:
            return
        if self.phase is Phase.CUT_OVER:
            note_touched(self.conn, self.plan.moves, moves, taken, self.epoch)
        else:
            note_todo(self.conn, self.plan.moves, moves, taken)


def touch_others(conn: Connection, run_id: int, plan: Plan) -> None:
    """What others wrote to V2 before the switch (by hand, or a foreign key from outside that
    cascades) is carried nowhere: it is compared like the rest, and found equal to V1 or not."""
    with conn.transaction():
        row = conn.execute(
            "select epoch from repot.run where id = %s for share", (run_id,)
        ).fetchone()
        assert row is not None
        written = take(conn, Temporary(conn), read(conn, run_id, BACK), limit=ALL)
        touch_written(conn, run_id, plan, written, int(str(row[0])))


def touch_written(
    conn: Connection, run_id: int, plan: Plan, taken: dict[Name, Taken], epoch: int
) -> None:
    """V2's rows that were written there themselves: whether V1 gives them is to be proven."""
    moves = todos_of.read(conn, run_id, FORWARD)
    statements = []
    for move in plan.moves:
        change, todo = taken.get(move.table), moves.get(move.name)
        if change is None or todo is None:
            continue
        if change.truncated:
            statements.append(touched_whole(todo, epoch))
        position = dict(zip(change.captured.columns, change.captured.fields, strict=True))
        query = sql.SQL("select {} from {} where op not in ('T', 't')").format(
            idents([position[c] for c in move.scope]), ident(change.table)
        )
        statements.append(touched(todo, query, epoch))
    together(conn, statements)
