"""Opening both ways: capture on V2, and what must be so before some write here and some there."""

from __future__ import annotations

import psycopg
from psycopg import sql

from repot.engine import capture, deferred
from repot.engine.apply.batch import touch_others
from repot.engine.apply.names import Names
from repot.engine.arming import hold_run
from repot.engine.session import Session
from repot.model.errors import Refused, RepotError
from repot.model.names import quoted
from repot.model.state import Phase
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.postgres.retry import with_lock_retries
from repot.postgres.state import record_event

GAP = 1_000_000  # numbers that V1 may give before it meets those that V2 gives


def open_both(session: Session, conn: Connection, rule: str, *, with_triggers: bool) -> None:
    """From here on V2's writes are captured, and conflicts are settled by the rule.

    with_triggers: user triggers on V1 may fire once more for what is carried back.
    Raises Refused `triggers-would-fire`, `lock-timeout`; RepotError `constraint-failed`.
    """
    run, plan = session.run.id, session.plan
    if not with_triggers:
        _refuse_triggers(conn, session)
    setting = plan.cutover

    def arm(_attempt: int) -> None:
        phase, open_by = hold_run(conn, run)
        if open_by is None and phase is not Phase.CUT_OVER:
            touch_others(conn, run, plan)  # what was written there until now is not carried
            capture.renew_back(conn, run, plan)
            capture.watch_own(conn, run, plan)
            _spread_numbers(conn, session)
            _own_keys(conn, run)
        conn.execute("update repot.run set both_ways = %s where id = %s", (rule, run))

    with_lock_retries(
        conn,
        arm,
        lock_timeout_ms=setting.lock_timeout_ms,
        retries=setting.retries,
        what="V2's tables, for the triggers that capture writes,",
    )
    _check_keys(conn, run)
    record_event(conn, run, "follow", "both ways", {"rule": rule})


def _own_keys(conn: Connection, run: int) -> None:
    """V2's foreign keys to tables that stay: from here on others write to V2 as well."""
    for item in deferred.outward(conn, run):
        if item.step == "foreign_key":
            deferred.put_back(conn, run, item.number)


def _check_keys(conn: Connection, run: int) -> None:
    """V2's rows from before; nobody waits for that."""
    for item in deferred.outward(conn, run):
        try:
            with conn.transaction():
                deferred.put_back(conn, run, item.number)
        except psycopg.errors.ForeignKeyViolation as failed:
            raise RepotError(
                "constraint-failed",
                f"rows of {quoted(item.table)} break its foreign key {quoted(item.object)}",
                evidence=failed.diag.message_detail or "",
                hint="mend these rows in V1, or let the move leave them out (leave.toml), and "
                "`repot follow --both` again",
            ) from None


def _refuse_triggers(conn: Connection, session: Session) -> None:
    names = Names(conn, session.run.id)
    tables = [names[b.table] for b in session.plan.backs if b.table in names]
    tables += [names[m.table] for m in session.plan.moves if m.table in names]
    rows = conn.execute(
        "select n.nspname, c.relname, t.tgname from pg_catalog.pg_trigger t"
        " join pg_catalog.pg_class c on c.oid = t.tgrelid"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgname not like %s"
        " and (n.nspname, c.relname) in (select * from unnest(%s::text[], %s::text[]))"
        " order by 1, 2, 3",
        (f"{capture.PREFIX}%", [t.schema_ for t in tables], [t.name for t in tables]),
    ).fetchall()
    if rows:
        raise Refused(
            "triggers-would-fire",
            f"{len(rows)} triggers would fire once more for rows that are carried over",
            evidence="\n".join(f"{s}.{t}: {name}" for s, t, name in rows),
            hint="if that does no harm (a timestamp that is set again), give --with-triggers",
        )


def _spread_numbers(conn: Connection, session: Session) -> None:
    """V2's sequences go on far beyond V1's numbers, or both sides would give the same ones."""
    names = Names(conn, session.run.id)
    for move in session.plan.moves:
        at = names[move.table]
        rows = conn.execute(
            "select a.attname, pg_catalog.pg_get_serial_sequence(%s, a.attname)::regclass::text,"
            " pg_catalog.format_type(a.atttypid, -1)"
            " from pg_catalog.pg_attribute a where a.attrelid = %s::regclass and a.attnum > 0"
            " and pg_catalog.pg_get_serial_sequence(%s, a.attname) is not null",
            [ident(at).as_string(conn)] * 3,
        ).fetchall()
        for column, sequence, kind in rows:
            if str(column) not in move.columns or str(kind) == "smallint":
                continue
            conn.execute(
                sql.SQL(
                    "select pg_catalog.setval({sequence}::regclass, greatest("
                    " (select coalesce(max({column}), 0) from {view}) + {gap},"
                    " pg_catalog.nextval({sequence}::regclass)))"
                ).format(
                    sequence=sql.Literal(str(sequence)),
                    column=sql.Identifier(str(column)),
                    view=ident(move.view),
                    gap=sql.Literal(GAP),
                )
            )
