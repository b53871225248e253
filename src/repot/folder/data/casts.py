"""Types that values do not fit into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from postgast import PgQueryError
from psycopg import sql

from repot.folder.data import changes as ch
from repot.folder.data import trees
from repot.folder.data.apply import type_text
from repot.folder.data.ask import Unknown
from repot.folder.data.count import hidden, key_of, shown
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.folder.data.sql import load
from repot.folder.data.tables import Rows, State, question
from repot.model.finding import Severity
from repot.model.names import quoted
from repot.postgres.compose import joined, trusted

_SETTING = "repot.cast"
# Each row is cast by itself, as the assignment that ALTER TYPE makes: an error stops nothing.
_BLOCK = """
declare
  r record; new {type}; old {old};
  failed bigint := 0; lost bigint := 0; bad jsonb := '[]'; off jsonb := '[]'; said text;
begin
  for r in {query} loop
    begin
      new := {value};
    exception when others then
      failed := failed + 1;
      said := coalesce(said, sqlerrm);
      if failed <= 3 then bad := bad || jsonb_build_array(r."repot:shown"); end if;
      continue;
    end;
    {back}
  end loop;
  perform pg_catalog.set_config('repot.cast', jsonb_build_object('failed', failed, 'lost', lost,
    'bad', bad, 'off', off, 'said', said)::text, true);
end
"""
_BACK = """
    begin
      old := new;
    exception when others then
      old := null;
    end;
    if old is distinct from r."repot:old" then
      lost := lost + 1;
      if lost <= 3 then
        off := off || jsonb_build_array(r."repot:shown" || jsonb_build_array(new::text));
      end if;
    end if;
"""


_WIDER = {
    ("smallint", "int"),
    ("smallint", "bigint"),
    ("integer", "bigint"),
    ("real", "double precision"),
    ("text", "text"),
    ("text", "varchar"),
}


def _tried(m: Moment) -> tuple[State, ch.AlterType, str, dict[str, Any]] | None:
    """What became of every value; tried once for both rules."""
    if id(m.change) not in m.world.answers:
        m.world.answers.clear()
        m.world.answers[id(m.change)] = _try(m)
    answer: tuple[State, ch.AlterType, str, dict[str, Any]] | None
    answer = m.world.answers[id(m.change)]
    return answer


def _try(m: Moment) -> tuple[State, ch.AlterType, str, dict[str, Any]] | None:
    change = m.change
    if not isinstance(change, ch.AlterType):
        return None
    state = m.world.get(change.table)
    if state is None or not state.knows([change.column]):
        return None
    target = type_text(change.type)
    column = state.columns[change.column]
    if m.world.schema_and_type(n.string.sval for n in change.type.names) in m.world.new_enums:
        return None  # rule of enums
    if change.using is None and _widens(column.type, target):
        return None
    if change.using is None and not _automatic(m, column.type, target):
        return state, change, target, {"automatic": False}
    try:
        query, value = _query(m, state, change), _value(m, state, change)
    except PgQueryError as wrong:
        raise Unknown(str(wrong)) from wrong
    # What a USING makes of a value is meant; only a plain change of type is carried back.
    back = sql.SQL(_BACK) if change.using is None else sql.SQL("")
    body = sql.SQL(_BLOCK).format(
        type=trusted(target), old=trusted(column.type), query=query, value=value, back=back
    )
    answer = m.world.reader.do(body, _SETTING, about=str(state.name))
    return state, change, target, {"automatic": True, **json.loads(answer)}


def _widens(source: str, target: str) -> bool:
    """Whether any value fits, so that none need be read."""
    if target in ("text", "varchar", "character varying") and source.startswith("character var"):
        return True
    return (source, target) in _WIDER


def _automatic(m: Moment, source: str, target: str) -> bool:
    rows = m.world.reader.rows(load("casts.sql"), {"source": source, "target": target})
    return bool(rows[0][0])


def _query(m: Moment, state: State, change: ch.AlterType) -> sql.Composed:
    """The rows that hold a value, with what is shown of each."""
    assert state.rows is not None
    table = state.name.name
    keys = joined(
        sql.SQL("{}::text").format(sql.Identifier(table, c)) for c in _shown(state, change)
    )
    inner = sql.SQL(
        'select {all}, {column} as "repot:old", jsonb_build_array({keys}) as "repot:shown"'
        " from {rows} as {table} where {column} is not null"
    ).format(
        all=joined(sql.Identifier(table, c) for c in state.columns),
        column=sql.Identifier(table, change.column),
        keys=keys,
        rows=sql.Identifier(state.rows.name),
        table=sql.Identifier(table),
    )
    return question(inner, state.rows)


def _value(m: Moment, state: State, change: ch.AlterType) -> sql.Composable:
    """The new value of the row `r`; a USING is evaluated row by row, so that one error is one."""
    if change.using is None:
        return sql.SQL("r.{}").format(sql.Identifier(change.column))
    needs: list[Rows] = []
    using = m.world.readable(change.using, needs)
    row = joined(sql.SQL("r.{0} as {0}").format(sql.Identifier(c)) for c in state.columns)
    skeleton = sql.SQL("select {} from (select {}) as {}").format(
        sql.Identifier("repot:using"), row, sql.Identifier(state.name.name)
    )
    text = trees.fill(m.world.reader.text(skeleton), {"repot:using": using})
    return sql.SQL("({})").format(question(trusted(text), *needs) if needs else trusted(text))


def _shown(state: State, change: ch.AlterType) -> list[str]:
    return [*(k for k in key_of(state) if k != change.column), change.column]


def _fails(m: Moment) -> Iterator[Hit]:
    tried = _tried(m)
    if tried is None:
        return
    state, change, target, what = tried
    where = f"{state.name}.{quoted(change.column)}"
    kind = state.columns[change.column].type
    if not what["automatic"]:
        yield Hit(
            f"PostgreSQL does not turn {kind} into {target} by itself, whatever the values",
            where,
            hint=f"say how: ALTER COLUMN … TYPE {target} USING …",
        )
    elif what["failed"]:
        columns = _shown(state, change)
        said = "" if hidden(change.column) else f": {what['said']}"  # it quotes the value
        yield Hit(
            f"{where} holds values that cannot become {target}{said}",
            where,
            what["failed"],
            tuple(shown(columns, bad) for bad in what["bad"]),
        )


def _loses(m: Moment) -> Iterator[Hit]:
    tried = _tried(m)
    if tried is None or not tried[3]["automatic"]:
        return
    state, change, target, what = tried
    if what["lost"]:
        where = f"{state.name}.{quoted(change.column)}"
        columns = _shown(state, change)
        yield Hit(
            f"{where} holds values that {target} does not keep as they are",
            where,
            what["lost"],
            tuple(
                f"{shown(columns, off[:-1])} → {'***' if hidden(change.column) else off[-1]}"
                for off in what["off"]
            ),
        )


RULES = (
    DataRule(
        id="type-change-fails",
        severity=Severity.ERROR,
        condition="ALTER COLUMN … TYPE, and at least one value cannot be turned into the new type.",
        effect="PostgreSQL refuses the statement at the first such value, and the file fails.",
        remedy="mend these values before, or say in USING what becomes of them",
        data="create table product (id int primary key, sku text);"
        " insert into product values (1, 'short'), (2, 'much too long for it'), (3, null)",
        bad=("alter table product alter column sku type varchar(8);",),
        good=("alter table product alter column sku type varchar(40);",),
        find=_fails,
        refused="22001",
    ),
    DataRule(
        id="type-change-loses",
        severity=Severity.WARNING,
        condition="ALTER COLUMN … TYPE without USING, and values come out changed: rounded, cut "
        "to a date, no longer exact.",
        effect="PostgreSQL changes them without a word; what was lost does not come back.",
        remedy="keep a type that holds them, or say with USING that the change is meant",
        data="create table product (id int primary key, price numeric(10,4));"
        " insert into product values (1, 9.9950), (2, 5.2500), (3, 7.1234)",
        bad=("alter table product alter column price type numeric(10,2);",),
        good=("alter table product alter column price type numeric(12,4);",),
        find=_loses,
    ),
)
