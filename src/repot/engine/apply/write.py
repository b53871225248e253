"""Bringing tables to what their rows should be: update and insert, set by set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql

from repot.engine.apply.at_once import at_once
from repot.engine.apply.exchange import Exchange
from repot.engine.apply.park import (
    TAKEN,
    Held,
    all_changing,
    in_the_way,
    make_way,
    may_meet,
    park,
    park_all,
)
from repot.engine.apply.rows import insert, update
from repot.engine.apply.unit import Unit, units
from repot.engine.apply.work import Work
from repot.engine.compare import compared_columns
from repot.model.catalog import Table
from repot.model.plan import Derivation
from repot.postgres.connect import Connection
from repot.postgres.together import together


def forward_columns(move: Derivation, table: Table) -> tuple[str, ...]:
    """What a forward write sets: the move's columns, and constant defaults where V2 had its own
    value in a column that the move leaves out (after a rollback V1 is the truth again)."""
    compared = {c.name for c in compared_columns(move, table)[0]}
    return tuple(c.name for c in table.columns if c.name in move.columns or c.name in compared)


def update_and_insert(conn: Connection, works: Sequence[Work]) -> list[int]:
    """Update the rows that are there and differ, insert those that are not there; gives their
    numbers. Where rows need each other, doomed ones go with it."""
    counts = {work.derivation.name: 0 for work in works}
    writing = [u for u in units(works) if u.wants or (u.at_once and u.dooms)]
    ways = dict(zip((w.derivation.name for w in works), in_the_way(conn, works), strict=True))
    plain: list[Unit] = []

    def flush() -> None:
        _write(conn, plain, works, counts)
        plain.clear()

    for unit in writing:
        if any(ways[w.derivation.name] or may_meet(w) for w in unit.works):
            flush()
            if _carefully(conn, unit, works, ways, counts):
                continue
        plain.append(unit)
    flush()
    return [counts[work.derivation.name] for work in works]


def _carefully(
    conn: Connection,
    unit: Unit,
    works: Sequence[Work],
    ways: dict[str, list[Held]],
    counts: dict[str, int],
) -> bool:
    """Rows that have to make way, and what cannot be told beforehand; whether the unit is written,
    else it can be now."""
    rows = {w.derivation.name: make_way(conn, w, ways[w.derivation.name]) for w in unit.works}
    if _exchanged(conn, unit, works, rows, counts):
        return True
    for work in unit.works:
        if rows[work.derivation.name]:
            park(conn, work, ways[work.derivation.name])
    meeting = [work for work in unit.works if may_meet(work)]
    if not meeting:
        return False
    before = dict(counts)
    try:
        with conn.transaction():
            _write(conn, [unit], works, counts)
        return True
    except TAKEN:
        counts.update(before)
    rows = {w.derivation.name: all_changing(conn, w) for w in meeting}
    for work in meeting:
        if not rows[work.derivation.name]:
            park_all(conn, work)
    if _exchanged(conn, unit, works, rows, counts):
        return True
    for work in meeting:
        if rows[work.derivation.name]:
            park_all(conn, work)
    return False


def _exchanged(
    conn: Connection,
    unit: Unit,
    works: Sequence[Work],
    rows: Mapping[str, Exchange | None],
    counts: dict[str, int],
) -> bool:
    """Write the unit by one statement that exchanges these rows, if there are any; whether that was
    done."""
    exchanges = {name: each for name, each in rows.items() if each is not None}
    if not exchanges:
        return False
    try:
        with conn.transaction():
            _count(unit, conn.execute(at_once(unit, works, exchanges)).fetchone(), counts)
    except psycopg.IntegrityError:
        return False  # something is in the way that is written before or after it
    return True


def _write(
    conn: Connection, writing: Sequence[Unit], works: Sequence[Work], counts: dict[str, int]
) -> None:
    """The units, in order, in one round trip."""
    statements = [(unit, statement) for unit in writing for statement in written(unit, works)]
    done = together(conn, [statement for _, statement in statements])
    for (unit, _), answer in zip(statements, done, strict=True):
        _count(unit, answer.rows[0] if answer.rows else [answer.count], counts)


def _count(unit: Unit, numbers: Sequence[object] | None, counts: dict[str, int]) -> None:
    assert numbers is not None
    for work, rows in zip(unit.works, numbers, strict=True):
        counts[work.derivation.name] += int(str(rows))


def written(unit: Unit, works: Sequence[Work], *, in_all: bool = False) -> list[sql.Composed]:
    """The statements that write a unit: one, which counts, or update and then insert. works: all of
    the batch. in_all: a statement that counts gives one number."""
    if unit.at_once:
        return [at_once(unit, works, in_all=in_all)]
    return [statement for work in unit.works for statement in (update(work), insert(work))]
