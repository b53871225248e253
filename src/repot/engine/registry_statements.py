"""The statements by which registries are filled, composed for one registry at a time.

Inside them the key columns are called k1 … kn and the order columns o1 … om, whatever their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from repot.engine.sql import load
from repot.model.plan import Registry
from repot.postgres.compose import ident, idents, joined, trusted

Keys = Sequence[Sequence[str]] | sql.Composable


@dataclass(frozen=True)
class Orders:
    """Columns with a collation: compared by code point, so that no locale decides an order."""

    collated: frozenset[str]

    def by(self, alias: str, column: str) -> sql.Composable:
        text = sql.Identifier(alias)
        return text + sql.SQL(' collate "C"') if column in self.collated else text


def allocate_slugs(registry: Registry, keys: Keys | None, orders: Orders) -> sql.Composed:
    """Slugs; gives the number of new ones and the length of the longest."""
    setting = registry.setting
    return trusted(load("registry_slugs.sql")).format(
        **_common(registry, keys, orders),
        orders=_aliases("o", len(setting.order), trailing=True),
        sort=_sort(registry, orders),
        max_length=sql.Literal(setting.max_length),
        fallback=sql.Literal(setting.fallback),
        **_rooms(registry),
    )


def _rooms(registry: Registry) -> dict[str, sql.Composable]:
    """Slugs are unique within a room: the rows that agree in the columns of `within`.

    Without such columns there is one room, and all parts but the last are empty.
    """
    setting = registry.setting
    named = list(zip(_names("k", len(setting.key)), setting.key, strict=True))
    rooms = [
        {"k": sql.Identifier(k), "u": sql.Identifier("u" + k), "column": sql.Identifier(column)}
        for k, column in named
        if column in setting.within
    ]

    def each(text: LiteralString) -> sql.Composed:
        return joined((sql.SQL(text).format(**room) for room in rooms), "")

    return {
        "room": each("{k}, "),
        "stored_room": each("t.{column} as {u}, "),
        "stem_room": each("s.{k}, "),
        "used_room": each(" and u.{u} = b.{k}"),
        "table_room": each(" and t.{column} = s.{k}"),
        "plain_room": each(" and q.{k} = s.{k}"),
        "other_room": each(" and x.{k} = o.{k}"),
        "taken_keys": joined(
            sql.Identifier(k) if column in setting.within else sql.SQL("null")
            for k, column in named
        ),
    }


def allocate_uuids(registry: Registry, keys: Keys | None, orders: Orders) -> sql.Composed:
    """Random UUIDs."""
    return trusted(load("registry_values.sql")).format(
        **_common(registry, keys, orders), value=sql.SQL("pg_catalog.gen_random_uuid()")
    )


def allocate_numbers(registry: Registry, keys: Keys | None, orders: Orders) -> sql.Composed:
    """Whole numbers from 1 on, after the greatest that was ever given."""
    return trusted(load("registry_values.sql")).format(
        **_common(registry, keys, orders),
        value=sql.SQL(
            "pg_catalog.row_number() over (order by {})"
            " + (select coalesce(pg_catalog.max(value), 0) from {})"
        ).format(_sort(registry, orders), ident(registry.table)),
    )


def _common(registry: Registry, keys: Keys | None, orders: Orders) -> dict[str, sql.Composable]:
    setting = registry.setting
    return {
        "wanted": _wanted(registry, keys, orders),
        "table": ident(registry.table),
        "key": idents(setting.key),
        "keys": _aliases("k", len(setting.key)),
    }


def _wanted(registry: Registry, keys: Keys | None, orders: Orders) -> sql.Composed:
    """The keys without a value, once each: of a key that comes twice, its first row counts."""
    setting = registry.setting
    alias_k, alias_o = _names("k", len(setting.key)), _names("o", len(setting.order))
    columns = [
        sql.SQL("v.{} as {}").format(sql.Identifier(c), sql.Identifier(a))
        for c, a in zip((*setting.key, *setting.order), (*alias_k, *alias_o), strict=True)
    ]
    if setting.text is not None:
        columns.append(sql.SQL("v.{}::text as slug_text").format(sql.Identifier(setting.text)))
    given = [sql.SQL("v.{} is not null").format(sql.Identifier(c)) for c in setting.key]
    same = [sql.SQL("t.{c} = v.{c}").format(c=sql.Identifier(c)) for c in setting.key]
    result = sql.SQL(
        "select distinct on ({keys}) {columns} from {view} v"
        " where {given} and not exists (select from {table} t where {same}){only}"
        " order by {sort}"
    ).format(
        keys=joined(_by(setting.key, "v", orders)),
        columns=joined(columns),
        view=ident(registry.view),
        given=joined(given, " and "),
        table=ident(registry.table),
        same=joined(same, " and "),
        only=_only(registry, keys),
        sort=joined(
            [
                *_by((*setting.key, *setting.order), "v", orders),
                # Last resort of the order: texts of one key that nothing else tells apart.
                *(
                    [sql.SQL('v.{}::text collate "C"').format(sql.Identifier(setting.text))]
                    if setting.text is not None
                    else []
                ),
            ]
        ),
    )
    return sql.SQL("select * from ({}) first_rows").format(result)


def _only(registry: Registry, keys: Keys | None) -> sql.Composable:
    """The condition for the keys asked for, or for the scopes that a SELECT gives.

    Each column is compared with an array: PostgreSQL pushes that into UNION ALL, joins and
    GROUP BY, which it does not do with a join; the second condition pairs what belongs together.
    """
    if keys is None:
        return sql.SQL("")
    columns = registry.setting.key
    if not isinstance(keys, sql.Composable):
        keys = [key for key in keys if None not in key]  # such a key has no value
        arrays = [
            sql.SQL("{}::{}[]").format(sql.Literal([str(key[n]) for key in keys]), trusted(type_))
            for n, type_ in enumerate(registry.key_types)
        ]
        keys = sql.SQL("select * from rows from ({})").format(
            joined(sql.SQL("pg_catalog.unnest({})").format(a) for a in arrays)
        )
    else:
        columns = registry.told
    names = _names("k", len(columns))
    asked = sql.SQL("({}) g({})").format(keys, joined(sql.Identifier(n) for n in names))
    each = [
        sql.SQL(" and v.{} = any (array(select g.{} from {}))").format(
            sql.Identifier(column), sql.Identifier(alias), asked
        )
        for column, alias in zip(columns, names, strict=True)
    ]
    together = sql.SQL(" and ({}) in (select {} from {})").format(
        idents(columns, "v"), joined(sql.Identifier("g", n) for n in names), asked
    )
    return joined([*each, together] if len(each) > 1 else each, "")


def _by(columns: Sequence[str], table: str, orders: Orders) -> list[sql.Composable]:
    return [
        sql.Identifier(table, c) + sql.SQL(' collate "C"' if c in orders.collated else "")
        for c in columns
    ]


def _sort(registry: Registry, orders: Orders) -> sql.Composed:
    """Order columns (ascending, NULL last), then the key."""
    setting = registry.setting
    pairs = [
        *zip(_names("o", len(setting.order)), setting.order, strict=True),
        *zip(_names("k", len(setting.key)), setting.key, strict=True),
    ]
    return joined(orders.by(alias, column) for alias, column in pairs)


def _names(letter: str, count: int) -> list[str]:
    return [letter + str(n) for n in range(1, count + 1)]


def _aliases(letter: str, count: int, *, trailing: bool = False) -> sql.Composed:
    parts: list[sql.Composable] = [sql.Identifier(n) for n in _names(letter, count)]
    return joined(parts) + sql.SQL(", " if trailing and parts else "")
