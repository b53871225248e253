"""What the parts of the compiler share while a project is compiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from repot.model.catalog import Catalog, Column, Table
from repot.model.finding import Finding
from repot.model.names import Name
from repot.model.project import Project, SqlFile
from repot.moves.sqlerrors import from_server
from repot.postgres.connect import Connection


@dataclass
class Workshop:
    """One compilation, inside one transaction; findings gather here."""

    conn: Connection
    project: Project
    source: Catalog = field(default_factory=lambda: Catalog(tables=()))
    target: Catalog = field(default_factory=lambda: Catalog(tables=()))
    registries: Catalog = field(default_factory=lambda: Catalog(tables=()))
    findings: list[Finding] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return any(f.severity == "error" for f in self.findings)

    @contextmanager
    def attempt(self, file: SqlFile, offset: int = 0) -> Iterator[list[bool]]:
        """Run the block in a savepoint; a server error in it becomes a finding at the file's line.

        Yields a list that holds one True if the block went through.
        """
        done: list[bool] = []
        try:
            with self.conn.transaction():
                yield done
            done.append(True)
        except psycopg.OperationalError:
            raise  # the connection or the server is in trouble, not the file
        except psycopg.Error as failed:
            self.findings.append(from_server(file, failed, offset))

    def tables(self) -> dict[Name, Table]:
        """Every table that a move may read."""
        return {t.name: t for c in (self.source, self.registries) for t in c.tables}


def view_columns(conn: Connection, view: Name) -> dict[str, Column]:
    """The columns of a view, in order, with their types."""
    rows = conn.execute(
        "select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),"
        " pg_catalog.format_type(a.atttypid, -1), a.atttypid::bigint, a.atttypmod"
        " from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped"
        " order by a.attnum",
        (view.schema_, view.name),
    ).fetchall()
    return {
        str(name): Column(
            name=str(name),
            type=str(full),
            base_type=str(base),
            type_oid=int(str(oid)),
            typmod=int(str(typmod)),
            not_null=False,
        )
        for name, full, base, oid, typmod in rows
    }


def view_definition(conn: Connection, view: Name) -> str:
    """The view as PostgreSQL prints it: stars expanded, names in full (search_path is empty)."""
    row = conn.execute(
        "select pg_catalog.pg_get_viewdef(c.oid, false) from pg_catalog.pg_class c"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname = %s",
        (view.schema_, view.name),
    ).fetchone()
    assert row is not None
    return str(row[0])
