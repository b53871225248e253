"""Columns that point at other tables: with a foreign key, or only by their name."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from repot.model.catalog import Column, ForeignKey, Table
from repot.model.finding import Finding, info, warning
from repot.model.names import Name, quoted
from repot.postgres.compose import ident, idents
from repot.stages.audit.query import Scope, shown, words

_ENDINGS = frozenset({"id", "uuid", "ref", "fk"})


def references(scope: Scope, table: Table) -> Iterator[Finding]:
    """Orphans behind missing and unchecked foreign keys, and parents without their one child."""
    known = {column for key in table.foreign_keys for column in key.columns}
    for column in table.columns:
        parent = None if column.name in known else guess(scope, table, column)
        if parent is None:
            continue
        orphans, examples = _orphans(scope, table, (column.name,), parent.name, parent.primary)
        place = shown(table, column.name)
        if orphans:
            yield warning(
                "orphans",
                f"{place} has no foreign key, and {orphans} rows name no row of {parent.name}",
                hint="decide in the move what becomes of them, or leave them out by a rule of "
                "leave.toml (they are kept in quarantine)",
                object=place,
                count=orphans,
                examples=examples,
            )
        else:
            yield info(
                "foreign-key-missing",
                f"{place} names rows of {parent.name} throughout, without a foreign key",
                hint="V2 may have the foreign key",
                object=place,
                count=0,
            )
    for key in table.foreign_keys:
        if not _readable(scope, key.references):
            continue
        if not key.validated:
            yield _unchecked(scope, table, key)
        if key.columns == table.primary and table.oid not in scope.samples:
            yield from _childless(scope, table, key)


def guess(scope: Scope, table: Table, column: Column) -> Table | None:
    """The table that `product_id`, `productId` … means: named so in singular or plural, with a
    primary key of the same type. Tables of V1 come before outside ones; of a longer name
    (`target_user_id`) the last word counts if the whole fits nowhere. It is only used to count."""
    parts = words(column.name)
    if len(parts) < 2 or parts[-1] not in _ENDINGS or table.primary == (column.name,):
        return None
    stems = ["".join(map(_singular, parts[:-1])), _singular(parts[-2])]
    for stem in stems:
        for parent in scope.parents.tables:
            if "".join(map(_singular, words(parent.name.name))) != stem or len(parent.primary) != 1:
                continue
            key = parent.column(parent.primary[0])
            if key is not None and key.type_oid == column.type_oid and parent.parent is None:
                return parent
    return None


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ses", "xes", "ches", "shes")) and len(word) > 4:
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 2 else word


def _orphans(
    scope: Scope, table: Table, columns: tuple[str, ...], parent: Name, key: tuple[str, ...]
) -> tuple[int, tuple[str, ...]]:
    row = scope.conn.execute(
        sql.SQL(
            "with o as materialized (select {0} from {1} where ({0}) is not null"
            " and not exists (select from {2} as p where ({3}) = ({4})))"
            " select (select count(*) from o), array(select distinct concat_ws(', ', {5})"
            " from (select * from o limit 1000) o order by 1 limit 3)"
        ).format(
            idents(columns, "c"),
            scope.rows_of(table, "c"),
            ident(parent),
            idents(key, "p"),
            idents(columns, "c"),
            idents(columns, "o"),
        )
    ).fetchone()
    assert row is not None
    examples = row[1]
    assert isinstance(examples, list)
    return int(str(row[0])), tuple(examples)


def _unchecked(scope: Scope, table: Table, key: ForeignKey) -> Finding:
    orphans, examples = _orphans(scope, table, key.columns, key.references, key.referenced)
    place = f"{table.name}, {quoted(key.name)}"
    report = warning if orphans else info
    return report(
        "foreign-key-not-valid",
        f"the foreign key {quoted(key.name)} of {table.name} was never checked (NOT VALID): "
        f"{orphans} orphans",
        hint="ALTER TABLE … VALIDATE CONSTRAINT, once the orphans are dealt with",
        object=place,
        count=orphans,
        examples=examples,
    )


def _childless(scope: Scope, table: Table, key: ForeignKey) -> Iterator[Finding]:
    """A child whose key is its foreign key: parents have one at most, and some may lack it."""
    row = scope.conn.execute(
        sql.SQL(
            "with o as materialized (select {0} from {1} as p where not exists"
            " (select from {2} as c where ({3}) = ({0})))"
            " select (select count(*) from o), array(select concat_ws(', ', {4}) from o limit 3)"
        ).format(
            idents(key.referenced, "p"),
            ident(key.references),
            ident(table.name),
            idents(key.columns, "c"),
            idents(key.referenced, "o"),
        )
    ).fetchone()
    assert row is not None
    missing, examples = int(str(row[0])), row[1]
    assert isinstance(examples, list)
    if missing:
        yield info(
            "parent-without-child",
            f"{missing} rows of {key.references} have no row in {table.name}, "
            "which holds at most one for each",
            hint="an inner join of the two in a move would lose them: use a left join",
            object=str(table.name),
            count=missing,
            examples=tuple(examples),
        )


def _readable(scope: Scope, table: Name) -> bool:
    row = scope.conn.execute(
        "select coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT')"
        " and not pg_catalog.row_security_active(c.oid), false)"
        " and pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
        " from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname = %s",
        (table.schema_, table.name),
    ).fetchone()
    return bool(row and row[0])
