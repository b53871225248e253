"""Names that are taken already, and what changes its place with them."""

from __future__ import annotations

from collections.abc import Iterator

from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.model.finding import Finding, error, info, warning
from repot.model.names import quoted
from repot.postgres.connect import Connection


def names(conn: Connection, swap: Survey) -> list[Finding]:
    """Collisions, things that have no successor, types that are there twice."""
    return [
        *_taken(swap),
        *(_schema_names(swap) if swap.kind == "schema" else _aside(swap)),
        *_without_successor(swap),
        *_twice(swap),
        *_extensions(conn, swap),
    ]


def _taken(swap: Survey) -> Iterator[Finding]:
    """What stays (extensions' members) keeps its name."""
    staying = {t.clash[:2]: t for t in swap.staying if t.extension}
    for thing in swap.incoming:
        other = staying.get(thing.clash[:2])
        same = other and (thing.is_relation or other.clash == thing.clash)
        if other is not None and same:
            yield error(
                "name-taken",
                f"{thing} cannot come to {quoted(swap.direction.front)}: "
                f"{other} of the extension {quoted(str(other.extension))} stays there",
                object=str(thing.full_name),
                hint="rename it in target.sql, or move the extension to a schema of its own: "
                f"ALTER EXTENSION {quoted(str(other.extension))} SET SCHEMA extensions;",
            )


def _aside(swap: Survey) -> Iterator[Finding]:
    """What is in the retired schema already."""
    there = {t.clash: t for t in swap.aside}
    for thing in swap.outgoing:
        if thing.clash in there:
            yield error(
                "name-taken",
                f"{thing} cannot be retired: {there[thing.clash]} is there already",
                object=str(thing.full_name),
                hint="give target.retired in repot.toml another name, or look at what is in "
                f"{quoted(swap.direction.aside)} and drop it",
            )
    if there and not any(t.clash in there for t in swap.outgoing):
        yield warning(
            "retired-not-empty",
            f"the retired schema {quoted(swap.direction.aside)} holds {len(there)} objects already",
            object=swap.direction.aside,
            hint="they stay; `repot cleanup` drops only what was V1's",
        )


def _schema_names(swap: Survey) -> Iterator[Finding]:
    if swap.aside:
        yield error(
            "retired-exists",
            f"the schema {quoted(swap.direction.aside)} holds {len(swap.aside)} objects: "
            "V1's schema cannot take its name",
            object=swap.direction.aside,
            hint="give target.retired in repot.toml another name, or empty and drop that schema",
        )


def _without_successor(swap: Survey) -> Iterator[Finding]:
    """Views, routines and the like that nothing takes the place of."""
    coming = {t.clash for t in swap.incoming}
    kinds = {"v": "view", "m": "materialized view", "f": "foreign table", "S": "sequence"}
    for thing in swap.outgoing:
        if thing.clash in coming or thing.kind in ("r", "p"):
            continue
        if thing.is_relation:
            yield warning(
                "retired-without-successor",
                f"the {kinds[thing.kind]} {thing.full_name} goes with V1, and V2 has none",
                object=str(thing.full_name),
                hint="if the application uses it, create it in target.sql",
            )
        elif thing.kind == "routine":
            yield warning(
                "retired-without-successor",
                f"{thing} goes with V1, "
                + (
                    "as everything in the schema does"
                    if swap.kind == "schema"
                    else "whose row types or tables it is bound to"
                )
                + ", and V2 has none of that name and arguments",
                object=thing.identity,
                hint="if anybody calls it, create it in target.sql"
                + ('; swap = "tables" would leave it' if swap.kind == "schema" else ""),
            )


def _twice(swap: Survey) -> Iterator[Finding]:
    """Enumerations and the like that both sides have: prepared statements know the old one."""
    types = {t.name: t for t in swap.outgoing if t.kind == "type"}
    for thing in swap.incoming:
        if thing.kind == "type" and thing.name in types:
            yield warning(
                "type-twice",
                f"V1 and V2 both have the type {quoted(thing.name)}: statements that clients have "
                "prepared with the old one fail until they reconnect (42804)",
                object=str(thing.full_name),
                hint="leave it out of target.sql and V2 uses V1's, which stays where it is, "
                "or reconnect the clients after the cutover",
            )


def _extensions(conn: Connection, swap: Survey) -> Iterator[Finding]:
    where = swap.direction
    rows = conn.execute(
        load("extensions.sql"), {"schemas": [where.front, where.waiting]}
    ).fetchall()
    for extension, schema, relocatable in rows:
        name = quoted(str(extension))
        if schema == where.waiting:
            yield warning(
                "extension-in-target",
                f"the extension {name} lives in {quoted(where.waiting)}",
                object=str(extension),
                hint="install extensions in a schema of their own, not in target.sql",
            )
        elif swap.kind == "schema" and not relocatable:
            yield error(
                "extension-not-relocatable",
                f"the extension {name} lives in {quoted(where.front)} and cannot leave it: "
                "renaming the schema would carry it away",
                object=str(extension),
                hint='use swap = "tables"',
            )
        elif swap.kind == "schema":
            yield info(
                "extension-carried",
                f"the extension {name} is moved back into {quoted(where.front)} in the swap",
                object=str(extension),
            )
