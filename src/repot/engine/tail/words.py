"""PL/pgSQL around the statements. The functions' own names begin with repot_; where a column is
called so, the column is meant."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from repot.postgres.compose import joined

LONG_WAY = "RP001"  # SQLSTATE: to be done statement by statement
REHEARSAL = sql.SQL("repot_rehearsal")
SEEN, THERE = sql.SQL("repot_seen"), sql.SQL("repot_there")  # numbers of the last statement
FLAG, SINCE = sql.SQL("repot_flag"), sql.SQL("repot_since")
# As in compare.Counts, and in its order.
COUNTS = ("pairs", "missing", "extra", "changed", "rows", "repeated")
_LOCAL = joined(
    [
        sql.SQL("repot_seen bigint; repot_there bigint; repot_flag boolean;"),
        sql.SQL("repot_since timestamptz;"),
        *(sql.SQL("{} bigint;").format(sql.SQL(f"repot_{name}")) for name in COUNTS),
    ],
    " ",
)


class State:
    """What the parts know of each other: numbers, and moments."""

    def __init__(self) -> None:
        self.numbers = self.moments = 0
        self.epoch, self.changes, self.proven = self.number(), self.number(), self.number()

    def number(self) -> sql.Composable:
        """One more, 0 at first."""
        self.numbers += 1
        return sql.SQL(f"repot_n[{self.numbers}]")

    def moment(self) -> sql.Composable:
        """One more, NULL at first."""
        self.moments += 1
        return sql.SQL(f"repot_at[{self.moments}]")

    def begun(self) -> tuple[sql.Composed, sql.Composed]:
        """The arrays of both at first."""
        return (
            sql.SQL("array_fill(0::bigint, array[{}])").format(sql.Literal(self.numbers)),
            sql.SQL("array_fill(null::timestamptz, array[{}])").format(sql.Literal(self.moments)),
        )


class Block:
    """Lines of a function's body."""

    def __init__(self) -> None:
        self._lines: list[sql.Composable] = []

    def __bool__(self) -> bool:
        return bool(self._lines)

    def do(self, *statements: sql.Composable) -> None:
        """The statements, one after the other."""
        self._lines += [statement + sql.SQL(";") for statement in statements]

    def count(self, statement: sql.Composable, into: sql.Composable | None = None) -> None:
        """The statement, and how many rows it wrote: SEEN, and kept in `into`."""
        self.do(statement, sql.SQL("get diagnostics {} = row_count").format(SEEN))
        if into is not None:
            self.keep(into, SEEN)

    def keep(self, into: sql.Composable, what: sql.Composable) -> None:
        """`into := what`"""
        self.do(sql.SQL("{} := {}").format(into, what))

    def add(self, to: sql.Composable, what: sql.Composable) -> None:
        """`to := to + what`"""
        self.do(sql.SQL("{} := {} + {}").format(to, to, what))

    def when(self, condition: sql.Composable, block: Block) -> None:
        """The block where the condition is true, and in the rehearsal."""
        if block:
            self._lines += [
                sql.SQL("if {} or ({}) then").format(REHEARSAL, condition),
                *block._lines,
                sql.SQL("end if;"),
            ]

    def repeat(self, block: Block) -> None:
        """The block, again while its last count was not 0."""
        again = sql.SQL("exit when {} = 0;").format(SEEN)
        self._lines += [sql.SQL("loop"), *block._lines, again, sql.SQL("end loop;")]

    def give_up(self, condition: sql.Composable, why: str) -> None:
        """End with nothing done where the condition is true."""
        self._lines.append(
            sql.SQL(
                "if ({}) and not {} then raise exception using errcode = {}, message = {}; end if;"
            ).format(condition, REHEARSAL, sql.Literal(LONG_WAY), sql.Literal(why))
        )

    def part(self) -> sql.Composed:
        """The text of a function that is given the state and gives it back."""
        return self._text(_LOCAL, sql.SQL(""))

    def whole(self, state: State) -> sql.Composed:
        """The text of the function that makes the state; gives the changes and what was proven."""
        declared = sql.SQL("repot_n bigint[] := {}; repot_at timestamptz[] := {};").format(
            *state.begun()
        )
        result = sql.SQL("return array[{}, {}];").format(state.changes, state.proven)
        return self._text(declared, result)

    def _text(self, declared: sql.Composable, last: sql.Composable) -> sql.Composed:
        head = [sql.SQL("#variable_conflict use_column\ndeclare"), declared, sql.SQL("begin")]
        return joined([*head, *self._lines, last, sql.SQL("end")], "\n")


def more_than_none(*counts: sql.Composable) -> sql.Composed:
    """Condition: one of the counts is not 0."""
    return joined(counts, " + ") + sql.SQL(" > 0")


def any_row(queries: Sequence[sql.Composable]) -> sql.Composable:
    """Condition: one of the queries gives a row."""
    if not queries:
        return sql.SQL("false")
    return joined((sql.SQL("exists ({})").format(q) for q in queries), " or ")
