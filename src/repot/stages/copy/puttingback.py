"""The jobs that put keys, indexes and foreign keys back, and what each of them waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import psycopg
from psycopg import sql

from repot.engine.deferred import Deferred, put_back
from repot.engine.session import Session
from repot.model.errors import RepotError
from repot.model.names import Name, quoted
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.postgres.relations import now
from repot.postgres.retry import with_lock_retries
from repot.stages.copy.board import Job, rows_key

_TITLE = {
    "index": "index",
    "key": "key",
    "foreign_key": "foreign key",
    "validate": "foreign key",
    "trigger": "trigger",
}


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
    return Job(_key(item), _work(session, item), needs, alone, rank, weight)


def _work(session: Session, item: Deferred) -> Callable[[Connection], None]:
    cutover = session.plan.cutover

    def work(conn: Connection) -> None:
        try:
            if item.step == "foreign_key":  # it may point to a table that is in use
                with_lock_retries(
                    conn,
                    lambda _attempt: put_back(conn, session.run.id, item.number),
                    lock_timeout_ms=cutover.lock_timeout_ms,
                    retries=cutover.retries,
                    what=f"the tables of foreign key {item.object}",
                )
            else:
                with conn.transaction():
                    put_back(conn, session.run.id, item.number)
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            raise refused_by_rows(item, failed) from None
        session.progress.advance("constraints", 1)

    return work


def refused_by_rows(item: Deferred, failed: psycopg.Error) -> RepotError:
    """The rows do not allow the object."""
    diagnosis = failed.diag
    return RepotError(
        "constraint-failed",
        f"{_TITLE[item.step]} {quoted(item.object)} of {quoted(item.table)}: "
        f"{diagnosis.message_primary or str(failed).strip()}",
        evidence=diagnosis.message_detail or f"SQLSTATE {failed.sqlstate}",
        hint="`repot plan` lists such rows; if V1 was written to during the copy, "
        "`repot copy --restart` begins with V1 as it is now",
    )


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
