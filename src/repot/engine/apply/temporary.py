"""Temporary tables that a session keeps: made once, and emptied when they are used again.

A table made anew for every batch would leave a row in pg_attribute for each of its columns, several
times a second, in a database that is not ours. And one that the server empties at each commit (ON
COMMIT DELETE ROWS) has its TOAST index built anew each time, used or not, of which every session
there is told: it looks through all that it has planned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from repot.model.names import Name
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection
from repot.postgres.together import together

TEMP = "pg_temp"
_MANY = 100  # rows from which the planner should be told
_LARGE = 256 * 1024  # bytes, of rows that are gone as well: nobody vacuums it


@dataclass
class _Known:
    analyzed: bool
    used: bool  # may hold rows
    large: bool = False


class Temporary:
    """The session's temporary tables; good for one transaction, or for one savepoint of it."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._asked: list[str] = []
        self._stale: list[sql.Composed] | None = None  # what empties them, where that is put off
        rows = conn.execute(
            "select c.relname, c.reltuples >= 0, pg_catalog.pg_relation_size(c.oid)"
            " + case c.reltoastrelid when 0 then 0"
            "   else pg_catalog.pg_relation_size(c.reltoastrelid) end"
            " from pg_catalog.pg_class c where c.relnamespace = pg_catalog.pg_my_temp_schema()"
            " and c.relkind = 'r'"
        ).fetchall()
        self._known = {
            str(name): _Known(bool(analyzed), used=size > 0, large=size > _LARGE)
            for name, analyzed, size in ((n, a, int(str(s))) for n, a, s in rows)
        }

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is asked for in the block is emptied at its end, in one round trip."""
        self._stale = []
        try:
            yield
            together(self._conn, self._stale)
        finally:
            self._stale = None

    def table(self, name: str, columns: sql.Composable) -> Name:
        """An empty table with these columns (a column list as in CREATE TABLE)."""
        if not self._ready(name):
            self._conn.execute(
                sql.SQL("create temp table {} ({})").format(sql.Identifier(name), columns)
            )
        return Name(schema_=TEMP, name=name)

    def like(self, name: str, query: sql.Composable) -> Name:
        """An empty table with the columns of the query."""
        if not self._ready(name):
            self._conn.execute(
                sql.SQL("create temp table {} as {} with no data").format(
                    sql.Identifier(name), query
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

    def emptying(self) -> list[sql.Composed]:
        """Statements that empty all that were asked for here."""
        names = (Name(schema_=TEMP, name=n) for n in self._asked)
        return [sql.SQL("delete from {}").format(ident(name)) for name in names]

    def again(self) -> Temporary:
        """The same tables, for the next use of them in this transaction."""
        return Temporary(self._conn)

    def _ready(self, name: str) -> bool:
        self._asked.append(name)
        known = self._known.get(name)
        if known is None:
            self._known[name] = _Known(analyzed=False, used=False)
            return False
        if known.used:
            table = ident(Name(schema_=TEMP, name=name))
            if known.large:
                self._empty(sql.SQL("truncate {}").format(table))
                known.analyzed = False  # so the server takes it
            else:
                self._empty(sql.SQL("delete from {}").format(table))
            known.used = known.large = False
        return True

    def _empty(self, statement: sql.Composed) -> None:
        if self._stale is None:
            self._conn.execute(statement)
        else:
            self._stale.append(statement)


def make_schema(conn: Connection) -> None:
    """Make the session's schema for temporary tables now. The server makes it with the first of
    them, and whenever a schema is made every session plans anew all that it had planned."""
    conn.execute("create temp table if not exists repot_first ()")


def forget_tables(conn: Connection) -> None:
    """Drop the session's temporary tables, outside of a transaction: others are needed now."""
    conn.execute("discard temp")
