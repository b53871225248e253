"""Bringing V2 back to V1's truth where the two differ, after V2's version was kept.

Only then does a later proof pass. V1 serves by now whatever becomes of this.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from repot.engine.apply.derive import write
from repot.engine.apply.names import Names
from repot.engine.apply.order import parents_first
from repot.engine.apply.temporary import TEMP
from repot.engine.apply.work import Work, children, same_key
from repot.engine.apply.write import forward_columns
from repot.engine.prove.differing import Found, quarantine_table
from repot.engine.session import Session
from repot.model.catalog import Table
from repot.model.names import Name
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection
from repot.postgres.relations import now


def rederive(conn: Connection, session: Session, found: Sequence[Found]) -> str | None:
    """Write what the views give into the rows that differ; gives why it could not be done, if so
    (V2 is left as it was then)."""
    try:
        with conn.transaction():
            _keep_dependents(conn, session, found)
            write(conn, _works(conn, session, found))
    except psycopg.OperationalError:
        raise
    except psycopg.Error as failed:
        return str(failed.diag.message_primary or failed)
    return None


def _works(conn: Connection, session: Session, found: Sequence[Found]) -> list[Work]:
    """What is to be written, parents first; in temporary tables of this transaction."""
    by_name = {f.move.name: f for f in found}
    names = Names(conn, session.run.id)
    present = [m for m in session.plan.moves if m.table in names]
    works = []
    for number, move in enumerate(parents_first([f.move for f in found], session.plan.target)):
        one = by_name[move.name]
        wanted = Name(schema_=TEMP, name=f"repot_rederived_{number}")
        doomed = Name(schema_=TEMP, name=f"repot_undone_{number}")
        referring = children(move.table, present, session.plan.target, names)
        written = forward_columns(move, one.table)
        columns = idents(dict.fromkeys([*move.key, *written]), "v")
        conn.execute(
            sql.SQL(
                "create temp table {} on commit drop as select {} from {} as v"
                " where exists (select from {} as k where {})"
            ).format(
                sql.Identifier(wanted.name),
                columns,
                ident(move.view),
                ident(one.keys),
                same_key(move, "k", "v"),
            )
        )
        conn.execute(
            sql.SQL(
                "create temp table {} on commit drop as"
                " select {} from {} where repot_kind = 'extra'"
            ).format(sql.Identifier(doomed.name), idents(move.key), ident(one.keys))
        )
        works.append(
            Work(
                move,
                one.table,
                names[move.table],
                wanted,
                doomed,
                written,
                wants=one.rows,
                dooms=one.extra,
                children=referring,
            )
        )
    return works


def _keep_dependents(conn: Connection, session: Session, found: Sequence[Found]) -> None:
    """Rows of V2's own tables that a deleted row would take along (ON DELETE CASCADE) are kept."""
    moved = {m.table for m in session.plan.moves}
    own = [t for t in session.plan.target.tables if t.name not in moved]
    reached, hanging = {f.move.table for f in found if f.extra}, list[Table]()
    while more := [t for t in own if t not in hanging and _hangs_on(t, reached)]:
        hanging += more
        reached |= {t.name for t in more}
    for table in hanging:
        at = now(conn, session.run.id, table.name)
        into = quarantine_table(conn, session.run.id, at)
        columns = [c.name for c in table.columns]
        conn.execute(
            sql.SQL("insert into {} ({}, repot_kind, repot_at) select {}, {}, {} from {}").format(
                ident(into),
                idents(columns),
                idents(columns),
                sql.Literal("kept"),
                sql.SQL("clock_timestamp()"),
                ident(at),
            )
        )


def _hangs_on(table: Table, doomed: set[Name]) -> bool:
    return any(key.references in doomed for key in table.foreign_keys)
