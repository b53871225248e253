"""Who changed the schema: event triggers, where the role may create them."""

from __future__ import annotations

from psycopg import errors, sql

from repot.engine.drift.ground import note_once
from repot.engine.drift.sql import load
from repot.model.names import Name
from repot.model.schemas import STATE
from repot.postgres.catalog.rights import facts
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection

# Nobody waits for Repot whose command cannot change what it writes: CREATE INDEX, GRANT, COMMENT …
_TAGS = {
    "ddl_command_end": (
        *("ALTER TABLE", "CREATE TABLE", "CREATE TABLE AS", "SELECT INTO", "CREATE FOREIGN TABLE"),
        *("ALTER VIEW", "CREATE VIEW", "CREATE RULE", "ALTER RULE", "CREATE TRIGGER"),
        *("ALTER TRIGGER", "CREATE FUNCTION", "ALTER FUNCTION", "ALTER TYPE", "ALTER SCHEMA"),
    ),
    "sql_drop": (
        *("DROP TABLE", "DROP VIEW", "DROP MATERIALIZED VIEW", "DROP RULE", "DROP TRIGGER"),
        *("DROP FUNCTION", "DROP TYPE", "DROP SCHEMA", "DROP OWNED", "DROP EXTENSION"),
    ),
}


def watch(conn: Connection, run_id: int) -> bool:
    """Note in repot.ddl who changes the schemas and tables of the run, from now on.

    Also notes what the run stands on (`ground.note`), unless that is done: call it in the
    transaction that makes the run's views. False: the role may not create event triggers; changes
    are noticed all the same, without their authors. Noted are time, session user, application_name,
    command and object, never the text of a statement. A command goes on whatever becomes of its
    note, and waits 100 ms at most for it.
    """
    note_once(conn, run_id)
    if not facts(conn).event_triggers:
        return False
    try:
        with conn.transaction():
            conn.execute("select pg_advisory_xact_lock(hashtextextended('repot.state', 0))")
            _remove(conn, run_id)
            _install(conn, run_id)
    except errors.InsufficientPrivilege:
        return False  # a provider's stand-in for a superuser that may less than others
    return True


def unwatch(conn: Connection, run_id: int) -> None:
    """Take the event triggers away, if they are there; what was noted stays."""
    row = conn.execute(
        "select exists (select from pg_catalog.pg_event_trigger where evtname = any (%s))",
        ([_trigger(run_id, event) for event in _TAGS],),
    ).fetchone()
    if row and row[0]:
        with conn.transaction():
            _remove(conn, run_id)


def _install(conn: Connection, run_id: int) -> None:
    schemas = conn.execute(
        "select plan ->> 'source_schema', plan ->> 'target_schema', plan ->> 'retired_schema'"
        " from repot.run where id = %s",
        (run_id,),
    ).fetchone()
    assert schemas is not None
    body = sql.SQL(load("watch.sql")).format(
        run=sql.Literal(run_id),
        schemas=sql.SQL("array[{}]::text[]").format(joined(sql.Literal(s) for s in schemas)),
    )
    # lock_timeout: somebody's DDL must not wait for a lock that stands on repot.ddl.
    conn.execute(
        sql.SQL(
            "create function {}() returns event_trigger language plpgsql security definer"
            " set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as {}"
        ).format(ident(_function(run_id)), sql.Literal(body.as_string(conn)))
    )
    conn.execute(
        sql.SQL("revoke all on function {}() from public").format(ident(_function(run_id)))
    )
    for event, tags in _TAGS.items():
        conn.execute(
            sql.SQL("create event trigger {} on {} when tag in ({}) execute function {}()").format(
                sql.Identifier(_trigger(run_id, event)),
                sql.SQL(event),
                joined(sql.Literal(tag) for tag in tags),
                ident(_function(run_id)),
            )
        )
        # A session that replays others' changes (session_replication_role) is one more author.
        conn.execute(
            sql.SQL("alter event trigger {} enable always").format(
                sql.Identifier(_trigger(run_id, event))
            )
        )


def _remove(conn: Connection, run_id: int) -> None:
    for event in _TAGS:
        conn.execute(
            sql.SQL("drop event trigger if exists {}").format(
                sql.Identifier(_trigger(run_id, event))
            )
        )
    conn.execute(sql.SQL("drop function if exists {}()").format(ident(_function(run_id))))


def _function(run_id: int) -> Name:
    return Name(schema_=STATE, name=f"note_ddl_{run_id}")


def _trigger(run_id: int, event: str) -> str:
    return f"repot_{event}_{run_id}"
