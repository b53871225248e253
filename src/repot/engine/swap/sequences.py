"""Sequences and identities: the next number must be new on the side that comes, and stay so.

A sequence that comes is set beyond three things: where it stands itself, the greatest value of the
columns that it feeds, and where the sequences that it stands in for have got to on the side that
goes (those of the columns its column is a copy of, of the column of the same name in the table of
the same name, and the one of the same name). Numbers that V1 has handed out and nobody has inserted
yet are not handed out twice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import RELATIONS, TABLES, Thing
from repot.model.names import Name
from repot.model.plan import Plan
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection

ColumnName = tuple[str, str]  # table without schema, column


@dataclass
class Counter:
    """A sequence and the columns that it feeds."""

    oid: int
    name: Name
    increment: int
    least: int
    greatest: int
    cache: int
    columns: list[ColumnName] = field(default_factory=list)
    numbers: list[tuple[Name, str]] = field(default_factory=list)  # of them: those that are numbers
    unindexed: list[ColumnName] = field(default_factory=list)

    def move(self, schemas: Mapping[str, str]) -> None:
        """Its names as they will be once the schemas have changed."""
        self.name = self.name.within(schemas.get(self.name.schema_, self.name.schema_))
        self.numbers = [
            (t.within(schemas.get(t.schema_, t.schema_)), column) for t, column in self.numbers
        ]


def counters(conn: Connection, things: Iterable[Thing]) -> list[Counter]:
    """The sequences of one side."""
    relations = [t for t in things if t.kind in RELATIONS]
    rows = conn.execute(
        load("sequences.sql"),
        {
            "relations": [t.oid for t in relations if t.kind in (*TABLES, "f")],
            "alone": [t.oid for t in relations if t.kind == "S"],
        },
    ).fetchall()
    found: dict[int, Counter] = {}
    for oid, schema, name, increment, least, most, cache, ts, tn, column, number, indexed in rows:
        counter = found.setdefault(
            int(str(oid)),
            Counter(
                int(str(oid)),
                Name(schema_=str(schema), name=str(name)),
                int(str(increment)),
                int(str(least)),
                int(str(most)),
                int(str(cache)),
            ),
        )
        if column is None:
            continue
        counter.columns.append((str(tn), str(column)))
        if number:
            counter.numbers.append((Name(schema_=str(ts), name=str(tn)), str(column)))
            if not indexed:
                counter.unindexed.append((str(tn), str(column)))
    return list(found.values())


def stand_ins(
    plan: Plan, coming: str, arriving: Sequence[Counter], leaving: Sequence[Counter]
) -> dict[int, list[Counter]]:
    """For each sequence that comes: those of the other side whose numbers it must not repeat."""
    copies: dict[ColumnName, set[ColumnName]] = defaultdict(set)
    for move in plan.moves:
        for output in move.outputs:
            for direct in output.direct:
                if direct is not None and direct[0].schema_ == plan.source_schema:
                    v1, v2 = (direct[0].name, direct[1]), (move.table.name, output.name)
                    copies[v2 if coming == "v2" else v1].add(v1 if coming == "v2" else v2)
    result = {}
    for counter in arriving:
        of = set(counter.columns).union(*(copies[c] for c in counter.columns))
        result[counter.oid] = [
            other
            for other in leaving
            if other.name.name == counter.name.name or of & set(other.columns)
        ]
    return result


@dataclass(frozen=True)
class Settings:
    """What to set, found out before the swap; the names are those of after it."""

    arriving: tuple[Counter, ...]
    standing_in: tuple[Counter, ...]  # sequences of the other side that must be asked
    others: Mapping[int, list[Counter]]
    slack: int  # sessions that may still take a number


def prepare(conn: Connection, swap: Survey, plan: Plan) -> Settings:
    """Look at the sequences of both sides."""
    where = swap.direction
    leaving = counters(conn, [*swap.outgoing, *swap.staying])
    shared = {c.oid for c in leaving}  # stand-alone sequences that stay serve both sides
    arriving = [c for c in counters(conn, swap.incoming) if c.oid not in shared]
    others = stand_ins(plan, where.coming, arriving, leaving)
    asked = {c.oid: c for found in others.values() for c in found}
    staying = {t.full_name for t in swap.staying}
    for counter in (*arriving, *asked.values()):
        if counter.name not in staying:
            counter.move({where.waiting: where.front, where.front: where.aside})
    row = conn.execute("select current_setting('max_connections')::int").fetchone()
    return Settings(tuple(arriving), tuple(asked.values()), others, int(str(row[0])) if row else 0)


def set_beyond(conn: Connection, known: Settings) -> dict[str, int]:
    """Set the sequences that come; sequence → next number, for those that were set.

    Call it when nobody can take numbers any more: after the side that goes has been moved.
    """
    standing = _positions(conn, [*known.arriving, *known.standing_in])
    used = _extremes(conn, known.arriving)
    result = {}
    statements = []
    for counter in known.arriving:
        values = used.get(counter.oid, [])
        target = _target(counter, known.others[counter.oid], standing, values, known.slack)
        if target == standing[counter.oid][0]:
            continue
        result[str(counter.name)] = target
        beyond = not counter.least <= target <= counter.greatest
        statements.append(
            sql.SQL("pg_catalog.setval({}::pg_catalog.regclass, {}, {})").format(
                sql.Literal(ident(counter.name).as_string(conn)),
                # a sequence that is used up stays so: its next number is an error, as it was in V1
                sql.Literal(min(max(target, counter.least), counter.greatest)),
                sql.Literal(beyond),
            )
        )
    if statements:
        conn.execute(sql.SQL("select ") + joined(statements))
    return result


def _target(
    counter: Counter,
    others: Sequence[Counter],
    standing: Mapping[int, tuple[int, bool]],
    used: Sequence[int],
    slack: int,
) -> int:
    """The next number. Another sequence counts only if it has been used and runs the same way;
    sessions that wait for it now may still take some numbers of it, at most `slack` times."""
    up = counter.increment > 0
    candidates = [standing[counter.oid][0]]
    for other in others:
        following, called = standing[other.oid]
        if called and (other.increment > 0) == up:
            candidates.append(following + other.increment * other.cache * slack)
    candidates += [value + (1 if up else -1) for value in used]
    return max(candidates) if up else min(candidates)


def _positions(conn: Connection, all_of: Sequence[Counter]) -> dict[int, tuple[int, bool]]:
    """Sequence → its next number, and whether it has been used."""
    if not all_of:
        return {}
    by_oid = {c.oid: c for c in all_of}
    parts = [
        sql.SQL("select {}::bigint, last_value, is_called from {}").format(
            sql.Literal(c.oid), ident(c.name)
        )
        for c in by_oid.values()
    ]
    rows = conn.execute(sql.SQL(" union all ").join(parts)).fetchall()
    result = {}
    for oid, last, called in rows:
        counter = by_oid[int(str(oid))]
        step = counter.increment if called else 0
        result[counter.oid] = (int(str(last)) + step, bool(called))
    return result


def _extremes(conn: Connection, arriving: Sequence[Counter]) -> dict[int, list[int]]:
    """Sequence → the greatest values (the least, if it counts down) of the columns it feeds."""
    parts = [
        sql.SQL("select {}::bigint, trunc({}({})::numeric) from {}").format(
            sql.Literal(c.oid),
            sql.SQL("max" if c.increment > 0 else "min"),
            sql.Identifier(column),
            ident(table),
        )
        for c in arriving
        for table, column in c.numbers
    ]
    found: dict[int, list[int]] = defaultdict(list)
    if parts:
        for oid, value in conn.execute(sql.SQL(" union all ").join(parts)).fetchall():
            if value is not None and math.isfinite(float(str(value))):  # numeric knows NaN
                found[int(str(oid))].append(int(str(value)))
    return found
