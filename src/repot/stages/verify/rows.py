"""Every row of every derived table, compared with its view."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from repot.engine import todo
from repot.engine.compare import (
    Counts,
    Where,
    compare,
    compared_columns,
    duplicate_examples,
    examples,
)
from repot.engine.prove.rewritten import files, prove_later, rewritten
from repot.engine.session import Session
from repot.model.catalog import Table
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.model.results import Difference, TableProof
from repot.postgres.connect import Connection
from repot.postgres.relations import now
from repot.stages.verify.pieces import rows_of, share, wheres
from repot.stages.verify.snapshot import Snapshot

EXAMPLES = 3


@dataclass(frozen=True)
class Piece:
    """All of one table, or a range of its key."""

    derivation: Derivation
    table: Table
    now: Name
    where: Where
    estimate: int


@dataclass(frozen=True)
class Answer:
    """What a piece was found to be."""

    counts: Counts
    examples: tuple[Difference, ...]
    ms: int
    later: bool = False  # a source was emptied since the snapshot: it must be proven in another


def begin_rows(session: Session, snapshot: Snapshot) -> Callable[[], tuple[TableProof, ...]]:
    """Begin to compare; the call of what is returned waits for the proofs, in the plan's order.

    Each move is one question; large ones are as many as keep all workers busy, largest first.
    """
    pieces = snapshot.ask(lambda conn: _pieces(conn, session, snapshot.workers))
    pieces.sort(key=lambda piece: -piece.estimate)
    total = sum(piece.estimate for piece in pieces)
    session.progress.start("proof", "Comparing rows", total, "rows")

    def ask(conn: Connection, piece: Piece) -> Answer:
        answer = _compare(conn, piece, snapshot)
        if answer.counts.differences and rewritten(
            snapshot.files, files(conn, session.run.id), piece.derivation
        ):
            answer = replace(answer, counts=Counts(), examples=(), later=True)
        session.progress.advance("proof", piece.estimate)
        return answer

    begun = snapshot.begin(ask, pieces)

    def proofs() -> tuple[TableProof, ...]:
        answers = [future.result() for future in begun]
        session.progress.finish("proof")
        _later(session, pieces, answers)
        found = list(zip(pieces, answers, strict=True))
        return tuple(
            _proof(session, d, [a for piece, a in found if piece.derivation is d])
            for d in session.plan.moves
        )

    return proofs


def _later(session: Session, pieces: Sequence[Piece], answers: Sequence[Answer]) -> None:
    names = {p.derivation.name for p, a in zip(pieces, answers, strict=True) if a.later}
    if names:
        with session.connect("repot verify") as conn:
            todos = todo.read(conn, session.run.id, todo.FORWARD)
            for name in names:
                prove_later(conn, todos[name])


def compare_rows(session: Session, snapshot: Snapshot) -> tuple[TableProof, ...]:
    """A proof per move, in the plan's order."""
    return begin_rows(session, snapshot)()


def _compare(conn: Connection, piece: Piece, snapshot: Snapshot) -> Answer:
    start = time.monotonic()
    d = piece.derivation
    where = snapshot.aside(conn).outside(d, piece.where)
    counts = compare(conn, d, piece.table, piece.now, where)
    found: tuple[Difference, ...] = ()
    if counts.missing or counts.extra or counts.changed:
        found = examples(conn, d, piece.table, piece.now, where, EXAMPLES)
    if counts.duplicates:
        found += duplicate_examples(conn, d, where, EXAMPLES)
    if counts.repeated:
        found += duplicate_examples(conn, d, where, EXAMPLES, table=piece.now)
    return Answer(counts, found, round((time.monotonic() - start) * 1000))


def _proof(session: Session, d: Derivation, answers: Sequence[Answer]) -> TableProof:
    table = session.plan.target.get(d.table)
    assert table is not None
    counts = sum((a.counts for a in answers), Counts())
    return TableProof(
        table=d.name,
        rows_compared=counts.pairs + counts.missing + counts.extra,
        view_rows=counts.view_rows,
        table_rows=counts.table_rows,
        missing=counts.missing,
        extra=counts.extra + counts.repeated,
        changed=counts.changed,
        duplicates=counts.duplicates,
        not_compared=tuple(compared_columns(d, table)[1]),
        examples=tuple(e for a in answers for e in a.examples)[: 2 * EXAMPLES],
        ms=sum(a.ms for a in answers),
    )


def _pieces(conn: Connection, session: Session, workers: int) -> list[Piece]:
    plan = session.plan
    found = []
    for d in plan.moves:
        table = plan.target.get(d.table)
        assert table is not None
        name = now(conn, session.run.id, d.table)
        found.append((d, table, name, rows_of(conn, name)))
    at_most = share(sum(rows for *_, rows in found), workers)
    pieces = []
    for d, table, name, rows in found:
        column = table.column(d.key[0])
        assert column is not None
        ranges = wheres(conn, name, column, -(-rows // at_most))
        pieces += [Piece(d, table, name, w, max(1, rows // len(ranges))) for w in ranges]
    return pieces
