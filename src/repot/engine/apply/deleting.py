"""Deleting rows that others refer to.

Whatever a foreign key would do to those (forbid, ON DELETE CASCADE, SET NULL, SET DEFAULT), it must
find none to do it to: a row that stays is brought to refer to another first. Else a cascade would
take rows along that nothing derives anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from repot.engine.apply.unit import Unit
from repot.engine.apply.work import Child, Work, same_key
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection


def deleting(work: Work, unless: sql.Composable | None = None) -> sql.Composed:
    """The statement that deletes the doomed keys, but for rows `t` of which `unless` is true."""
    return sql.SQL("delete from {} as t using {} as d where {} and not ({})").format(
        ident(work.table),
        ident(work.doomed),
        same_key(work.derivation, "t", "d"),
        unless or sql.SQL("false"),
    )


def delete_first(conn: Connection, work: Work, works: Sequence[Work]) -> int:
    """Delete the doomed rows that no row refers to, so that their unique values are free; gives
    their number. The tables that refer to this one must have had their turn."""
    statement = deleting(work, referring(work, works))
    gone = done = conn.execute(statement).rowcount
    while in_itself(work) and done:  # a tree, from its leaves on
        done = conn.execute(statement).rowcount
        gone += done
    return gone


def in_itself(work: Work) -> bool:
    """Whether rows of the table refer to others of it."""
    return any(c.derivation.name == work.derivation.name for c in work.children)


def delete_rest(conn: Connection, work: Work, works: Sequence[Work]) -> int:
    """Delete the doomed rows that are left; gives their number.

    Raises psycopg.errors.ForeignKeyViolation where a row that stays refers to one of them by a key
    that acts: that would change what nothing tells of.
    """
    acting = [c for c in work.children if c.acts]
    if not acting:
        return conn.execute(deleting(work)).rowcount
    row = conn.execute(deleting_unnoticed(work, works)).fetchone()
    assert row is not None
    gone, all_ = int(str(row[0])), int(str(row[1]))
    if gone == all_:
        return gone
    for child in acting:
        if _any_stays(conn, work, child, works):
            raise psycopg.errors.ForeignKeyViolation(
                f"rows of {child.derivation.table.name} stay and refer, by {child.key.name},"
                f" to rows of {work.derivation.table.name} that are to be deleted"
            )
    # Rows that the other side never had: what the key says is done to them.
    return gone + conn.execute(deleting(work)).rowcount


def spared(unit: Unit, works: Sequence[Work], work: Work) -> list[sql.Composable]:
    """Conditions on `t`, a doomed row of `work`, of which one is enough for it not to go when its
    unit is written: rows outside of the unit refer to it, or a key would act on one that stays."""
    found: list[sql.Composable] = []
    for child in work.children:
        if child.acts:
            found.append(_stays(child, works))
        elif not unit.writes(child.derivation.name) and _by_key(child, work):
            found.append(_referred(child))
    return found


def _by_key(child: Child, parent: Work) -> bool:
    """Whether it refers to the row's key: else another row may have the value in the end."""
    return set(child.key.referenced) <= set(parent.derivation.key)


def deleting_unnoticed(work: Work, works: Sequence[Work]) -> sql.Composed:
    """The statement that deletes the doomed rows to which no row that stays refers by a key that
    acts; gives how many, and how many there were."""
    return sql.SQL(
        "with gone as (delete from {table} as t using {doomed} as d"
        "  where {same} and not ({staying}) returning 1)"
        " select (select count(*) from gone),"
        "  (select count(*) from {table} as t join {doomed} as d on {same})"
    ).format(
        table=ident(work.table),
        doomed=ident(work.doomed),
        same=same_key(work.derivation, "t", "d"),
        staying=joined((_stays(c, works) for c in work.children if c.acts), " or "),
    )


def referring(parent: Work, works: Sequence[Work]) -> sql.Composable:
    """Condition on `t`, a row of `parent`: a row refers to it. Of keys that only forbid, those
    whose table is written too, or that refer to a value which another row may have when all is
    written: the others are for the server to check."""
    written = {w.derivation.name for w in works}
    found = [
        _referred(c)
        for c in parent.children
        if c.acts or c.derivation.name in written or not _by_key(c, parent)
    ]
    return joined(found, " or ") if found else sql.SQL("false")


def _any_stays(conn: Connection, work: Work, child: Child, works: Sequence[Work]) -> bool:
    """Whether one of those rows is known to the other side, too."""
    known: sql.Composable = sql.SQL("true")
    if child.known is not None:
        known = sql.SQL("exists (select from {} as k where {})").format(
            ident(child.known), same_key(child.derivation, "k", "c")
        )
    row = conn.execute(
        sql.SQL(
            "select exists (select from {table} as t join {doomed} as d on {same} where {stays})"
        ).format(
            table=ident(work.table),
            doomed=ident(work.doomed),
            same=same_key(work.derivation, "t", "d"),
            stays=_stays(child, works, known),
        )
    ).fetchone()
    return bool(row and row[0])


def _stays(
    child: Child, works: Sequence[Work], known: sql.Composable | None = None
) -> sql.Composed:
    """Condition on `t`: a row that is not doomed itself refers to it by this key."""
    conditions: list[sql.Composable] = [_refers(child)]
    own = next((w for w in works if w.derivation.name == child.derivation.name), None)
    if own is not None and own.dooms:
        conditions.append(
            sql.SQL("not exists (select from {} as x where {})").format(
                ident(own.doomed), same_key(own.derivation, "x", "c")
            )
        )
    if known is not None:
        conditions.append(known)
    return sql.SQL("exists (select from {} as c where {})").format(
        ident(child.table), joined(conditions, " and ")
    )


def _referred(child: Child) -> sql.Composed:
    """Condition on `t`: a row refers to it by this key."""
    return sql.SQL("exists (select from {} as c where {})").format(
        ident(child.table), _refers(child)
    )


def _refers(child: Child) -> sql.Composed:
    return joined(
        (
            sql.SQL("c.{} = t.{}").format(sql.Identifier(a), sql.Identifier(b))
            for a, b in zip(child.key.columns, child.key.referenced, strict=True)
        ),
        " and ",
    )
