"""Descriptions of tables without a database, for unit tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from repot.model.catalog import Catalog, Column, Table, Unique
from repot.model.names import Name

_oids = itertools.count(1000)


def column(text: str, not_null: bool = False) -> Column:
    """`name`, `name:type` or `name:type(n)`; an integer where no type is given. `!` at the end of
    the name: NOT NULL; `=` there: NOT NULL with a default; `~`: a nondeterministic collation; `^`:
    generated."""
    name, _, type_ = text.partition(":")
    type_ = type_ or "integer"
    mark = name[-1] if name[-1] in "!=~^" else ""
    return Column(
        name=name.rstrip("!=~^"),
        type=type_,
        base_type=type_.partition("(")[0],
        type_oid=0,
        typmod=-1,
        not_null=not_null or mark in ("!", "="),
        default="0" if mark == "=" else None,
        deterministic=mark != "~",
        generated=mark == "^",
    )


def table(
    name: str,
    columns: Iterable[str],
    primary: Iterable[str] = ("id",),
    schema: str = "public",
    uniques: Iterable[tuple[str, ...]] = (),
    parent: Name | None = None,
    kind: str = "r",
) -> Table:
    primary = tuple(primary)
    given = [column(c) for c in columns]
    made = [c.model_copy(update={"not_null": c.not_null or c.name in primary}) for c in given]
    keys = [Unique(name="pk", columns=primary, primary=True)] if primary else []
    keys += [Unique(name=f"u{i}", columns=u) for i, u in enumerate(uniques)]
    return Table(
        oid=next(_oids),
        name=Name(schema_=schema, name=name),
        kind=kind,
        owner="o",
        columns=tuple(made),
        primary=primary,
        uniques=tuple(keys),
        parent=parent,
    )


def catalog(*tables: Table) -> Catalog:
    return Catalog(tables=tables)
