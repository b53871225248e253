"""NULLs where a change wants none."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pb
from psycopg import sql

from repot.folder.data import changes as ch
from repot.folder.data.count import count, examples
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.model.finding import Severity
from repot.model.names import quoted

_FILLS = (pb.CONSTR_DEFAULT, pb.CONSTR_GENERATED, pb.CONSTR_IDENTITY)
_SERIALS = {f"{size}serial" for size in ("", "small", "big")} | {"serial2", "serial4", "serial8"}


def _set_not_null(m: Moment) -> Iterator[Hit]:
    if not isinstance(m.change, ch.SetNotNull):
        return
    state = m.world.get(m.change.table)
    column = m.change.column
    if state is None or not state.knows([column]) or state.columns[column].not_null:
        return
    null = sql.SQL("{} is null").format(sql.Identifier(state.name.name, column))
    found = count(m.world, state, null)
    if found:
        yield Hit(
            f"{state.name}.{quoted(column)} holds NULLs where it is to hold none",
            f"{state.name}.{quoted(column)}",
            found,
            examples(m.world, state, null),
        )


def _add_column(m: Moment) -> Iterator[Hit]:
    if not isinstance(m.change, ch.AddColumn):
        return
    state = m.world.get(m.change.table)
    if state is None or m.change.column in state.columns or not state.knows(()):
        return
    node = m.change.node
    kinds = {c.constraint.contype for c in node.constraints}
    serial = node.type_name.names[-1].string.sval in _SERIALS
    if serial or kinds & set(_FILLS) or not kinds & {pb.CONSTR_NOTNULL, pb.CONSTR_PRIMARY}:
        return
    found = count(m.world, state, sql.SQL("true"))
    if found:
        yield Hit(
            f"{state.name} has rows, which would have no value in the new column "
            f"{quoted(m.change.column)}",
            f"{state.name}.{quoted(m.change.column)}",
            found,
        )


RULES = (
    DataRule(
        id="not-null-holds-nulls",
        severity=Severity.ERROR,
        condition="SET NOT NULL, or a primary key, on a column in which rows have NULL.",
        effect="PostgreSQL refuses the statement, and the file fails.",
        remedy="fill the column before: UPDATE … SET … WHERE … IS NULL, or leave it nullable",
        data="create table product (id int primary key, sku text);"
        " insert into product values (1, 'a'), (2, null), (3, null), (4, 'd')",
        bad=("alter table product alter column sku set not null;",),
        good=(
            "update product set sku = 'sku-' || id where sku is null;\n"
            "alter table product alter column sku set not null;",
        ),
        find=_set_not_null,
        refused="23502",
    ),
    DataRule(
        id="add-column-without-default",
        severity=Severity.ERROR,
        condition="ADD COLUMN … NOT NULL without a default on a table that has rows.",
        effect="PostgreSQL refuses the statement: the rows that are there would have NULL.",
        remedy="add it with a default, or nullable first, fill it, and set NOT NULL last",
        data='create table "WebhookLog" (id int primary key); '
        'insert into "WebhookLog" values (1), (2)',
        bad=('alter table "WebhookLog" add column "event" text not null;',),
        good=(
            'alter table "WebhookLog" add column "event" text;\n'
            'update "WebhookLog" set "event" = \'received\';\n'
            'alter table "WebhookLog" alter column "event" set not null;',
        ),
        find=_add_column,
        refused="23502",
    ),
)
