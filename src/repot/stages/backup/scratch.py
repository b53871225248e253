"""Where a backup is restored for the test: a private server, or a database beside the original."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from repot.embedded import EmbeddedError, EmbeddedServer, list_binaries
from repot.model.errors import RepotError
from repot.model.progress import Progress
from repot.postgres.connect import Connection, connection
from repot.stages.backup.query import rows

# Nothing in the private server must outlive it: no durability, no vacuum, as little WAL as can be.
_SETTINGS: dict[str, str | int | float | bool] = {
    "autovacuum": False,
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "max_wal_size": "8GB",
    "maintenance_work_mem": "128MB",
}


@dataclass(frozen=True)
class Needs:
    """What the database asks of a server that is to take it."""

    major: int  # the least version
    extensions: frozenset[str]  # those that something depends on
    icu: bool
    bytes: int
    encoding: str
    collate: str
    ctype: str
    may_create_database: bool  # this role, on the original server


@dataclass(frozen=True)
class Scratch:
    """An empty database, gone after the test."""

    dsn: str
    where: str  # embedded, same or other
    server_version: int
    superuser: bool
    extensions: frozenset[str]  # that it could create


@contextmanager
def scratch(
    where: str, dsn: str, needs: Needs, roles: Sequence[str], progress: Progress
) -> Iterator[Scratch]:
    """`embedded`: a private server or, where none can take the database, `same`: a new database on
    the original server. Else: the connection string of another server, where one is made.

    The roles are there in the private or other server. Raises RepotError `backup-no-scratch`,
    `backup-disk`.
    """
    with ExitStack() as stack:
        if where == "embedded":
            unfit: list[str] = []
            found = _embedded(stack, needs, roles, unfit)
            if found is None and not needs.may_create_database:
                raise RepotError(
                    "backup-no-scratch",
                    "no private server can take this database, and this role may not create a "
                    "database beside it",
                    evidence="\n".join(unfit),
                    hint="install the PostgreSQL server and the extensions it lacks here, or let "
                    "the role create databases (ALTER ROLE … CREATEDB)",
                )
            if found is None:
                progress.say(
                    f"no private server can take this database ({'; '.join(unfit)}): it is "
                    "restored into a scratch database on the same server"
                )
                found = stack.enter_context(_beside(dsn, needs, "same", ()))
        elif where == "same":
            found = stack.enter_context(_beside(dsn, needs, "same", ()))
        else:
            found = stack.enter_context(_beside(where, needs, "other", roles))
        yield found


def _embedded(
    stack: ExitStack, needs: Needs, roles: Sequence[str], unfit: list[str]
) -> Scratch | None:
    """The oldest private server that can take it, the nearest to the original; else, in `unfit`,
    why none can."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < needs.bytes:
        raise RepotError(
            "backup-disk",
            f"{tempfile.gettempdir()} has {free} bytes free, and the database takes {needs.bytes}",
            hint="set TMPDIR to a folder on a larger disk, or restore on the same server",
        )
    for binaries in sorted(list_binaries(), key=lambda b: b.version):
        called = f"PostgreSQL {binaries.version} ({binaries.source})"
        if binaries.version < needs.major:
            unfit.append(f"{called} is older than {needs.major}")
            continue
        with ExitStack() as attempt:
            try:
                server = attempt.enter_context(
                    EmbeddedServer(binaries=binaries, settings=_SETTINGS)
                )
            except EmbeddedError as broken:
                unfit.append(f"{called} does not start: {broken.message}")
                continue
            with connection(server.dsn()) as conn:
                lacking = _lacking(conn, needs)
                if lacking:
                    unfit.append(f"{called} lacks {', '.join(lacking)}")
                    continue
                _create_roles(conn, roles)
            dsn = server.create_database("scratch")
            found = _described(dsn, "embedded")
            stack.push(attempt.pop_all())
            return found
    return None


def _lacking(conn: Connection, needs: Needs) -> list[str]:
    (offered,) = rows(conn, "offered.sql")
    lacking = sorted(needs.extensions - set(offered["extensions"]))
    return [*lacking, *(["ICU"] if needs.icu and not offered["icu"] else [])]


def _described(dsn: str, where: str) -> Scratch:
    with connection(dsn) as conn:
        (offered,) = rows(conn, "offered.sql")
        return Scratch(
            dsn=dsn,
            where=where,
            server_version=conn.info.server_version,
            superuser=offered["superuser"],
            extensions=frozenset(offered["extensions"]),
        )


@contextmanager
def _beside(dsn: str, needs: Needs, where: str, roles: Sequence[str]) -> Iterator[Scratch]:
    """A new database on the server of `dsn`, dropped afterwards with the roles made for it."""
    name = f"repot_scratch_{secrets.token_hex(6)}"
    made: list[str] = []
    with connection(dsn, application="repot backup") as conn:
        lacking = _lacking(conn, needs)
        if lacking:
            raise RepotError(
                "backup-no-scratch",
                f"the scratch server lacks {', '.join(lacking)}",
                hint="install it there, or restore into a database on the same server",
            )
        try:
            conn.execute(
                sql.SQL(
                    "create database {} template template0 encoding {} lc_collate {} lc_ctype {}"
                ).format(
                    sql.Identifier(name),
                    *map(sql.Literal, (needs.encoding, needs.collate, needs.ctype)),
                )
            )
        except psycopg.Error as refused:
            raise RepotError(
                "backup-no-scratch",
                "the scratch database cannot be created",
                evidence=str(refused),
                hint="the role needs CREATEDB (ALTER ROLE … CREATEDB)",
            ) from refused
    try:
        with connection(dsn) as conn:
            made += _create_roles(conn, roles)
        yield _described(make_conninfo(dsn, dbname=name), where)
    finally:
        with connection(dsn, application="repot backup") as conn:
            conn.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )
            for role in made:
                conn.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def _create_roles(conn: Connection, roles: Sequence[str]) -> list[str]:
    """Those of the roles that are not there; without login."""
    there = {str(r["rolname"]) for r in rows(conn, "roles.sql")}
    made = [role for role in roles if role not in there]
    for role in made:
        conn.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    return made
