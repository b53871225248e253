"""Every row of every derived table, compared with its view."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from repot.engine.compare import (
    Counts,
    Where,
    between,
    compare,
    compared_columns,
    duplicate_examples,
    everywhere,
    examples,
)
from repot.engine.session import Session
from repot.model.catalog import Table
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.model.results import Difference, TableProof
from repot.postgres.connect import Connection
from repot.postgres.relations import now
from repot.stages.verify.snapshot import Snapshot

PIECE = 600_000  # rows: a hash join of that many stays in work_mem
EXAMPLES = 3


@dataclass(frozen=True)
class Piece:
    """A range of one table's key."""

    derivation: Derivation
    table: Table
    now: Name
    where: Where
    estimate: int


def compare_rows(session: Session, snapshot: Snapshot) -> tuple[TableProof, ...]:
    """A proof per move, in the plan's order; large tables in pieces, largest pieces first."""
    pieces = snapshot.ask(lambda conn: _pieces(conn, session))
    order = sorted(range(len(pieces)), key=lambda n: -pieces[n].estimate)
    total = sum(piece.estimate for piece in pieces)
    session.progress.start("proof", "Comparing rows", total, "rows")

    def ask(conn: Connection, number: int) -> tuple[int, Counts, tuple[Difference, ...], int]:
        piece, start = pieces[number], time.monotonic()
        counts = compare(conn, piece.derivation, piece.table, piece.now, piece.where)
        found: tuple[Difference, ...] = ()
        if counts.missing or counts.extra or counts.changed:
            found = examples(conn, piece.derivation, piece.table, piece.now, piece.where, EXAMPLES)
        if counts.duplicates:
            found += duplicate_examples(conn, piece.derivation, piece.where, EXAMPLES)
        session.progress.advance("proof", piece.estimate)
        return number, counts, found, round((time.monotonic() - start) * 1000)

    answers = snapshot.map(ask, order)
    session.progress.finish("proof")
    return tuple(
        _proof(d, session, [a for a in answers if pieces[a[0]].derivation is d])
        for d in session.plan.moves
    )


def _proof(
    d: Derivation,
    session: Session,
    answers: Sequence[tuple[int, Counts, tuple[Difference, ...], int]],
) -> TableProof:
    table = session.plan.target.get(d.table)
    assert table is not None
    counts = sum((a[1] for a in answers), Counts())
    found = tuple(e for a in sorted(answers, key=lambda a: a[0]) for e in a[2])
    return TableProof(
        table=d.name,
        rows_compared=counts.pairs + counts.missing + counts.extra,
        view_rows=counts.view_rows,
        table_rows=counts.table_rows,
        missing=counts.missing,
        extra=counts.extra,
        changed=counts.changed,
        duplicates=counts.duplicates,
        not_compared=tuple(compared_columns(d, table)[1]),
        examples=found[: 2 * EXAMPLES],
        ms=sum(a[3] for a in answers),
    )


def _pieces(conn: Connection, session: Session) -> list[Piece]:
    pieces = []
    for d in session.plan.moves:
        table = session.plan.target.get(d.table)
        assert table is not None
        name = now(conn, session.run.id, d.table)
        row = conn.execute(
            "select greatest(c.reltuples, 0)::bigint from pg_catalog.pg_class c"
            " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = %s and c.relname = %s",
            (name.schema_, name.name),
        ).fetchone()
        rows = int(str(row[0])) if row else 0
        bounds = _bounds(conn, name, d.key[0], max(1, -(-rows // PIECE)))
        column = table.column(d.key[0])
        assert column is not None
        edges = [None, *bounds, None]
        for lo, hi in pairwise(edges):
            where = everywhere if not bounds else between(d.key[0], column.type, lo, hi)
            pieces.append(Piece(d, table, name, where, max(1, rows // (len(bounds) + 1))))
    return pieces


def _bounds(conn: Connection, name: Name, column: str, count: int) -> list[str]:
    """Values that cut the key into `count` parts of about one size, from the statistics.

    They need not be exact: the first and the last part are open, so every row is in one part.
    NULL keys are in none; the primary key has none, and the plan refuses a view with them.
    """
    if count < 2:
        return []
    row = conn.execute(
        "select histogram_bounds::text::text[] from pg_catalog.pg_stats"
        " where schemaname = %s and tablename = %s and attname = %s",
        (name.schema_, name.name, column),
    ).fetchone()
    values = row[0] if row else None
    if not isinstance(values, list) or len(values) < count + 1:
        return []
    step = (len(values) - 1) / count
    chosen = [str(values[round(step * n)]) for n in range(1, count)]
    return list(dict.fromkeys(chosen))
