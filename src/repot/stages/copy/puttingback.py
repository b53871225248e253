"""The jobs that put keys, indexes and foreign keys back, and what each of them waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from psycopg import sql

from repot.engine.deferred import Deferred
from repot.engine.session import Session
from repot.model.names import Name
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.postgres.relations import now
from repot.stages.copy.board import Job, rows_key
from repot.stages.copy.constraint import put_back_work


def jobs(
    session: Session, todo: Iterable[Deferred], moved: set[str], weights: Mapping[str, float]
) -> list[Job]:
    """One job per object: indexes as soon as the table's rows are there, then its keys, then
    ANALYZE (the checks of foreign keys are planned by it), then foreign keys, then their checks.

    todo: triggers not among them. moved: tables that a move fills. weights: rows per table, about.
    """
    by_step: dict[str, list[Deferred]] = defaultdict(list)
    for item in todo:
        by_step[item.step].append(item)
    tables = sorted({t.name.name for t in session.plan.target.tables if t.parent is None})
    parts = _partition_roots(session)
    made: list[Job] = []

    def root(item: Deferred) -> str:
        return parts.get(item.table, item.table)

    for table in tables:
        rows = frozenset({rows_key(table)} if table in moved else ())
        indexes = [d for d in by_step["index"] if root(d) == table]
        keys = [d for d in by_step["key"] if root(d) == table]
        weight = weights.get(table, 0.0)
        made += [_job(session, d, rows, frozenset(), 1, weight) for d in indexes]
        built = rows | {_key(d) for d in indexes}
        made += [_job(session, d, built, frozenset({table}), 1, weight) for d in keys]
        made.append(
            Job(
                f"analyze:{table}",
                _analyze(session, table),
                built | {_key(d) for d in keys},
                rank=2,
                weight=weight,
            )
        )
    for item in by_step["foreign_key"]:
        ends = frozenset({item.table, _referenced(session, item)} & {*tables, *parts})
        needs = frozenset(f"analyze:{parts.get(t, t)}" for t in ends)
        made.append(_job(session, item, needs, ends, 3, 0.0))
    for item in by_step["validate"]:
        same = [
            d for d in by_step["foreign_key"] if (d.table, d.object) == (item.table, item.object)
        ]
        ends = frozenset({item.table, _referenced(session, item)} & {*tables, *parts})
        needs = frozenset(f"analyze:{parts.get(t, t)}" for t in ends) | {_key(d) for d in same}
        made.append(
            _job(session, item, needs, frozenset({item.table}), 4, weights.get(item.table, 0.0))
        )
    return made


def _key(item: Deferred) -> str:
    return f"deferred:{item.number}"


def _job(
    session: Session,
    item: Deferred,
    needs: frozenset[str],
    alone: frozenset[str],
    rank: int,
    weight: float,
) -> Job:
    def nothing(_conn: Connection) -> None: ...

    job = Job(_key(item), nothing, needs, alone, rank, weight)
    return replace(job, work=put_back_work(session, item, job))


def _analyze(session: Session, table: str) -> Callable[[Connection], None]:
    planned = Name(schema_=session.plan.target_schema, name=table)

    def work(conn: Connection) -> None:
        name = now(conn, session.run.id, planned)
        conn.execute(sql.SQL("analyze {}").format(ident(name)))

    return work


def _referenced(session: Session, item: Deferred) -> str:
    """The table that a foreign key points to; '' where it is not one of V2's."""
    schema = session.plan.target_schema
    for table in session.plan.target.tables:
        for key in table.foreign_keys:
            if (table.name.name, key.name) == (item.table, item.object):
                return key.references.name if key.references.schema_ == schema else ""
    return ""


def _partition_roots(session: Session) -> dict[str, str]:
    """Partition → the partitioned table at the top, whose move fills it."""
    parents = {t.name.name: t.parent.name for t in session.plan.target.tables if t.parent}

    def top(name: str) -> str:
        while name in parents:
            name = parents[name]
        return name

    return {name: top(name) for name in parents}
