"""Whether tables are still what they were when they were planned."""

from __future__ import annotations

from collections.abc import Collection

from repot.model.catalog import Catalog, Column, Table
from repot.model.names import Name, quoted

SHOWN = 10


def changes(
    planned: Catalog, now: Catalog, own: Collection[str] = (), moving: Collection[str] = ()
) -> list[str]:
    """What was changed in the tables of the plan.

    A new column counts in the schemas `own` only: in others it is nobody's business. The swap moves
    types between the schemas `moving`: there a type's schema does not count.
    """
    tables = {t.name: t for t in now.tables}
    found = []
    for table in planned.tables:
        current = tables.get(table.name)
        if current is None:
            found.append(f"{table.name} is gone")
        else:
            found += _table(table, current, table.name.schema_ in own, moving)
    return found


def new_tables(planned: Catalog, now: Catalog, schema: str) -> list[str]:
    """Tables of the schema that the plan does not know."""
    known = {t.name for t in planned.tables}
    return [str(t.name) for t in now.in_schema(schema) if t.name not in known]


def elsewhere(catalog: Catalog, schema: str, to: str) -> Catalog:
    """The catalog as it would be with its tables of one schema in another."""

    def moved(name: Name) -> Name:
        return name.within(to) if name.schema_ == schema else name

    return Catalog(
        tables=tuple(
            t.model_copy(
                update={
                    "name": moved(t.name),
                    "partitions": tuple(moved(p) for p in t.partitions),
                    "parent": moved(t.parent) if t.parent else None,
                }
            )
            for t in catalog.tables
        )
    )


def _table(planned: Table, now: Table, own: bool, moving: Collection[str]) -> list[str]:
    name = planned.name
    old = {c.name: _shape(c, moving) for c in planned.columns}
    new = {c.name: _shape(c, moving) for c in now.columns}
    found = [f"{name}.{quoted(c)} is gone" for c in old if c not in new]
    if own:
        found += [f"{name}.{quoted(c)} is new" for c in new if c not in old]
    found += [
        f"{name}.{quoted(c)} was {' '.join(old[c])} and is {' '.join(new[c])}"
        for c in old
        if c in new and old[c] != new[c]
    ]
    if planned.primary != now.primary:
        found.append(f"{name} has another primary key")
    if planned.kind != now.kind:
        found.append(f"{name} is another kind of relation")
    return found


def _shape(column: Column, moving: Collection[str]) -> tuple[str, ...]:
    return (
        _bare(column.type, moving),
        "not null" if column.not_null else "nullable",
        *(["generated"] if column.generated else []),
    )


def _bare(kind: str, moving: Collection[str]) -> str:
    """The type without the name of a schema that it may have moved to or from."""
    for schema in moving:
        for prefix in (schema, quoted(schema), '"' + schema.replace('"', '""') + '"'):
            if kind.startswith(prefix + "."):
                return kind[len(prefix) + 1 :]
    return kind
