"""pgoutput's messages, as a server sent them and as they are described, and what is logged for them."""

from __future__ import annotations

import random
import struct
from datetime import UTC, datetime

import pytest

from repot.engine.capture import Captured
from repot.engine.wal.changes import keys, line, nowhere, wanted
from repot.engine.wal.decode import (
    UNCHANGED,
    Begin,
    Cell,
    Change,
    Column,
    Commit,
    Delete,
    Insert,
    Message,
    Origin,
    Relation,
    Row,
    Truncate,
    Type,
    Update,
    decode,
    lsn_number,
    lsn_text,
)
from repot.engine.wal.slot import slot_name
from repot.model.errors import RepotError
from repot.model.names import name

AT = datetime(2026, 11, 21, 8, 38, 1, 100972, tzinfo=UTC)

# Sent by PostgreSQL 18.6 for
#   create table "Ütem" (id int primary key, v numeric(6,2), big text);
#   create table full_one (a text, b int); alter table full_one replica identity full;
#   create type mood as enum ('ok'); create table typed (id int primary key, m mood);
FROM_A_SERVER: list[tuple[bytes, Change]] = [
    (
        b"B\x00\x00\x00\x00\x01o\xcc \x00\x02>\x07\x86\xc2`\x00\x00\x00\x02\xf8",
        Begin(0x16FCC20, datetime(2020, 1, 1, tzinfo=UTC), 760),
    ),
    (
        b"M\x01\x00\x00\x00\x00\x01o\xb8xrepot\x00\x00\x00\x00\x03own",
        Message(True, 0x16FB878, "repot", b"own"),
    ),
    (
        b"M\x00\x00\x00\x00\x00\x01o\xce\x00p\x00\x00\x00\x00\x01x",
        Message(False, 0x16FCE00, "p", b"x"),
    ),
    (
        b"R\x00\x00@\x00public\x00\xc3\x9ctem\x00d\x00\x03\x01id\x00\x00\x00\x00\x17\xff\xff\xff\xff"
        b"\x00v\x00\x00\x00\x06\xa4\x00\x06\x00\x06\x00big\x00\x00\x00\x00\x19\xff\xff\xff\xff",
        Relation(
            16384,
            "public",
            "Ütem",
            "d",
            (
                Column(True, "id", 23, -1),
                Column(False, "v", 1700, (6 << 16) + 2 + 4),
                Column(False, "big", 25, -1),
            ),
        ),
    ),
    (
        b"I\x00\x00@\x00N\x00\x03t\x00\x00\x00\x011t\x00\x00\x00\x041.50n",
        Insert(16384, ("1", "1.50", None)),
    ),
    (
        b"U\x00\x00@\x00K\x00\x03t\x00\x00\x00\x011nnN\x00\x03t\x00\x00\x00\x013"
        b"t\x00\x00\x00\x041.50n",
        Update(16384, ("1", None, None), ("3", "1.50", None)),
    ),
    (b"D\x00\x00@\x00K\x00\x03t\x00\x00\x00\x013nn", Delete(16384, ("3", None, None))),
    (
        b"R\x00\x00@\x08public\x00full_one\x00f\x00\x02\x01a\x00\x00\x00\x00\x19\xff\xff\xff\xff"
        b"\x01b\x00\x00\x00\x00\x17\xff\xff\xff\xff",
        Relation(
            16392,
            "public",
            "full_one",
            "f",
            (Column(True, "a", 25, -1), Column(True, "b", 23, -1)),
        ),
    ),
    (
        b"U\x00\x00@\x08O\x00\x02t\x00\x00\x00\x02\xc3\xa9t\x00\x00\x00\x011N\x00\x02t\x00\x00\x00"
        b"\x02\xc3\xa9t\x00\x00\x00\x012",
        Update(16392, ("é", "1"), ("é", "2")),
    ),
    (
        b"D\x00\x00@\x08O\x00\x02t\x00\x00\x00\x02\xc3\xa9t\x00\x00\x00\x012",
        Delete(16392, ("é", "2")),
    ),
    (b"Y\x00\x00@\x0epublic\x00mood\x00", Type(16398, "public", "mood")),
    (b"T\x00\x00\x00\x02\x03\x00\x00@\x11\x00\x00@\x08", Truncate((16401, 16392), True, True)),
    (
        b"C\x00\x00\x00\x00\x00\x01o\xcc \x00\x00\x00\x00\x01o\xcd\xc8\x00\x02>\x07\x86\xc2`\x00",
        Commit(0x16FCC20, 0x16FCDC8, datetime(2020, 1, 1, tzinfo=UTC)),
    ),
    (b"O\x00\x00\x00\x01\x00\x00\x00\x02elsewhere\x00", Origin((1 << 32) + 2, "elsewhere")),
]


@pytest.mark.parametrize(("data", "change"), FROM_A_SERVER)
def test_what_a_server_sent(data: bytes, change: Change) -> None:
    assert decode(data) == change


@pytest.mark.parametrize(("data", "change"), FROM_A_SERVER)
def test_a_message_that_is_cut_or_too_long_is_unreadable(data: bytes, change: Change) -> None:
    for end in range(len(data)):
        with pytest.raises(RepotError) as unreadable:
            decode(data[:end])
        assert unreadable.value.code == "wal-unreadable"
    with pytest.raises(RepotError):
        decode(data + b"\0")


def encoded(cells: Row) -> bytes:
    """As the documentation describes TupleData."""
    out = struct.pack(">h", len(cells))
    for cell in cells:
        if cell is None:
            out += b"n"
        elif cell is UNCHANGED:
            out += b"u"
        else:
            data = str(cell).encode("utf-8", "surrogateescape")
            out += b"t" + struct.pack(">i", len(data)) + data
    return out


def test_rows_of_all_kinds() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201
    rng = random.Random(seed)
    some: list[Cell] = [None, UNCHANGED, "", "a\0b".replace("\0", "x"), "\n\t\\", "漢😀", "\udcff"]
    for _ in range(300):
        old, new = (tuple(rng.choices(some, k=rng.randrange(6))) for _ in range(2))
        relation = rng.randrange(2**32)
        head = struct.pack(">I", relation)
        mark = rng.choice((b"K", b"O"))
        assert decode(b"I" + head + b"N" + encoded(new)) == Insert(relation, new)
        assert decode(b"U" + head + b"N" + encoded(new)) == Update(relation, None, new)
        assert decode(b"U" + head + mark + encoded(old) + b"N" + encoded(new)) == Update(
            relation, old, new
        )
        assert decode(b"D" + head + mark + encoded(old)) == Delete(relation, old)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"S\0\0\0\1\1",  # a streamed transaction: of protocol version 2
        b"I\0\0\0\1K" + encoded(("1",)),
        b"U\0\0\0\1K" + encoded(("1",)) + b"K" + encoded(("1",)),
        b"D\0\0\0\1N" + encoded(("1",)),
        b"I\0\0\0\1N\0\1b\0\0\0\1x",  # a binary value, which is not asked for
        b"I\0\0\0\1N\0\1t\xff\xff\xff\xff",
    ],
)
def test_what_is_not_understood_is_said(data: bytes) -> None:
    with pytest.raises(RepotError) as unreadable:
        decode(data)
    assert unreadable.value.code == "wal-unreadable"


def test_errors_do_not_tell_values() -> None:
    with pytest.raises(RepotError) as unreadable:
        decode(b"I\0\0\0\1N" + encoded(("secret", "word")) + b"more")
    assert "secret" not in unreadable.value.message + unreadable.value.evidence


def test_positions() -> None:
    for text in ("0/0", "0/16FCC20", "1A/FFFFFFFF", "FFFFFFFF/1"):
        assert lsn_text(lsn_number(text)) == text
    assert lsn_number("1/0") > lsn_number("0/FFFFFFFF")


def captured(*columns: str) -> Captured:
    return Captured(1, 7, "public.t", name("public", "t"), columns, ("text",) * len(columns))


def relation(*columns: str) -> Relation:
    """Columns with a `!` belong to the replica identity."""
    return Relation(
        7, "public", "t", "d", tuple(Column(c[-1] == "!", c.rstrip("!"), 25, -1) for c in columns)
    )


def test_what_is_logged() -> None:
    what = wanted(relation("a", "b!", "c!"), captured("c", "b"))
    assert keys(Insert(7, ("1", "2", None)), what) == ("I", [(None, "2")])
    assert keys(Delete(7, (None, "2", "3")), what) == ("D", [("3", "2")])
    assert keys(Update(7, None, ("1", "2", "3")), what) == ("U", [("3", "2")])
    old, new = ("1", "2", "3"), ("1", "2", None)
    assert keys(Update(7, old, new), what) == ("U", [("3", "2"), (None, "2")])
    assert keys(Update(7, old, old), what) == ("U", [("3", "2")])
    assert keys(Update(7, old, (UNCHANGED, "2", UNCHANGED)), what) == ("U", [("3", "2")])


def test_what_the_message_does_not_hold_counts_as_everything() -> None:
    outside = wanted(relation("a!", "b"), captured("b"))
    assert keys(Insert(7, ("1", "2")), outside) == ("I", [("2",)])
    for change in (
        Update(7, None, ("1", "2")),
        Update(7, ("0", None), ("1", "2")),
        Delete(7, ("1", None)),
        Insert(7, ("1", UNCHANGED)),
    ):
        assert keys(change, outside) is None
    unchanged = wanted(relation("a!", "b!"), captured("b"))
    assert keys(Update(7, None, ("1", UNCHANGED)), unchanged) is None
    assert keys(Update(7, ("1", UNCHANGED), ("1", "2")), unchanged) is None
    gone = wanted(relation("a!"), captured("b"))
    assert keys(Insert(7, ("1",)), gone) is None
    assert keys(Insert(7, ("1",)), nowhere(captured("a"))) is None


def test_lines_for_copy() -> None:
    assert line("u", ("a\tb\\", None, "\n\r"), AT) == (
        b"u\ta\\tb\\\\\t\\N\t\\n\\r\t2026-11-21T08:38:01.100972+00:00\n"
    )
    assert line("I", ("\udcff",), AT).startswith(b"I\t\xff\t")


def test_slot_names_fit_and_differ() -> None:
    databases = ["shop", "Shop", "shöp", "sh p", "x" * 63, "x" * 62 + "y", "é" * 31]
    names = [slot_name(12, database) for database in databases]
    assert names[0] == "repot_12_shop"
    assert len(set(names)) == len(names)
    for slot in names:
        assert len(slot) <= 63
        assert slot.strip("abcdefghijklmnopqrstuvwxyz0123456789_") == ""
