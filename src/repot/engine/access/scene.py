"""What is tried, and as whom: relations with their columns, people with their claims."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql
from psycopg.rows import dict_row

from repot.engine.access.sql import load
from repot.model.access import AccessRules, Identity, Person
from repot.model.base import Value
from repot.model.names import Name
from repot.moves.install import set_search_path
from repot.postgres.connect import Connection

LOCK_MS = 200  # how long one try may wait for others' locks
TRY_MS = 2_000  # and how long it may take: a policy without an index reads the whole table


class Column(Value):
    name: str
    type: str
    category: str  # pg_type.typcategory
    has_default: bool
    generated: bool
    identity: bool  # generated always as identity
    unique: bool


class Shape(Value):
    """A relation as the catalog has it; `root` is the table whose partition it is."""

    oid: int
    name: Name
    kind: str
    root: Name | None
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    hidden: bool  # row security hides rows from this session itself

    @property
    def is_view(self) -> bool:
        return self.kind in ("v", "m")

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)


class Held(Value):
    """What a role holds on a relation, as the catalog says it."""

    oid: int
    usage: bool
    whole: bool
    delete: bool
    truncate: bool
    select: frozenset[str]
    insert: frozenset[str]
    update: frozenset[str]


@dataclass(frozen=True)
class Caller:
    """One person. `claims` is JSON and, like the identity's, never shown."""

    identity: Identity = field(repr=False)
    person: Person
    claims: str = field(repr=False)


@dataclass(frozen=True)
class Place:
    """The schema that is tried, and which one names it in access.toml."""

    schema: str
    side: str  # v1, v2, schema
    usage: bool = False  # roles are lent USAGE on it: it is V2 before the cutover, or retired


def read_shapes(conn: Connection, schema: str, elsewhere: Sequence[Name]) -> tuple[Shape, ...]:
    """The relations of the schema, and those named in others, as far as they are there."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            load("relations.sql").encode(),
            {
                "schema": schema,
                "schemas": [n.schema_ for n in elsewhere],
                "names": [n.name for n in elsewhere],
            },
        ).fetchall()
    return tuple(
        Shape(
            oid=row["oid"],
            name=Name(schema_=row["schema"], name=row["name"]),
            kind=row["kind"],
            root=Name(schema_=row["root"][0][0], name=row["root"][0][1]) if row["root"] else None,
            key=tuple(row["key"]),
            columns=tuple(Column.model_validate(c) for c in row["columns"] or ()),
            hidden=bool(row["hidden"]),
        )
        for row in rows
    )


def read_held(conn: Connection, role: str, oids: Sequence[int]) -> dict[int, Held]:
    """What the role holds on each relation."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            load("rights.sql").encode(), {"role": role, "oids": list(oids)}
        ).fetchall()
    return {row["oid"]: Held.model_validate(row) for row in rows}


def caller(identity: Identity, number: int, sub: str | None) -> Caller:
    """A person with the claims of a request, as PostgREST sets them."""
    claims = dict(identity.claims)
    if sub is not None:
        claims["sub"] = sub
    claims["role"] = identity.role
    found = claims.get("sub")
    person = Person(
        identity=identity.name,
        role=identity.role,
        person=number,
        sub=None if found is None else str(found),
    )
    return Caller(identity, person, json.dumps(claims))


def prepare(conn: Connection, place: Place, one: Caller) -> None:
    """At the beginning of a transaction that is rolled back: the claims, where bare names are
    looked up, and how long anything may wait or take."""
    conn.execute(
        "select pg_catalog.set_config('lock_timeout', %s, true),"
        " pg_catalog.set_config('statement_timeout', %s, true),"
        " pg_catalog.set_config('request.jwt.claims', %s, true),"
        " pg_catalog.set_config('request.jwt.claim.sub', %s, true),"
        " pg_catalog.set_config('request.jwt.claim.role', %s, true)",
        (str(LOCK_MS), str(TRY_MS), one.claims, one.person.sub or "", one.person.role),
    )
    if place.usage:
        conn.execute(
            sql.SQL("grant usage on schema {} to {}").format(
                sql.Identifier(place.schema), sql.Identifier(one.person.role)
            )
        )
    set_search_path(conn, place.schema)


def elsewhere(rules: AccessRules, known: Mapping[str, object]) -> list[Name]:
    """Tables of other schemas that access.toml names as schema.table."""
    return [
        Name(schema_=key.split(".", 1)[0], name=key.split(".", 1)[1])
        for key in rules.tables
        if key not in known and "." in key
    ]
