"""What a change leaves behind in the world: the next one is looked at with it."""

from __future__ import annotations

import re
from typing import Any

import postgast
from postgast import PgQueryError
from postgast import pg_query_pb2 as pb
from psycopg import sql

from repot.folder.data import changes as ch
from repot.folder.data import trees
from repot.folder.data.ask import Unknown
from repot.folder.data.tables import Column, State
from repot.folder.data.world import World
from repot.folder.data.writes import WRITES, reads
from repot.model.catalog import Check, ForeignKey
from repot.model.names import Name
from repot.postgres.compose import joined, trusted

Node = Any


def apply(world: World, change: ch.Change) -> None:
    """Go on to the world after the change."""
    if isinstance(change, ch.Whole):
        _whole(world, change)
        return
    if isinstance(change, ch.DropTable):
        state = world.get(change.table)
        if state is not None:
            for child, key in world.children(state.name):
                child.foreign_keys.remove(key)
            del world.tables[state.name]
        return
    state = world.get(change.table)
    if state is None:
        return
    match change:
        case ch.SetNotNull():
            if change.column in state.columns:
                state.columns[change.column].not_null = True
        case ch.DropNotNull():
            if change.column in state.columns:
                state.columns[change.column].not_null = False
        case ch.SetDefault():
            if change.column in state.columns:
                text = expression(change.value) if change.value is not None else None
                state.columns[change.column].default = text
        case ch.AddColumn():
            _add_column(world, state, change)
        case ch.DropColumn():
            state.columns.pop(change.column, None)
            state.checks = [c for c in state.checks if change.column not in c.columns]
            state.foreign_keys = [k for k in state.foreign_keys if change.column not in k.columns]
        case ch.AlterType():
            _alter_type(world, state, change)
        case ch.AddCheck():
            text = expression(change.condition)
            columns = tuple(sorted(trees.column_names(change.condition)))
            state.checks.append(
                Check(
                    name=change.name,
                    columns=columns,
                    definition=f"CHECK ({text})" + ("" if change.valid else " NOT VALID"),
                    expression=text,
                )
            )
        case ch.AddForeignKey():
            state.foreign_keys.append(_foreign_key(world, change))
        case ch.DropConstraint():
            state.checks = [c for c in state.checks if c.name != change.name]
            state.foreign_keys = [k for k in state.foreign_keys if k.name != change.name]
            world.dropped_indexes.add((state.name.schema_, change.name))
        case ch.AddIndex():
            if change.primary:
                for part in change.parts:
                    if part.column in state.columns:
                        state.columns[part.column].not_null = True


def expression(node: Node) -> str:
    """An expression as SQL, for display and for what is remembered of it."""
    tree = postgast.parse("select x")
    tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(node)
    return str(postgast.deparse(tree)).removeprefix("SELECT ")


def type_text(node: Node) -> str:
    """A type as SQL."""
    return str(
        trees.fill('select null::"repot:type"', {}, types={"repot:type": node})
    ).removeprefix("SELECT NULL::")


def _foreign_key(world: World, change: ch.AddForeignKey) -> ForeignKey:
    other = world.get(change.other)
    name = world.name_of(change.other)
    referenced = change.referenced or (other.key if other else ())
    return ForeignKey(
        name=change.name,
        columns=change.columns,
        references=name,
        referenced=referenced,
        definition="",
        on_delete=change.on_delete,
        validated=change.valid,
    )


def _add_column(world: World, state: State, change: ch.AddColumn) -> None:
    if change.column in state.columns:
        return
    default, not_null, known, generated = None, False, True, False
    for constraint in (c.constraint for c in change.node.constraints):
        match constraint.contype:
            case pb.CONSTR_DEFAULT:
                default = constraint.raw_expr
            case pb.CONSTR_NOTNULL | pb.CONSTR_PRIMARY:
                not_null = True
            case pb.CONSTR_GENERATED:
                default, generated = constraint.raw_expr, True
            case pb.CONSTR_IDENTITY:
                known = False
    names = [n.string.sval for n in change.node.type_name.names]
    if names[-1] in ("serial", "bigserial", "smallserial", "serial4", "serial8", "serial2"):
        known = False
    column = Column(
        change.column,
        type_text(change.node.type_name),
        not_null=not_null,
        default=expression(default) if default is not None and not generated else None,
        generated=generated,
        known=known,
        made=True,
    )
    if state.rows is not None and known:
        needs = [state.rows]
        try:
            nodes = {}
            value: sql.Composable = sql.SQL("null")
            if default is not None:
                nodes["repot:value"] = world.readable(default, needs)
                value = sql.Identifier("repot:value")
            skeleton = sql.SQL('select {}, cast({} as "repot:type") as {} from {} as {}').format(
                joined(sql.Identifier(c) for c in state.columns),
                value,
                sql.Identifier(change.column),
                sql.Identifier(state.rows.name),
                sql.Identifier(state.name.name),
            )
            types = {"repot:type": change.node.type_name}
            text = trees.fill(world.reader.text(skeleton), nodes, types=types)
            state.rows = world.step(trusted(text), needs)
        except (Unknown, PgQueryError):
            column.known = False
    if not column.known and state.rows is not None:
        body = sql.SQL("select {}, null as {} from {}").format(
            joined(sql.Identifier(c) for c in state.columns),
            sql.Identifier(change.column),
            sql.Identifier(state.rows.name),
        )
        state.rows = world.step(body, [state.rows])
    state.columns[change.column] = column


def _alter_type(world: World, state: State, change: ch.AlterType) -> None:
    column = state.columns.get(change.column)
    if column is None:
        return
    names = [n.string.sval for n in change.type.names]
    column.type = type_text(change.type)
    enum = world.schema_and_type(names)
    if enum in world.new_enums or not column.known or state.rows is None:
        column.known = False  # no query can name a type that is not there yet
        return
    needs = [state.rows]
    try:
        nodes = {}
        value = sql.Identifier(change.column)
        if change.using is not None:
            nodes["repot:value"] = world.readable(change.using, needs)
            value = sql.Identifier("repot:value")
        parts: list[sql.Composable] = []
        for name in state.columns:
            if name == change.column:
                parts.append(
                    sql.SQL('cast({} as "repot:type") as {}').format(value, sql.Identifier(name))
                )
            else:
                parts.append(sql.Identifier(name))
        skeleton = sql.SQL("select {} from {} as {}").format(
            joined(parts), sql.Identifier(state.rows.name), sql.Identifier(state.name.name)
        )
        text = trees.fill(world.reader.text(skeleton), nodes, types={"repot:type": change.type})
        state.rows = world.step(trusted(text), needs)
    except (Unknown, PgQueryError):
        column.known = False


def _whole(world: World, change: ch.Whole) -> None:
    node = change.node
    match change.kind:
        case "update_stmt" | "delete_stmt" | "insert_stmt" | "truncate_stmt":
            WRITES[change.kind](world, node)
        case "create_stmt":
            _created(world, node.relation, node)
        case "create_table_as_stmt":
            reads(world, node)
            _created(world, node.into.rel, None)
        case "rename_stmt":
            _rename(world, node)
        case "alter_object_schema_stmt":
            state = world.get(node.relation) if node.object_type == pb.OBJECT_TABLE else None
            if state is not None:
                _move(world, state, Name(schema_=node.newschema, name=state.name.name))
        case "create_enum_stmt":
            _create_enum(world, node)
        case "alter_enum_stmt":
            enum = world.schema_and_type(n.string.sval for n in node.type_name)
            if enum:
                world.enums[enum].append(node.new_val)
        case "create_function_stmt":
            world.functions.add(node.funcname[-1].string.sval)
        case "create_trig_stmt":
            _trigger(world, node)
        case "create_extension_stmt":
            world.extensions.add(node.extname)
        case "drop_stmt":
            _drop(world, node)
        case "variable_set_stmt":
            _path(world, node)
        case "select_stmt":
            _select(world, node)
        case "do_stmt":
            _block(world, node)
        case "merge_stmt":
            reads(world, node)
            state = world.get(node.relation)
            if state is not None:
                state.known = False
        case "copy_stmt":
            state = world.get(node.relation) if node.is_from else None
            if state is not None:
                state.more = True
        case "call_stmt" | "execute_stmt":
            world.forget_all()


def _created(world: World, table: Node, node: Node | None) -> None:
    name = Name(schema_=table.schemaname or (world.path or [""])[0], name=table.relname)
    if world.get(table) is not None and (not table.schemaname or name in world.tables):
        return
    state = State(name, {}, None, known=False)
    for element in node.table_elts if node is not None else ():
        if element.WhichOneof("node") == "column_def":
            column = element.column_def
            kinds = {c.constraint.contype for c in column.constraints}
            state.columns[column.colname] = Column(
                column.colname,
                type_text(column.type_name),
                not_null=bool(kinds & {pb.CONSTR_NOTNULL, pb.CONSTR_PRIMARY}),
                known=False,
                made=True,
            )
            if pb.CONSTR_PRIMARY in kinds:
                state.key = (column.colname,)
    world.tables[name] = state
    if node is not None:
        for element in node.table_elts:
            found = []
            if element.WhichOneof("node") == "constraint":
                found = list(ch.of_constraint(table, element.constraint, None))
            elif element.WhichOneof("node") == "column_def":
                for c in element.column_def.constraints:
                    column_name = element.column_def.colname
                    found += list(ch.of_constraint(table, c.constraint, column_name))
            for change in found:
                apply(world, change)


def _rename(world: World, node: Node) -> None:
    state = world.get(node.relation) if node.HasField("relation") else None
    if node.rename_type == pb.OBJECT_TYPE and node.HasField("object"):
        names = [n.string.sval for n in node.object.list.items]
        enum = world.schema_and_type(names)
        if enum:
            new = (enum[0], node.newname)
            world.enums[new] = world.enums.pop(enum)
            world.new_enums.add(new)  # under this name no query of today finds it
    if state is None:
        return
    if node.rename_type == pb.OBJECT_TABLE:
        _move(world, state, Name(schema_=state.name.schema_, name=node.newname))
    elif node.rename_type == pb.OBJECT_COLUMN and node.subname in state.columns:
        _rename_column(world, state, node.subname, node.newname)


def _move(world: World, state: State, name: Name) -> None:
    for child, key in world.children(state.name):
        at = child.foreign_keys.index(key)
        child.foreign_keys[at] = key.model_copy(update={"references": name})
    del world.tables[state.name]
    state.name = name
    world.tables[name] = state


def _rename_column(world: World, state: State, old: str, new: str) -> None:
    if state.rows is not None:
        parts = [
            sql.SQL("{} as {}").format(sql.Identifier(c), sql.Identifier(new if c == old else c))
            for c in state.columns
        ]
        body = sql.SQL("select {} from {}").format(joined(parts), sql.Identifier(state.rows.name))
        state.rows = world.step(body, [state.rows])
    state.columns = {(new if n == old else n): c for n, c in state.columns.items()}
    state.columns[new].name = new

    def swap(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if c == old else c for c in columns)

    state.key = swap(state.key)
    state.foreign_keys = [
        k.model_copy(update={"columns": swap(k.columns)}) for k in state.foreign_keys
    ]
    state.checks = [c for c in state.checks if old not in c.columns]
    for child, key in world.children(state.name):
        at = child.foreign_keys.index(key)
        child.foreign_keys[at] = key.model_copy(update={"referenced": swap(key.referenced)})


def _create_enum(world: World, node: Node) -> None:
    words = [n.string.sval for n in node.type_name]
    name = (words[-2] if len(words) > 1 else (world.path or [""])[0], words[-1])
    world.enums[name] = [v.string.sval for v in node.vals]
    world.new_enums.add(name)


def _trigger(world: World, node: Node) -> None:
    state = world.get(node.relation)
    if state is not None:
        for bit, event in ((4, "insert"), (8, "delete"), (16, "update"), (32, "truncate")):
            if node.events & bit:
                state.events.add(event)


def _drop(world: World, node: Node) -> None:
    for thing in node.objects:
        if node.remove_type == pb.OBJECT_INDEX:
            table = ch.of_list(thing.list)
            schemas = [table.schemaname] if table.schemaname else world.path
            world.dropped_indexes |= {(s, table.relname) for s in schemas}
        elif node.remove_type == pb.OBJECT_SCHEMA:
            gone = [n for n in world.tables if n.schema_ == thing.string.sval]
            for name in gone:
                del world.tables[name]
        elif node.remove_type == pb.OBJECT_TRIGGER:
            pass  # other triggers may fire for the same event: it stays as careful as it was


def _path(world: World, node: Node) -> None:
    if node.name != "search_path":
        return
    if node.kind == pb.VAR_SET_VALUE:
        world.path = [p for a in node.args if (p := a.a_const.sval.sval)]
    else:
        world.path = list(world.today.path)


def _select(world: World, node: Node) -> None:
    names = trees.function_names(node)
    if names == {"set_config"} and "search_path" in trees.constants(node):
        world.path = [c for c in trees.constants(node) if c not in ("search_path", "")]
        return
    try:
        world.only_harmless(names - {"setval", "set_config", "pg_advisory_xact_lock"}, sure=True)
    except Unknown:
        world.forget_all()


def _block(world: World, node: Node) -> None:
    """A DO block may write to the tables that it names; with EXECUTE or a call, to any."""
    text = " ".join(a.def_elem.arg.string.sval for a in node.args if a.def_elem.defname == "as")
    if re.search(r"\b(execute|perform|call)\b", text, re.IGNORECASE):
        world.forget_all()
        return
    for state in world.tables.values():
        if re.search(rf"(?<!\w){re.escape(state.name.name)}(?!\w)", text, re.IGNORECASE):
            state.known, state.copied = False, True
            for column in state.columns.values():
                column.copied = True
