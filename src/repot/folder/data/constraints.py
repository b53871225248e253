"""Checks and foreign keys that rows of today break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import postgast
from postgast import PgQueryError
from psycopg import sql

from repot.folder.data import changes as ch
from repot.folder.data import trees
from repot.folder.data.apply import expression
from repot.folder.data.ask import Unknown
from repot.folder.data.count import count, examples
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.folder.data.tables import Rows, State
from repot.model.finding import Severity
from repot.model.names import Name, quoted
from repot.postgres.compose import joined, trusted


def _check(m: Moment) -> Iterator[Hit]:
    change = m.change
    state = m.world.get(change.table) if change.table is not None else None
    if state is None:
        return
    if isinstance(change, ch.AddCheck) and change.valid:
        condition = change.condition
    elif isinstance(change, ch.Validate):
        late = next((c for c in state.checks if c.name == change.name), None)
        if late is None or "NOT VALID" not in late.definition:
            return
        tree = postgast.parse(f"select {late.expression}")
        condition = tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val
    else:
        return
    if not state.knows(trees.column_names(condition) & set(state.columns)):
        return
    try:
        broken = _broken(m, state, condition)
    except PgQueryError as wrong:
        raise Unknown(str(wrong)) from wrong
    found = count(m.world, broken, sql.SQL("true"))
    if found:
        name = f" {quoted(change.name)}" if change.name else ""
        columns = sorted(trees.column_names(condition))
        yield Hit(
            f"rows of {state.name} break the check{name}: {expression(condition)}",
            str(state.name),
            found,
            examples(m.world, broken, sql.SQL("true"), show=columns),
        )


def _broken(m: Moment, state: State, condition: Any) -> State:
    """The rows for which the condition is false."""
    assert state.rows is not None
    needs = [state.rows]
    nodes = {"repot:check": m.world.readable(condition, needs)}
    body = sql.SQL("select * from {} as {} where ({}) is false").format(
        sql.Identifier(state.rows.name),
        sql.Identifier(state.name.name),
        sql.Identifier("repot:check"),
    )
    fork = state.copy()
    fork.rows = m.world.step(trusted(trees.fill(m.world.reader.text(body), nodes)), needs)
    return fork


def _foreign_key(m: Moment) -> Iterator[Hit]:
    change = m.change
    state = m.world.get(change.table) if change.table is not None else None
    if state is None:
        return
    if isinstance(change, ch.AddForeignKey) and change.valid:
        other = m.world.get(change.other)
        columns = change.columns
        referenced = change.referenced or (other.key if other else ())
    elif isinstance(change, ch.Validate):
        late = next((k for k in state.foreign_keys if k.name == change.name), None)
        if late is None or late.validated:
            return
        other, columns = m.world.tables.get(late.references), late.columns
        referenced = late.referenced
    else:
        return
    if other is None or other.more or len(columns) != len(referenced):
        return  # what refers to nothing is unknown where there may be more rows
    if not state.knows(columns) or not other.knows(referenced):
        return
    orphan = orphans(state, other, columns, referenced)
    found = count(m.world, state, orphan, other)
    if found:
        name = f" {quoted(change.name)}" if change.name else ""
        yield Hit(
            f"rows of {state.name} refer by {', '.join(map(quoted, columns))} to rows of "
            f"{other.name} that do not exist: the foreign key{name} refuses them",
            f"{state.name}.{quoted(columns[0])}",
            found,
            examples(m.world, state, orphan, other, show=columns),
        )


def orphans(
    state: State, other: State, columns: tuple[str, ...], referenced: tuple[str, ...]
) -> sql.Composed:
    """The condition of rows that refer to nothing."""
    rows: Rows | None = other.rows
    assert rows is not None
    here = [sql.Identifier(state.name.name, c) for c in columns]
    same = joined(
        (
            sql.SQL("{} = {}").format(sql.Identifier("repot_other", r), c)
            for r, c in zip(referenced, here, strict=True)
        ),
        " and ",
    )
    not_null = joined((sql.SQL("{} is not null").format(c) for c in here), " and ")
    return sql.SQL("{} and not exists (select 1 from {} as repot_other where {})").format(
        not_null, sql.Identifier(rows.name), same
    )


def _set_null(m: Moment) -> Iterator[Hit]:
    change = m.change
    if isinstance(change, ch.AddForeignKey) and change.on_delete == "n":
        state = m.world.get(change.table)
        if state is None:
            return
        for column in change.nulled or change.columns:
            if column in state.columns and state.columns[column].not_null:
                yield _cannot(state.name, column, m.world.name_of(change.other))
    elif isinstance(change, ch.SetNotNull):
        state = m.world.get(change.table)
        for key in state.foreign_keys if state else ():
            if key.on_delete == "n" and change.column in key.columns:
                assert state is not None
                yield _cannot(state.name, change.column, key.references)


def _cannot(table: Name, column: str, other: Name) -> Hit:
    return Hit(
        f"{table}.{quoted(column)} holds no NULL, and its foreign key would set it to NULL when a "
        f"row of {other} is deleted",
        f"{table}.{quoted(column)}",
    )


RULES = (
    DataRule(
        id="check-breaks",
        severity=Severity.ERROR,
        condition="ADD CONSTRAINT … CHECK, or VALIDATE CONSTRAINT, and rows do not meet it.",
        effect="PostgreSQL refuses the statement, and the file fails.",
        remedy="mend the rows before; or add it NOT VALID (for new rows) and validate it later",
        data="create table item (id int primary key, quantity int, price int, total int);"
        " insert into item values (1, 2, 10, 20), (2, 3, 10, 20), (3, 1, 5, null)",
        bad=("alter table item add constraint total_is check (total = quantity * price);",),
        good=(
            "update item set total = quantity * price where total <> quantity * price;\n"
            "alter table item add constraint total_is check (total = quantity * price);",
        ),
        find=_check,
        refused="23514",
    ),
    DataRule(
        id="foreign-key-breaks",
        severity=Severity.ERROR,
        condition="ADD FOREIGN KEY, or VALIDATE CONSTRAINT, and rows refer to rows that do not "
        "exist.",
        effect="PostgreSQL refuses the statement, and the file fails.",
        remedy="decide what becomes of these rows (delete, set NULL, keep aside) in a statement "
        "before",
        data='create table "Webhook" (id text primary key); create table "WebhookLog" (id int'
        ' primary key, "webhookId" text); insert into "Webhook" values (\'w1\');'
        " insert into \"WebhookLog\" values (1, 'w1'), (2, 'gone'), (3, null)",
        bad=(
            'alter table "WebhookLog" add constraint log_webhook foreign key ("webhookId")'
            ' references "Webhook" (id);',
        ),
        good=(
            'update "WebhookLog" set "webhookId" = null where not exists (select 1 from "Webhook"'
            ' w where w.id = "WebhookLog"."webhookId");\n'
            'alter table "WebhookLog" add constraint log_webhook foreign key ("webhookId")'
            ' references "Webhook" (id);',
        ),
        find=_foreign_key,
        refused="23503",
    ),
    DataRule(
        id="set-null-on-not-null",
        severity=Severity.ERROR,
        condition="A foreign key ON DELETE SET NULL on a column that is NOT NULL in the database.",
        effect="The file passes, and from then on no row that is referred to can be deleted: each "
        "DELETE fails.",
        remedy="make the column nullable, or choose RESTRICT or CASCADE",
        data="create table design (id int primary key); create table item (id int primary key,"
        " design_id int not null); insert into design values (1); insert into item values (1, 1)",
        bad=(
            "alter table item add constraint item_design foreign key (design_id)"
            " references design (id) on delete set null;",
        ),
        good=(
            "alter table item alter column design_id drop not null;\n"
            "alter table item add constraint item_design foreign key (design_id)"
            " references design (id) on delete set null;",
        ),
        find=_set_null,
    ),
)
