"""Ways back of applied migrations that would delete rows, or that today's data refuse.

The newest is looked at over today's rows, the one before it over what that would leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from postgast import PgQueryError
from psycopg import sql

from repot.folder.book import Page
from repot.folder.data import changes as ch
from repot.folder.data.ask import Unknown
from repot.folder.data.count import count, examples
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.folder.data.world import World
from repot.folder.data.writes import closure, remaining
from repot.folder.settings import Settings
from repot.folder.text import Statement
from repot.model.finding import Finding, Severity
from repot.model.names import quoted

# These rules say it in words of their own when a way back is concerned.
_OWN = {"dropped-column-holds-values", "dropped-table-holds-rows", "index-repeats"}


def examine(
    world: World, applied: Sequence[Page], settings: Settings, walk: Callable[..., Any]
) -> Iterator[Finding]:
    """The findings; `world` is today's, and goes back with each script."""
    for page in reversed(applied):
        if page.down is None:
            continue
        file = page.down.script.file
        lost: list[tuple[Statement, Hit]] = []

        def watch(
            moment: Moment, statement: Statement, lost: list[tuple[Statement, Hit]] = lost
        ) -> None:
            with suppress(Unknown, PgQueryError):
                lost += [(statement, hit) for hit in _losses(moment)]

        hits = list(walk(world, page.down.statements, settings, file, watch=watch))
        for statement, hit in lost:
            yield DELETES.finding(hit, file, statement.line)
        for statement, hit, rule in hits:
            if rule.id in _OWN:
                continue
            if rule.severity is Severity.ERROR and rule.refused:
                # The rule that speaks now has a severity and a remedy of its own.
                told = replace(hit, message=f"{hit.message} ({rule.id})", severity=None, hint=None)
                yield FAILS.finding(told, file, statement.line)
            else:
                yield rule.finding(hit, file, statement.line)


def _losses(m: Moment) -> Iterator[Hit]:
    """What a change of a way back takes away."""
    change, every = m.change, sql.SQL("true")
    if isinstance(change, ch.DropColumn):
        state = m.world.get(change.table)
        if state is not None and state.knows([change.column]):
            column = state.columns[change.column]
            held = sql.SQL("{} is not null").format(sql.Identifier(state.name.name, change.column))
            found = 0 if column.copied or column.generated else count(m.world, state, held)
            if found:
                yield Hit(
                    f"the way back drops {state.name}.{quoted(change.column)} with its values",
                    f"{state.name}.{quoted(change.column)}",
                    found,
                    examples(m.world, state, held, show=[change.column]),
                )
        return
    states = []
    if isinstance(change, ch.DropTable):
        states = [m.world.get(change.table)]
    elif isinstance(change, ch.Whole) and change.kind == "delete_stmt":
        state = m.world.get(change.node.relation)
        if state is not None:
            gone = state.copy()
            gone.rows = remaining(m.world, state, change.node, gone=True)
            states = [gone]
    elif isinstance(change, ch.Whole) and change.kind == "truncate_stmt":
        named = [m.world.name_of(r.range_var) for r in change.node.relations]
        states = [m.world.tables.get(n) for n in closure(m.world, named)]
    for one in states:
        if one is None or one.copied or not one.knows(()):
            continue
        found = count(m.world, one, every)
        if found:
            yield Hit(
                f"the way back deletes rows of {one.name}, and nothing in it has read them before",
                str(one.name),
                found,
                examples(m.world, one, every),
            )


def _none(_: Moment) -> Iterator[Hit]:
    """The ways back are looked at by `examine`."""
    yield from ()


DELETES = DataRule(
    id="down-loses-rows",
    severity=Severity.WARNING,
    condition="The down script of an applied migration deletes rows, or drops a table or column "
    "that holds values, which nothing in the script has read before.",
    effect="What was written since the migration is gone after the rollback.",
    remedy="carry the rows back to where they came from first; `repot migrate rollback` refuses "
    "without --accept-loss, and keeps what is lost in an archive",
    data='create table "OrderItem" (id int primary key, "orderId" int);'
    ' create table "Order" (id int primary key, "designId" int);'
    ' insert into "Order" values (1, 5), (2, 6);'
    ' insert into "OrderItem" values (1, 1), (2, 1), (3, 2)',
    bad=(),
    good=(),
    find=_none,
    bad_down='drop table "OrderItem";',
    good_down='create table "OrderItem_kept" as select * from "OrderItem";\n'
    'drop table "OrderItem";',
)
FAILS = DataRule(
    id="down-fails",
    severity=Severity.ERROR,
    condition="The down script of an applied migration meets data of today that PostgreSQL "
    "refuses there: NULLs, duplicates, broken keys (the rule's id says which).",
    effect="The rollback stops half-way, or at all.",
    remedy="mend the rows in the down script before the statement that refuses them",
    data='create table "Order" (id int primary key, "designId" int);'
    ' insert into "Order" values (1, 5), (2, null)',
    bad=(),
    good=(),
    find=_none,
    refused="23502",
    bad_down='alter table "Order" alter column "designId" set not null;',
    good_down='update "Order" set "designId" = 0 where "designId" is null;\n'
    'alter table "Order" alter column "designId" set not null;',
)
RULES = (DELETES, FAILS)
