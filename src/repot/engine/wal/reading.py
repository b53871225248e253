"""Reading a slot: the messages as they come, in memory that does not grow with a transaction."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from psycopg import errors

from repot.engine.wal.decode import Change, Commit, Message, decode
from repot.engine.wal.slot import PREFIX
from repot.engine.wal.standing import Standing, in_use, lost
from repot.postgres.connect import Connection

_BYTES = 4_000_000  # of messages that are fetched at a time, roughly
_MOST = 5_000


@dataclass
class Reading:
    """One look at the slot, from where it stands to `upto`: whole transactions in the order of
    their commits, `limit` messages or a few more (the last transaction is never cut)."""

    conn: Connection
    slot: Standing
    upto: str  # pg_lsn: what was committed before it is told; flushed
    limit: int
    messages: int = 0
    position: int | None = None  # behind the last transaction that was told

    @property
    def full(self) -> bool:
        """Whether the limit may have ended it before `upto`."""
        return self.messages >= self.limit

    def changes(self) -> Generator[Change, None, None]:
        """The messages; call it in a transaction, and close it. The server keeps what it decodes
        in a temporary file.

        Raises RepotError `wal-slot-lost`, `wal-slot-busy`.
        """
        try:
            yield from self._messages()
        except (errors.UndefinedObject, errors.ObjectNotInPrerequisiteState) as gone:
            raise lost(gone.diag.message_primary or "") from None
        except errors.ObjectInUse as busy:
            raise in_use(self.slot.slot, busy) from None

    def _messages(self) -> Iterator[Change]:
        with self.conn.cursor(name="repot_wal", binary=True) as cursor:
            cursor.execute(
                "select data from pg_catalog.pg_logical_slot_peek_binary_changes(%s, %s, %s,"
                " 'proto_version', '1', 'publication_names', %s, 'messages', 'true')",
                (self.slot.slot, self.upto, self.limit, self.slot.publication),
            )
            count = 100
            while rows := cursor.fetchmany(count):
                size = 0
                for (data,) in rows:
                    assert isinstance(data, bytes)
                    size += len(data)
                    yield self._seen(decode(data))
                count = max(1, min(_MOST, count * 4, count * _BYTES // max(size, 1)))

    def _seen(self, change: Change) -> Change:
        self.messages += 1
        if isinstance(change, Commit):
            self.position = change.end
        elif isinstance(change, Message) and not change.transactional:
            self.position = change.lsn + 1  # told where it stands, not at a commit
        return change


def is_own(change: Message, token: str) -> bool:
    """Whether Repot says here that the transaction is its own."""
    return change.prefix == PREFIX and change.content == token.encode()
