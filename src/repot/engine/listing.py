"""Running a project's listings over V1, wherever that is."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import IsolationLevel, sql

from repot.model.errors import UsageError
from repot.model.listing import Listing
from repot.model.project import Project, SqlFile
from repot.model.state import Phase
from repot.moves.install import set_search_path
from repot.moves.statements import query_of
from repot.postgres.connect import Connection, connection
from repot.postgres.state import current_run

SHOWN = 20  # rows, where nobody says how many


def read_listings(
    dsn: str, project: Project, names: Sequence[str] = (), limit: int | None = SHOWN
) -> tuple[Listing, ...]:
    """The listings called `names` (none: all) in one read-only snapshot.

    limit: rows of each that are given (None: all); they are counted whole. Raises UsageError
    `no-listings`, `unknown-listing`.
    """
    if not project.listings:
        raise UsageError(
            "no-listings",
            "the project has no listings",
            hint="listings/<name>.sql is a SELECT over V1 of rows that people should see",
        )
    unknown = sorted(set(names) - set(project.listings))
    if unknown:
        raise UsageError(
            "unknown-listing",
            f"there is no listing {', '.join(unknown)}",
            hint=f"listings: {', '.join(sorted(project.listings))}",
        )
    wanted = [project.listings[n] for n in sorted(names or project.listings)]
    with connection(dsn, application="repot listing") as conn:
        run = current_run(conn, project.name)
        cut_over = run is not None and run.phase is Phase.CUT_OVER
        schema = project.target.retired if cut_over else project.source.schema_
        conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
        with conn.transaction():
            return tuple(read_listing(conn, file, schema, limit) for file in wanted)


def read_listing(conn: Connection, file: SqlFile, schema: str, limit: int | None) -> Listing:
    """One listing in the caller's transaction; bare names are tables of `schema`."""
    name = file.stem.partition("@")[0]
    query = query_of(file.text)
    try:
        with conn.transaction():
            set_search_path(conn, schema)
            # Each value as the server prints it: types that a client does not know are text.
            found = conn.execute(
                sql.SQL("select listed.* from ({}\n) as listed limit 0").format(query)
            )
            columns = tuple(c.name for c in found.description or ())
            rows = conn.execute(
                sql.SQL("select {} from ({}\n) as listed limit {}").format(
                    _texts(columns), query, sql.Literal(limit)
                )
            ).fetchall()
            counted = conn.execute(
                sql.SQL("select count(*) from ({}\n) as listed").format(query)
            ).fetchone()
            conn.execute("set local search_path = ''")
    except psycopg.OperationalError:
        raise
    except psycopg.Error as failed:
        message = failed.diag.message_primary or str(failed)
        return Listing(name=name, file=file.path, columns=(), rows=(), count=0, error=message)
    shown = tuple(tuple(None if v is None else str(v) for v in row) for row in rows)
    total = int(str(counted[0])) if counted else 0
    return Listing(name=name, file=file.path, columns=columns, rows=shown, count=total)


def _texts(columns: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.SQL("{}::text").format(sql.Identifier("listed", c)) for c in columns
    )
