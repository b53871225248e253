"""What pgoutput says: its messages, protocol version 1, as values.

The framing is that of PostgreSQL's documentation, chapter "Logical Replication Message Formats"
(part "Frontend/Backend Protocol"); integers are big-endian, strings end with a zero byte. Texts are
in the client's encoding, which is UTF-8; bytes that are no UTF-8 (a database in SQL_ASCII may hold
such) survive as surrogates.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from repot.model.errors import RepotError

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Missing(Enum):
    """Stands for a value that the message does not hold."""

    UNCHANGED = "u"  # kept out of line (TOAST), and not changed by this UPDATE


UNCHANGED = Missing.UNCHANGED
Cell = str | None | Missing
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Column:
    key: bool  # part of the replica identity: its old value is told
    name: str
    type: int
    typmod: int


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as it was when it was changed; comes before the first change that needs it."""

    oid: int
    schema: str
    name: str
    identity: str  # as pg_class.relreplident
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Begin:
    lsn: int  # of the commit
    at: datetime  # of the commit
    xid: int  # without its epoch


@dataclass(frozen=True, slots=True)
class Commit:
    lsn: int
    end: int  # where the next record may begin
    at: datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """The transaction was replicated from elsewhere."""

    lsn: int
    name: str


@dataclass(frozen=True, slots=True)
class Type:
    oid: int
    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Insert:
    relation: int
    new: Row


@dataclass(frozen=True, slots=True)
class Update:
    """`old` is None where no column of the replica identity changed."""

    relation: int
    old: Row | None
    new: Row


@dataclass(frozen=True, slots=True)
class Delete:
    """In `old`, columns outside the replica identity are NULL, whatever they were."""

    relation: int
    old: Row


@dataclass(frozen=True, slots=True)
class Truncate:
    relations: tuple[int, ...]
    cascade: bool
    restart_identity: bool


@dataclass(frozen=True, slots=True)
class Message:
    """Of pg_logical_emit_message."""

    transactional: bool
    lsn: int
    prefix: str
    content: bytes


Change = (
    Relation | Begin | Commit | Origin | Type | Insert | Update | Delete | Truncate | Message
)  # fmt: skip


def decode(data: bytes) -> Change:
    """One message. Raises RepotError `wal-unreadable`."""
    cursor = _Cursor(data)
    try:
        change = _decode(cursor)
    except (struct.error, IndexError, ValueError) as wrong:
        raise _unreadable(data, str(wrong)) from None
    if change is None:
        raise _unreadable(data, "its kind is not known")
    if cursor.at != len(data):
        raise _unreadable(data, f"{len(data) - cursor.at} bytes are left over")
    return change


def lsn_text(lsn: int) -> str:
    """As PostgreSQL writes a pg_lsn."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def lsn_number(text: str) -> int:
    """The position in bytes. Raises ValueError."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def _decode(c: _Cursor) -> Change | None:
    kind = c.char()
    if kind == "I":
        return Insert(c.int32(), c.marked("N"))
    if kind == "U":
        relation, mark = c.int32(), c.char()
        if mark not in "KO":
            return Update(relation, None, c.row(mark, "N"))
        return Update(relation, c.row(mark, "KO"), c.marked("N"))
    if kind == "D":
        return Delete(c.int32(), c.marked("KO"))
    if kind == "B":
        return Begin(c.int64(), c.time(), c.int32())
    if kind == "C":
        c.byte()  # flags: none yet
        return Commit(c.int64(), c.int64(), c.time())
    if kind == "R":
        head = (c.int32(), c.string(), c.string(), c.char())
        return Relation(*head, tuple(c.column() for _ in range(c.int16())))
    if kind == "T":
        count, options = c.int32(), c.byte()
        relations = tuple(c.int32() for _ in range(count))
        return Truncate(relations, bool(options & 1), bool(options & 2))
    if kind == "M":
        return Message(bool(c.byte() & 1), c.int64(), c.string(), c.take(c.int32()))
    if kind == "Y":
        return Type(c.int32(), c.string(), c.string())
    if kind == "O":
        return Origin(c.int64(), c.string())
    return None


class _Cursor:
    """Reads a message from its start to its end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise ValueError("it ends too early")
        part, self.at = self.data[self.at : end], end
        return part

    def byte(self) -> int:
        return self.take(1)[0]

    def char(self) -> str:
        return chr(self.byte())

    def int16(self) -> int:
        return int.from_bytes(self.take(2))

    def int32(self) -> int:
        return int.from_bytes(self.take(4))

    def int64(self) -> int:
        return int.from_bytes(self.take(8))

    def time(self) -> datetime:
        (microseconds,) = struct.unpack(">q", self.take(8))
        return _EPOCH + timedelta(microseconds=microseconds)

    def string(self) -> str:
        end = self.data.index(b"\0", self.at)
        text = self.take(end - self.at).decode("utf-8", "surrogateescape")
        self.at += 1
        return text

    def column(self) -> Column:
        flags, name, kind = self.byte(), self.string(), self.int32()
        (typmod,) = struct.unpack(">i", self.take(4))
        return Column(bool(flags & 1), name, kind, typmod)

    def marked(self, marks: str) -> Row:
        return self.row(self.char(), marks)

    def row(self, mark: str, marks: str) -> Row:
        """The values that follow a mark, which must be one of `marks`."""
        if mark not in marks:
            raise ValueError(f"{mark!r} where one of {marks!r} must be")
        return tuple(self.cell() for _ in range(self.int16()))

    def cell(self) -> Cell:
        kind = self.char()
        if kind == "t":
            return self.take(self.int32()).decode("utf-8", "surrogateescape")
        if kind == "n":
            return None
        if kind == "u":
            return UNCHANGED
        raise ValueError(f"a value of the kind {kind!r}")


def _unreadable(data: bytes, why: str) -> RepotError:
    return RepotError(
        "wal-unreadable",
        f"a message of pgoutput cannot be read: {why}",
        evidence=f"kind {data[:1]!r}, {len(data)} bytes",  # values may be personal: not shown
        hint="this is a fault of Repot's: please report it with the server's version",
    )
