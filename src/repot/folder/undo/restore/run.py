"""`restore`: archived rows and values go back, in one transaction, each of them accounted for."""

from __future__ import annotations

import time
from contextlib import closing
from enum import StrEnum

import psycopg
from psycopg import sql

from repot.folder.client import client
from repot.folder.deploy import locks
from repot.folder.session import open_session, reset_session
from repot.folder.undo import archive
from repot.folder.undo.restore.book import Note, in_order, notes
from repot.folder.undo.restore.mark import Marks, mark
from repot.folder.undo.restore.place import (
    Place,
    advance_sequences,
    find_place,
    parents_first,
    quiet,
)
from repot.folder.undo.restore.say import in_the_way, refused_by_server
from repot.folder.undo.restore.write import displace, prove, put_back
from repot.folder.undo.session import ours
from repot.folder.undo.shapes import read_shapes
from repot.model.errors import Refused, UsageError
from repot.model.finding import Finding
from repot.model.progress import Progress, Silent
from repot.model.undo import Archived, Kept, LossKind, Restoration, Returned
from repot.postgres.connect import Connection
from repot.postgres.retry import blockers

_TRIES = 20
_STAYS = ("conflict", "orphan", "gone", "held")  # marks of what does not go back by itself


class OnConflict(StrEnum):
    """What to do where something else stands in the place of what is archived."""

    KEEP = "keep"  # the database's stays, and is counted as refused
    ARCHIVE = "archive"  # the archive's goes back, and what it replaces goes into the archive


def read_archive(dsn: str) -> tuple[Archived, ...]:
    """Every rollback that kept something, oldest first."""
    with closing(open_session(dsn)) as conn:
        found: dict[int, list[Note]] = {}
        for note in notes(conn, None):
            found.setdefault(note.rollback, []).append(note)
        return tuple(
            Archived(
                id=number,
                at=of[0].at,
                who=of[0].who,
                what=of[0].what,
                kept=tuple(_kept(conn, n) for n in of),
            )
            for number, of in found.items()
        )


def _kept(conn: Connection, note: Note) -> Kept:
    return Kept(
        id=note.id,
        rollback=note.rollback,
        migration=note.migration,
        table=note.shown,
        kind=note.kind,
        why=note.why,
        archive=note.table.as_string(conn),
        count=note.count,
        rows=note.rows,
        key=note.key,
        restored=note.restored,
    )


def restore(
    dsn: str,
    rollback: int,
    *,
    on_conflict: OnConflict | None = None,
    force: bool = False,
    limit: int | None = None,
    wait_s: float = locks.WAIT_S,
    lock_timeout_ms: int = 500,
    progress: Progress | None = None,
) -> Restoration:
    """Bring back what one rollback lost; a refusal leaves the database as it was.

    force: fill tables without a key that are not empty; limit: examples of what is in the way.
    Raises UsageError `no-such-rollback`; Refused `deploy-busy`, `lock-timeout`; RepotError
    `restore-not-proven`.
    """
    with locks.held(
        dsn, wait_s=wait_s, application="repot migrate restore", progress=progress or Silent()
    ) as conn:
        for attempt in range(_TRIES):
            reset_session(conn, lock_timeout_ms=lock_timeout_ms)
            try:
                return _Restoring(conn, rollback, on_conflict, force, limit).run()
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                time.sleep(min(2.0, 0.05 * 2.0**attempt))
            except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as why:
                finding = refused_by_server(why)
                return Restoration(rollback=rollback, findings=(finding,), refused=True)
        raise Refused(
            "lock-timeout",
            "the tables could not be locked",
            evidence=blockers(conn),
            hint="end the long transactions named here, or try in a quieter hour",
        )


class _Restoring:
    def __init__(
        self,
        conn: Connection,
        rollback: int,
        on_conflict: OnConflict | None,
        force: bool,
        limit: int | None,
    ) -> None:
        self._conn, self._rollback = conn, rollback
        self._on_conflict, self._force, self._limit = on_conflict, force, limit
        self._findings: list[Finding] = []
        self._tables: list[Returned] = []
        self._entry: int | None = None
        self._number = 0

    def run(self) -> Restoration:
        with self._conn.transaction() as whole:
            ours(self._conn)
            found = notes(self._conn, self._rollback)
            if not found:
                raise UsageError(
                    "no-such-rollback",
                    f"the archive has no rollback {self._rollback}",
                    hint="`repot migrate restore --list` shows what it has",
                )
            shapes = read_shapes(self._conn)
            looked = [(n, find_place(n, shapes)) for n in found]
            missing = tuple(p for _, p in looked if isinstance(p, Finding))
            places = {n.id: p for n, p in looked if isinstance(p, Place)}
            if missing:
                return Restoration(rollback=self._rollback, findings=missing, refused=True)
            wanted = {p.shape.oid: p.shape for p in places.values()}
            with quiet(self._conn, list(wanted.values())):
                for group in in_order(found):
                    of = [places[n.id] for n in group]
                    rows = parents_first([p for p in of if p.note.kind is LossKind.ROWS])
                    for place in (*rows, *(p for p in of if p.note.kind is LossKind.VALUES)):
                        self._one(place)
                for shape in wanted.values():
                    advance_sequences(self._conn, shape)
            refused = self._on_conflict is None and any(t.refused for t in self._tables)
            result = Restoration(
                rollback=self._rollback,
                tables=tuple(self._tables),
                findings=tuple(self._findings),
                displaced=None if refused else self._entry,
                refused=refused,
            )
            if refused:
                raise psycopg.Rollback(whole)
        return result

    def _one(self, place: Place) -> None:
        conn, note = self._conn, place.note
        self._number += 1
        shapes = read_shapes(conn)
        marks = mark(conn, place, self._number, shapes, self._force)
        counts = marks.counts(conn)
        self._findings += in_the_way(conn, place, marks, counts, self._on_conflict, self._limit)
        displaced = 0
        if self._on_conflict is OnConflict.ARCHIVE:
            displaced = counts.get("conflict", 0)
            if displaced:
                displace(conn, place, marks, self._displaced(note))
        else:
            self._take_out(marks)
        put_back(conn, place, marks)
        restored = counts.get("new", 0) + displaced
        already = counts.get("already", 0)
        refused = sum(counts.get(m, 0) for m in _STAYS) - displaced
        if note.count != restored + already + refused:
            raise AssertionError(f"{note.count} archived, {counts} found")
        prove(conn, place, restored + already)
        conn.execute(
            "insert into repot_archive.restored (kept, restored, already, refused, displaced)"
            " values (%s, %s, %s, %s, %s)",
            (note.id, restored, already, refused, self._entry if displaced else None),
        )
        self._tables.append(
            Returned(
                kept=note.id,
                table=note.shown,
                kind=note.kind,
                archived=note.count,
                restored=restored,
                already=already,
                refused=refused,
                displaced=displaced,
            )
        )

    def _take_out(self, marks: Marks) -> None:
        """What is in the database stays."""
        self._conn.execute(
            sql.SQL("update {} set mark = 'kept' where mark = 'conflict'").format(marks.table)
        )

    def _displaced(self, note: Note) -> int:
        if self._entry is None:
            self._entry = archive.new_entry(self._conn, "restore", note.layout, client())
        return self._entry
