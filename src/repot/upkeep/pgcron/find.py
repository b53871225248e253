"""Where pg_cron is, and whether this role may make jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from psycopg import errors
from psycopg.conninfo import make_conninfo

from repot.model.errors import Refused, RepotError
from repot.postgres.connect import Connection
from repot.upkeep.session import open_session

_INSTEAD = "or without pg_cron: repot upkeep run, with --daemon or by the machine's cron"


@dataclass(frozen=True)
class Cron:
    """pg_cron, as found. `conn` is to the database that it lives in, which may be another than the
    one that the tasks work on, `database`."""

    conn: Connection
    home: str
    database: str
    time_zone: str

    @property
    def is_elsewhere(self) -> bool:
        return self.home != self.database


@contextmanager
def pg_cron(dsn: str, conn: Connection, named: str | None = None) -> Iterator[Cron]:
    """pg_cron of the server that `conn` is connected to. Changes nothing.

    named: the database that it lives in, where this role may not see the setting.

    Raises Refused `no-pg-cron`, `pg-cron-no-rights`, naming what is needed.
    """
    row = conn.execute("select current_database(), current_user").fetchone()
    assert row is not None
    database, role = str(row[0]), str(row[1])
    if _has_extension(conn):
        _check(conn, role, elsewhere=False)
        _see_own_jobs(conn)
        yield Cron(conn, database, database, _zone(conn))
        return
    home = named or _home(conn)
    if home is None or home == database:
        where = home or "the database that cron.database_name names (postgres by default)"
        raise Refused(
            "no-pg-cron",
            "pg_cron is not installed in this database, and no other one is known to have it",
            hint="with shared_preload_libraries = 'pg_cron' (a restart), a superuser says in "
            f"{where}: create extension pg_cron; if it is there: --cron-database NAME; {_INSTEAD}",
        )
    with closing(_there(dsn, home)) as there:
        if not _has_extension(there):
            raise Refused(
                "no-pg-cron",
                f"pg_cron is meant to be in the database {home}, and is not installed there",
                hint=f"a superuser says in {home}: create extension pg_cron; {_INSTEAD}",
            )
        _check(there, role, elsewhere=True)
        _see_own_jobs(there)
        yield Cron(there, home, database, _zone(there))


def _see_own_jobs(conn: Connection) -> None:
    """A policy of pg_cron's shows a role its own jobs: here that is what is wanted."""
    conn.execute("set row_security = on")


def _has_extension(conn: Connection) -> bool:
    row = conn.execute("select exists (select from pg_extension where extname = 'pg_cron')")
    return bool((row.fetchone() or (False,))[0])


def _home(conn: Connection) -> str | None:
    """The database that pg_cron's worker looks at; None where that is not to be seen."""
    try:
        row = conn.execute("select current_setting('cron.database_name', true)").fetchone()
    except errors.InsufficientPrivilege:
        return None
    return str(row[0]) if row and row[0] else None


def _zone(conn: Connection) -> str:
    """What pg_cron's schedules are in: always GMT before its version 1.5."""
    row = conn.execute("select current_setting('cron.timezone', true)").fetchone()
    said = str(row[0]) if row and row[0] else "GMT"
    return "UTC" if said.upper() in ("GMT", "UTC") else said


def _there(dsn: str, home: str) -> Connection:
    try:
        return open_session(make_conninfo(dsn, dbname=home))
    except RepotError as failed:
        raise Refused(
            "no-pg-cron",
            f"pg_cron lives in the database {home}, and this role cannot connect to it",
            evidence=failed.evidence,
            hint=f"let it connect to {home}; {_INSTEAD}",
        ) from None


def _check(conn: Connection, role: str, *, elsewhere: bool) -> None:
    name = "schedule_in_database" if elsewhere else "schedule"
    types = "text, text, text, text, text, boolean" if elsewhere else "text, text, text"
    function = f"cron.{name}({types})"
    # Asked of the catalog: to name it by to_regprocedure one needs the schema's USAGE already.
    row = conn.execute(
        "select has_schema_privilege(%(r)s, n.oid, 'USAGE'), p.oid is not null,"
        " coalesce(has_function_privilege(%(r)s, p.oid, 'EXECUTE'), false)"
        " from pg_namespace n left join pg_proc p on p.pronamespace = n.oid and p.proname = %(f)s"
        " and oidvectortypes(p.proargtypes) = %(t)s where n.nspname = 'cron'",
        {"r": role, "f": name, "t": types},
    ).fetchone()
    assert row is not None
    usage, there, execute = row
    if not there:
        raise Refused(
            "no-pg-cron",
            f"this pg_cron has no {function}",
            hint="pg_cron 1.4 or later is needed: alter extension pg_cron update; " + _INSTEAD,
        )
    needed = [] if usage else [f'grant usage on schema cron to "{role}"']
    needed += [] if execute else [f'grant execute on function {function} to "{role}"']
    if needed:
        raise Refused(
            "pg-cron-no-rights",
            f"the role {role} may not make jobs of pg_cron",
            evidence=";\n".join(needed),
            hint="a superuser says this in the database where pg_cron is; " + _INSTEAD,
        )
