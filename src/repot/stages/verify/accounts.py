"""Where each V1 row went: moved, merged, split, left out by a rule, or not accounted for.

The views of the plan's `pairs` give, for each V2 row, the V1 rows it is made of. In one move a row
that reaches several V2 rows is split; one that reaches a V2 row made of it alone is moved; one that
reaches only rows made of several is merged, as is one that a move looks up by its scope for the row
that it makes of another (of twins one makes the row). A row that reaches none must match a rule of
leave.toml, and is kept in quarantine. Rows without a key are told by the columns that are logged of
them: those that their group of rows has in common.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import sql

from repot.engine.paths import search_path
from repot.engine.prove import Aside
from repot.engine.session import Session
from repot.model.catalog import Table
from repot.model.names import Name
from repot.model.plan import Derivation, Plan, Role, Use
from repot.model.results import Account
from repot.model.schemas import QUARANTINE
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.relations import now, oid_of
from repot.stages.verify.snapshot import Snapshot

EXAMPLES = 3
Reach = tuple[Derivation, tuple[Use, ...]]


def account(
    session: Session, snapshot: Snapshot, only: Collection[str] | None = None
) -> tuple[Account, ...]:
    """An account per table of V1, and per outside table that rows are made of; or of some."""
    plan = session.plan
    tables = [
        t
        for t in plan.source.tables
        if t.parent is None
        and (only is None or _called(plan, t) in only)
        and (t.name.schema_ == plan.source_schema or any(_drives(u, t) for u in _uses(plan)))
    ]
    session.progress.start("accounts", "Accounting for V1's rows", len(tables), "tables")

    def ask(conn: Connection, table: Table) -> Account:
        found = _account(conn, session, table, snapshot.aside(conn))
        session.progress.advance("accounts", 1)
        return found

    found = snapshot.map(ask, sorted(tables, key=lambda t: -t.estimate))
    session.progress.finish("accounts")
    order = {str(t.name): n for n, t in enumerate(tables)}
    return tuple(sorted(found, key=lambda a: order.get(a.table, 0)))


def _uses(plan: Plan) -> list[Use]:
    return [use for move in plan.moves for use in move.uses]


def _drives(use: Use, table: Table) -> bool:
    return use.source == table.name and use.role is Role.DRIVING


def _reach(plan: Plan, table: Table) -> list[Reach]:
    """The moves that make rows of the table's rows: those it drives, else those that merge it."""
    found: list[Reach] = []
    for move in plan.moves:
        uses = [u for u in move.uses if u.source == table.name and u.pairs_view]
        if uses:
            found.append((move, tuple(uses)))
    driven = [(m, us) for m, us in found if any(u.role is Role.DRIVING for u in us)]
    if driven:
        return [(m, tuple(u for u in us if u.role is Role.DRIVING or _twin(u))) for m, us in driven]
    merged = [
        (m, tuple(u for u in us if u.role is Role.GROUPED or (u.link and not u.link.locate)))
        for m, us in found
    ]
    return [(m, us) for m, us in merged if us] or found


def _twin(use: Use) -> bool:
    """Whether the rows are looked up among those of the scope."""
    return use.role is Role.JOINED and use.link is not None and use.link.locate is None


def _groups(plan: Plan, table: Table) -> tuple[tuple[str, ...], dict[str, sql.Composed]]:
    """Of a table without a primary key: the columns by which its rows are told, none where nothing
    tells; and for each move a SELECT of the values that V2 has, as repot_source_1 …"""
    found = [
        (move, use.link.capture)
        for move in plan.moves
        for use in move.uses
        if use.source == table.name
        and use.role is not Role.FILTER
        and use.link is not None
        and use.link.locate is None
    ]
    if len({columns for _, columns in found}) != 1:
        return (), {}
    groups = {}
    for move, _ in found:
        columns = joined(
            sql.SQL("{} as {}").format(sql.Identifier(c), sql.Identifier(f"repot_source_{n}"))
            for n, c in enumerate(move.scope, 1)
        )
        groups[move.name] = sql.SQL("select distinct {} from {}").format(columns, ident(move.view))
    return found[0][1], groups


def _rows_of(here: Name, table: Table, groups: sql.Composed) -> sql.Composed:
    """The rows of the groups, by what tells them."""
    return sql.SQL("select r.* from {} as t join ({}) as r on {}").format(
        ident(here), groups, _same(table, "t", "r")
    )


def _called(plan: Plan, table: Table) -> str:
    outside = table.name.schema_ != plan.source_schema
    return str(table.name) if outside else table.name.name


def _account(conn: Connection, session: Session, table: Table, aside: Aside) -> Account:
    plan, name = session.plan, _called(session.plan, table)
    here = now(conn, session.run.id, table.name)
    rows = _count(conn, sql.SQL("select count(*) from {}").format(ident(here)))
    whole = next((e.reason for e in plan.leave.table if e.name == name), None)
    if whole is not None:
        rules = {whole: rows} if rows else {}
        return Account(table=name, rows=rows, left=rows, whole=True, rules=rules)
    keyed = bool(table.primary)
    if keyed:
        reach = _reach(plan, table)
        reached = _reached(reach, table) if reach else None
        sources = {move.name: _pairs(uses, table) for move, uses in reach}
    else:
        columns, groups = _groups(plan, table)
        if not columns:
            why = "the table has no primary key: its rows cannot be told apart"
            return Account(table=name, rows=rows, unaccounted=rows, examples=(why,) * bool(rows))
        # What follows asks by the columns that the rows of a group have in common.
        table = table.model_copy(update={"primary": columns})
        sources = {move: _rows_of(here, table, found) for move, found in groups.items()}
        reached = sql.SQL("select g.*, 1 as n, false as alone from ({}) as g").format(
            joined(groups.values(), " union ")
        )
    split, moved, merged = _classes(conn, here, table, reached)
    into = {
        move: _count(
            conn,
            sql.SQL("select count(*) from (select {} {} from ({}) as p) as d").format(
                sql.SQL("distinct" if keyed else ""), _sources(table), found
            ),
        )
        for move, found in sources.items()
    }
    left, rules, kept = _left(conn, plan, here, table, reached, keyed=keyed)
    unaccounted = rows - split - moved - merged - left
    pending = _pending(conn, plan, here, table, reached, aside) if unaccounted else 0
    unaccounted -= pending
    return Account(
        table=name,
        rows=rows,
        moved=moved,
        merged=merged,
        split=split,
        left=left,
        quarantined=kept,
        pending=pending,
        unaccounted=unaccounted,
        into={n: c for n, c in into.items() if c},
        rules=rules,
        examples=_lost(conn, plan, here, table, reached) if unaccounted else (),
    )


def _sources(table: Table) -> sql.Composed:
    """repot_source_1 …, one per column of the primary key."""
    return idents(f"repot_source_{n}" for n in range(1, len(table.primary) + 1))


def _pairs(uses: Sequence[Use], table: Table) -> sql.Composed:
    """The source keys of all arms of one move."""
    return joined(
        (
            sql.SQL("select {} from {}").format(_sources(table), ident(use.pairs_view))
            for use in uses
            if use.pairs_view
        ),
        " union all ",
    )


def _alone(move: Derivation, use: Use, table: Table) -> bool:
    """Whether each V2 row of the arm is made of one row of the table, each making at most one."""
    direct = use.link is not None and use.link.locate is None
    return (
        use.role is Role.DRIVING
        and direct
        and move.scope == move.key
        and use.link is not None
        and set(use.link.capture) == set(table.primary)
    )


def _reached(reach: Sequence[Reach], table: Table) -> sql.Composed:
    """SELECT: source key, n (V2 rows in one move), alone (a V2 row is made of it alone)."""
    parts: list[sql.Composable] = []
    for move, uses in reach:
        for use in uses:
            assert use.pairs_view is not None
            if len(uses) == 1 and _alone(move, use, table):
                parts.append(
                    sql.SQL("select {s}, 1 as n, true as alone from {p}").format(
                        s=_sources(table), p=ident(use.pairs_view)
                    )
                )
                continue
            parts.append(
                sql.SQL(
                    "select {s}, count(*) as n, bool_or(together = 1 and {drives}) as alone from"
                    " (select {s}, count(*) over (partition by {key}) as together from {p}) as k"
                    " group by {s}"
                ).format(
                    s=_sources(table),
                    drives=sql.Literal(use.role is Role.DRIVING),
                    key=idents(move.key),
                    p=ident(use.pairs_view),
                )
            )
    return sql.SQL(
        "select {s}, max(n) as n, bool_or(alone) as alone from ({parts}) as a group by {s}"
    ).format(s=_sources(table), parts=joined(parts, " union all "))


def _same(table: Table, alias: str, other: str) -> sql.Composed:
    return joined(
        (
            sql.SQL("{}.{} = {}.{}").format(
                sql.Identifier(alias),
                sql.Identifier(column),
                sql.Identifier(other),
                sql.Identifier(f"repot_source_{n}"),
            )
            for n, column in enumerate(table.primary, 1)
        ),
        " and ",
    )


def _classes(
    conn: Connection, here: Name, table: Table, reached: sql.Composed | None
) -> tuple[int, int, int]:
    """Rows split, moved and merged."""
    if reached is None:
        return 0, 0, 0
    row = conn.execute(
        sql.SQL(
            "select count(*) filter (where r.n > 1), count(*) filter (where r.n = 1 and r.alone),"
            " count(*) filter (where r.n = 1 and not r.alone)"
            " from {} as t join ({}) as r on {}"
        ).format(ident(here), reached, _same(table, "t", "r"))
    ).fetchone()
    assert row is not None
    return int(str(row[0])), int(str(row[1])), int(str(row[2]))


def _unreached(table: Table, reached: sql.Composed | None) -> sql.Composed:
    """Condition on `t`: the row reached no V2 row."""
    if reached is None:
        return sql.Composed([sql.SQL("true")])
    return sql.SQL("not exists (select from ({}) as r where {})").format(
        reached, _same(table, "t", "r")
    )


def _left(
    conn: Connection,
    plan: Plan,
    here: Name,
    table: Table,
    reached: sql.Composed | None,
    *,
    keyed: bool,
) -> tuple[int, dict[str, int], int]:
    """Rows left out by a rule, how many by which, and how many of them quarantine keeps."""
    rules = [r for r in plan.leave.rows if r.table in (table.name.name, str(table.name))]
    if not rules:
        return 0, {}, 0
    case = joined(
        (
            sql.SQL("when ({}\n) then {}").format(trusted(rule.where), sql.Literal(number))
            for number, rule in enumerate(rules)
        ),
        " ",
    )
    with conn.transaction(), search_path(conn, here.schema_):
        found = conn.execute(
            sql.SQL(
                "select rule, count(*) from (select case {case} end as rule from {here} as t"
                " where {unreached}) as u where rule is not null group by rule order by rule"
            ).format(case=case, here=ident(here), unreached=_unreached(table, reached))
        ).fetchall()
    by_rule = {rules[int(str(number))].reason: int(str(n)) for number, n in found}
    quarantine = Name(schema_=QUARANTINE, name=table.name.name)
    kept = 0
    if oid_of(conn, quarantine) is not None:
        there = joined(
            (sql.SQL("t.{c} = q.{c}").format(c=sql.Identifier(c)) for c in table.primary), " and "
        )
        rows = sql.SQL("{} as q join {} as t on {}").format(ident(quarantine), ident(here), there)
        if not keyed:  # what a kept row was cannot be told any closer
            rows = sql.SQL("{} as t").format(ident(quarantine))
        kept = _count(
            conn,
            sql.SQL("select count(*) from {} where {}").format(rows, _unreached(table, reached)),
        )
    return sum(by_rule.values()), by_rule, kept


def _pending(
    conn: Connection,
    plan: Plan,
    here: Name,
    table: Table,
    reached: sql.Composed | None,
    aside: Aside,
) -> int:
    """Rows that nothing accounts for yet, and whose change is logged and not applied: a new row has
    no value in the registries before that."""
    change = aside.changed(table.name)
    if change is None:
        return 0
    rules = [r for r in plan.leave.rows if r.table in (table.name.name, str(table.name))]
    kept = [sql.SQL("(({}\n) is not true)").format(trusted(rule.where)) for rule in rules]
    position = dict(zip(change.captured.columns, change.captured.fields, strict=True))
    logged = joined(
        (
            sql.SQL("l.{} = t.{}").format(sql.Identifier(position[c]), sql.Identifier(c))
            for c in table.primary
        ),
        " and ",
    )
    with conn.transaction(), search_path(conn, here.schema_):
        return _count(
            conn,
            sql.SQL(
                "select count(*) from {} as t where {} and exists (select from {} as l where {})"
            ).format(
                ident(here),
                joined([_unreached(table, reached), *kept], " and "),
                ident(change.table),
                logged,
            ),
        )


def _lost(
    conn: Connection, plan: Plan, here: Name, table: Table, reached: sql.Composed | None
) -> tuple[str, ...]:
    """Keys of rows that nothing accounts for."""
    rules = [r for r in plan.leave.rows if r.table in (table.name.name, str(table.name))]
    kept = joined(
        (sql.SQL("(({}\n) is not true)").format(trusted(rule.where)) for rule in rules), " and "
    )
    with conn.transaction(), search_path(conn, here.schema_):
        rows = conn.execute(
            sql.SQL("select {} from {} as t where {} and {} order by {} limit {}").format(
                joined(sql.SQL("t.{}::text").format(sql.Identifier(c)) for c in table.primary),
                ident(here),
                _unreached(table, reached),
                kept if rules else sql.SQL("true"),
                idents(table.primary, "t"),
                sql.Literal(EXAMPLES),
            )
        ).fetchall()
    return tuple(
        ", ".join(f"{c} = {v}" for c, v in zip(table.primary, row, strict=True)) for row in rows
    )


def _count(conn: Connection, query: sql.Composed) -> int:
    row = conn.execute(query).fetchone()
    return int(str(row[0])) if row else 0
