"""Users' triggers: on the side that serves they fire, on the other they do not.

What Repot writes to the side that does not serve has had its triggers already (trap 12).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.engine.swap.definitions import Remake
from repot.engine.swap.sql import load
from repot.engine.swap.things import TABLES, Thing
from repot.model.names import Name
from repot.model.plan import Plan
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection

_VERBS = {"O": "enable", "R": "enable replica", "A": "enable always", "D": "disable"}


@dataclass(frozen=True)
class UserTrigger:
    oid: int
    table: Name
    name: str
    mode: str  # tgenabled
    parent: int | None  # a partition's: the trigger of the partitioned table that it comes from


def user_triggers(conn: Connection, things: Collection[Thing]) -> list[UserTrigger]:
    """The users' triggers on the tables among `things` (those of views cannot be disabled)."""
    return _triggers(conn, things, ours=False)


def captures(conn: Connection, things: Collection[Thing]) -> list[UserTrigger]:
    """The triggers by which Repot captures changes of the tables among `things`."""
    return _triggers(conn, things, ours=True)


def _triggers(conn: Connection, things: Collection[Thing], *, ours: bool) -> list[UserTrigger]:
    oids = [t.oid for t in things if t.kind in (*TABLES, "f")]
    rows = conn.execute(load("triggers.sql"), {"oids": oids, "ours": ours}).fetchall()
    return [
        UserTrigger(
            int(str(oid)),
            Name(schema_=str(s), name=str(t)),
            str(name),
            str(mode),
            None if parent is None else int(str(parent)),
        )
        for oid, s, t, name, mode, parent in rows
    ]


def switch(trigger: UserTrigger, mode: str) -> sql.Composed:
    """The statement that gives the trigger, of this table alone, the mode."""
    return _together([(trigger, mode)])


def changes(triggers: Collection[UserTrigger], wanted: Mapping[int, str]) -> list[sql.Composed]:
    """Statements, one per table, that give each trigger (by oid) its mode; those that have it are
    left alone. Tables keep the order of their first trigger: partitioned ones before partitions."""
    by_table: dict[Name, list[tuple[UserTrigger, str]]] = {}
    for trigger in triggers:
        if trigger.oid in wanted and wanted[trigger.oid] != trigger.mode:
            by_table.setdefault(trigger.table, []).append((trigger, wanted[trigger.oid]))
    return [_together(of_one) for of_one in by_table.values()]


def _together(of_one_table: Sequence[tuple[UserTrigger, str]]) -> sql.Composed:
    return sql.SQL("alter table only {} {}").format(
        ident(of_one_table[0][0].table),
        joined(
            sql.SQL("{} trigger {}").format(sql.SQL(_VERBS[mode]), sql.Identifier(trigger.name))
            for trigger, mode in of_one_table
        ),
    )


def all_to(triggers: Collection[UserTrigger], mode: str) -> list[sql.Composed]:
    """Statements that give all of them one mode."""
    return changes(triggers, dict.fromkeys((t.oid for t in triggers), mode))


def enabling(conn: Connection, triggers: Collection[UserTrigger]) -> list[Remake]:
    """For the way back: what gives them the modes of now, once their tables' names are these."""
    return [
        Remake(f"mode of trigger {t.name} on {t.table}", (switch(t, t.mode).as_string(conn),))
        for t in triggers
        if t.mode != "D"
    ]


def planned_modes(
    plan: Plan, triggers: Collection[UserTrigger], noted: Mapping[int, str]
) -> dict[int, str]:
    """How V2's triggers are to be when V2 serves: as they were when they were last disabled by a
    rollback, else as target.sql made them."""
    made = {
        (table.name.name, trigger.name): trigger.enabled
        for table in plan.target.tables
        for trigger in table.triggers
    }
    wanted: dict[int, str] = {}
    for trigger in triggers:  # those of partitioned tables come first
        inherited = wanted.get(trigger.parent) if trigger.parent else None
        own = made.get((trigger.table.name, trigger.name))
        mode = noted.get(trigger.oid) or own or inherited
        if mode is not None:
            wanted[trigger.oid] = mode
    return wanted
