"""A view and its table side by side, joined on the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from psycopg import sql

from repot.engine.compare.where import Where
from repot.model.catalog import Column
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection

HERE = "repot_here"  # a column of each side, true: NULL where an outer join found no row


@dataclass(frozen=True)
class Sides:
    """The view as `v`, the table as `t`.

    as_c: key columns whose two collations are not one and the same deterministic one; they are
    compared by "C", that is, by bytes. unique: whether the table holds each key once.
    """

    derivation: Derivation
    table: Name
    as_c: frozenset[str]
    unique: bool

    def joined(self, columns: Sequence[Column], where: Where) -> sql.Composed:
        """`v full join t`, with the key and the columns."""
        d = self.derivation
        names = dict.fromkeys([*d.key, *(c.name for c in columns)])
        return sql.SQL("{} full join {} on {}").format(
            _rows("v", d.asked_by[0], names, where),
            _rows("t", self.table, names, where),
            joined((sql.SQL("{} = {}").format(*self._pair(c)) for c in d.key), " and "),
        )

    def order(self) -> sql.Composed:
        """By the key, whichever side has it."""
        return joined(
            sql.SQL("coalesce({}, {})").format(*self._pair(c)) for c in self.derivation.key
        )

    def _pair(self, column: str) -> tuple[sql.Composable, sql.Composable]:
        collate = sql.SQL(' collate "C"' if column in self.as_c else "")
        return sql.Identifier("v", column) + collate, sql.Identifier("t", column) + collate


_known: WeakKeyDictionary[Connection, dict[tuple[Name, Name], Sides]] = WeakKeyDictionary()


def sides(conn: Connection, d: Derivation, table: Name) -> Sides:
    """What the catalogs say of the two; `table` is its name at the moment. Asked once in the life
    of a connection: the cutover compares under its locks what it has compared before them."""
    known = _known.setdefault(conn, {})
    found = known.get((d.view, table))
    if found is None:
        found = known[(d.view, table)] = _sides(conn, d, table)
    return found


def _sides(conn: Connection, d: Derivation, table: Name) -> Sides:
    row = conn.execute(
        "select array(select v.attname::text from pg_catalog.pg_attribute v"
        "  join pg_catalog.pg_attribute t on t.attrelid = b.oid and t.attname = v.attname"
        "  join pg_catalog.pg_collation c on c.oid = v.attcollation"
        "  where v.attrelid = a.oid and v.attname = any (%(key)s)"
        "    and (v.attcollation <> t.attcollation or not c.collisdeterministic)),"
        # Two NULLs are no double: a NULL in the key finds no partner, and both rows are told.
        " exists (select from pg_catalog.pg_index i where i.indrelid = b.oid"
        "  and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null"
        "  and not exists (select from unnest(i.indkey[: i.indnkeyatts - 1]) k(n)"
        "   join pg_catalog.pg_attribute t on t.attrelid = b.oid and t.attnum = k.n"
        "   where t.attname <> all (%(key)s)))"
        " from pg_catalog.pg_class a, pg_catalog.pg_class b"
        " where a.oid = %(view)s::regclass and b.oid = %(table)s::regclass",
        {
            "key": list(d.key),
            "view": ident(d.view).as_string(conn),
            "table": ident(table).as_string(conn),
        },
    ).fetchone()
    assert row is not None
    assert isinstance(row[0], list)
    return Sides(d, table, frozenset(str(c) for c in row[0]), bool(row[1]))


def _rows(
    alias: str, relation: Name, columns: Sequence[str] | dict[str, None], where: Where
) -> sql.Composed:
    return sql.SQL(
        "(select true as {here}, {columns} from {relation} as {a} where {where}) as {a}"
    ).format(
        here=sql.Identifier(HERE),
        columns=idents(columns, alias),
        relation=ident(relation),
        a=sql.Identifier(alias),
        where=where(alias),
    )
