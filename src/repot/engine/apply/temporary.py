"""Temporary tables that a session keeps: made once, emptied at each commit.

A table made anew for every batch would leave a row in pg_attribute for each of its columns, several
times a second, in a database that is not ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.model.names import Name
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection
from repot.postgres.together import together

TEMP = "pg_temp"
_MANY = 100  # rows from which the planner should be told


@dataclass
class _Known:
    analyzed: bool
    used: bool  # holds rows, of this transaction


class Temporary:
    """The session's temporary tables; good for one transaction, or for one savepoint of it.

    last: those that it makes are used in this transaction only, the session's last. They are not
    emptied at its end: everybody would wait for that.
    """

    def __init__(self, conn: Connection, *, last: bool = False) -> None:
        self._conn = conn
        self._at_commit = sql.SQL("preserve rows" if last else "delete rows")
        rows = conn.execute(
            "select c.relname, c.reltuples >= 0, pg_catalog.pg_relation_size(c.oid) > 0"
            " from pg_catalog.pg_class c where c.relnamespace = pg_catalog.pg_my_temp_schema()"
            " and c.relkind = 'r'"
        ).fetchall()
        self._known = {str(n): _Known(bool(analyzed), bool(used)) for n, analyzed, used in rows}

    def table(self, name: str, columns: sql.Composable) -> Name:
        """An empty table with these columns (a column list as in CREATE TABLE)."""
        if not self._ready(name):
            self._conn.execute(
                sql.SQL("create temp table {} ({}) on commit {}").format(
                    sql.Identifier(name), columns, self._at_commit
                )
            )
        return Name(schema_=TEMP, name=name)

    def like(self, name: str, query: sql.Composable) -> Name:
        """An empty table with the columns of the query."""
        if not self._ready(name):
            self._conn.execute(
                sql.SQL("create temp table {} on commit {} as {} with no data").format(
                    sql.Identifier(name), self._at_commit, query
                )
            )
        return Name(schema_=TEMP, name=name)

    def filled(self, table: Name, rows: int) -> None:
        """Rows were put into it: the planner is told if they are many, or were never counted."""
        self.filled_all([(table, rows)])

    def fill(self, table: Name, query: sql.Composable) -> int:
        """Put the rows of the query into the table; gives their number."""
        return self.fill_all([(table, query)])[0]

    def fill_all(self, fills: Sequence[tuple[Name, sql.Composable]]) -> list[int]:
        """The same of several tables, in one round trip."""
        insert = sql.SQL("insert into {} {}")
        done = together(self._conn, [insert.format(ident(t), query) for t, query in fills])
        counts = [answer.count for answer in done]
        self.filled_all([(t, n) for (t, _), n in zip(fills, counts, strict=True)])
        return counts

    def filled_all(self, filled: Sequence[tuple[Name, int]]) -> None:
        """`filled` of several tables, in one round trip."""
        tables = []
        for table, rows in filled:
            known = self._known[table.name]
            known.used = known.used or rows > 0
            if rows and (rows >= _MANY or not known.analyzed):
                tables.append(table)
                known.analyzed = True
        if tables:
            self._conn.execute(sql.SQL("analyze {}").format(joined(ident(t) for t in tables)))

    def tell_planner(self) -> None:
        """That none of these tables is large: it would take one that was never counted for larger
        than it is, and ask the whole of what is joined with it."""
        new = [n for n, known in self._known.items() if not known.analyzed]
        if not new:
            return
        names = [Name(schema_=TEMP, name=n) for n in new]
        together(
            self._conn,
            [
                *(sql.SQL("insert into {} default values").format(ident(n)) for n in names),
                sql.SQL("analyze {}").format(joined(ident(n) for n in names)),
                # TRUNCATE would make it forget, and take ten pages for granted.
                *(sql.SQL("delete from {}").format(ident(n)) for n in names),
            ],
        )
        for n in new:
            self._known[n].analyzed = True

    def again(self) -> Temporary:
        """The same tables, for the next use of them in this transaction."""
        return Temporary(self._conn)

    def _ready(self, name: str) -> bool:
        known = self._known.get(name)
        if known is None:
            self._known[name] = _Known(analyzed=False, used=False)
            return False
        if known.used:
            self._conn.execute(
                sql.SQL("delete from {}").format(ident(Name(schema_=TEMP, name=name)))
            )
            known.used = False
        return True


def make_schema(conn: Connection) -> None:
    """Make the session's schema for temporary tables now. The server makes it with the first of
    them, and whenever a schema is made every session plans anew all that it had planned."""
    conn.execute("create temp table if not exists repot_first ()")
