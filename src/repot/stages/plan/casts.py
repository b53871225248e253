"""Values that a narrower type of V2 would cut, round or refuse."""

from __future__ import annotations

from psycopg import sql

from repot.model.catalog import Column, Table
from repot.model.finding import error
from repot.model.plan import Derivation
from repot.moves.statements import line_of
from repot.stages.plan.question import Question

_HEADER = 4  # VARHDRSZ: type modifiers count it


def misfits(move: Derivation, table: Table) -> list[Question]:
    """One question for each column whose type V2 makes narrower; asked of the user's view."""
    questions = []
    types = {output.name: output.type for output in move.outputs}
    for column in table.columns:
        has = types.get(column.name)
        if has is None or has == column.type:
            continue
        condition = _changes(column)
        if condition is not None:
            questions.append(
                Question(
                    condition,
                    error(
                        "value-does-not-fit",
                        f"{move.name}.{column.name}: values of {has} do not fit {column.type}",
                        file=move.sql.path,
                        line=line_of(move.sql.text, column.name),
                        object=f"{move.name}.{column.name}",
                        hint=f"widen the column in target.sql, or say what is meant: "
                        f"(…)::{column.type} as {column.name}",
                    ),
                )
            )
    return questions


def _changes(column: Column) -> sql.Composable | None:
    """True for a value that the cast to `column`'s type would change or refuse."""
    name = sql.Identifier(column.name)
    if column.typmod < _HEADER:
        return None
    modifier = column.typmod - _HEADER
    if column.base_type == "character varying":
        return sql.SQL("length({}) > {}").format(name, sql.Literal(modifier))
    if column.base_type == "numeric":
        precision, scale = modifier >> 16, ((modifier & 0x7FF) ^ 1024) - 1024
        limit = sql.Literal(precision - scale)
        return sql.SQL("({n} <> round({n}, {s}) or abs({n}) >= 10::numeric ^ {l})").format(
            n=name, s=sql.Literal(scale), l=limit
        )
    return None
