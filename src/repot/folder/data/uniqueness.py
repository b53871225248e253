"""Keys and unique indexes over values that are not unique, or that hold NULLs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postgast import PgQueryError
from psycopg import sql

from repot.folder.data import changes as ch
from repot.folder.data import trees
from repot.folder.data.apply import expression
from repot.folder.data.ask import Unknown
from repot.folder.data.count import EXAMPLES, count, hidden, ident, key_of, short
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.folder.data.tables import Rows, State
from repot.folder.data.world import World
from repot.model.finding import Severity
from repot.model.names import quoted
from repot.postgres.compose import joined, trusted


def _meant(m: Moment) -> tuple[State, ch.AddIndex] | None:
    """A new unique index over rows that are known."""
    change = m.change
    if not isinstance(change, ch.AddIndex) or not change.unique:
        return None
    state = m.world.get(change.table)
    if state is None or not state.knows(_columns(change)):
        return None
    return state, change


def _columns(change: ch.AddIndex) -> list[str]:
    """All columns that the index reads."""
    names = {p.column for p in change.parts if p.column}
    for node in [p.expression for p in change.parts if p.expression is not None]:
        names |= trees.column_names(node)
    if change.where is not None:
        names |= trees.column_names(change.where)
    return sorted(names)


def _with_parts(world: World, state: State, change: ch.AddIndex) -> Rows:
    """The rows that the index holds; its parts are the columns `repot:1`, `repot:2` …"""
    assert state.rows is not None
    needs = [state.rows]
    nodes, parts = {}, []
    for number, part in enumerate(change.parts, 1):
        value: sql.Identifier = sql.Identifier(part.column or f"repot:part{number}")
        if part.expression is not None:
            nodes[f"repot:part{number}"] = world.readable(part.expression, needs)
        parts.append(sql.SQL("{} as {}").format(value, sql.Identifier(f"repot:{number}")))
    body = sql.SQL("select *, {} from {} as {}").format(
        joined(parts), ident(state), sql.Identifier(state.name.name)
    )
    if change.where is not None:
        nodes["repot:where"] = world.readable(change.where, needs)
        body += sql.SQL(" where {}").format(sql.Identifier("repot:where"))
    return world.step(trusted(trees.fill(world.reader.text(body), nodes)), needs)


def _title(state: State, change: ch.AddIndex) -> str:
    parts = [quoted(p.column) if p.column else expression(p.expression) for p in change.parts]
    return f"{state.name} ({', '.join(parts)})"


def _collisions(m: Moment) -> tuple[State, ch.AddIndex, int, int, tuple[str, ...]] | None:
    """The groups of rows that are equal in a new key: how many, with how many rows, and some."""
    meant = _meant(m)
    if meant is None:
        return None
    state, change = meant
    try:
        rows = _with_parts(m.world, state, change)
    except PgQueryError as wrong:
        raise Unknown(str(wrong)) from wrong
    parts = [sql.Identifier(f"repot:{n}") for n in range(1, len(change.parts) + 1)]
    not_null = joined((sql.SQL("{} is not null").format(p) for p in parts), " and ")
    key = key_of(state)
    keys: sql.Composable = sql.SQL("null::text[]")
    if key:
        text = joined((sql.SQL("{}::text").format(sql.Identifier(k)) for k in key), " || ', ' || ")
        keys = sql.SQL("(array_agg({0} order by {0}))[1:3]").format(text)
    query = sql.SQL(
        "select count(*) over (), (sum(n) over ())::bigint, n, keys, {shown} from"
        " (select {parts}, count(*) as n, {keys} as keys from {rows} where {where}"
        " group by {parts} having count(*) > 1) g order by n desc, {parts} limit {limit}"
    ).format(
        shown=joined(sql.SQL("{}::text").format(p) for p in parts),
        parts=joined(parts),
        keys=keys,
        rows=sql.Identifier(rows.name),
        where=sql.SQL("true") if change.nulls_not_distinct else not_null,
        limit=sql.Literal(EXAMPLES),
    )
    fork = state.copy()
    fork.rows = rows
    found = m.world.ask(query, fork)
    if not found:
        return None
    names = [quoted(p.column) if p.column else expression(p.expression) for p in change.parts]
    told = []
    for _, _, n, keys_found, *values in found:
        pairs = ", ".join(
            f"{c} = {'***' if hidden(c) and v is not None else short(v)}"
            for c, v in zip(names, values, strict=True)
        )
        who = f" ({', '.join(map(quoted, key))}: {'; '.join(keys_found)})" if keys_found else ""
        told.append(f"{pairs}: {n} rows{who}")
    return state, change, int(found[0][0]), int(found[0][1]), tuple(told)


def _made(state: State, change: ch.AddIndex) -> bool:
    """Whether pending statements have made the values."""
    columns = (state.columns.get(c) for c in _columns(change))
    return any(c is not None and (c.rewritten or c.made or c.generated) for c in columns)


def _duplicates(m: Moment) -> Iterator[Hit]:
    def said(title: str, groups: int) -> str:
        occur = "values occur" if groups != 1 else "value occurs"
        return f"{title} is to be unique, and {groups:,} {occur} more than once"

    yield from _equal(m, said, made=False)


def _slugs(m: Moment) -> Iterator[Hit]:
    def said(title: str, groups: int) -> str:
        plural = "groups" if groups != 1 else "group"
        return (
            f"{title} is to be unique, and what the file fills it with will be equal in "
            f"{groups:,} {plural} of rows"
        )

    yield from _equal(m, said, made=True)


def _equal(m: Moment, said: Callable[[str, int], str], *, made: bool) -> Iterator[Hit]:
    """Collisions in a new key; made: of values that pending statements have made, or of others."""
    meant = _meant(m)
    if meant is None or _made(*meant) != made:
        return
    found = _collisions(m)
    if found:
        state, change, groups, rows, told = found
        title = _title(state, change)
        yield Hit(said(title, groups), title, rows, told)


def _nulls(m: Moment) -> Iterator[Hit]:
    meant = _meant(m)
    if meant is None:
        return
    state, change = meant
    if change.primary or change.nulls_not_distinct or change.where is not None:
        return
    nullable = [p.column for p in change.parts if p.column and not state.columns[p.column].not_null]
    if not nullable:
        return
    null = joined((sql.SQL("{} is null").format(sql.Identifier(c)) for c in nullable), " or ")
    found = count(m.world, state, null)
    if found:
        names = " or ".join(map(quoted, nullable))
        yield Hit(
            f"{_title(state, change)} is unique only where {names} is not NULL: rows with NULL "
            "there may be equal in all else",
            _title(state, change),
            found,
            severity=None if len(change.parts) > 1 else Severity.INFO,
        )


RULES = (
    DataRule(
        id="unique-duplicates",
        severity=Severity.ERROR,
        condition="A unique index, a unique constraint or a primary key over values that occur "
        "more than once.",
        effect="PostgreSQL refuses the statement, and the file fails.",
        remedy="decide which row keeps the value, change or merge the others in an UPDATE before",
        data="create table brand (id int primary key, name text, email text);"
        " insert into brand values (1, 'A', 'x@y.z'), (2, 'B', 'x@y.z'), (3, 'C', null),"
        " (4, 'D', 'q@y.z')",
        bad=("create unique index brand_email_key on brand (email);",),
        good=(
            "update brand set email = null where id = 2;\n"
            "create unique index brand_email_key on brand (email) where email is not null;",
        ),
        find=_duplicates,
        refused="23505",
    ),
    DataRule(
        id="slug-collides",
        severity=Severity.ERROR,
        condition="A column that the pending files fill by an expression (a slug of the name) "
        "becomes unique, alone or within another column, and the expression gives equal values.",
        effect="PostgreSQL refuses the unique index after the UPDATE, and the file fails.",
        remedy="number the later ones: row_number() over (partition by the brand and the slug "
        "order by …) and add -2, -3 … where it is above 1",
        data='create table "Product" (id int primary key, "brandId" int not null, name text);'
        " insert into \"Product\" values (1, 1, 'Mug Été'), (2, 1, 'mug été'),"
        " (3, 2, 'Mug Été'), (4, 2, 'Tasse')",
        bad=(
            'alter table "Product" add column slug text;\n'
            "update \"Product\" set slug = replace(lower(name), ' ', '-');\n"
            'alter table "Product" alter column slug set not null;',
            'create unique index "Product_brandId_slug_key" on "Product" ("brandId", slug);',
        ),
        good=(
            'alter table "Product" add column slug text;\n'
            "update \"Product\" p set slug = replace(lower(p.name), ' ', '-')"
            " || case when s.n > 1 then '-' || s.n else '' end\n"
            '  from (select id, row_number() over (partition by "brandId", lower(name)'
            ' order by id) as n from "Product") s where s.id = p.id;\n'
            'alter table "Product" alter column slug set not null;',
            'create unique index "Product_brandId_slug_key" on "Product" ("brandId", slug);',
        ),
        find=_slugs,
        refused="23505",
    ),
    DataRule(
        id="unique-over-null-rows",
        severity=Severity.WARNING,
        condition="A unique index over a nullable column, with rows that have NULL there (an info "
        "where it is the only column).",
        effect="NULLs are never equal: such rows may repeat all the other values, and the index "
        "enforces nothing for them.",
        remedy="say what is meant: NULLS NOT DISTINCT (PostgreSQL 15), or a partial index "
        "WHERE … IS NOT NULL (for these only) or WHERE … IS NULL over the other columns",
        data='create table "Snapshot" (id int primary key, "specHash" text not null,'
        ' "validatedAt" timestamptz);'
        " insert into \"Snapshot\" values (1, 'a', null), (2, 'a', null), (3, 'b', now())",
        bad=('create unique index one_validated on "Snapshot" ("specHash", "validatedAt");',),
        good=(
            'create unique index one_validated on "Snapshot" ("specHash")'
            ' where "validatedAt" is not null;',
        ),
        find=_nulls,
    ),
)
