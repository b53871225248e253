"""Counting rows, and naming some of them by their keys."""

from __future__ import annotations

import re
from collections.abc import Sequence

from psycopg import sql

from repot.folder.data.tables import State
from repot.folder.data.world import World
from repot.model.names import quoted
from repot.postgres.compose import joined

EXAMPLES = 3
_SECRET = re.compile(
    r"secret|passw|passphrase|pwd|token|api_?key|private|credential|salt|jwt|otp",
    re.IGNORECASE,
)
_WIDE = 60  # characters of a value that are shown


def ident(state: State) -> sql.Identifier:
    """The table's rows in a question."""
    assert state.rows is not None
    return sql.Identifier(state.rows.name)


def key_of(state: State) -> tuple[str, ...]:
    """The columns that tell rows apart, where there are any that can be shown."""
    key = state.key
    return key if key and state.knows(key) else ()


def hidden(column: str) -> bool:
    """Whether the values of a column of that name may be secrets: they are not shown."""
    return bool(_SECRET.search(column))


def shown(columns: Sequence[str], values: Sequence[object]) -> str:
    """`id = 7, slug = mug`."""
    return ", ".join(
        f"{quoted(c)} = {'***' if hidden(c) and v is not None else short(v)}"
        for c, v in zip(columns, values, strict=True)
    )


def short(value: object) -> str:
    """A value as it is shown: NULL, or its text, cut."""
    if value is None:
        return "NULL"
    text = str(value)
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"


def count(world: World, state: State, condition: sql.Composable, *also: State) -> int:
    """How many rows of the table meet the condition. Raises Unknown."""
    rows = world.ask(
        sql.SQL("select count(*) from {} as {} where {}").format(
            ident(state), sql.Identifier(state.name.name), condition
        ),
        state,
        *also,
    )
    return int(str(rows[0][0]))


def examples(
    world: World,
    state: State,
    condition: sql.Composable,
    *also: State,
    show: Sequence[str] = (),
) -> tuple[str, ...]:
    """Up to three of those rows: their keys, and the columns of `show`. Raises Unknown."""
    columns = list(dict.fromkeys([*key_of(state), *(c for c in show if c in state.columns)]))
    if not columns:
        return ()
    rows = world.ask(
        sql.SQL("select {} from {} as {} where {} order by {} limit {}").format(
            joined(sql.SQL("{}::text").format(sql.Identifier(state.name.name, c)) for c in columns),
            ident(state),
            sql.Identifier(state.name.name),
            condition,
            joined(sql.SQL(str(i)) for i in range(1, len(columns) + 1)),
            sql.Literal(EXAMPLES),
        ),
        state,
        *also,
    )
    return tuple(shown(columns, row) for row in rows)
