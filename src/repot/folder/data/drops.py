"""Columns and tables that go with values that nothing has taken along."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from repot.folder.data import changes as ch
from repot.folder.data.count import count, examples
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.model.finding import Severity
from repot.model.names import quoted


def _column(m: Moment) -> Iterator[Hit]:
    if not isinstance(m.change, ch.DropColumn):
        return
    state, name = m.world.get(m.change.table), m.change.column
    if state is None or not state.knows([name]):
        return
    column = state.columns[name]
    if column.made or column.copied or column.generated:
        return
    held = sql.SQL("{} is not null").format(sql.Identifier(state.name.name, name))
    found = count(m.world, state, held)
    if found:
        yield Hit(
            f"{state.name}.{quoted(name)} is dropped with its values, and nothing pending has "
            "read them before",
            f"{state.name}.{quoted(name)}",
            found,
            examples(m.world, state, held, show=[name]),
        )


def _table(m: Moment) -> Iterator[Hit]:
    if not isinstance(m.change, ch.DropTable):
        return
    state = m.world.get(m.change.table)
    if state is None or state.created or state.copied or not state.knows(()):
        return
    every = sql.SQL("true")
    found = count(m.world, state, every)
    if found:
        yield Hit(
            f"{state.name} is dropped with its rows, and nothing pending has read them before",
            str(state.name),
            found,
            examples(m.world, state, every),
        )


RULES = (
    DataRule(
        id="dropped-column-holds-values",
        severity=Severity.WARNING,
        condition="DROP COLUMN on a column that holds values which no INSERT … SELECT, UPDATE or "
        "CREATE TABLE AS of the pending files has read before.",
        effect="The values are gone for good once the file is applied.",
        remedy="copy them first, or RENAME the column (a tool that cannot tell writes a rename as "
        "drop and add)",
        data='create table "Webhook" (id int primary key, payload jsonb, error text);'
        " insert into \"Webhook\" values (1, '{\"a\":1}', null), (2, '{}', 'timeout'),"
        " (3, null, null)",
        bad=('alter table "Webhook" drop column payload;',),
        good=(
            'create table "Delivery" ("webhookId" int, payload jsonb);\n'
            'insert into "Delivery" select id, payload from "Webhook";',
            'alter table "Webhook" drop column payload;',
        ),
        find=_column,
    ),
    DataRule(
        id="dropped-table-holds-rows",
        severity=Severity.WARNING,
        condition="DROP TABLE on a table with rows that nothing in the pending files has read "
        "before.",
        effect="The rows are gone for good once the file is applied.",
        remedy="copy them first, or rename the table and drop it later",
        data="create table quote (id int primary key, total int);"
        " insert into quote values (1, 10), (2, 20)",
        bad=("drop table quote;",),
        good=("create table offer as select * from quote;\ndrop table quote;",),
        find=_table,
    ),
)
