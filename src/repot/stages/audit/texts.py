"""Text that is something else: JSON in part, or titles that meet in a unique slug."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NoReturn

from psycopg import sql

from repot.model.catalog import Table
from repot.model.finding import Finding, info, warning
from repot.stages.audit.query import Scope, is_private, shown, text_of, words
from repot.stages.audit.scan import Scan

_TITLES = frozenset(
    {"title", "name", "label", "headline", "subject", "slug", "titre", "libelle", "intitule"}
)
_TESTED_HERE = 200_000  # values that are tested in Python where the server cannot

# Accents fall off, everything but letters and digits becomes one hyphen: what any slug rule does at
# least. NFKD takes é apart into e and a combining accent (U+0300 to U+036F).
# ASCII, as many bytes as characters, has none and is spared two thirds of the work.
_FOLD = sql.SQL(
    "btrim(regexp_replace(lower(case when octet_length({0}) = char_length({0}) then {0} else"
    " regexp_replace(normalize({0}, NFKD), '[\u0300-\u036f]', '', 'g') end),"
    " '[^a-z0-9]+', '-', 'g'), '-')"
)


def json_in_text(scope: Scope, table: Table, scanned: Scan) -> Iterator[Finding]:
    """Text columns of which a part is JSON."""
    read = scanned.profile.rows_read
    for column in table.columns:
        like = scanned.figure(column.name, "json")
        filled = read if column.not_null else scanned.figure(column.name, "filled")
        if not like or like * 20 < filled:  # a text may well begin with a bracket now and then
            continue
        valid, tested, examples = _valid(scope, table, column.name)
        place = shown(table, column.name)
        if valid == tested:
            yield info(
                "text-json",
                f"{place} is text, and JSON in all of its {tested} values",
                hint="jsonb in V2: x::jsonb in the move",
                object=place,
                count=tested,
            )
        elif valid:
            yield warning(
                "text-json-in-part",
                f"{place} is JSON in {valid} of {tested} values: a cast to jsonb would fail",
                hint="tell the kinds apart in the move: CASE WHEN x IS JSON THEN x::jsonb ELSE "
                "to_jsonb(x) END (PostgreSQL 16 and later), or by their first character",
                object=place,
                count=tested - valid,
                examples=() if is_private(column.name) else examples,
            )


def _valid(scope: Scope, table: Table, column: str) -> tuple[int, int, tuple[str, ...]]:
    """How many values are valid jsonb, of how many, and up to three that are not."""
    if scope.server_version >= 160000:
        row = scope.conn.execute(
            sql.SQL(
                "with bad as materialized (select left({0}, 60) as x from {1}"
                " where not pg_input_is_valid({0}, 'jsonb'))"
                " select (select count({2}) from {1}), (select count(*) from bad),"
                " array(select x from bad group by x order by x limit 3)"
            ).format(text_of(column), scope.rows_of(table), sql.Identifier(column))
        ).fetchone()
        assert row is not None
        filled, bad, examples = int(str(row[0])), int(str(row[1])), row[2]
        assert isinstance(examples, list)
        return filled - bad, filled, tuple(examples)
    tested, wrong = 0, []
    with scope.conn.cursor(name="repot_audit_json") as cursor:
        cursor.execute(
            sql.SQL("select {0} from {1} where {0} is not null limit {2}").format(
                text_of(column), scope.rows_of(table), sql.Literal(_TESTED_HERE)
            )
        )
        for (value,) in cursor:
            tested += 1
            if not _is_json(str(value)):
                wrong.append(str(value)[:60])
    return tested - len(wrong), tested, tuple(sorted(set(wrong))[:3])


def _is_json(text: str) -> bool:
    """Whether jsonb takes it: Python's NaN and Infinity it does not, nor \\u0000."""

    def never(word: str) -> NoReturn:
        raise ValueError(word)

    try:
        json.loads(text, parse_constant=never)
    except (ValueError, RecursionError):
        return False
    return "\\u0000" not in text


def collisions(scope: Scope, table: Table, scanned: Scan) -> Iterator[Finding]:
    """Titles that become the same slug once case, accents and signs are gone."""
    if scope.conn.info.parameter_status("server_encoding") != "UTF8":
        return  # normalize() is for Unicode only
    unique = {u.columns for u in table.uniques}
    for column in table.columns:
        name = words(column.name)
        if len(name) != 1 or name[0] not in _TITLES or not scope.is_text(table, column):
            continue
        row = scope.conn.execute(
            sql.SQL(
                "with slugs as (select {2} as slug, count(*) as n, min({0}) as one,"
                " max({0}) as other from {1} where {0} is not null group by 1)"
                " select coalesce(sum(n - 1) filter (where slug <> ''), 0),"
                " coalesce(sum(n) filter (where slug = ''), 0),"
                " array(select concat_ws(' / ', left(one, 60),"
                " case when other <> one then left(other, 60) end) || ' (' || n || ')'"
                " from slugs where n > 1 and slug <> '' order by n desc, slug limit 3) from slugs"
            ).format(text_of(column.name), scope.rows_of(table), _FOLD.format(text_of(column.name)))
        ).fetchone()
        assert row is not None
        collide, nothing, examples = int(str(row[0])), int(str(row[1])), row[2]
        assert isinstance(examples, list)
        place = shown(table, column.name)
        if collide:
            yield warning(
                "slug-collision",
                f"{place}: {collide} of {scanned.profile.rows_read} values meet an earlier one "
                "once case, accents and signs are folded"
                + (", although the column is unique" if (column.name,) in unique else ""),
                hint='a unique slug made of it needs a registry (kind = "slug")',
                object=place,
                count=collide,
                examples=tuple(examples),
            )
        if nothing:
            yield info(
                "slug-empty",
                f"{place}: {nothing} values leave nothing for a slug (no letter a to z, no digit)",
                hint="a registry of kind slug takes its `fallback` for them",
                object=place,
                count=nothing,
            )
