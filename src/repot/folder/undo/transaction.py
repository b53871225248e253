"""The one transaction of a rollback.

Each way back runs once in a savepoint, which shows what it touches. Where that takes nothing from
any table, it stays. Else it is taken back, the touched tables are copied, it runs again, and the
copies are compared with what is there then. So what is said to be lost is what is lost, by whatever
means: DROP, DELETE with its cascades, TRUNCATE, UPDATE, another type, a function, a trigger.

Without leave to lose anything the copies are made under readers' locks, since nothing is to stay
then. What stays was copied under locks that keep writers out from before the copy to the commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from repot.folder.book import Book
from repot.folder.client import client
from repot.folder.history import Kind, Own, open_history
from repot.folder.undo import archive
from repot.folder.undo.images import Image, find_lost, take
from repot.folder.undo.losses import read_losses
from repot.folder.undo.session import ours, theirs
from repot.folder.undo.shapes import Shape, read_shapes
from repot.folder.undo.sql import load
from repot.folder.undo.touched import Touched, gone, touched
from repot.folder.undo.way import Way
from repot.model.errors import Refused
from repot.model.undo import Loss, Step
from repot.postgres.connect import Connection

_ROUNDS = 6  # runs of one way back, until it touches no table that was not copied before


class Stopped(Exception):
    """The server refused a statement of a way back; step: which, None where it was a constraint
    that is checked at the end."""

    def __init__(self, way: Way, step: Step | None, why: psycopg.Error) -> None:
        super().__init__(str(why))
        self.way, self.step, self.why = way, step, why


class Broken(Exception):
    """The connection is gone; xid: of the transaction, whose outcome is to be found out; then: what
    was done if it was committed."""

    def __init__(self, xid: str, then: Finished, why: psycopg.Error) -> None:
        super().__init__(str(why))
        self.xid, self.then = xid, then


@dataclass(frozen=True)
class Finished:
    """rollback: the number in the archive, if something was kept."""

    losses: tuple[Loss, ...]
    rollback: int | None
    committed: bool


def undo(
    conn: Connection,
    book: Book,
    ways: Sequence[Way],
    *,
    accept_loss: bool,
    limit: int | None,
    lock_timeout_ms: int,
    trial: bool = False,
) -> Finished:
    """Commits where nothing is lost, or where it is accepted and kept; else rolls back.

    trial: roll back whatever comes of it, and leave the history alone.

    Raises Stopped, Broken, psycopg.Error (locks), Refused `no-right`, `cannot-count`.
    """
    work = _Transaction(conn, book, accept_loss, limit, lock_timeout_ms)
    try:
        return _undo(conn, work, ways, accept_loss, trial)
    except psycopg.OperationalError as why:
        if conn.closed and work.xid:
            raise Broken(work.xid, Finished(tuple(work.losses), work.entry, True), why) from why
        raise


def _undo(
    conn: Connection, work: _Transaction, ways: Sequence[Way], accept_loss: bool, trial: bool
) -> Finished:
    with conn.transaction() as whole:
        work.begin()
        for way in ways:
            work.one(way)
        losses = tuple(work.losses)
        if trial or (losses and not accept_loss):
            raise psycopg.Rollback(whole)
        ours(conn)
        work.history(ways)
        return Finished(losses, work.entry, True)
    return Finished(losses, None, False)


class _Transaction:
    def __init__(
        self, conn: Connection, book: Book, accept: bool, limit: int | None, timeout: int
    ) -> None:
        self._conn, self._book = conn, book
        self._accept, self._limit, self._timeout = accept, limit, timeout
        self._images = 0
        self.losses: list[Loss] = []
        self.entry: int | None = None
        self.xid = ""

    def begin(self) -> None:
        """Ask for the transaction's number: whoever loses the connection looks it up."""
        row = self._conn.execute("select pg_catalog.pg_current_xact_id()::text").fetchone()
        self.xid = str(row[0]) if row else ""

    def one(self, way: Way) -> None:
        """One way back, with its losses added to `losses`."""
        conn = self._conn
        ours(conn)
        with conn.transaction() as first:
            hit, after = self._run(way, read_shapes(conn))
            if hit:
                raise psycopg.Rollback(first)
        if not hit:
            return
        copied, firm = {t.before.oid: t for t in hit}, self._accept
        for _ in range(_ROUNDS):
            again = self._count(way, copied, after, firm)
            if again is None:
                return
            # Either it touched more this time, or nothing is lost: then it is to stay.
            firm = firm or {t.before.oid for t in again} <= set(copied)
            copied |= {t.before.oid: t for t in again}
        raise Refused(
            "cannot-count",
            f"the way back of {way.page.name} touches other tables each time it runs",
            hint="what it would lose cannot be told; write it in plainer statements",
        )

    def _count(
        self, way: Way, copied: Mapping[int, Touched], then: Mapping[int, Shape], firm: bool
    ) -> tuple[Touched, ...] | None:
        """None: done. Else what must be copied in the next round. then: the tables that were there
        after the run before."""
        conn = self._conn
        ours(conn)
        shapes = read_shapes(conn)
        chosen = [shapes[oid] for oid in sorted(copied) if oid in shapes]
        if firm:
            self._lock(chosen)
            shapes = read_shapes(conn)
            chosen = [shapes[oid] for oid in sorted(copied) if oid in shapes]
        images, early = {}, {}
        for shape in chosen:
            self._images += 1
            images[shape.oid] = image = take(conn, shape, self._images)
            # Of a table that goes everything is lost: that is counted before it is locked.
            if copied[shape.oid].after is None:
                early[shape.oid] = self._lost(way, image, gone(shape), then)
        with conn.transaction() as second:
            hit, after = self._run(way, shapes)
            if {t.before.oid for t in hit} <= set(images):
                losses = []
                for one in hit:
                    image = images[one.before.oid]
                    found = early.get(one.before.oid) if one.after is None else None
                    if found is None:
                        found = self._lost(way, image, one, after)
                    losses += self._kept(image, one, found) if self._accept else found
                if losses or firm:
                    self.losses += losses
                    return None
            raise psycopg.Rollback(second)
        return hit

    def _lost(
        self, way: Way, image: Image, what: Touched, after: Mapping[int, Shape]
    ) -> list[Loss]:
        find_lost(self._conn, image, what)
        return read_losses(self._conn, image, what, way.page.name, after, self._limit)

    def _run(
        self, way: Way, before: Mapping[int, Shape]
    ) -> tuple[tuple[Touched, ...], dict[int, Shape]]:
        """Run it; gives what it may have taken something from, and all tables as they are now."""
        conn = self._conn
        theirs(conn, self._timeout)
        self._counted()
        for step in way.steps:
            try:
                conn.execute(step.sql.encode())
            except psycopg.Error as why:
                if conn.closed:
                    raise
                raise Stopped(way, step, why) from why
        try:
            conn.execute("set constraints all immediate")
        except psycopg.Error as why:
            raise Stopped(way, None, why) from why
        self._counted()
        ours(conn)
        after = read_shapes(conn)
        self._written_elsewhere(way)
        return touched(before, after), after

    def _counted(self) -> None:
        """The server counts changed rows; only then is it known which tables to look at."""
        row = self._conn.execute("select pg_catalog.current_setting('track_counts')").fetchone()
        if row is None or row[0] != "on":
            raise Refused(
                "cannot-count",
                "track_counts is off: the server does not say which tables a script changes",
                hint="set track_counts = on (it is by default) for the role or the server",
            )

    def _written_elsewhere(self, way: Way) -> None:
        rows = self._conn.execute(load("foreign_writes.sql").encode()).fetchall()
        if rows:
            raise Refused(
                "cannot-count",
                f"the way back of {way.page.name} writes to tables of another server",
                evidence=", ".join(f"{s}.{n}" for s, n in rows),
                hint="what is lost there cannot be counted or kept: undo it there by hand",
            )

    def _lock(self, shapes: Sequence[Shape]) -> None:
        """Writers wait from here to the end; readers do until the script itself wants more."""
        for shape in shapes:
            self._conn.execute(
                sql.SQL("lock table {} in exclusive mode").format(
                    sql.Identifier(shape.name.schema_, shape.name.name)
                )
            )

    def _kept(self, image: Image, what: Touched, losses: Sequence[Loss]) -> list[Loss]:
        kept = []
        for loss in losses:
            if self.entry is None:
                archive.ensure(self._conn)
                self.entry = archive.new_entry(
                    self._conn, "rollback", self._book.folder.layout.value, client()
                )
            kept.append(archive.keep(self._conn, self.entry, image, what, loss))
        return kept

    def history(self, ways: Sequence[Way]) -> None:
        """What the tool's own table says from now on, and Repot's note of it."""
        history = open_history(self._conn, self._book.folder)
        own = Own(self._conn, self._book.folder.layout)
        own.ensure()
        for way in ways:
            history.undo(way.page)
            mine = [x for x in self.losses if x.migration == way.page.name]
            own.note(
                Kind.UNDONE,
                way.page.name,
                "",
                detail={
                    "derived": way.derived,
                    "rollback": self.entry,
                    "lost": {f"{x.table} ({x.kind.value})": x.count for x in mine},
                },
            )
