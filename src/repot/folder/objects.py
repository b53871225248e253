"""The objects of a database with their properties, and how two such lists differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from repot.folder.sql import load
from repot.model.diff import Change, Difference, Side
from repot.postgres.connect import Connection

Key = tuple[str, str]  # kind and full name


@dataclass(frozen=True)
class Object:
    """within: the table that it belongs to; properties: as text, those that are NULL left out."""

    within: str | None
    properties: Mapping[str, str]


def read_objects(conn: Connection) -> dict[Key, Object]:
    """All of a database, by kind and name; leaves the session as it was."""
    with conn.transaction(force_rollback=True):
        conn.execute("set local search_path to pg_catalog")
        rows = conn.execute(load("objects.sql").encode()).fetchall()
    return {
        (str(kind), str(name)): Object(
            None if within is None else str(within),
            {k: _text(v) for k, v in dict(properties).items() if v is not None},  # type: ignore[call-overload]
        )
        for kind, name, within, properties in rows
    }


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def differences(
    expected: Mapping[Key, Object],
    found: Mapping[Key, Object],
    ignore: frozenset[tuple[str, str]] = frozenset(),
) -> tuple[Difference, ...]:
    """In the order of kinds and names. ignore: kinds and properties that do not count."""
    result = []
    for key in sorted(expected.keys() | found.keys()):
        here, there = expected.get(key), found.get(key)
        if here is None or there is None:
            one = here or there
            assert one is not None
            side = Side.EXPECTED if here is not None else Side.FOUND
            mine, other = (expected, found) if here is not None else (found, expected)
            if one.within is not None and not _has(other, one.within):
                continue  # it goes with its table
            result.append(
                Difference(kind=key[0], name=key[1], side=side, parts=_parts(mine, key[1]))
            )
            continue
        changes = {
            name: Change(expected=here.properties.get(name), found=there.properties.get(name))
            for name in sorted(here.properties.keys() | there.properties.keys())
            if here.properties.get(name) != there.properties.get(name)
            and (key[0], name) not in ignore
        }
        if changes:
            result.append(Difference(kind=key[0], name=key[1], side=Side.BOTH, changes=changes))
    return tuple(result)


_TABLES = ("table", "foreign table", "view", "materialized view")


def _has(objects: Mapping[Key, Object], table: str) -> bool:
    return any((kind, table) in objects for kind in _TABLES)


def _parts(objects: Mapping[Key, Object], table: str) -> dict[str, int]:
    return dict(sorted(Counter(k for (k, _), o in objects.items() if o.within == table).items()))
