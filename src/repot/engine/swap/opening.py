"""What a switch has to know before it begins: both sides, and what hangs on them, as text."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from psycopg import errors, sql

from repot.engine.swap import (
    memory,
    outward_keys,
    publications,
    replica_identity,
    sequences,
    triggers,
)
from repot.engine.swap.definitions import Definition, Remake, read_definitions, remake
from repot.engine.swap.dependents import Dependent
from repot.engine.swap.locks import LockPlan, NotStill, hold_still, lock_plan
from repot.engine.swap.namesakes import Namesakes
from repot.engine.swap.outside_sql import Noting
from repot.engine.swap.stamp import stamp
from repot.engine.swap.survey import Survey, survey
from repot.engine.swap.things import Direction, Key, back, forward
from repot.model.errors import RepotError
from repot.model.names import Name
from repot.model.plan import Plan
from repot.model.schemas import REGISTRY
from repot.postgres.connect import Connection
from repot.postgres.plans import kept

MOVED = 2  # times, after which the catalogs are held still before they are looked at

# Of what is looked at while others may be altering it.
_IN_MOTION = (
    errors.UndefinedTable,
    errors.UndefinedObject,
    errors.UndefinedFunction,
    errors.UndefinedColumn,
    errors.InvalidSchemaName,
    errors.InternalError_,  # "cache lookup failed"
)


@dataclass(frozen=True)
class Seen:
    """Both sides, and what is to be done to them, as the catalogs were when they were read."""

    swap: Survey
    locks: LockPlan
    outside: dict[str, Definition]  # what hangs on the side that goes, as it is now
    remakes: list[Remake]  # those of them that lead to the other side by their names
    counters: sequences.Settings
    rules: dict[int, str]  # of the views: their rules' versions
    old: list[triggers.UserTrigger]  # of the side that goes, users' own
    new: list[triggers.UserTrigger]  # of the side that comes
    taken: outward_keys.Taken
    published: publications.HandingOver
    identities: list[sql.Composable]
    noting: Noting


def holds_first(kind: str, moved: int) -> bool:
    """Whether the catalogs are held still before they are looked at; moved: how often they changed
    meanwhile when they were not."""
    return kind == "schema" or moved >= MOVED


def see(
    conn: Connection,
    plan: Plan,
    run: int,
    *,
    to: str,
    kind: str,
    moved: int,
    refuse: Callable[[Survey], None],
) -> tuple[Seen, str | None]:
    """Look at both sides in the caller's transaction; refuse: is asked of what was seen.

    As a rule nobody is held up: the second is the catalogs' stamp, and what was seen is true while
    that is the same. None: the catalogs are held still already (`holds_first`). Raises NotLocked.
    """
    if holds_first(kind, moved):
        seen = _held(conn, plan, run, to, kind)
        refuse(seen.swap)
        return seen, None
    known = stamp(conn)
    # The server locks a table whose defaults, views or filters it prints.
    conn.execute("savepoint repot_looking")
    try:
        seen = _read(conn, plan, run, to, kind)
        refuse(seen.swap)
    except _IN_MOTION as failed:
        raise NotStill from failed
    with kept(conn):
        conn.execute("rollback to savepoint repot_looking; release savepoint repot_looking")
    return seen, known


def _held(conn: Connection, plan: Plan, run: int, to: str, kind: str) -> Seen:
    for _ in range(5):
        before = _survey(conn, plan, run, to, kind)
        locks = lock_plan(conn, before, _outside(plan, to))
        try:
            with conn.transaction():
                hold_still(conn, locks, plan.cutover.lock_timeout_ms)
        except errors.UndefinedTable:
            continue  # dropped since it was seen
        seen = _read(conn, plan, run, to, kind)
        if seen.locks == locks:
            return seen
    raise RepotError(
        "schema-in-motion",
        "tables are being created, dropped or renamed while the switch looks at them",
        hint="stop what changes the schema (migrations, partition maintenance) and try again",
    )


def _survey(conn: Connection, plan: Plan, run: int, to: str, kind: str) -> Survey:
    direction: Direction = forward(plan) if to == "v2" else back(plan)
    return survey(conn, direction, kind, memory.moved(conn, run) if to == "v1" else [])


def _outside(plan: Plan, to: str) -> list[Name]:
    """Tables that stay, whose writers must wait, too."""
    found = [n for n in plan.captured() if n.schema_ not in (plan.source_schema, REGISTRY)]
    if to == "v2":
        found += [key.references for _, key in outward_keys.of_v2(plan)]
    return found


def _read(conn: Connection, plan: Plan, run: int, to: str, kind: str) -> Seen:
    swap = _survey(conn, plan, run, to, kind)
    remade = [d for d in swap.dependents if d.remade]
    definitions = read_definitions(conn, [d.key for d in remade])
    ordered = [definitions[d.key] for d in remade if d.key in definitions]
    names = Namesakes(conn, swap)
    by_name = {d.key: d for d in remade if not names.lacking(d)}
    bound = _stand_on_unable(remade, set(by_name))
    return Seen(
        swap=swap,
        locks=lock_plan(conn, swap, _outside(plan, to)),
        outside={d.what: d for d in ordered},
        remakes=[remake(conn, d) for d in ordered if d.key in by_name and d.key not in bound],
        counters=sequences.prepare(conn, swap, plan),
        rules=rules(conn, swap),
        old=triggers.user_triggers(conn, swap.outgoing),
        new=triggers.user_triggers(conn, swap.incoming),
        taken=outward_keys.take_off(conn, swap),
        published=publications.hand_over(conn, swap),
        identities=replica_identity.take_over(conn, swap) if to == "v2" else [],
        noting=Noting(conn, plan, swap, run, ran=to == "v2"),
    )


def rules(conn: Connection, swap: Survey) -> dict[int, str]:
    """The versions of the views' rules, by oid."""
    views = [t.oid for t in swap.outgoing if t.kind == "v"]
    views += [d.key[1] for d in swap.dependents if d.kind == "view"]
    rows = conn.execute(
        "select oid::bigint, xmin::text from pg_catalog.pg_rewrite"
        " where ev_class = any (%s::oid[]) and ev_type = '1'",
        (views,),
        prepare=True,
    ).fetchall()
    return {int(str(oid)): str(version) for oid, version in rows}


def _stand_on_unable(remade: Collection[Dependent], able: set[Key]) -> set[Key]:
    """Those that stand on an object which cannot be led over by its names: they stay with it."""
    unable = {d.key for d in remade} - able
    for dependent in remade:  # in dependency order
        if any(need.key in unable for need in dependent.needs):
            unable.add(dependent.key)
    return unable
