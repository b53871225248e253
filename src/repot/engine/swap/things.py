"""What lives in a schema, by identity, and the three schemas between which it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repot.engine.swap.sql import load
from repot.model.names import Name
from repot.model.plan import Plan
from repot.postgres.connect import Connection

Key = tuple[int, int]  # oid of the catalog, oid of the object in it

# Oids of the system catalogs are the same in every PostgreSQL.
PG_TYPE, PG_PROC, PG_CLASS, PG_TRIGGER = 1247, 1255, 1259, 2620

RELATIONS = ("r", "p", "v", "m", "f", "S")
TABLES = ("r", "p")


@dataclass(frozen=True)
class Direction:
    """Who gives way to whom: what is in `front` goes `aside`, and what is `waiting` comes."""

    front: str
    aside: str
    waiting: str
    leaving: str  # side that goes: v1 at the cutover, v2 at the rollback
    coming: str

    @property
    def schemas(self) -> list[str]:
        return [self.front, self.aside, self.waiting]


def forward(plan: Plan) -> Direction:
    """The cutover's direction."""
    return Direction(plan.source_schema, plan.retired_schema, plan.target_schema, "v1", "v2")


def back(plan: Plan) -> Direction:
    """The rollback's."""
    return Direction(plan.source_schema, plan.target_schema, plan.retired_schema, "v2", "v1")


@dataclass(frozen=True)
class Thing:
    """An object with a schema of its own: a relation, routine, type, operator …"""

    class_id: int
    oid: int
    schema: str
    name: str
    kind: str  # relkind of relations, else routine, type, operator …
    signature: str
    type: str  # as pg_identify_object calls it
    identity: str  # the same, quoted and in full: placed into ALTER as it is
    partition: bool
    extension: str | None

    @property
    def key(self) -> Key:
        return (self.class_id, self.oid)

    @property
    def is_relation(self) -> bool:
        return self.kind in RELATIONS

    @property
    def clash(self) -> tuple[str, str, str]:
        """Two things with the same clash cannot stand in one schema (relations: see `names`)."""
        return ("relation" if self.is_relation else self.kind, self.name, self.signature)

    @property
    def full_name(self) -> Name:
        return Name(schema_=self.schema, name=self.name)

    def __str__(self) -> str:
        return f"{self.type} {self.identity}"


def list_things(conn: Connection, schemas: Sequence[str], own: Sequence[str]) -> list[Thing]:
    """What lives in `schemas`; `own` are the schemas whose types count as one in signatures."""
    rows = conn.execute(
        load("things.sql"), {"schemas": list(schemas), "own": list(own)}, prepare=True
    ).fetchall()
    return [
        Thing(
            class_id=int(str(row[0])),
            oid=int(str(row[1])),
            schema=str(row[2]),
            name=str(row[3]),
            kind=str(row[4]),
            signature=str(row[5]),
            type=str(row[6]),
            identity=str(row[7]),
            partition=bool(row[8]),
            extension=None if row[9] is None else str(row[9]),
        )
        for row in rows
    ]
