"""`diff`: what the folder would make, on an empty server, against what the database is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import psycopg
from psycopg import errors, sql

from repot.embedded import EmbeddedError, EmbeddedServer, list_binaries
from repot.folder.book import Book, Page, open_book
from repot.folder.deploy.failure import masked
from repot.folder.objects import differences, read_objects
from repot.folder.roles import make_roles
from repot.folder.session import open_session, reset_session
from repot.folder.standing import look
from repot.model.diff import Diff
from repot.model.errors import RepotError
from repot.model.finding import Finding, Severity, info
from repot.model.progress import Progress, Silent
from repot.postgres.connect import Connection

_DATABASE = "folder"
# The server's own: it offers other versions of extensions than the database's.
_NOT_COMPARED = frozenset({("extension", "version")})


def diff(
    dsn: str, folder: Path, *, baseline: Path | None = None, progress: Progress | None = None
) -> Diff:
    """The whole folder, run from nothing or on top of `baseline` (an SQL dump), against the
    database, which is only read.

    Raises UsageError `no-migrations`; RepotError `diff-folder-fails`,
    `diff-baseline-fails`, `diff-no-server`, `connection-failed`.
    """
    book = open_book(folder)
    say = progress or Silent()
    with closing(open_session(dsn, "repot migrate diff")) as conn:
        found = read_objects(conn)
        pending = look(conn, book).pending
        with _server(conn) as (server, role):
            say.start("diff", "Run the folder", len(book.pages), "files")
            made = server.create_database(_DATABASE)
            if baseline is not None:
                _baseline(server, baseline)
            with closing(open_session(made, "repot migrate diff")) as other:
                path = conn.execute("show search_path").fetchone()
                for page in book.pages:
                    _run(book, other, made, page, role, str(path[0]) if path else "")
                    say.advance("diff", 1)
                reset_session(other)
                expected = read_objects(other)
                findings = _about(conn, other, pending)
            say.finish("diff")
    return Diff(
        expected="the folder",
        found="the database",
        differences=differences(expected, found, _NOT_COMPARED),
        compared=len(expected) + len(found),
        findings=findings,
    )


def diff_databases(dsn: str, against: str) -> Diff:
    """Two databases; the first one is the one that is expected. Raises as `open_session`."""
    with closing(open_session(dsn)) as one, closing(open_session(against)) as other:
        expected, found = read_objects(one), read_objects(other)
        return Diff(
            expected="the database",
            found="the other one",
            differences=differences(expected, found),
            compared=len(expected) + len(found),
            findings=_versions(one, other, "the other one"),
        )


@contextmanager
def _server(conn: Connection) -> Iterator[tuple[EmbeddedServer, str]]:
    """A private server of the database's version, or the next, with its roles; and the role that
    owns there what the session's role would own here."""
    major = conn.info.server_version // 10000
    have = [b for b in list_binaries() if b.has("postgres")]
    binaries = min(have, key=lambda b: (b.version < major, abs(b.version - major)), default=None)
    try:
        server = EmbeddedServer(binaries=binaries).start()
    except EmbeddedError as none:
        raise RepotError(
            "diff-no-server",
            f"there is no private server to run the folder on: {none.message}",
            evidence=none.evidence,
            hint=none.hint,
        ) from none
    with server:
        row = conn.execute("select session_user").fetchone()
        role = str(row[0]) if row else ""
        names = conn.execute(
            "select rolname from pg_catalog.pg_roles where rolname !~ '^pg_'"
        ).fetchall()
        make_roles(server, [str(name) for (name,) in names], role)
        yield server, role


def _baseline(server: EmbeddedServer, file: Path) -> None:
    try:
        server.psql(file.read_text("utf-8"), _DATABASE)
    except (EmbeddedError, OSError, UnicodeDecodeError) as why:
        evidence = why.evidence if isinstance(why, EmbeddedError) else str(why)
        raise RepotError(
            "diff-baseline-fails",
            f"{file} cannot be run on an empty database",
            evidence=evidence,
            hint="make it with pg_dump --schema-only, from before the first migration",
        ) from why


def _run(book: Book, conn: Connection, dsn: str, page: Page, role: str, path: str) -> None:
    """One file as a whole, or statement by statement where the server wants it so."""
    troubles = [f for f in book.findings if f.file == page.file and f.severity is Severity.ERROR]
    if page.up.troubles:
        first = troubles[0] if troubles else None
        raise RepotError(
            "diff-folder-fails",
            f"{page.name} cannot be read: {first.message if first else 'it is not SQL'}",
            evidence=f"{page.file}:{first.line}" if first else page.file,
            hint="`repot migrate lint` names what is wrong with the folder",
        )
    reset_session(conn)
    conn.execute(sql.SQL("set session authorization {}").format(sql.Identifier(role)))
    conn.execute("select pg_catalog.set_config('search_path', %s, false)", (path,))
    try:
        conn.execute(page.up.script.text.encode())
    except (errors.ActiveSqlTransaction, errors.UnsafeNewEnumValueUsage):
        conn.rollback()
        _one_by_one(conn, dsn, page)
    except psycopg.Error as why:
        conn.rollback()
        _one_by_one(conn, dsn, page, why)


def _one_by_one(
    conn: Connection, dsn: str, page: Page, instead: psycopg.Error | None = None
) -> None:
    """instead: the file as a whole has failed; this only finds the statement."""
    with conn.transaction() if instead else nullcontext():
        for statement in page.statements:
            try:
                conn.execute(statement.text.encode())
            except psycopg.Error as why:
                message = masked(why.diag.message_primary or str(why).strip(), dsn)
                raise RepotError(
                    "diff-folder-fails",
                    f"the folder cannot be run from nothing: {page.name}: {message}",
                    evidence=f"{page.file}:{statement.line}",
                    hint="where it builds on a database that was there before it, give that as "
                    "--baseline FILE (pg_dump --schema-only of then)",
                ) from why


def _about(conn: Connection, other: Connection, pending: tuple[str, ...]) -> tuple[Finding, ...]:
    found = list(_versions(conn, other, "the folder's private server"))
    if pending:
        found.append(
            info(
                "diff-pending",
                f"{len(pending)} migrations of the folder are not applied: what they make is "
                "missing in the database",
                count=None,
                examples=pending[:3],
                hint="`repot migrate deploy` applies them",
            )
        )
    return tuple(found)


def _versions(one: Connection, other: Connection, name: str) -> tuple[Finding, ...]:
    first, second = (c.info.server_version // 10000 for c in (one, other))
    if first == second:
        return ()
    return (
        info(
            "diff-other-version",
            f"the database runs on PostgreSQL {first}, {name} on {second}: definitions may be "
            "printed in other words",
            hint="a private server of the same version (REPOT_PG_BIN) compares exactly",
        ),
    )
