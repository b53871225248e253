"""The one statement that writes a unit: rows that need each other come, change and go in it.

All of its parts see the tables as they were before it. They are done in the order in which their
counts are asked for: what goes or changes may free a unique value for what is added. Rows that are
exchanged go when they are first asked for, before any is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.engine.apply.deleting import deleting, spared
from repot.engine.apply.exchange import Exchange, not_in, putting_back, taking_out
from repot.engine.apply.rows import insert, update, values
from repot.engine.apply.unit import Unit, watched
from repot.engine.apply.work import Work, same_key
from repot.postgres.compose import ident, joined


def at_once(
    unit: Unit,
    works: Sequence[Work],
    exchanges: Mapping[str, Exchange] | None = None,
    *,
    in_all: bool = False,
) -> sql.Composed:
    """The statement; it gives for each of the unit's works how many rows are written.

    works: all of the batch, whose rows may refer to the unit's. exchanges: by the work's name, rows
    that are taken out and put back. in_all: one number.
    """
    withs: list[sql.Composable] = []
    counts = []
    for number, work in enumerate(unit.works):
        pairs = sql.Identifier(f"goes_on_{number}")
        going_on = _going_on(work)
        if going_on is not None:
            withs.append(sql.SQL("{} as materialized ({})").format(pairs, going_on))
        gone = None
        if exchanges and (rows := exchanges.get(work.derivation.name)):
            gone = _Gone(rows, sql.Identifier(f"gone_{number}"))
            withs.append(sql.SQL("{} as ({})").format(gone.name, taking_out(work, rows)))
        steps = []
        done_by = _steps(unit, works, work, pairs if going_on else None, gone)
        for step, done in enumerate(done_by):
            name = sql.Identifier(f"step_{number}_{step}")
            withs.append(sql.SQL("{} as ({} returning 1)").format(name, done))
            steps.append(sql.SQL("(select count(*) from {})").format(name))
        counts.append(joined(steps or [sql.SQL("0")], " + "))
    return sql.SQL("with {} select {}").format(
        joined(withs), joined(counts, " + " if in_all else ", ")
    )


@dataclass(frozen=True)
class _Gone:
    """Rows that are taken out, and what they are called in the statement."""

    rows: Exchange
    name: sql.Identifier


def _steps(
    unit: Unit,
    works: Sequence[Work],
    work: Work,
    pairs: sql.Identifier | None,
    gone: _Gone | None,
) -> list[sql.Composable]:
    """pairs: where it is told which rows go on with another key."""
    goes_on = sql.SQL("exists (select from {} as m where {})")
    steps: list[sql.Composable] = []
    if work.dooms:
        unless = spared(unit, works, work)
        if pairs is not None:
            unless.append(goes_on.format(pairs, _same(work, "old", "t")))
        steps.append(deleting(work, joined(unless, " or ") if unless else None))
    if work.wants:
        steps.append(update(work) + not_in(work, gone.name) if gone else update(work))
    if pairs is not None:
        steps.append(
            sql.SQL("update {} as t set {} from {} as m join {} as w on {} where {}").format(
                ident(work.table),
                values(work),
                pairs,
                ident(work.wanted),
                _same(work, "new", "w"),
                _same(work, "old", "t"),
            )
        )
    if gone is not None:
        steps.append(putting_back(work, gone.rows, gone.name))
    if work.wants:
        added: sql.Composable = insert(work)
        if pairs is not None:
            added += sql.SQL(" and not ") + goes_on.format(pairs, _same(work, "new", "w"))
        steps.append(added)
    return steps


def _going_on(work: Work) -> sql.Composed | None:
    """SELECT: the keys of doomed rows, and of the new ones that they become: with the same unique
    value, by which others refer to it. None where there is none."""
    d = work.derivation
    uniques = watched(work)
    if not uniques or not work.wants or not work.dooms:
        return None
    if any(work.described(c).identity == "a" for c in d.key):
        return None  # such a key cannot be updated
    keys = [
        sql.SQL("{}.{} as {}").format(sql.SQL(alias), sql.Identifier(c), sql.Identifier(f"{s}{n}"))
        for alias, s in (("t", "old"), ("w", "new"))
        for n, c in enumerate(d.key)
    ]
    held = [
        joined(
            (sql.SQL("t.{c} = w.{c}").format(c=sql.Identifier(c)) for c in unique),
            " and ",
        )
        for unique in uniques
    ]
    return sql.SQL(
        "select {keys} from {doomed} as d join {table} as t on {mine}"
        " join {wanted} as w on ({held})"
        " where not exists (select from {table} as x where {there})"
    ).format(
        keys=joined(keys),
        doomed=ident(work.doomed),
        table=ident(work.table),
        mine=same_key(d, "t", "d"),
        wanted=ident(work.wanted),
        held=joined(held, " or "),
        there=same_key(d, "x", "w"),
    )


def _same(work: Work, side: str, alias: str) -> sql.Composed:
    """The pair `m` has this row's key on that side."""
    return joined(
        (
            sql.SQL("{} = {}").format(sql.Identifier("m", f"{side}{n}"), sql.Identifier(alias, c))
            for n, c in enumerate(work.derivation.key)
        ),
        " and ",
    )
