"""Scopes taken off the todo tables, to be derived anew by this transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from repot.engine.apply.temporary import Temporary
from repot.engine.todo import Todo
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.together import together

BUCKETS = 1024


@dataclass(frozen=True)
class Scope:
    """Scopes of one derivation in a temporary table (s1 … sn, and whether its row is gone on the
    other side); `all`: every row of it."""

    derivation: Derivation
    todo: Todo
    table: Name
    count: int
    all: bool


@dataclass(frozen=True)
class Bucket:
    """The share of one of `of` workers: a scope is always in the same one's."""

    number: int
    of: int

    def condition(self, todo: Todo) -> sql.Composed:
        """Whole-table entries are in nobody's bucket."""
        return sql.SQL(
            "not everything and (pg_catalog.hashtextextended(row({})::text, 0) & {}) % {} = {}"
        ).format(
            idents(todo.fields),
            sql.Literal(BUCKETS - 1),
            sql.Literal(self.of),
            sql.Literal(self.number),
        )


def waiting(conn: Connection, todos: Sequence[Todo]) -> frozenset[int]:
    """Ids of those that hold something; one round trip."""
    parts = [
        sql.SQL("select {} where exists (select from {})").format(sql.Literal(t.id), ident(t.table))
        for t in todos
    ]
    if not parts:
        return frozenset()
    rows = conn.execute(joined(parts, " union all ")).fetchall()
    return frozenset(int(str(row[0])) for row in rows)


def pick(
    conn: Connection,
    temp: Temporary,
    derivations: Sequence[Derivation],
    todos: Mapping[str, Todo],
    limit: int,
    bucket: Bucket | None = None,
) -> list[Scope]:
    """Take up to `limit` notes off the todo tables, those of the first derivations first."""
    waits = _counted(conn, [todos[d.name] for d in derivations], limit, bucket)
    scopes, statements = [], []
    with temp.at_once():
        for d in derivations:
            todo = todos[d.name]
            count = min(limit, waits.get(todo.id, 0))
            if count:
                limit -= count
                scopes.append(empty(temp, d, todo))
                statements.append(picking(scopes[-1], sql.Literal(count), bucket))
    found = []
    for scope, answer in zip(scopes, together(conn, statements), strict=True):
        kept, whole = answer.rows[0]
        found.append(replace(scope, count=int(str(kept)), all=bool(whole)))
    temp.filled_all([(scope.table, scope.count) for scope in found])
    return [scope for scope in found if scope.count or scope.all]


def _counted(
    conn: Connection, todos: Sequence[Todo], limit: int, bucket: Bucket | None
) -> dict[int, int]:
    """By id, how many notes there are, up to the limit; one round trip."""
    if not todos:
        return {}
    query = joined(
        (
            sql.SQL("select {}, count(*) from (select from {} where {} limit {}) as n").format(
                sql.Literal(t.id),
                ident(t.table),
                bucket.condition(t) if bucket else sql.SQL("true"),
                sql.Literal(limit),
            )
            for t in todos
        ),
        " union all ",
    )
    return {int(str(i)): int(str(count)) for i, count in conn.execute(query).fetchall()}


def empty(temp: Temporary, d: Derivation, todo: Todo, what: str = "scope") -> Scope:
    """No scope yet; `add` puts some in. what: tells the table from others of the transaction."""
    columns = joined(
        sql.SQL("{} {}").format(sql.Identifier(f), trusted(t))
        for f, t in zip(todo.fields, todo.types, strict=True)
    )
    columns += sql.SQL(", gone boolean not null default false")
    table = temp.table(f"repot_{what}_{todo.id}", columns)
    return Scope(d, todo, table, 0, all=False)


def add(conn: Connection, temp: Temporary, scope: Scope, query: sql.Composable) -> Scope:
    """The scope with those that the query gives (s1 … sn) beside it; none twice."""
    return add_all(conn, temp, [(scope, query)])[0]


def add_all(
    conn: Connection, temp: Temporary, adding: Sequence[tuple[Scope, sql.Composable]]
) -> list[Scope]:
    """The same of several scopes, in one round trip."""
    done = together(conn, [adding_to(scope, query) for scope, query in adding])
    temp.filled_all([(s.table, a.count) for (s, _), a in zip(adding, done, strict=True)])
    return [
        replace(scope, count=scope.count + answer.count)
        for (scope, _), answer in zip(adding, done, strict=True)
    ]


def adding_to(scope: Scope, query: sql.Composable) -> sql.Composed:
    """The statement of `add`."""
    fields = scope.todo.fields
    return sql.SQL(
        "insert into {table} ({fields}) select distinct {of_q} from ({query}) as q ({fields})"
        " where {given} and not exists (select from {table} as t where {same})"
    ).format(
        table=ident(scope.table),
        of_q=idents(fields, "q"),
        query=query,
        fields=idents(fields),
        given=scope.todo.given("q"),
        same=joined(
            (
                sql.SQL("{} = {}").format(sql.Identifier("t", f), sql.Identifier("q", f))
                for f in fields
            ),
            " and ",
        ),
    )


def picking(scope: Scope, limit: sql.Composable, bucket: Bucket | None = None) -> sql.Composed:
    """The statement that takes notes off; gives the scopes, and whether all of the table is one."""
    todo = scope.todo
    return sql.SQL(
        "with gone as (delete from {todo} where ctid = any (array("
        "  select ctid from {todo} where {mine} limit {limit})) returning *),"
        " kept as (insert into {scope} select {fields}, bool_or(gone) from gone"
        "  where not everything group by {fields} returning 1)"
        " select (select count(*) from kept), coalesce(bool_or(everything), false) from gone"
    ).format(
        todo=ident(todo.table),
        mine=bucket.condition(todo) if bucket else sql.SQL("true"),
        limit=limit,
        scope=ident(scope.table),
        fields=idents(todo.fields),
    )
