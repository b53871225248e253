"""The round trip: V2 through the ways back, against V1, column by column."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from repot.engine.compare import HERE, differs
from repot.engine.session import Session
from repot.model.catalog import Column, Table
from repot.model.names import Name
from repot.model.plan import Derivation, Plan
from repot.model.results import Trip
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection
from repot.postgres.relations import now
from repot.stages.verify.snapshot import Snapshot


def round_trips(session: Session, snapshot: Snapshot) -> tuple[Trip, ...]:
    """A verdict for every column of every V1 table.

    carried: V2 holds the value itself. invertible: V2 holds another value, and the way back gives
    V1's in every row. lost: the way back does not give it, or gives another in some rows. left:
    named in leave.toml.
    """
    plan = session.plan
    tables = plan.source.in_schema(plan.source_schema)
    session.progress.start("trips", "Proving the way back", len(tables), "tables")

    def ask(conn: Connection, table: Table) -> list[Trip]:
        found = _table(conn, session, table)
        session.progress.advance("trips", 1)
        return found

    found = snapshot.map(ask, tables)
    session.progress.finish("trips")
    return tuple(trip for trips in found for trip in trips)


def _table(conn: Connection, session: Session, table: Table) -> list[Trip]:
    plan, name = session.plan, table.name.name
    here = now(conn, session.run.id, table.name)
    left = {e.column: e.reason for e in plan.leave.column if e.table == name}
    whole = next((e.reason for e in plan.leave.table if e.name == name), None)
    back = next((b for b in plan.backs if b.name == name), None)
    if back is None:
        why = whole or "the table has no way back"
        verdict = "left" if whole else "lost"
        return _without_way(conn, here, table, table.columns, {}, why, verdict)
    missing = [c for c in table.columns if c.name not in back.columns]
    trips = _compared(conn, plan, back, table, here)
    trips += _without_way(
        conn, here, table, missing, left, "the way back does not give the column", "lost"
    )
    order = {c.name: n for n, c in enumerate(table.columns)}
    return sorted(trips, key=lambda t: order[t.column])


def _without_way(
    conn: Connection,
    here: Name,
    table: Table,
    columns: Sequence[Column],
    left: dict[str, str],
    why: str,
    verdict: str,
) -> list[Trip]:
    """Columns that no way back gives: rows and distinct values that stay behind."""
    if not columns:
        return []
    counts = joined(
        sql.SQL("count({c}), count(distinct {c}::text)").format(c=sql.Identifier(c.name))
        for c in columns
    )
    row = conn.execute(sql.SQL("select {} from {}").format(counts, ident(here))).fetchone()
    assert row is not None
    return [
        Trip(
            table=table.name.name,
            column=column.name,
            verdict="left" if column.name in left else verdict,
            rows_changed=int(str(row[2 * n])),
            distinct_lost=int(str(row[2 * n + 1])),
            why=left.get(column.name, why),
        )
        for n, column in enumerate(columns)
    ]


def _compared(
    conn: Connection, plan: Plan, back: Derivation, table: Table, here: Name
) -> list[Trip]:
    columns = [c for c in table.columns if c.name in back.columns]
    changed = [
        differs(
            sql.SQL("v.{}").format(sql.Identifier(c.name)),
            sql.SQL("b.{}").format(sql.Identifier(c.name)),
            c,
        )
        for c in columns
    ]
    source = _side_by_side(back, here, columns)
    counts = joined(sql.SQL("count(*) filter (where {})").format(one) for one in changed)
    row = conn.execute(sql.SQL("select {} from {}").format(counts, source)).fetchone()
    assert row is not None
    copied = _copied(plan, table)
    trips = []
    for column, differ, count in zip(columns, changed, row, strict=True):
        rows, distinct, why = int(str(count)), 0, ""
        verdict = "carried" if column.name in copied else "invertible"
        if rows:
            verdict, why = "lost", "V2 keeps less detail; V1's value stays where V2 changes nothing"
            lost = conn.execute(
                sql.SQL("select count(distinct v.{}::text) from {} where {}").format(
                    sql.Identifier(column.name), source, differ
                )
            ).fetchone()
            distinct = int(str(lost[0])) if lost else 0
        trips.append(
            Trip(
                table=table.name.name,
                column=column.name,
                verdict=verdict,
                rows_changed=rows,
                distinct_lost=distinct,
                why=why,
            )
        )
    return trips


def _side_by_side(back: Derivation, here: Name, columns: Sequence[Column]) -> sql.Composed:
    """V1's rows beside what the way back gives for them; a row it does not give is all changed."""
    names = list(dict.fromkeys([*back.key, *(c.name for c in columns)]))
    return sql.SQL(
        "(select true as {m}, {columns} from {here} as v) as v"
        " left join (select {b_columns} from {back} as b) as b on {same}"
    ).format(
        m=sql.Identifier(HERE),
        columns=idents(names, "v"),
        here=ident(here),
        b_columns=idents(names, "b"),
        back=ident(back.view),
        same=joined(
            (sql.SQL("v.{c} = b.{c}").format(c=sql.Identifier(c)) for c in back.key), " and "
        ),
    )


def _copied(plan: Plan, table: Table) -> set[str]:
    """Columns that some move copies as they are."""
    return {
        direct[1]
        for move in plan.moves
        for output in move.outputs
        for direct in output.direct
        if direct is not None and direct[0] == table.name
    }
