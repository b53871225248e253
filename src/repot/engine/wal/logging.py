"""Writing what was read into the logs, as the triggers would have done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from psycopg import sql

from repot.engine.capture import Captured
from repot.engine.wal import family
from repot.engine.wal.changes import Values, Wanted, keys, line, nowhere, wanted
from repot.engine.wal.decode import (
    Begin,
    Change,
    Delete,
    Insert,
    Message,
    Origin,
    Relation,
    Truncate,
    Update,
    lsn_number,
    lsn_text,
)
from repot.engine.wal.reading import is_own
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection

_BYTES = 4_000_000  # of rows that are kept back before they are sent
_XIDS = 1 << 32  # messages tell them without epoch


class Sink(Protocol):
    """Takes the lines of one table, as COPY wants them."""

    def __call__(
        self, captured: Captured, lines: bytes, rows: int, *, truncated: bool, oldest: datetime
    ) -> None: ...


def into_logs(conn: Connection) -> Sink:
    """Lines go into the tables' logs."""

    def send(
        captured: Captured, lines: bytes, rows: int, *, truncated: bool, oldest: datetime
    ) -> None:
        statement = sql.SQL("copy {} (op, {}, at) from stdin").format(
            ident(captured.log), idents(captured.fields)
        )
        with conn.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(lines)

    return send


@dataclass(frozen=True)
class Seen:
    """What a snapshot sees, and what of it is logged already."""

    end: int  # transactions from here on are not seen
    running: frozenset[int]  # nor are these
    confirmed: int  # commits before this position are logged
    beyond: frozenset[int]  # and these commits

    @staticmethod
    def of(snapshot: str, confirmed: int, beyond: Collection[str]) -> Seen:
        """snapshot: pg_current_snapshot() as text; beyond: pg_lsn as text."""
        _, end, running = snapshot.split(":")
        return Seen(
            int(end),
            frozenset(int(x) % _XIDS for x in running.split(",") if x),
            confirmed,
            frozenset(map(lsn_number, beyond)),
        )

    def sees(self, begin: Begin) -> bool:
        """Of the last two thousand million transactions."""
        return begin.xid not in self.running and (begin.xid - self.end) % _XIDS >= _XIDS // 2

    def logged(self, begin: Begin) -> bool:
        """Whether an earlier reading has logged it."""
        return begin.lsn < self.confirmed or begin.lsn in self.beyond


@dataclass
class _Lines:
    """Of one table, not sent yet."""

    lines: list[bytes]
    truncated: bool
    oldest: datetime


class Logs:
    """What one reading finds for the logs of `captured`, and gives to the sink."""

    def __init__(
        self,
        conn: Connection,
        run_id: int,
        captured: Sequence[Captured],
        token: str,
        now: datetime,
        seen: Seen,
        sink: Sink,
        *,
        noting: bool,
    ) -> None:
        """token: see `mark_own`; now: the server's clock; noting: partitions that are new."""
        self.now = now
        self.conn, self.run_id, self.token = conn, run_id, token
        self.captured = {c.oid: c for c in captured}
        self.rows = 0
        self.unseen: int | None = None  # the first commit of these tables that is not seen
        self._seen, self._sink, self._noting = seen, sink, noting
        self._late: set[int] = set()  # commits that were logged although they come after that
        self._begin: Begin | None = None
        self._own, self._at = False, now
        self._roots: dict[int, set[int]] | None = None
        self._partitioned: set[int] = set()
        self._wanted: dict[int, list[Wanted]] = {}
        self._lines: dict[int, _Lines] = {}
        self._bytes = 0
        self._all: set[int] = set()  # logged as changed altogether, by this transaction

    def beyond(self, reached: int) -> list[str]:
        """The commits at or behind this position that are logged."""
        return [lsn_text(lsn) for lsn in sorted(self._late | self._seen.beyond) if lsn >= reached]

    def add(self, change: Change) -> None:
        """One message, in the order in which they come."""
        if isinstance(change, Begin):
            self._begin, self._at, self._own = change, change.at, False
            self._all.clear()
        elif isinstance(change, Origin):
            self._at = self.now  # the commit's time is that of another server
        elif isinstance(change, Message):
            self._own = self._own or (change.transactional and is_own(change, self.token))
        elif isinstance(change, Relation):
            self._wanted[change.oid] = self._belongs(change)
        elif isinstance(change, Truncate):
            for oid in change.relations:
                for what in self._wanted.get(oid, ()):
                    self._everything(what.captured)
        elif isinstance(change, Insert | Update | Delete):
            for what in self._wanted.get(change.relation, ()):
                found = keys(change, what)
                if found is None:
                    self._everything(what.captured)
                else:
                    for values in found[1]:
                        self._log(what.captured, found[0], values)

    def send(self) -> None:
        """All that is kept back still."""
        for oid, kept in self._lines.items():
            self._sink(
                self.captured[oid],
                b"".join(kept.lines),
                len(kept.lines),
                truncated=kept.truncated,
                oldest=kept.oldest,
            )
        self._lines.clear()
        self._bytes = 0

    def _belongs(self, relation: Relation) -> list[Wanted]:
        """The captured tables that a changed relation is, or is a part of."""
        if self._roots is None:
            self._roots = self._family()
        roots = self._roots.get(relation.oid)
        if roots is not None:
            return [wanted(relation, self.captured[r]) for r in sorted(roots) if r in self.captured]
        # A partition that came and went before it was seen: of which table is not known.
        return [nowhere(self.captured[root]) for root in sorted(self._partitioned)]

    def _family(self) -> dict[int, set[int]]:
        found = family.members(self.conn, list(self.captured.values()))
        if self._noting:
            family.note(self.conn, self.run_id, found)
        self._partitioned = {m.root for m in found if m.kind == "p" and m.oid == m.root}
        roots: dict[int, set[int]] = {}
        rows = self.conn.execute(
            "select oid::bigint, root::bigint from repot.wal_table where run = %s", (self.run_id,)
        ).fetchall()
        for part, root in [*rows, *((m.oid, m.root) for m in found)]:
            roots.setdefault(int(str(part)), set()).add(int(str(root)))
        return roots

    def _everything(self, captured: Captured) -> None:
        if captured.oid not in self._all:
            self._all.add(captured.oid)
            self._log(captured, "T", (None,) * len(captured.columns))

    def _log(self, captured: Captured, op: str, values: Values) -> None:
        begin = self._begin
        assert begin is not None
        if self._own or self._seen.logged(begin):
            return
        if not self._seen.sees(begin):
            self.unseen = begin.lsn if self.unseen is None else self.unseen
            return
        if self.unseen is not None:
            self._late.add(begin.lsn)
        row = line(op, values, self._at)
        self.rows += 1
        kept = self._lines.setdefault(captured.oid, _Lines([], truncated=False, oldest=self._at))
        kept.lines.append(row)
        kept.truncated = kept.truncated or op == "T"
        kept.oldest = min(kept.oldest, self._at)
        self._bytes += len(row)
        if self._bytes > _BYTES:
            self.send()
