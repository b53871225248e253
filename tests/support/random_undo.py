"""Random tables, random ways back over them, and what such a way took, worked out in Python."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

NAMES = ['"Order"', '"Größe und Maß"', "select_", '"select"', '"x""y"', '"MixedCase"']
COLUMNS = ['"Wert"', '"naïve col"', "b", '"user"', '"C""q"', "repot_n"]
TYPES = {
    "int": ["1", "2", "null", "-7"],
    "text": ["'a'", "'é'", "''", "null", "'NULL'"],
    "numeric(8,2)": ["1.50", "1", "null", "-0.01"],
    "jsonb": ["""'{"a": [1, null]}'""", "'null'", "null"],
    "json": ["""'{"b":1,  "a":2}'""", "null"],
    "timestamp": ["'2026-01-02 03:04:05.678'", "'infinity'", "null"],
    "timestamptz": ["'2026-01-02 03:04:05+02'", "null"],
    "double precision": ["'NaN'", "0.1", "'-0'", "null"],
    "bytea": [r"'\x00ff'", "null"],
    "text[]": ["'{a,NULL,\"b c\"}'", "'{}'", "null"],
    '"Stufe"': ["'tief'", "'höher'", "null"],
    '"Stufe"[]': ["'{tief,höher}'", "null"],
    "kurz": ["'ab'", "null"],
    "char(4)": ["'x'", "null"],
    "point": ["'(1,2)'", "null"],
    "boolean": ["true", "false", "null"],
}
BASE = """
create type "Stufe" as enum ('tief', 'höher');
create domain kurz as varchar(5);
create function wipe(t regclass) returns void language plpgsql as
  $$ begin execute format('delete from %s', t); end $$;
create function noise() returns trigger language plpgsql as $$ begin return null; end $$;
"""


@dataclass
class Made:
    """One random table, by the names that statements use."""

    name: str
    columns: dict[str, str]
    key: list[str]
    parts: list[str] = field(default_factory=list)


def tables(dice: random.Random) -> tuple[str, list[Made]]:
    """The statements that make them and fill them."""
    text, found = BASE, []
    for name in dice.sample(NAMES, dice.randint(2, 4)):
        names = dice.sample(COLUMNS, dice.randint(2, 5))
        columns = {c: dice.choice(list(TYPES)) for c in names}
        key_kind = dice.choice(["one", "one", "two", "none", "unique", "partitioned"])
        key: list[str] = []
        lines = []
        if key_kind != "none":
            key = ["id"] if key_kind in ("one", "unique") else ["id", '"Teil"']
        parent = dice.choice(found) if found and dice.random() < 0.7 else None
        lines += [f"{k} int not null" for k in key]
        default = {c: dice.random() < 0.3 for c in names}
        for c in names:
            value = dice.choice([v for v in TYPES[columns[c]] if v != "null"])
            lines.append(f"{c} {columns[c]}" + (f" default {value}" if default[c] else ""))
        if dice.random() < 0.2:
            lines.append("gen int generated always as (3) stored")
        if key:
            lines.append(
                f"{'unique' if key_kind == 'unique' else 'primary key'} ({', '.join(key)})"
            )
        reference = parent is not None and parent.key == ["id"]
        if reference:
            how = dice.choice(["cascade", "set null", "cascade"])
            lines.append(f"up int references {parent.name} (id) on delete {how}")
        tail = ' partition by list ("Teil")' if key_kind == "partitioned" else ""
        text += f"create table {name} ({', '.join(lines)}){tail};\n"
        made = Made(name, columns, key)
        if tail:
            for number in (0, 1):
                part = f'"teil {len(found)} {number}"'
                text += f"create table {part} partition of {name} for values in ({number});\n"
                made.parts.append(part)
        count = dice.randint(0, 14)
        for number in range(count):
            cells, heads = [], []
            if key:
                heads += key
                cells += [str(number)] + ([str(number % 2)] if len(key) > 1 else [])
            heads += names
            cells += [
                dice.choice([*TYPES[columns[c]], *(["default"] * 2 if default[c] else [])])
                for c in names
            ]
            if reference:
                heads.append("up")
                cells.append(f"(select id from {parent.name} order by random() limit 1)")
            text += f"insert into {name} ({', '.join(heads)}) values ({', '.join(cells)});\n"
        found.append(made)
    return text, found


def way_back(dice: random.Random, made: list[Made]) -> list[str]:
    """Statements at random; some will not fit together, and then the server says so."""
    statements = []
    for _ in range(dice.randint(1, 5)):
        t = dice.choice(made)
        c = dice.choice(list(t.columns))
        some = f"where id % {dice.choice([2, 3])} = 0" if t.key else f"where {c} is not null"
        other = dice.choice(TYPES[t.columns[c]])
        statements.append(
            dice.choice(
                [
                    f"delete from {t.name} {some}",
                    f"delete from {t.name}",
                    f"with gone as (delete from {t.name} {some} returning 1) select count(*) from gone",
                    f"update {t.name} set {c} = {other}",
                    f"update {t.name} set {c} = {other} {some}",
                    f"update {t.name} set {c} = default",
                    f"truncate {t.name} cascade",
                    f"drop table {t.name} cascade",
                    f"drop table {t.name} cascade",
                    f"alter table {t.name} drop column {c} cascade",
                    f"alter table {t.name} drop column {c} cascade",
                    f"alter table {t.name} alter column {c} drop default, alter column {c} type text using {c}::text",
                    f"alter table {t.name} alter column {c} drop default, alter column {c} type text using left({c}::text, 2)",
                    f'alter table {t.name} rename column {c} to "neu {dice.randint(0, 99)}"',
                    f'alter table {t.name} rename to "neu {dice.randint(0, 99)}"',
                    f"do $$ begin perform public.wipe('{t.name}'); end $$",
                    f"select wipe('{t.name}')",
                    f"insert into {t.name} default values" if not t.key else "select 1",
                    f"update {t.name} set id = id + 1000" if t.key else "select 1",
                    f"alter table {t.name} drop column id cascade" if t.key else "select 1",
                    'drop type "Stufe" cascade',
                    "drop domain kurz cascade",
                    f"alter table {t.name} disable trigger all",
                    "set datestyle = 'German'; set search_path = public, pg_catalog; set extra_float_digits = -3",
                    f"lock table {t.name}",
                    f"create table kopie{dice.randint(0, 9)} as select * from {t.name}",
                    *(
                        [
                            f"drop table {dice.choice(t.parts)}",
                            f"alter table {t.name} detach partition {t.parts[0]}",
                        ]
                        if t.parts
                        else []
                    ),
                ]
            )
        )
    return statements


@dataclass
class Seen:
    """A table: columns by number (name, type, fresh text or ... for none) and rows by number."""

    name: tuple[str, str]
    columns: dict[int, tuple[str, str]]
    fresh: dict[int, Any]
    generated: set[int]
    keys: list[tuple[int, ...]]
    rows: list[dict[int, str | None]]


def look(dsn: str) -> dict[int, Seen]:
    """Every table, value by value, as text; partitions are their parent's."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            b"set search_path = pg_catalog; set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set xmlbinary = base64; set extra_float_digits = 1; set intervalstyle = postgres"
        )
        found = {}
        for oid, schema, name in conn.execute(
            "select c.oid::bigint, n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = 'public'"
            " and c.relname <> '_prisma_migrations'"
        ).fetchall():
            columns, fresh, generated = {}, {}, set()
            for num, column, type_, default, gen in conn.execute(
                "select a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),"
                " pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> '' from pg_attribute a"
                " left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum"
                " where a.attrelid = %s and a.attnum > 0 and not a.attisdropped order by 1",
                (oid,),
            ).fetchall():
                columns[num] = (column, type_)
                if gen:
                    generated.add(num)
                fresh[num] = None
                if default is not None and not gen:
                    fresh[num] = conn.execute(
                        f"select ({default})::{type_}::text".encode()
                    ).fetchone()[0]
            keys = [
                tuple(k)
                for (k,) in conn.execute(
                    "select i.indkey::int2[]::int[] from pg_index i where i.indrelid = %s and i.indisunique"
                    " order by not i.indisprimary",
                    (oid,),
                ).fetchall()
            ]
            cells = [sql.SQL("{}::text").format(sql.Identifier(c)) for c, _ in columns.values()]
            rows = conn.execute(
                sql.SQL("select {} from {}").format(
                    sql.SQL(", ").join(cells or [sql.SQL("1")]), sql.Identifier(schema, name)
                )
            ).fetchall()
            found[oid] = Seen(
                (schema, name),
                columns,
                fresh,
                generated,
                keys,
                [dict(zip(columns, row, strict=False)) for row in rows],
            )
        return found


def archived(
    dsn: str,
) -> tuple[
    dict[tuple[str, str], list[dict[str, str | None]]],
    dict[tuple[str, str], list[tuple[tuple[tuple[str, str | None], ...], str, str | None]]],
]:
    """Whole rows by table, and single values by table: key, column, value."""
    rows: dict[Any, list[Any]] = {}
    values: dict[Any, list[Any]] = {}
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            b"set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set extra_float_digits = 1"
        )
        if not conn.execute("select to_regclass('repot_archive.kept') is not null").fetchone()[0]:
            return rows, values
        for schema, name, kind, archive, columns, key, marks in conn.execute(
            "select schema, name, kind, archive, columns, key, marks from repot_archive.kept order by id"
        ).fetchall():
            names = [c["name"] for c in columns]
            cells = [sql.SQL("{}::text").format(sql.Identifier(c)) for c in names]
            more = [sql.Identifier(marks)] if marks else []
            for row in conn.execute(
                sql.SQL("select {} from {}").format(
                    sql.SQL(", ").join([*more, *cells] or [sql.SQL("1")]),
                    sql.Identifier("repot_archive", archive),
                )
            ).fetchall():
                if kind == "rows":
                    rows.setdefault((schema, name), []).append(dict(zip(names, row, strict=False)))
                else:
                    of = dict(zip(names, row[1:], strict=True))
                    k = tuple((c, of[c]) for c in key)
                    values.setdefault((schema, name), []).extend((k, c, of[c]) for c in row[0])
    return rows, values


def expected(
    before: dict[int, Seen], after: dict[int, Seen]
) -> tuple[dict[Any, Counter[Any]], dict[Any, Counter[Any]]]:
    """What should be in the archive: whole rows, and values by key."""
    rows: dict[Any, Counter[Any]] = {}
    values: dict[Any, Counter[Any]] = {}
    for oid, was in before.items():
        now = after.get(oid)
        whole: Counter[Any] = Counter()
        single: Counter[Any] = Counter()

        def frozen(row: dict[int, str | None], was: Seen = was) -> Any:
            return frozenset((was.columns[n][0], v) for n, v in row.items())

        if now is None:
            whole.update(frozen(r) for r in was.rows)
        else:
            usable = [
                k
                for k in was.keys
                if all(n in now.columns and now.columns[n][1] == was.columns[n][1] for n in k)
            ]
            nums = [n for n in was.columns if n not in was.generated]
            if usable:
                key = usable[0]
                there = {tuple(r[n] for n in key): r for r in now.rows}
                for row in was.rows:
                    other = there.get(tuple(row[n] for n in key))
                    if other is None:
                        whole[frozen(row)] += 1
                        continue
                    k = tuple((was.columns[n][0], row[n]) for n in key)
                    for n in nums:
                        left = other[n] if n in now.columns else was.fresh[n]
                        if left != row[n]:
                            single[k, was.columns[n][0], row[n]] += 1
            else:
                stays = [n for n in nums if n in now.columns]
                pool = Counter(tuple(r[n] for n in stays) for r in now.rows)
                lost = []
                by: dict[Any, list[Any]] = {}
                for row in was.rows:
                    by.setdefault(tuple(row[n] for n in stays), []).append(row)
                for sig, same in by.items():
                    # Of equal rows any may be the ones that stay.
                    for place, row in enumerate(same):
                        gone = any(row[n] != was.fresh[n] for n in nums if n not in now.columns)
                        if gone or place >= pool[sig]:
                            lost.append(row)
                whole.update(frozen(r) for r in lost)
        if whole:
            rows[was.name] = whole
        if single:
            values[was.name] = single
    return rows, values
