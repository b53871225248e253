"""Values that no row of a table has: where a unique value is parked for a moment."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from repot.engine.apply.work import Work
from repot.model.catalog import Column
from repot.postgres.compose import ident, trusted

_TEXTS = frozenset({"text", "character varying", "character", "bpchar", "name"})
_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
_DAYS = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
_ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789")
_PRIVATE_USE = 0xE000  # the first of 6400 characters to which Unicode gives no meaning
_SHORT = 12  # characters in which chance is not to be trusted to find what is not there


def free_values(work: Work, column: Column, *, nulls: bool) -> Iterator[sql.Composable]:
    """Expressions over `t`, a row of the table, and `h.n`, its number among those that are parked,
    from 1; to be tried in order, as a constraint may refuse any. nulls: NULLs do not meet.

    A value outside of all that are there and that are to be there; what chance may bring twice is
    refused by the unique index itself.
    """
    if nulls and not column.not_null:
        yield sql.SQL("null")
    if any(column.name in key.columns for key in work.description.foreign_keys):
        return  # a value must be there, on the other side
    if column.base_type in _NUMBERS:
        yield from _beyond(work, column, sql.SQL("{} + h.n"), sql.SQL("{} - h.n"))
    elif column.base_type == "date":
        yield from _beyond(work, column, sql.SQL("{} + h.n::integer"), sql.SQL("{} - h.n::integer"))
    elif column.base_type in _DAYS:
        yield from _beyond(
            work,
            column,
            sql.SQL("{} + h.n * interval '1 day'"),
            sql.SQL("{} - h.n * interval '1 day'"),
        )
    elif column.base_type == "uuid":
        yield sql.SQL("pg_catalog.gen_random_uuid()")
    elif column.base_type in _TEXTS or column.base_type.endswith("citext"):
        yield from _texts(work, column)


def _beyond(work: Work, column: Column, above: sql.SQL, below: sql.SQL) -> Iterator[sql.Composable]:
    name = sql.Identifier(column.name)
    finite: sql.Composable = sql.SQL("true")
    if column.base_type in _DAYS:
        finite = sql.SQL("isfinite({})").format(name)
    elif column.base_type in ("numeric", "real", "double precision"):
        finite = sql.SQL("{} not in ('NaN', 'Infinity', '-Infinity')").format(name)
    for extreme, step in ((sql.SQL("max"), above), (sql.SQL("min"), below)):
        last = sql.SQL(
            "(select {extreme}({name}) from (select {name} from {table}"
            " union all select {name} from {wanted}) as there where {finite})"
        ).format(
            extreme=extreme,
            name=name,
            table=ident(work.table),
            wanted=ident(work.wanted),
            finite=finite,
        )
        yield sql.SQL("({})::{}").format(step.format(last), trusted(column.type))


def _texts(work: Work, column: Column) -> Iterator[sql.Composable]:
    """Such that the usual checks (a pattern, a length) let one of them pass."""
    size = column.typmod - 4 if column.typmod >= 4 else None
    by_chance = sql.SQL("pg_catalog.md5(pg_catalog.random()::text || h.n::text)")
    if size is None or size > _SHORT:
        values = {"own": sql.Identifier("t", column.name), "chance": by_chance}
        yield sql.SQL("left({chance}, 16) || {own}").format(**values)  # an address stays one
        yield sql.SQL("{own} || left({chance}, 16)").format(**values)  # a word stays one
        width = sql.Literal(min(size or 32, 32))
        yield sql.SQL("left({}, {})").format(by_chance, width)
        yield sql.SQL("upper(left({}, {}))").format(by_chance, width)
        yield sql.SQL("left(translate({}, 'abcdef', '012345'), {})").format(by_chance, width)
        return
    for alphabet in _ALPHABETS:
        yield _free_code(work, column, alphabet, size)
    yield sql.SQL("chr({} + h.n::integer % 6400)").format(sql.Literal(_PRIVATE_USE))


def _free_code(work: Work, column: Column, alphabet: str, size: int) -> sql.Composed:
    """Of the codes of this length as many as there may be rows, and one for each row to be parked:
    so many of them are free."""
    return sql.SQL(
        "(array(select made.code from ("
        "  select (select string_agg("
        "    substr({alphabet}, 1 + (div(g, power({base}::numeric, p)) % {base})::integer, 1), '')"
        "    from generate_series(0, {last}) as p) as code"
        "  from generate_series(0, (select count(*) from {table}) + {more}) as g) as made"
        " where not exists (select from {table} as x where x.{name}::text = made.code)"
        " and not exists (select from {wanted} as x where x.{name}::text = made.code)))[h.n]"
    ).format(
        alphabet=sql.Literal(alphabet),
        base=sql.Literal(len(alphabet)),
        last=sql.Literal(size - 1),
        table=ident(work.table),
        more=sql.Literal(2 * work.wants + work.dooms),
        name=sql.Identifier(column.name),
        wanted=ident(work.wanted),
    )
