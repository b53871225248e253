"""Several statements in one round trip: under a switch's locks each of them would be waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.postgres.compose import joined
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Answer:
    """Of one statement: the rows that it wrote or gave, and their values where it gives any."""

    count: int
    rows: list[tuple[object, ...]]


def together(conn: Connection, statements: Sequence[sql.Composable]) -> list[Answer]:
    """Run the statements, one after the other, each with a snapshot of its own; an answer each.

    None of them may have parameters. Raises the first one's psycopg.Error; those behind it are not
    run then. Outside a transaction they are one.
    """
    if not statements:
        return []
    cursor = conn.execute(joined(statements, ";\n"))
    answers = []
    while True:
        rows = cursor.fetchall() if cursor.description is not None else []
        answers.append(Answer(cursor.rowcount, rows))
        if not cursor.nextset():
            return answers
