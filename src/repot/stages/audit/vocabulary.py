"""Text columns that are enumerations in all but name, and how their values drift."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator

from psycopg import sql

from repot.model.audit import Vocabulary, VocabularyValue
from repot.model.catalog import Table
from repot.model.finding import Finding, info, warning
from repot.stages.audit.query import Scope, is_private, shown, text_of
from repot.stages.audit.scan import Scan

SAMPLE = 20_000  # rows that decide which columns are worth counting
MOST = 50  # distinct values
LONGEST = 64  # characters of a value
LISTED = 60
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_ -]*\Z")


def vocabularies(scope: Scope, table: Table, scanned: Scan) -> tuple[Vocabulary, ...]:
    """The vocabularies of the table, with every value counted."""
    read = scanned.profile.rows_read
    columns = [
        c.name
        for c in table.columns
        if scope.is_text(table, c)
        and not is_private(c.name)
        and not scanned.figure(c.name, "json") * 20 > read
    ]
    columns = _few(scope, table, columns, read) if read and columns else []
    if not columns:
        return ()
    pairs = sql.SQL(", ").join(
        sql.SQL("({}, left({}, 200))").format(sql.Literal(place), text_of(column))
        for place, column in enumerate(columns)
    )
    counted = scope.conn.execute(
        sql.SQL(
            "select place, value, rows, values from ("
            " select x.place, x.value, count(*) as rows, count(*) over w as values,"
            " row_number() over (w order by count(*) desc, x.value) as rank"
            " from {} cross join lateral (values {}) x (place, value)"
            " where x.value is not null group by x.place, x.value"
            " window w as (partition by x.place)) counted"
            " where rank <= {} order by place, rank"
        ).format(scope.rows_of(table), pairs, sql.Literal(LISTED))
    ).fetchall()
    found: dict[int, list[VocabularyValue]] = defaultdict(list)
    distinct: dict[int, int] = {}
    for place, value, count, values in counted:
        found[int(str(place))].append(VocabularyValue(value=str(value), rows=int(str(count))))
        distinct[int(str(place))] = int(str(values))
    return tuple(
        Vocabulary(
            table=table.name, column=columns[place], distinct=distinct[place], values=tuple(values)
        )
        for place, values in found.items()
        if distinct[place] <= MOST
    )


def _few(scope: Scope, table: Table, columns: list[str], read: int) -> list[str]:
    """Those columns that have few distinct values, each several times, in a sample."""
    part: sql.Composable = sql.SQL("")
    if read > 2 * SAMPLE and table.oid not in scope.samples:
        part = sql.SQL(" tablesample system ({}) repeatable (1)").format(
            sql.Literal(100.0 * SAMPLE / read)
        )
    figures = sql.SQL(", ").join(
        sql.SQL("count(distinct left({0}, 200)), count({0}), max(length({0}))").format(text_of(c))
        for c in columns
    )
    row = scope.conn.execute(
        sql.SQL("select array[{}] from (select {} from {} limit {}) t").format(
            figures,
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            scope.rows_of(table) + part,
            sql.Literal(4 * SAMPLE),
        )
    ).fetchone()
    assert row is not None
    numbers = row[0]
    assert isinstance(numbers, list)
    found = zip(columns, numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    return [
        column
        for column, distinct, filled, longest in found
        if 0 < distinct <= MOST and distinct * 2 <= filled and longest <= LONGEST
    ]


def findings(table: Table, vocabulary: Vocabulary) -> Iterator[Finding]:
    """What a vocabulary should be looked at for."""
    place = shown(table, vocabulary.column)
    listed = ", ".join(f"{v.value!r} {v.rows}" for v in vocabulary.values[:12])
    checked = any(vocabulary.column in c.columns for c in table.checks)
    if vocabulary.distinct > 1 and not checked:
        yield info(
            "vocabulary",
            f"{place} has {vocabulary.distinct} distinct values and no CHECK: {listed}"
            + (" …" if vocabulary.distinct > 12 else ""),
            hint="map every value in the move: those that a CASE forgets become NULL",
            object=place,
            count=vocabulary.distinct,
        )
    groups: dict[str, list[VocabularyValue]] = defaultdict(list)
    for value in vocabulary.values:
        groups[folded(value.value)].append(value)
    alike = [group for group in groups.values() if len(group) > 1]
    if alike:
        yield warning(
            "vocabulary-variants",
            f"{place} spells the same value in several ways",
            hint="compare with lower(btrim(…)) in the move",
            object=place,
            count=sum(v.rows for group in alike for v in group[1:]),
            examples=tuple(
                " / ".join(f"{v.value!r} {v.rows}" for v in group) for group in alike[:3]
            ),
        )
    odd = _odd_case(vocabulary)
    if odd:
        yield warning(
            "vocabulary-case",
            f"{place} mixes upper and lower case: {', '.join(repr(v.value) for v in odd)} "
            "unlike the others",
            hint="compare with upper(…) in the move",
            object=place,
            count=sum(v.rows for v in odd),
            examples=tuple(f"{v.value!r} {v.rows}" for v in odd[:3]),
        )


def folded(value: str) -> str:
    """The value without case, accents, signs and spaces: what a person takes for the same word."""
    bare = unicodedata.normalize("NFKD", value).casefold()
    letters = (c if c.isalnum() else " " for c in bare if not unicodedata.combining(c))
    return " ".join("".join(letters).split())


def _odd_case(vocabulary: Vocabulary) -> list[VocabularyValue]:
    """Codes in lower case among codes in upper case, or the other way round: the fewer ones."""
    codes = [v for v in vocabulary.values if _CODE.match(v.value) and len(v.value) > 1]
    upper = [v for v in codes if v.value.isupper()]
    lower = [v for v in codes if v.value.islower()]
    if len(codes) < len(vocabulary.values) or not upper or not lower:
        return []
    fewer = min(upper, lower, key=lambda values: sum(v.rows for v in values))
    return fewer if len(upper) + len(lower) > 2 else []
