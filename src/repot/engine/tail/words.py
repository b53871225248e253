"""PL/pgSQL around the statements. The function's own names begin with repot_; where a column is
called so, the column is meant."""

from __future__ import annotations

from psycopg import sql

from repot.postgres.compose import joined

LONG_WAY = "RP001"  # SQLSTATE: to be done statement by statement
REHEARSAL = sql.SQL("repot_rehearsal")
EPOCH = sql.SQL("repot_epoch")
CHANGES, SCOPES, PROVEN = sql.SQL("repot_changes"), sql.SQL("repot_scopes"), sql.SQL("repot_proven")
SEEN = sql.SQL("repot_n")  # rows of the last statement


class Block:
    """Lines of a function's body."""

    def __init__(self) -> None:
        self._lines: list[sql.Composable] = []
        self._variables: list[sql.Composable] = []

    def variable(self, name: str, kind: str) -> sql.Composable:
        """One more variable; gives its name."""
        self._variables.append(sql.SQL(f"{name} {kind};"))
        return sql.SQL(name)

    def do(self, *statements: sql.Composable) -> None:
        """The statements, one after the other."""
        self._lines += [statement + sql.SQL(";") for statement in statements]

    def count(self, statement: sql.Composable, into: sql.Composable = SEEN) -> None:
        """The statement, and how many rows it wrote."""
        self.do(statement, sql.SQL("get diagnostics {} = row_count").format(into))

    def when(self, condition: sql.Composable, block: Block) -> None:
        """The block where the condition is true, and in the rehearsal."""
        if block._lines:
            self._lines += [
                sql.SQL("if {} or ({}) then").format(REHEARSAL, condition),
                *block._lines,
                sql.SQL("end if;"),
            ]
        self._variables += block._variables

    def repeat(self, block: Block) -> None:
        """The block, again while its last count was not 0."""
        self._lines += [
            sql.SQL("loop"),
            *block._lines,
            sql.SQL("exit when {} = 0;").format(SEEN),
            sql.SQL("end loop;"),
        ]

    def give_up(self, condition: sql.Composable, why: str) -> None:
        """End with nothing done where the condition is true."""
        self._lines.append(
            sql.SQL(
                "if ({}) and not {} then raise exception using errcode = {}, message = {}; end if;"
            ).format(condition, REHEARSAL, sql.Literal(LONG_WAY), sql.Literal(why))
        )

    def body(self) -> sql.Composed:
        """The function's text, whose parameter is repot_rehearsal."""
        parts = [
            sql.SQL("#variable_conflict use_column"),
            sql.SQL("declare"),
            sql.SQL("repot_changes bigint := 0; repot_scopes bigint := 0; repot_n bigint := 0;"),
            sql.SQL("repot_proven bigint := 0;"),
            *self._variables,
            sql.SQL("begin"),
            *self._lines,
            sql.SQL("return array[{}, {}, {}];").format(CHANGES, SCOPES, PROVEN),
            sql.SQL("end"),
        ]
        return joined(parts, "\n")


def add(to: sql.Composable, what: sql.Composable) -> sql.Composed:
    """`to := to + what`"""
    return sql.SQL("{} := {} + {}").format(to, to, what)


def more_than_none(counts: list[sql.Composable]) -> sql.Composed:
    """Condition: one of the counts is not 0."""
    return joined(counts, " + ") + sql.SQL(" > 0")


def any_row(*queries: sql.Composable) -> sql.Composed:
    """Condition: one of the queries gives a row."""
    return joined((sql.SQL("exists ({})").format(q) for q in queries), " or ")
