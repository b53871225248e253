"""UPDATE, DELETE, INSERT and their like, laid over the rows of a table as a query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from postgast import PgQueryError
from postgast import pg_query_pb2 as pb
from psycopg import sql

from repot.folder.data import trees
from repot.folder.data.ask import Unknown
from repot.folder.data.tables import Rows, State
from repot.folder.data.world import World
from repot.model.names import Name
from repot.postgres.compose import joined, trusted

Node = Any
_VALUE, _WHERE, _FROM, _ROW = "repot:value", "repot:where", "repot:from", "repot:row"
_NOT_COPYING = frozenset({"where_clause"})


def update(world: World, node: Node) -> None:
    """Every column that is set gets a CASE; what cannot be seen through is forgotten."""
    _reads(world, node)
    state = world.get(node.relation)
    if state is None:
        return
    targets = {t.res_target.name: t.res_target.val for t in node.target_list}
    for name in targets:
        if name in state.columns:
            state.columns[name].rewritten = True
    generated = [c.name for c in state.columns.values() if c.generated]
    world.forget(state, generated)
    if _triggered(world, state, "update"):
        return
    try:
        if not state.known or state.rows is None:
            raise Unknown("unknown rows")
        values = {name: _value(state, name, val) for name, val in targets.items()}
        state.rows = _updated(world, state, node, values)
        for name in targets:
            state.columns[name].known = True
    except (Unknown, PgQueryError):
        world.forget(state, targets)
    _parents(world, state, set(targets))


def _value(state: State, name: str, val: Node) -> Node:
    """The expression that a column is set to. Raises Unknown."""
    if name not in state.columns:
        raise Unknown(f"no column {name}")
    kind = val.WhichOneof("node")
    if kind == "multi_assign_ref":
        source = val.multi_assign_ref.source
        if source.WhichOneof("node") != "row_expr":
            raise Unknown("columns set together from a query")
        return source.row_expr.args[val.multi_assign_ref.colno - 1]
    if kind == "set_to_default":
        raise Unknown("set to its default")
    return val


def _updated(world: World, state: State, node: Node, values: dict[str, Node]) -> Rows:
    assert state.rows is not None
    needs = [state.rows]
    nodes = {f"{_VALUE}{n}": world.readable(v, needs) for n, v in values.items()}
    _all_known(state, list(values.values()))
    where = node.HasField("where_clause")
    if where:
        _all_known(state, [node.where_clause])
        nodes[_WHERE] = world.readable(node.where_clause, needs)
    if node.HasField("with_clause"):
        raise Unknown("an UPDATE with WITH")
    if (where or node.from_clause) and not all(state.columns[n].known for n in values):
        raise Unknown("what stays as it was is not known")
    if node.from_clause:
        lists = {_FROM: [world.readable(f, needs) for f in node.from_clause]}
        return _joined(world, state, node, list(values), nodes, lists, needs)
    alias = _alias(node)
    columns = []
    for name in state.columns:
        column: sql.Composable = sql.Identifier(alias, name)
        if name in values:
            new = _cast(state, name)
            if where:
                case = "case when {} then {} else {} end as {}"
                column = sql.SQL(case).format(
                    sql.Identifier(_WHERE), new, column, sql.Identifier(name)
                )
            else:
                column = sql.SQL("{} as {}").format(new, sql.Identifier(name))
        columns.append(column)
    body = sql.SQL("select {} from {} as {}").format(
        joined(columns), sql.Identifier(state.rows.name), sql.Identifier(alias)
    )
    return world.step(trusted(trees.fill(world.reader.text(body), nodes)), needs)


def _joined(
    world: World,
    state: State,
    node: Node,
    changed: list[str],
    nodes: dict[str, Node],
    lists: dict[str, list[Node]],
    needs: list[Rows],
) -> Rows:
    """UPDATE … FROM: the rows are numbered, those that the join meets get their new values (any of
    them, where there are several, as in PostgreSQL), and the others stay."""
    assert state.rows is not None
    number, alias = sql.Identifier(_ROW), _alias(node)
    body = sql.SQL("select *, row_number() over () as {} from {}").format(
        number, sql.Identifier(state.rows.name)
    )
    rows = world.step(body, [state.rows], once=True)
    met = sql.SQL(
        "select distinct on ({one}) {one}, {new} from {rows} as {alias}, {more} {where}"
    ).format(
        one=sql.Identifier(alias, _ROW),
        new=joined(sql.SQL("{} as {}").format(_cast(state, n), sql.Identifier(n)) for n in changed),
        rows=sql.Identifier(rows.name),
        alias=sql.Identifier(alias),
        more=sql.Identifier(_FROM),
        where=sql.SQL("where {}").format(sql.Identifier(_WHERE))
        if _WHERE in nodes
        else sql.SQL(""),
    )
    text = trees.fill(world.reader.text(met), nodes, lists)
    hits = world.step(trusted(text), [rows, *needs])
    case = "case when repot_hit.{0} is not null then repot_hit.{1} else repot_all.{1} end as {1}"
    columns = [
        sql.SQL(case if name in changed else "repot_all.{1}").format(number, sql.Identifier(name))
        for name in state.columns
    ]
    whole = sql.SQL(
        "select {} from {} as repot_all left join {} as repot_hit on repot_hit.{} = repot_all.{}"
    ).format(joined(columns), sql.Identifier(rows.name), sql.Identifier(hits.name), number, number)
    return world.step(whole, [rows, hits])


def _alias(node: Node) -> str:
    return str(node.relation.alias.aliasname or node.relation.relname)


def _cast(state: State, name: str) -> sql.Composable:
    """The placeholder of a column's new value, in the column's type."""
    return sql.SQL("cast({} as {})").format(
        sql.Identifier(f"{_VALUE}{name}"), trusted(state.columns[name].type)
    )


def delete(world: World, node: Node) -> None:
    """The rows that stay."""
    _reads(world, node)
    state = world.get(node.relation)
    if state is None:
        return
    _forget_children(world, state.name, set())
    if _triggered(world, state, "delete"):
        return
    try:
        state.rows = remaining(world, state, node)
    except (Unknown, PgQueryError):
        state.known = False


def remaining(world: World, state: State, node: Node, *, gone: bool = False) -> Rows:
    """The rows that a DELETE leaves or, with `gone`, those that it takes. Raises Unknown."""
    if not state.known or state.rows is None:
        raise Unknown("unknown rows")
    if node.HasField("with_clause"):
        raise Unknown("a DELETE with WITH")
    needs = [state.rows]
    alias = node.relation.alias.aliasname or node.relation.relname
    nodes, lists = {}, {}
    condition: sql.Composable = sql.SQL("true")
    if node.HasField("where_clause"):
        _all_known(state, [node.where_clause])
        nodes[_WHERE] = world.readable(node.where_clause, needs)
        test = "{}" if node.using_clause else "({}) is true"  # IS TRUE cannot be joined on
        condition = sql.SQL(test).format(sql.Identifier(_WHERE))
    if node.using_clause:
        lists[_FROM] = [world.readable(f, needs) for f in node.using_clause]
        condition = sql.SQL("exists (select 1 from {} where {})").format(
            sql.Identifier(_FROM), condition
        )
    body = sql.SQL("select {} from {} as {} where {} {}").format(
        joined(sql.Identifier(alias, c) for c in state.columns),
        sql.Identifier(state.rows.name),
        sql.Identifier(alias),
        sql.SQL("") if gone else sql.SQL("not"),
        condition,
    )
    return world.step(trusted(trees.fill(world.reader.text(body), nodes, lists)), needs)


def insert(world: World, node: Node) -> None:
    """There may be more rows from now on."""
    _reads(world, node)
    state = world.get(node.relation)
    if state is None:
        return
    state.more = True
    if node.HasField("on_conflict_clause"):
        changed = [t.res_target.name for t in node.on_conflict_clause.target_list]
        world.forget(state, changed)
        if changed and _triggered(world, state, "update"):
            return
    _triggered(world, state, "insert")


def truncate(world: World, node: Node) -> None:
    """The tables hold nothing any more."""
    names = [world.name_of(r.range_var) for r in node.relations]
    if node.behavior == pb.DROP_CASCADE:
        names = closure(world, names)
    for name in names:
        state = world.tables.get(name)
        if state is not None and state.rows is not None:
            columns = joined(sql.Identifier(c) for c in state.columns)
            body = sql.SQL("select {} from {} where false").format(
                columns, sql.Identifier(state.rows.name)
            )
            state.rows = world.step(body, [state.rows])
            state.known, state.more, state.emptied = True, False, True


def closure(world: World, names: list[Name]) -> list[Name]:
    """The tables and all that refer to them, as TRUNCATE … CASCADE takes them."""
    found = list(names)
    for name in found:
        found += [s.name for s, _ in world.children(name) if s.name not in found]
    return found


def reads(world: World, node: Node) -> None:
    """What a CREATE TABLE AS, a MERGE or the like has copied."""
    _reads(world, node)


def _all_known(state: State, nodes: list[Node]) -> None:
    used = set().union(*(trees.column_names(n) for n in nodes))
    if any(not c.known and (c.name in used or "*" in used) for c in state.columns.values()):
        raise Unknown("a column that it reads is not known")


def _reads(world: World, node: Node) -> None:
    """Marks tables and columns whose values a statement carries somewhere else."""
    tables = trees.find(node, pb.RangeVar, _NOT_COPYING)
    names = trees.column_names(node, _NOT_COPYING)
    target = node.relation if hasattr(node, "relation") else None
    filled = isinstance(node, pb.InsertStmt)
    for table in tables:
        state = world.get(table)
        if state is None or (filled and table == target):
            continue
        if table != target:
            state.copied = True
        whole = {"*", table.relname, table.alias.aliasname} & names
        for column in state.columns.values():
            if whole or column.name in names:
                column.copied = True


def _triggered(world: World, state: State, event: str) -> bool:
    """Whether triggers may have changed anything; then it is forgotten."""
    if event not in state.events:
        return False
    world.forget_all()
    return True


def _parents(world: World, state: State, columns: set[str]) -> None:
    """A key that others refer to has changed: theirs may have, too."""
    for child, key in world.children(state.name):
        if columns & set(key.referenced):
            world.forget(child, key.columns)


def _forget_children(world: World, name: Name, seen: set[Name]) -> None:
    for child, key in world.children(name):
        if key.on_delete in "cnd" and child.name not in seen:
            seen.add(child.name)
            world.forget(child, None if key.on_delete == "c" else key.columns)
            if "delete" in child.events or "update" in child.events:
                world.forget_all()
            if key.on_delete == "c":
                _forget_children(world, child.name, seen)


WRITES: dict[str, Callable[[World, Node], None]] = {
    "update_stmt": update,
    "delete_stmt": delete,
    "insert_stmt": insert,
    "truncate_stmt": truncate,
}
