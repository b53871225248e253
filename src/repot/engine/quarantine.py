"""V1 rows that leave.toml leaves out, kept: repot_quarantine.<table>.

Each table has V1's columns, then `repot_rule` (the rule's place in leave.toml's [[rows]], from 0)
and `repot_reason`. A row that several rules leave out is kept once, under the first of them.
"""

from __future__ import annotations

from psycopg import sql

from repot.engine.paths import search_path
from repot.model.catalog import Table
from repot.model.errors import RepotError
from repot.model.names import Name, name
from repot.model.plan import Plan
from repot.model.project import LeaveRows
from repot.model.schemas import QUARANTINE
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.relations import now


def fill(conn: Connection, run_id: int, plan: Plan) -> dict[str, int]:
    """Keep the rows that the rules leave out now; V1 table → rows kept. May run again: what was
    kept before is replaced, all in one transaction (or in the caller's).

    Raises RepotError `unknown-source-table` for a rule on a table that the plan does not have.
    """
    rules: dict[Name, list[tuple[int, LeaveRows]]] = {}
    for number, rule in enumerate(plan.leave.rows):
        rules.setdefault(_table(plan, rule).name, []).append((number, rule))
    kept = {}
    with conn.transaction():
        for planned, its_rules in rules.items():
            kept[planned.name] = _fill(conn, run_id, plan, planned, its_rules)
    return kept


def table_of(plan: Plan, rule: LeaveRows) -> Name:
    """Where the rows that a rule leaves out are kept."""
    return name(QUARANTINE, _table(plan, rule).name.name)


def _fill(
    conn: Connection, run_id: int, plan: Plan, planned: Name, rules: list[tuple[int, LeaveRows]]
) -> int:
    table = plan.source.get(planned)
    assert table is not None
    source, target = now(conn, run_id, planned), name(QUARANTINE, planned.name)
    conn.execute(
        sql.SQL(
            "create table if not exists {} (like {}, repot_rule integer not null,"
            " repot_reason text not null)"
        ).format(ident(target), ident(source))
    )
    conn.execute(sql.SQL("truncate {}").format(ident(target)))
    columns = [c.name for c in table.columns]
    with search_path(conn, source.schema_):
        # One statement, one snapshot: a row that changes meanwhile is not kept under two rules.
        return conn.execute(
            sql.SQL("insert into {} ({}, repot_rule, repot_reason) {}").format(
                ident(target),
                idents(columns),
                joined(
                    [_kept_by(source, columns, rules[: n + 1]) for n in range(len(rules))],
                    " union all ",
                ),
            )
        ).rowcount


def _kept_by(source: Name, columns: list[str], rules: list[tuple[int, LeaveRows]]) -> sql.Composed:
    """SELECT of the rows that the last of the rules leaves out and none before it."""
    *before, (number, rule) = rules
    # The condition is the user's text, placed as it is; a comment may end it.
    wheres = [sql.SQL("({}\n)").format(trusted(rule.where))]
    wheres += [sql.SQL("(({}\n) is not true)").format(trusted(r.where)) for _, r in before]
    return sql.SQL("select {}, {}, {} from {} where {}").format(
        idents(columns, source.name),
        sql.Literal(number),
        sql.Literal(rule.reason),
        ident(source),
        joined(wheres, " and "),
    )


def _table(plan: Plan, rule: LeaveRows) -> Table:
    """The table as written: `table` of the source schema, or `schema.table`."""
    found = plan.source.get(name(plan.source_schema, rule.table))
    if found is None:
        schema, dot, relation = rule.table.partition(".")
        found = plan.source.get(name(schema, relation)) if dot else None
    if found is None:
        raise RepotError(
            "unknown-source-table",
            f"leave.toml has a rule for {rule.table}, which is not a table of V1",
            hint="correct [[rows]] table in leave.toml",
        )
    return found
