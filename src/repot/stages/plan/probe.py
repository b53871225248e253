"""Questions to the data: what would break when the rows arrive, with counts and examples."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from repot.engine.orphans import given, orphaned
from repot.model.catalog import ForeignKey, Table
from repot.model.finding import Finding, error
from repot.model.names import Name
from repot.model.plan import Derivation, Plan
from repot.moves.statements import line_of
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection
from repot.stages.plan.casts import misfits
from repot.stages.plan.question import Question

EXAMPLES = 3
EXAMPLE_WIDTH = 60


def probe_move(conn: Connection, plan: Plan, move: Derivation) -> list[Finding]:
    """All that is wrong with the rows of one move; nothing where they fit."""
    table = plan.target.get(move.table)
    assert table is not None
    try:
        with conn.transaction():
            narrow = misfits(move, table)
            findings = _ask(conn, move.user_view, move, narrow)
            if findings:
                return findings  # the cast view would raise on these values
            findings += _ask(conn, move.view, move, _row_questions(move, table))
            findings += _duplicates(conn, move, table)
            for key in table.foreign_keys:
                findings += _orphans(conn, plan, move, key)
            return findings
    except psycopg.OperationalError:
        raise
    except psycopg.Error as failed:
        return [
            error(
                "value-does-not-convert",
                f"{move.name}: {failed.diag.message_primary or failed}",
                file=move.sql.path,
                line=1,
                object=move.name,
                hint="some row cannot be converted: guard the expression with CASE",
            )
        ]


def _row_questions(move: Derivation, table: Table) -> list[Question]:
    """NOT NULL and CHECK, asked row by row."""
    questions = []
    for column in table.columns:
        if column.name in move.columns and (column.not_null or column.name in move.key):
            questions.append(
                Question(
                    sql.SQL("{} is null").format(sql.Identifier(column.name)),
                    error(
                        "null-in-not-null",
                        f"{move.name}.{column.name} is NOT NULL and would be NULL",
                        file=move.sql.path,
                        line=line_of(move.sql.text, column.name),
                        object=f"{move.name}.{column.name}",
                        hint=f"coalesce(…, …) as {column.name}, or allow NULL in target.sql",
                    ),
                )
            )
    known = {*move.columns, *move.defaulted}
    for check in table.checks:
        if known.issuperset(check.columns):
            questions.append(
                Question(
                    sql.SQL("({}) is false").format(trusted(check.expression)),
                    error(
                        "check-violated",
                        f"{move.name} would break {check.name}: {check.definition}",
                        file=move.sql.path,
                        line=_first_line(move, check.columns),
                        object=f"{move.name}.{check.name}",
                        hint="map the values in the move, or widen the CHECK in target.sql",
                    ),
                )
            )
    return questions


def _first_line(move: Derivation, columns: Sequence[str]) -> int | None:
    lines = [line_of(move.sql.text, column) for column in columns]
    return min((line for line in lines if line), default=None)


def _ask(
    conn: Connection, view: Name, move: Derivation, questions: Sequence[Question]
) -> list[Finding]:
    """One scan for all the questions, then examples for those that were answered with rows."""
    if not questions:
        return []
    counts = joined(
        sql.SQL("count(*) filter (where {})").format(question.condition) for question in questions
    )
    row = conn.execute(sql.SQL("select {} from {}").format(counts, ident(view))).fetchone()
    assert row is not None
    findings = []
    for question, count in zip(questions, row, strict=True):
        if count:
            shown = [c for c in move.key if c in move.columns]
            examples = _examples(conn, view, shown, question.condition)
            findings.append(
                question.finding.model_copy(update={"count": int(str(count)), "examples": examples})
            )
    return findings


def _examples(
    conn: Connection, view: Name, columns: Sequence[str], condition: sql.Composable
) -> tuple[str, ...]:
    """Up to three keys of rows in trouble."""
    texts = joined(
        sql.SQL("left({}::text, {})").format(sql.Identifier(c), sql.Literal(EXAMPLE_WIDTH))
        for c in columns
    )
    rows = conn.execute(
        sql.SQL("select {} from {} where {} order by {} limit {}").format(
            texts, ident(view), condition, idents(columns), sql.Literal(EXAMPLES)
        )
    ).fetchall()
    return tuple(_shown(columns, row) for row in rows)


def _shown(columns: Sequence[str], values: Sequence[object]) -> str:
    return ", ".join(
        f"{c} = {'NULL' if v is None else v}" for c, v in zip(columns, values, strict=True)
    )


def _duplicates(conn: Connection, move: Derivation, table: Table) -> list[Finding]:
    """Values that a primary key or unique constraint of V2 would refuse the second time."""
    findings = []
    keys = {unique.columns: unique for unique in table.uniques}
    for columns, unique in keys.items():
        if not set(columns) <= set(move.columns):
            continue
        not_null = (
            sql.SQL("true")
            if unique.nulls_not_distinct
            else joined(
                (sql.SQL("{} is not null").format(sql.Identifier(c)) for c in columns), " and "
            )
        )
        texts = joined(
            sql.SQL("left(({})::text, {})").format(sql.Identifier(c), sql.Literal(EXAMPLE_WIDTH))
            for c in columns
        )
        rows = conn.execute(
            sql.SQL(
                # No name but the columns' own: any could be one of theirs.
                "select {texts}, count(*), count(*) over (), sum(count(*) - 1) over ()"
                " from {view} where {not_null} group by {columns} having count(*) > 1"
                " order by count(*) desc, {columns} limit {limit}"
            ).format(
                texts=texts,
                columns=idents(columns),
                view=ident(move.view),
                not_null=not_null,
                limit=sql.Literal(EXAMPLES),
            )
        ).fetchall()
        if rows:
            width = len(columns)
            findings.append(
                error(
                    "duplicate-in-unique",
                    f"{move.name}: {unique.name} ({', '.join(columns)}) would be broken "
                    f"by {rows[0][width + 1]} values that come more than once",
                    file=move.sql.path,
                    line=_first_line(move, columns),
                    object=f"{move.name}.{unique.name}",
                    count=int(str(rows[0][width + 2])),
                    examples=tuple(
                        f"{_shown(columns, row[:width])} ({row[width]} times)" for row in rows
                    ),
                    hint="make the value unique in the move; a registry of kind slug gives each "
                    "row its own",
                )
            )
    return findings


def _orphans(conn: Connection, plan: Plan, move: Derivation, key: ForeignKey) -> list[Finding]:
    """Rows whose parent will not be there."""
    if not set(key.columns) <= set(move.columns):
        return []
    parent = next((m for m in plan.moves if m.table == key.references), None)
    if parent is None and key.references.schema_ == plan.target_schema:
        code, why = "foreign-key-parent-not-moved", "which no move fills"
        missing = given(key)
    else:
        code, why = "foreign-key-orphan", "which will not have them"
        missing = orphaned(key, parent.view if parent else key.references)
    count = conn.execute(
        sql.SQL("select count(*) from {} as c where {}").format(ident(move.view), missing)
    ).fetchone()
    if not count or not count[0]:
        return []
    columns = list(dict.fromkeys([*move.key, *key.columns]))
    texts = joined(
        sql.SQL("left(c.{}::text, {})").format(sql.Identifier(c), sql.Literal(EXAMPLE_WIDTH))
        for c in columns
    )
    rows = conn.execute(
        sql.SQL("select {} from {} as c where {} order by {} limit {}").format(
            texts, ident(move.view), missing, idents(move.key, "c"), sql.Literal(EXAMPLES)
        )
    ).fetchall()
    return [
        error(
            code,
            f"{move.name}.{', '.join(key.columns)} points to rows of {key.references}, {why}",
            file=move.sql.path,
            line=_first_line(move, key.columns),
            object=f"{move.name}.{key.name}",
            count=int(str(count[0])),
            examples=tuple(_shown(columns, row) for row in rows),
            hint="move the parents, set the column to NULL for such rows, or leave the rows out by "
            "a rule in leave.toml and the same condition in the move",
        )
    ]
