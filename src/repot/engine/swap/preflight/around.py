"""What else notices a swap: event triggers, prepared statements, the rights of the schema."""

from __future__ import annotations

from collections.abc import Iterator

from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import RELATIONS
from repot.model.finding import Finding, info
from repot.model.names import quoted
from repot.postgres.connect import Connection


def around(conn: Connection, swap: Survey) -> list[Finding]:
    """For people to know."""
    return [*_event_triggers(conn), *_prepared(swap), *_schema(swap)]


def _event_triggers(conn: Connection) -> Iterator[Finding]:
    for name, schema, function in conn.execute(load("event_triggers.sql")).fetchall():
        yield info(
            "event-trigger",
            f"the event trigger {quoted(str(name))} ({quoted(str(schema))}."
            f"{quoted(str(function))}) is fired by the swap's own DDL, inside the pause",
            object=str(name),
        )


def _prepared(swap: Survey) -> Iterator[Finding]:
    both = {t.name for t in swap.incoming if t.kind in RELATIONS}
    both &= {t.name for t in swap.outgoing if t.kind in RELATIONS}
    if both:
        yield info(
            "prepared-statements",
            f"{len(both)} tables keep their names with other columns: statements that a client has "
            "prepared with * fail (0A000) until it reconnects or prepares them anew",
            object=", ".join(sorted(map(quoted, both))[:5]),
        )


def _schema(swap: Survey) -> Iterator[Finding]:
    if swap.kind == "schema":
        yield info(
            "schema-carried",
            f"owner, rights, comment and default privileges of {quoted(swap.direction.front)} are "
            "carried over to V2's schema; everything else in V1's schema, functions and types "
            "among it, goes with V1",
            object=swap.direction.front,
        )
