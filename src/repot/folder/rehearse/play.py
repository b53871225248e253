"""One file run on the copy as deploy would run it, with a look before and after each statement."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg.pq import TransactionStatus

from repot.folder.book import Page
from repot.folder.deploy.failure import failure, masked
from repot.folder.deploy.result import Failure
from repot.folder.deploy.way import Kind, Unit, Way, ends, way
from repot.folder.rehearse import observe, words
from repot.folder.rehearse.alone import looking
from repot.folder.rehearse.losses import losses
from repot.folder.rehearse.result import FileRun, Held, Lock, Step
from repot.folder.session import reset_session
from repot.folder.text import Statement
from repot.postgres.connect import Connection

_SHOWN = 200  # characters of a statement
# Something is not there: where the copy lacks it, that is the copy's fault and not the file's.
_MISSING = {"42P01", "42704", "42883", "42703", "3F000", "0A000", "58P01", "42P17"}


@dataclass
class Stage:
    """The copy. lacking: what it could not take over (empty: it is whole); sizes: rows of the real
    tables by name."""

    conn: Connection
    dsn: str
    lacking: str
    sizes: Mapping[str, int]
    skipped: list[str] = field(default_factory=list)


def play(stage: Stage, page: Page, first: int = 1) -> FileRun:
    """Run the file from statement `first` on; a failure is in the result."""
    return _Playing(stage, page, first).run()


class _Playing:
    def __init__(self, stage: Stage, page: Page, first: int) -> None:
        self._stage, self._page, self._first = stage, page, first
        self._conn = stage.conn
        self._way: Way = way(page)
        self._steps: list[Step] = []
        self._held: dict[str, tuple[str, float]] = {}
        self._spent = 0.0  # ms in statements; looking at them takes time of its own
        self._over: list[Held] = []
        self._theirs: dict[int, observe.Relation] = {}
        self._at: Statement | None = None
        self._kept = first - 1

    def run(self) -> FileRun:
        reset_session(self._conn)
        failed = None
        try:
            if self._way.units:
                for unit in self._way.units:
                    if unit.last >= self._first:
                        self._unit(unit)
            else:
                self._together(self._way.begin, self._way.body)
        except psycopg.Error as wrong:
            if self._conn.closed:
                raise
            failed = self._failed(wrong)
        how = self._way
        return FileRun(
            name=self._page.name,
            file=self._page.file,
            mode=how.mode,
            why=how.why,
            statements=len(self._page.statements),
            first=self._first,
            steps=tuple(self._steps),
            held=tuple(sorted(self._over, key=lambda h: (words.strength(h.mode), h.relation))),
            ms=sum(s.ms for s in self._steps),
            failure=failed,
        )

    def _failed(self, wrong: psycopg.Error) -> Failure:
        self._conn.rollback()
        return failure(self._page, self._at, wrong, self._stage.dsn, kept=self._kept)

    def _unit(self, unit: Unit) -> None:
        if unit.kind is Kind.ALONE:
            self._alone(unit.statements[0])
        elif unit.kind is Kind.OWN:
            self._theirs = observe.see(self._conn).relations
            for statement in unit.statements:
                self._one(statement)
            if not ends(unit.statements[-1]):
                self._conn.execute(b"commit")
            self._ended()
        else:
            self._together(None, unit.statements)
        self._kept = unit.last

    def _together(self, begin: Statement | None, statements: tuple[Statement, ...]) -> None:
        """In one transaction."""
        self._theirs = observe.see(self._conn).relations
        self._conn.execute(begin.text.encode() if begin else b"begin")
        for statement in statements:
            self._one(statement)
        self._at = None
        self._conn.execute(b"set constraints all immediate")
        self._conn.execute(b"commit")
        self._ended()

    def _ended(self) -> None:
        for relation, (mode, since) in self._held.items():
            self._over.append(
                Held(relation=relation, mode=words.name(mode), ms=self._spent - since)
            )
        self._held.clear()

    def _one(self, statement: Statement) -> None:
        """A statement in the open transaction."""
        self._at = statement
        conn = self._conn
        if statement.kind == "transaction_stmt":
            conn.execute(statement.text.encode())
            self._steps.append(self._step(statement, 0))
            return
        before = observe.see(conn)
        gone = losses(conn, statement)
        save = bool(self._stage.lacking)
        if save:
            conn.execute(b"savepoint repot_rehearse")
        began = time.monotonic()
        try:
            conn.execute(statement.text.encode())
        except psycopg.Error as wrong:
            if not self._forgiven(statement, wrong, save):
                raise
            return
        ms = (time.monotonic() - began) * 1000
        since, self._spent = self._spent, self._spent + ms
        if save:
            conn.execute(b"release savepoint repot_rehearse")
        after = observe.see(conn)
        emptied = statement.kind == "truncate_stmt"
        wrote, read = observe.wrote(before, after)
        locks = observe.taken(before, after, self._theirs)
        for relation, mode in locks:
            if words.stops_writers(mode) and relation.kind in "rpm":
                self._held[str(relation.name)] = (mode, since)
        self._steps.append(
            self._step(
                statement,
                ms,
                locks=self._locks(locks),
                rewritten=tuple(
                    n
                    for n in observe.rewritten(before, after, emptied)
                    if n in {str(r.name) for r in self._theirs.values()}
                ),
                built=tuple(observe.built(before, after, self._theirs, emptied)),
                wrote=(*wrote, *gone),
                read=read,
            )
        )

    def _alone(self, statement: Statement) -> None:
        """Outside of any transaction."""
        self._at = statement
        conn = self._conn
        before = observe.see(conn)
        with looking(conn, self._stage.dsn, statement) as looker:
            began = time.monotonic()
            try:
                conn.execute(statement.text.encode())
            except psycopg.Error as wrong:
                if not self._forgiven(statement, wrong, False):
                    raise
                return
            ms = (time.monotonic() - began) * 1000
        after = observe.see(conn)
        seen = observe.Seen(looker.locks, after.relations, {})
        nothing = observe.Seen({}, {}, {})
        locks = observe.taken(nothing, seen, before.relations)
        self._steps.append(
            self._step(
                statement,
                max(ms - looker.held_ms, 0),
                locks=self._locks(locks),
                rewritten=tuple(observe.rewritten(before, after, False)),
                built=tuple(observe.built(before, after, before.relations, False)),
            )
        )

    def _forgiven(self, statement: Statement, wrong: psycopg.Error, save: bool) -> bool:
        """Whether the copy lacks what the statement needs; then it is left out, and named."""
        if not self._stage.lacking or wrong.sqlstate not in _MISSING:
            return False
        if save:
            self._conn.execute(b"rollback to savepoint repot_rehearse")
        elif self._conn.info.transaction_status == TransactionStatus.INERROR:
            return False
        why = f"{wrong.diag.message_primary}; the copy lacks {self._stage.lacking}"
        self._stage.skipped.append(f"{self._page.file}:{statement.line}")
        self._steps.append(self._step(statement, 0, not_rehearsed=why))
        return True

    def _locks(self, locks: list[tuple[observe.Relation, str]]) -> tuple[Lock, ...]:
        return tuple(
            Lock(
                relation=str(relation.name),
                mode=words.name(mode),
                waits=words.waits(mode),
                rows=self._stage.sizes.get(str(relation.name)),
            )
            for relation, mode in locks
        )

    def _step(self, statement: Statement, ms: float, **more: object) -> Step:
        text = " ".join(statement.text.split())
        text = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
        return Step.model_validate(
            {
                "number": statement.number,
                "line": statement.line,
                "kind": statement.kind,
                "sql": masked(text, self._stage.dsn),
                "ms": ms,
                **more,
            }
        )
