"""What the tables that come do not have of their namesakes: replica identity, grants, indexes."""

from __future__ import annotations

from collections.abc import Iterator

from repot.engine.swap import publications, replica_identity, sequences
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import TABLES
from repot.model.finding import Finding, error, info, warning
from repot.model.names import Name, quoted
from repot.model.plan import Plan
from repot.postgres.connect import Connection


def tables(conn: Connection, plan: Plan, swap: Survey) -> list[Finding]:
    """Publications, replication, sequences."""
    return [
        *_published(conn, swap),
        *_subscribed(conn, swap),
        *_identities(conn, swap),
        *_sequences(conn, swap),
        *_outward(swap, plan),
    ]


def _published(conn: Connection, swap: Survey) -> Iterator[Finding]:
    going = {t.oid: t for t in swap.outgoing if t.kind in TABLES}
    columns = publications.columns_of(conn, [t.oid for t in swap.incoming])
    for member in publications.members(conn, going):
        publication = quoted(member.publication)
        namesake = swap.namesake(going[member.oid])
        if namesake is None:
            yield warning(
                "publication-loses-table",
                f"{member.table} leaves the publication {publication}, and V2 has no such table",
                object=member.publication,
                hint="subscribers keep their rows and get no more of them",
            )
            continue
        missing = member.missing_in(columns.get(namesake.oid, ()))
        if missing:
            yield error(
                "publication-columns",
                f"the publication {publication} names columns of {member.table} that V2's table "
                f"has not: {', '.join(map(quoted, missing))}",
                object=member.publication,
                hint="take the table out of it before the cutover, or give V2 the columns",
            )
        else:
            yield warning(
                "publication-changes",
                f"in the publication {publication}, V2's {quoted(namesake.name)} takes the place "
                "of V1's",
                object=member.publication,
                hint="subscribers need V2's columns before; then ALTER SUBSCRIPTION … REFRESH "
                "PUBLICATION",
            )
    for (name,) in conn.execute(load("broad_publications.sql")).fetchall():
        yield warning(
            "publication-all-tables",
            f"the publication {quoted(str(name))} is FOR ALL TABLES: subscribers see V2 while it "
            "is built, and both sides' tables under their schemas of the moment",
            object=str(name),
            hint="a subscriber without those tables stops: publish the tables one by one instead",
        )


def _subscribed(conn: Connection, swap: Survey) -> Iterator[Finding]:
    oids = [t.oid for t in swap.outgoing if t.kind in TABLES]
    for schema, table in conn.execute(load("subscribed.sql"), {"oids": oids}).fetchall():
        name = Name(schema_=str(schema), name=str(table))
        yield error(
            "subscription-fills-v1",
            f"{name} is filled by logical replication, which would pass V2's table by in silence",
            object=str(name),
            hint="drop the subscription before the cutover",
        )


def _identities(conn: Connection, swap: Survey) -> Iterator[Finding]:
    for change in replica_identity.changes(conn, swap):
        name = str(change.table.full_name)
        if change.statement is None:
            yield warning(
                "replica-identity",
                f"V1's {quoted(change.table.name)} is identified by an index; V2's has none on the "
                "same columns and keeps its primary key",
                object=name,
                hint="ALTER TABLE … REPLICA IDENTITY in target.sql says otherwise",
            )


def _sequences(conn: Connection, swap: Survey) -> Iterator[Finding]:
    for counter in sequences.counters(conn, swap.incoming):
        for table, column in counter.unindexed:
            yield warning(
                "sequence-scan",
                f"the greatest {quoted(table)}.{quoted(column)} is looked for under the lock, "
                "without an index",
                object=f"{table}.{column}",
                hint="an index on the column keeps the pause short",
            )


def _outward(swap: Survey, plan: Plan) -> Iterator[Finding]:
    inside = (plan.source_schema, plan.target_schema)
    for table in plan.target.tables:
        for key in table.foreign_keys:
            if key.references.schema_ not in inside and key.on_delete in ("a", "r"):
                yield warning(
                    "target-blocks-outside",
                    f"while V2 is built and V1 serves, {table.name.name}.{key.name} keeps rows of "
                    f"{key.references} from being deleted",
                    object=f"{table.name.name}.{key.name}",
                    file="target.sql",
                    hint="ON DELETE CASCADE or SET NULL does not; or delete none until the cutover",
                )
    for table in plan.source.in_schema(plan.source_schema):
        for key in table.foreign_keys:
            if key.references.schema_ not in inside and key.on_delete in ("a", "r"):
                yield info(
                    "key-taken-off",
                    f"{table.name}.{quoted(key.name)} is taken off while V1 is retired, so that "
                    f"rows of {key.references} can be deleted; a rollback puts it back",
                    object=f"{table.name}.{key.name}",
                )
