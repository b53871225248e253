"""The databases of the schedules, made once per server; reset between schedules by their rows."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from interleavings.actor import Actor
from interleavings.checks import Checks
from interleavings.connections import Pool, SteppingSession
from interleavings.project import FILES, PARTS, SETTINGS, V1
from repot.engine.build import build
from repot.engine.registry import allocate_all
from repot.engine.session import Session
from repot.engine.swap.evidence import read_run
from repot.postgres.connect import connect
from repot.stages.copy.fill import Fill
from repot.stages.copy.units import plan_units
from repot.stages.cutover import cutover
from repot.stages.rollback import rollback
from repot.stages.verify import verify
from support.pipeline import planned, started
from support.project import write
from support.sql import run
from support.swapping import whole_backup

# What a run never changes, or only adds to.
_FIXED = {"event", "evidence", "relation", "capture", "work", "deferred", "restore", "conflict"}
_SCHEMAS = ["public", "v2", "v1_old", "repot", "repot_registry", "repot_quarantine"]


class Kind(Enum):
    """How far the move is when a schedule begins."""

    EMPTY = "built"
    COPIED = "copied"
    PROVEN = "proven"
    CUT = "cut over"
    BACK = "rolled back"  # to be cut over and rolled back again


def _take_on(session: Session, kind: Kind) -> None:
    """From `copied` to where the schedules begin."""
    if kind is Kind.COPIED:
        return
    verdict = verify(session)
    assert verdict.passed, verdict.reasons
    if kind in (Kind.CUT, Kind.BACK):
        cutover(session, verdict, whole_backup())
    if kind is Kind.BACK:
        rollback(session)


class World:
    """One database, and a way back to how it was when it was made."""

    def __init__(self, dsn: str, folder: Path, kind: Kind = Kind.COPIED) -> None:
        self.dsn, self.kind = dsn, kind
        run(dsn, V1)
        project = write(folder, FILES, SETTINGS)
        if kind is Kind.EMPTY:
            session = planned(dsn, project)
            self.session: Session = session.at(build(session))
        else:
            self.session = started(dsn, project)
            _take_on(self.session, kind)
        self.plan, self.run_id = self.session.plan, self.session.run.id
        self.pool = Pool(dsn)
        self.conn: psycopg.Connection[Any] = connect(dsn)
        self.monitor: psycopg.Connection[Any] = connect(dsn)
        self.session = self.session.at(read_run(self.conn, self.session.run))
        self.fills: list[Fill] = []
        if kind is Kind.EMPTY:
            # The first values make an index: every schedule is to find it.
            allocate_all(self.conn, self.plan)
            self.conn.execute("delete from repot_registry.item_slug")
            self.conn.execute(PARTS.format(run=self.run_id).encode())
            self.fills += [plan_units(self.session, self.conn, m) for m in self.plan.moves]
        self.conn.prepare_threshold = self.monitor.prepare_threshold = 1
        self.checks = Checks(self.conn, self.plan, self.run_id)
        self._remember()
        self.resets = 0

    def close(self) -> None:
        """End all connections."""
        self.pool.close()
        self.conn.close()
        self.monitor.close()

    def session_of(self, actor: Actor) -> SteppingSession:
        """A session whose connections stop before every statement."""
        s = self.session
        return SteppingSession(self.dsn, s.run, self.plan, s.progress, actor, self.pool)

    def reset(self) -> None:
        """All rows as they were when the world was made."""
        self.conn.execute("call saved.reset()")
        self.resets += 1
        if self.resets % (20 if self.kind is Kind.BACK else 100) == 0:
            self.conn.execute("vacuum (truncate false, process_toast false)")

    def _remember(self) -> None:
        """The procedure saved.reset(), which fills every table from a copy of it made now."""
        conn = self.conn
        conn.execute("create schema saved")
        tables = conn.execute(
            "select c.oid::bigint, n.nspname, c.relname, exists (select from pg_attribute a"
            " where a.attrelid = c.oid and a.attidentity <> '') from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r'"
            " and n.nspname = any (%s)"
            # Logs last: the deletes before are captured.
            " order by n.nspname = 'repot', 3",
            (_SCHEMAS,),
        ).fetchall()
        body: list[sql.Composable] = []
        for oid, schema, name, identity in tables:
            if schema == "repot" and name in _FIXED:
                continue
            table, copy = sql.Identifier(schema, name), sql.Identifier("saved", f"t{oid}")
            conn.execute(sql.SQL("create table {} as select * from {}").format(copy, table))
            # Of a queue part is taken in the order in which it lies on disk: that must not come from
            # earlier schedules.
            queue = name.startswith(("log_", "todo_"))
            clear = (
                "if pg_relation_size({oid}) > 0 then truncate {table}; end if;"
                if queue
                else "delete from {table};"
            )
            body.append(sql.SQL(clear).format(oid=sql.Literal(oid), table=table))
            over = sql.SQL("overriding system value" if identity else "")
            if conn.execute(sql.SQL("select 1 from {} limit 1").format(copy)).fetchone():
                body.append(
                    sql.SQL("insert into {} {} select * from {};").format(table, over, copy)
                )
        # The rows of `work` stay (in BACK others come); what a TRUNCATE left in them must not.
        body.append(sql.SQL("update repot.work set whole_epoch = null where whole_epoch >= 0;"))
        conn.execute(
            sql.SQL("create procedure saved.reset() language plpgsql as {}").format(
                sql.Literal(
                    sql.SQL(
                        # Foreign keys sleep; capture does not.
                        "begin set local session_replication_role = replica;\n{}\nend"
                    )
                    .format(sql.SQL("\n").join(body))
                    .as_string(conn)
                )
            )
        )
