"""Values of an enum that rows use and a migration takes away."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import PgQueryError
from postgast import pg_query_pb2 as pb
from psycopg import sql

from repot.folder.data import changes as ch
from repot.folder.data import trees
from repot.folder.data.ask import Unknown
from repot.folder.data.count import count, examples
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.folder.data.tables import State
from repot.model.finding import Severity
from repot.model.names import Name, quoted
from repot.postgres.compose import joined, trusted


def _removed(m: Moment) -> Iterator[Hit]:
    """ALTER COLUMN … TYPE to an enum that a pending file makes, from an enum or a text."""
    change = m.change
    if not isinstance(change, ch.AlterType):
        return
    state = m.world.get(change.table)
    enum = m.world.schema_and_type(n.string.sval for n in change.type.names)
    if state is None or enum not in m.world.new_enums or not state.knows([change.column]):
        return
    assert enum is not None
    column = state.columns[change.column]
    if column.type.endswith("[]"):
        return
    try:
        cast = _as_text(m, state, change)
    except PgQueryError as wrong:
        raise Unknown(str(wrong)) from wrong
    values = m.world.enums[enum]
    new = sql.Identifier(state.name.name, "repot:value")
    gone = sql.SQL("{0} is not null and {0} <> all (array[{1}]::text[])").format(
        new, joined(sql.Literal(v) for v in values)
    )
    found = count(m.world, cast, gone)
    if found:
        yield Hit(
            f"{state.name}.{quoted(change.column)} holds values that the new type "
            f"{Name(schema_=enum[0], name=enum[1])} does not have",
            f"{state.name}.{quoted(change.column)}",
            found,
            examples(m.world, cast, gone, show=[change.column]),
        )


def _as_text(m: Moment, state: State, change: ch.AlterType) -> State:
    """The rows with the text that is to become the new type: USING without its last cast."""
    assert state.rows is not None
    needs = [state.rows]
    nodes = {}
    value: sql.Identifier = sql.Identifier(change.column)
    using = change.using
    if using is not None:
        if using.WhichOneof("node") == "type_cast":
            words = [n.string.sval for n in using.type_cast.type_name.names]
            if m.world.schema_and_type(words) in m.world.new_enums:
                using = using.type_cast.arg
        nodes["repot:using"] = m.world.readable(using, needs)
        value = sql.Identifier("repot:using")
    body = sql.SQL("select *, ({})::text as {} from {} as {}").format(
        value,
        sql.Identifier("repot:value"),
        sql.Identifier(state.rows.name),
        sql.Identifier(state.name.name),
    )
    fork = state.copy()
    fork.rows = m.world.step(trusted(trees.fill(m.world.reader.text(body), nodes)), needs)
    return fork


def _type_dropped(m: Moment) -> Iterator[Hit]:
    """DROP TYPE … CASCADE takes the columns of that type along."""
    change = m.change
    if not isinstance(change, ch.Whole) or change.kind != "drop_stmt":
        return
    node = change.node
    if node.remove_type != pb.OBJECT_TYPE or node.behavior != pb.DROP_CASCADE:
        return
    for thing in node.objects:
        enum = m.world.schema_and_type(n.string.sval for n in thing.type_name.names)
        today = m.world.today.enums.get(enum) if enum else None
        if today is None or enum in m.world.new_enums:
            continue
        for state in m.world.tables.values():
            for name, column in state.columns.items():
                if column.type == today.shown and state.knows([name]) and not column.copied:
                    yield from _column_goes(m, state, name, today.shown)


def _column_goes(m: Moment, state: State, name: str, shown: str) -> Iterator[Hit]:
    held = sql.SQL("{} is not null").format(sql.Identifier(state.name.name, name))
    found = count(m.world, state, held)
    if found:
        yield Hit(
            f"DROP TYPE {shown} CASCADE drops the column {state.name}.{quoted(name)} with its "
            "values",
            f"{state.name}.{quoted(name)}",
            found,
            examples(m.world, state, held, show=[name]),
        )


def _find(m: Moment) -> Iterator[Hit]:
    yield from _removed(m)
    yield from _type_dropped(m)


RULES = (
    DataRule(
        id="enum-value-in-use",
        severity=Severity.ERROR,
        condition="A column gets an enum that lacks a value which rows hold (how tools write the "
        "removal of a value), or DROP TYPE … CASCADE takes columns with values along.",
        effect="PostgreSQL refuses the cast at the first such row; with CASCADE the column goes "
        "without a word.",
        remedy="UPDATE these rows to a value that stays, before the type changes",
        data="create type \"Status\" as enum ('NEW', 'PAID', 'LOST'); create table \"Order\" (id"
        ' int primary key, status "Status"); insert into "Order" values (1, \'NEW\'),'
        " (2, 'LOST'), (3, 'LOST')",
        bad=(
            "create type \"Status_new\" as enum ('NEW', 'PAID');\n"
            'alter table "Order" alter column status type "Status_new"'
            ' using (status::text::"Status_new");\n'
            'alter type "Status" rename to "Status_old";\n'
            'alter type "Status_new" rename to "Status";\ndrop type "Status_old";',
        ),
        good=(
            "update \"Order\" set status = 'NEW' where status = 'LOST';\n"
            "create type \"Status_new\" as enum ('NEW', 'PAID');\n"
            'alter table "Order" alter column status type "Status_new"'
            ' using (status::text::"Status_new");\n'
            'alter type "Status" rename to "Status_old";\n'
            'alter type "Status_new" rename to "Status";\ndrop type "Status_old";',
        ),
        find=_find,
        refused="22P02",
    ),
)
