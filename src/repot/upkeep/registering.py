"""Upkeep's schema in the database, and the tasks in it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from psycopg.types.json import Jsonb

from repot.model.errors import Refused
from repot.model.upkeep import Task, Upkeep
from repot.postgres.connect import Connection
from repot.upkeep import care
from repot.upkeep.builtins import in_database
from repot.upkeep.schedule import taken_apart
from repot.upkeep.sql import load

_FILES = ("tables.sql", "schedule.sql", "run.sql")


def is_installed(conn: Connection) -> bool:
    """Whether upkeep's schema is in this database."""
    row = conn.execute("select to_regclass('repot_upkeep.version') is not null").fetchone()
    return bool(row and row[0])


def ensure(conn: Connection) -> None:
    """Make upkeep's schema and the built-ins' functions, where they are not there or of another
    version. Raises Refused `upkeep-no-rights` before it changes anything."""
    texts = (*(load(file) for file in _FILES), *care.scripts())
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    if _version(conn) == digest:
        return
    with conn.transaction():
        # Two first runs at once would both see nothing and one would fail.
        conn.execute("select pg_advisory_xact_lock(hashtextextended('repot.upkeep', 0))")
        if _version(conn) == digest:
            return
        _check_rights(conn)
        for text in texts:
            conn.execute(text.encode())
        conn.execute(
            "insert into repot_upkeep.version (digest) values (%s) on conflict (one)"
            " do update set digest = excluded.digest, at = clock_timestamp()",
            (digest,),
        )


def _version(conn: Connection) -> str | None:
    if not is_installed(conn):
        return None
    row = conn.execute("select digest from repot_upkeep.version").fetchone()
    return str(row[0]) if row else None


def _check_rights(conn: Connection) -> None:
    row = conn.execute(
        "select exists (select from pg_namespace where nspname = 'repot_upkeep'),"
        " has_database_privilege(current_database(), 'CREATE'), current_user, current_database()"
    ).fetchone()
    assert row is not None
    if not row[0] and not row[1]:
        raise Refused(
            "upkeep-no-rights",
            f"the role {row[2]} may not make the schema repot_upkeep in {row[3]}",
            hint=f'grant create on database "{row[3]}" to "{row[2]}"',
        )


def register(conn: Connection, upkeep: Upkeep, now: datetime) -> tuple[str, ...]:
    """Write the declared tasks into the database, and take those out that this project declares no
    more; their history stays. New tasks, and those of another schedule, are due from `now` on.

    Gives the names of the tasks that were taken out. Raises Refused `upkeep-task-taken`.
    """
    names = [task.name for task in upkeep.tasks]
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(hashtextextended('repot.upkeep', 0))")
        taken = conn.execute(
            "select name, project from repot_upkeep.task where name = any(%s) and project <> %s"
            " order by name",
            (names, upkeep.project),
        ).fetchall()
        if taken:
            raise Refused(
                "upkeep-task-taken",
                "another project has tasks of the same name in this database",
                evidence="\n".join(f"{name}: of the project {project}" for name, project in taken),
                hint="give them other names in upkeep.toml",
            )
        for task in upkeep.tasks:
            conn.execute(load("register.sql").encode(), _row(upkeep, task, now))
        gone = conn.execute(
            "delete from repot_upkeep.task where project = %s and name <> all(%s) returning name",
            (upkeep.project, names),
        ).fetchall()
    return tuple(sorted(str(row[0]) for row in gone))


def _row(upkeep: Upkeep, task: Task, now: datetime) -> dict[str, object]:
    return {
        "name": task.name,
        "project": upkeep.project,
        "kind": task.kind.value,
        "what": task.what,
        "schedule": task.schedule,
        "spec": Jsonb(taken_apart(task.cron)),
        "time_zone": upkeep.time_zone,
        "schema": upkeep.schema_,
        "sql": task.sql.text if task.sql else None,
        "care": task.care,
        "settings": Jsonb(task.settings),
        "in_database": in_database(task),
        "timeout": task.timeout,
        "catch_up": task.catch_up.value,
        "enabled": task.enabled,
        "again": task.again,
        "since": now,
    }
