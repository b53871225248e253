"""Values that need memory: slugs, UUIDs and numbers, given once and for ever."""

from __future__ import annotations

import re
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from repot.engine import registry as registries
from repot.engine.apply import remember
from repot.engine.apply.temporary import Temporary
from repot.model.errors import RepotError
from repot.model.names import name
from repot.model.plan import Registry
from repot.model.project import RegistryKind, RegistrySetting, SqlFile
from repot.moves.install import create_registry_table
from repot.postgres.connect import Connection, connect, connection
from support.sql import rows, run

KEY_TYPES = {"id": "integer", "source": "text"}


def make(dsn: str, select: str, **setting: object) -> Registry:
    """A registry `r` over `select`, as the build makes it."""
    words = RegistrySetting.model_validate({"kind": "slug", "key": ["id"], "text": "t"} | setting)
    if words.kind is not RegistryKind.SLUG:
        words = words.model_copy(update={"text": None})
    types = tuple(KEY_TYPES.get(k, "integer") for k in words.key)
    made = Registry(
        name="r",
        setting=words,
        table=name("repot_registry", "r"),
        view=name("repot_registry_sql", "r"),
        key_types=types,
        sql=SqlFile(path="registry/r.sql", text=select),
    )
    run(dsn, "create schema if not exists repot_registry_sql")
    run(dsn, "drop view if exists repot_registry_sql.r")
    run(dsn, f"create view repot_registry_sql.r as {select}")
    with connection(dsn) as conn:
        registries.install_functions(conn)
        conn.execute("drop table if exists repot_registry.r")
        create_registry_table(conn, "r", words, types)
    return made


def titles(dsn: str, values: Iterable[str | None]) -> None:
    run(dsn, "create table if not exists item (id int primary key, t text, made int default 0)")
    with connect(dsn) as conn, conn.cursor() as cursor:
        cursor.executemany(
            "insert into public.item (id, t) select coalesce(max(id), 0) + 1, %s from public.item",
            [(v,) for v in values],
        )


def given_to(dsn: str) -> dict[int, str]:
    return dict(rows(dsn, "select id, value from repot_registry.r order by id"))


def allocate(dsn: str, registry: Registry, keys: registries.Keys | None = None) -> int:
    with connection(dsn) as conn:
        return registries.allocate(conn, registry, keys)


ITEMS = "select id, t, made from public.item"


SLUGS = [
    ("Café Crème", "cafe-creme"),
    ("  L'œuvre d'Æsop — nº 2!  ", "l-oeuvre-d-aesop-no-2"),
    ("Straße, ẞ, Łódź, Ørsted, đĐ, þÞ, ıİI", "strasse-ss-lodz-orsted-dd-thth-iii"),
    ("ﬁn ² Ⅷ ｆｕｌｌ", "fin-2-viii-full"),
    ("e\u0301te\u0301 Việt Nam", "ete-viet-nam"),
    ("--a__b--", "a-b"),
    ("🎹 Piano 🎹", "piano"),
    ("Привет", ""),
    ("", ""),
    ("ABC", "abc"),
]


def test_slugify(database: str) -> None:
    with connection(database) as conn:
        registries.install_functions(conn)
    texts = [text for text, _ in SLUGS]
    query = "select t, repot_registry.slugify(t) from unnest(%s::text[]) t"
    assert rows(database, query, [texts]) == SLUGS


def test_collisions_take_the_smallest_free_number(database: str) -> None:
    titles(database, ["Foo", "foo", "FOO 2", "Foo-2", "foo!", "Föö", None, "☃", "foo 4"])
    registry = make(database, ITEMS, order=["made"])
    assert allocate(database, registry) == 9
    assert given_to(database) == {
        1: "foo",
        2: "foo-3",  # foo-2 is the plain slug of 3, foo-4 that of 9
        3: "foo-2",
        4: "foo-2-2",
        5: "foo-5",
        6: "foo-6",
        7: "untitled",
        8: "untitled-2",
        9: "foo-4",
    }


def test_again_gives_nothing_new_and_later_rows_change_no_value(database: str) -> None:
    titles(database, ["Foo", "foo", "Bar"])
    registry = make(database, ITEMS)
    assert allocate(database, registry) == 3
    before = given_to(database)
    assert allocate(database, registry) == 0
    # An earlier row (by the order) and a new text come later: what was given stays.
    run(database, "insert into item values (-1, 'Foo', -5); update item set t = 'Baz' where id = 3")
    assert allocate(database, registry) == 1
    assert given_to(database) == before | {-1: "foo-3"}
    # A row that goes and comes back finds its value.
    run(database, "delete from item where id = 2")
    titles(database, [])
    run(database, "insert into item values (2, 'something else')")
    assert allocate(database, registry) == 0


def test_order_columns_then_key_decide(database: str) -> None:
    run(database, "create table item (id int primary key, t text, made int)")
    run(database, "insert into item values (1, 'x', null), (2, 'x', 5), (4, 'x', 1), (3, 'x', 1)")
    allocate(database, make(database, ITEMS, order=["made"]))
    assert given_to(database) == {3: "x", 4: "x-2", 2: "x-3", 1: "x-4"}


def test_only_the_keys_asked_for(database: str) -> None:
    select = "select 'a'::text as source, id, t from item union all select 'b', id, t from item"
    titles(database, ["x", "y"])
    registry = make(database, select, key=["source", "id"])
    # (b, 1) and (a, 2) are combinations of the values asked for, but were not asked for.
    assert allocate(database, registry, [("a", "1"), ("b", "2"), ("c", "9")]) == 2
    assert rows(database, "select source, id from repot_registry.r order by 1") == [
        ("a", 1),
        ("b", 2),
    ]
    assert allocate(database, registry, []) == 0
    query = sql.SQL("select 'b', id from public.item")
    assert allocate(database, registry, query) == 1
    assert allocate(database, registry) == 1


def test_keys_that_are_null_or_come_twice(database: str) -> None:
    run(database, "create table item (id int, t text, made int)")
    run(database, "insert into item values (null, 'n', 0), (1, 'late', 2), (1, 'early', 1)")
    assert allocate(database, make(database, ITEMS, order=["made"])) == 1
    assert given_to(database) == {1: "early"}


def test_max_length_counts_the_number(database: str) -> None:
    titles(database, ["x" * 30] * 3 + ["abcde fgh"] * 2)
    registry = make(database, ITEMS, max_length=12)
    allocate(database, registry)
    assert given_to(database) == {
        1: "xxxxxx",
        2: "xxxxxx-2",
        3: "xxxxxx-3",
        4: "abcde",  # cut after the sixth character, where a hyphen would have stood
        5: "abcde-2",
    }
    run(database, "truncate item")
    titles(database, ["a"] * 11)
    with pytest.raises(RepotError) as caught:
        allocate(database, make(database, ITEMS, max_length=3))
    assert caught.value.code == "slug-too-long"
    assert given_to(database) == {}


def test_uuid_and_number(database: str) -> None:
    titles(database, ["a", "b", "c"])
    uuids = make(database, ITEMS, kind="uuid")
    assert allocate(database, uuids) == 3
    assert len({*given_to(database).values()}) == 3
    numbers = make(database, ITEMS, kind="number", order=["t"])
    assert allocate(database, numbers, [("3",), ("2",)]) == 2
    assert given_to(database) == {2: 1, 3: 2}
    titles(database, ["d"])
    assert allocate(database, numbers) == 2
    assert given_to(database) == {1: 3, 2: 1, 3: 2, 4: 4}


def test_two_allocations_at_once(database: str) -> None:
    titles(database, ["same"] * 50)
    registry = make(database, ITEMS)
    counts: list[int] = []
    with connection(database) as first:
        with first.transaction():
            counts.append(registries.allocate(first, registry, [(str(n),) for n in range(1, 31)]))
            every = [(str(n),) for n in range(1, 51)]
            other = threading.Thread(
                target=lambda: counts.append(allocate(database, registry, every))
            )
            other.start()
            time.sleep(0.3)
            assert other.is_alive()  # it waits: without the lock it would fail on the unique values
        other.join()
    assert sorted(counts) == [20, 30]
    assert len({*given_to(database).values()}) == 50


def test_names_of_all_kinds(database: str) -> None:
    """Columns with quotes, accents, upper case, 63 bytes, or called like those of the statement."""
    long = "é" * 31 + "x"
    select = f'select id as "k1", t as "{long}", id as "Or""der", t as "%s" from public.item'
    titles(database, ["x", "x"])
    registry = make(database, select, key=["k1", "%s", 'Or"der'], text=long, order=['Or"der', long])
    registry = registry.model_copy(update={"key_types": ("integer", "text", "integer")})
    run(database, "drop table repot_registry.r")
    with connection(database) as conn:
        create_registry_table(conn, "r", registry.setting, registry.key_types)
        assert registries.allocate(conn, registry, [("1", "x", "1"), ("2", "x", "2")]) == 2
    assert rows(database, "select value from repot_registry.r order by 1") == [("x",), ("x-2",)]


def test_200_000_rows_take_a_moment(database: str) -> None:
    """Half of them share one text of a hundred, one text alone is shared by 20,000."""
    run(database, "create table item (id int primary key, t text, made int)")
    run(
        database,
        "insert into item select n, case when n % 2 = 0 then 'Éternel retour ' || n % 100"
        " when n % 10 = 1 then 'the same' else md5(n::text) end, -n"
        " from generate_series(1, 200000) n",
    )
    registry = make(database, ITEMS, order=["made"])
    start = time.monotonic()
    assert allocate(database, registry) == 200_000
    first = time.monotonic() - start
    start = time.monotonic()
    assert allocate(database, registry) == 0
    assert time.monotonic() - start < 2
    titles(database, ["the same"])
    start = time.monotonic()
    assert allocate(database, registry, [("200001",)]) == 1
    one = time.monotonic() - start
    assert given_to(database)[200001] == "the-same-20001"
    # About two seconds; a quadratic way takes minutes.
    assert first < 15, first
    assert one < 1, one


# ---------------------------------------------------------------- against a naive model


SPELLED = {"œ": "oe", "Œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "Ł": "l", "đ": "d", "ı": "i"}


def naive_slugify(text: str) -> str:
    out = ""
    for char in unicodedata.normalize("NFKD", text):
        if unicodedata.combining(char):
            continue
        out += SPELLED.get(char, char.lower() if char.isascii() else char)
    return "-".join(re.findall("[a-z0-9]+", out))


def naive(texts: list[str], taken: set[str]) -> list[str]:
    """One row after the other: first come takes the plain slug, then the others their numbers."""
    bases = [naive_slugify(t)[:16].rstrip("-") or "none" for t in texts]
    result: dict[int, str] = {}
    for n, base in enumerate(bases):
        if base not in taken and base not in result.values():
            result[n] = base
    for n, base in enumerate(bases):
        if n not in result:
            number = 2
            while f"{base}-{number}" in taken or f"{base}-{number}" in result.values():
                number += 1
            result[n] = f"{base}-{number}"
    return [result[n] for n in range(len(texts))]


TEXT = st.one_of(
    st.sampled_from(
        ["a", "A", "a 2", "a-3", "a 2 2", "a-02", "a-1", "b", "é", "œ-2", "", "-", "2"]
    ),
    st.text(alphabet="aAé2 -3ßøŁđıŒœæ✓e\u0301", max_size=20),
)


@pytest.fixture(scope="module")
def model_registry(server: object) -> Iterator[tuple[Connection, Registry]]:
    """One database for all examples: making one each would take most of the time."""
    dsn: str = server.create_database("registry_model")  # type: ignore[attr-defined]
    run(dsn, "create table item (id int primary key, t text, made int)")
    registry = make(dsn, ITEMS, max_length=24, fallback="none")
    conn = connect(dsn)
    yield conn, registry
    conn.close()
    server.drop_database("registry_model")  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def roomy_registry(server: object) -> Iterator[tuple[Connection, Registry]]:
    """The same, unique within `made` alone."""
    dsn: str = server.create_database("registry_rooms")  # type: ignore[attr-defined]
    run(dsn, "create table item (id int primary key, t text, made int)")
    settings_ = {"key": ["made", "id"], "within": ["made"], "max_length": 24, "fallback": "none"}
    registry = make(dsn, ITEMS, **settings_)
    conn = connect(dsn)
    yield conn, registry
    conn.close()
    server.drop_database("registry_rooms")  # type: ignore[attr-defined]


@settings(
    max_examples=150,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(first=st.lists(TEXT, max_size=12), later=st.lists(TEXT, max_size=8), seed=st.randoms())
@example(first=["a", "a", "a 2", "a-2"], later=["a", "a 3"], seed=None)
def test_against_a_naive_model(
    model_registry: tuple[Connection, Registry], first: list[str], later: list[str], seed: object
) -> None:
    """Two rounds; the physical order of the rows is shuffled and must not matter."""
    conn, registry = model_registry
    conn.execute("truncate public.item, repot_registry.r")
    expected: list[str] = []
    for texts in (first, later):
        numbered = list(enumerate(texts, len(expected) + 1))
        if seed is not None:
            seed.shuffle(numbered)  # type: ignore[attr-defined]
        for number, text in numbered:
            conn.execute("insert into public.item values (%s, %s, 0)", (number, text))
        expected += naive(texts, set(expected))
        assert registries.allocate(conn, registry) == len(texts)
    got = conn.execute("select value from repot_registry.r order by id").fetchall()
    assert [value for (value,) in got] == expected


@settings(
    max_examples=150,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    first=st.lists(st.tuples(st.integers(1, 3), TEXT), max_size=12),
    later=st.lists(st.tuples(st.integers(1, 3), TEXT), max_size=8),
)
@example(
    first=[(1, "a"), (2, "a"), (1, "a"), (2, "a 2"), (2, "a")],
    later=[(1, "a"), (1, "a 3"), (3, "a")],
)
def test_within_rooms_each_is_a_registry_of_its_own(
    roomy_registry: tuple[Connection, Registry],
    first: list[tuple[int, str]],
    later: list[tuple[int, str]],
) -> None:
    """`within`: against the naive model of one room at a time."""
    conn, registry = roomy_registry
    conn.execute("truncate public.item, repot_registry.r")
    expected: dict[int, str] = {}
    rooms: dict[int, set[str]] = {}
    number = 0
    for round_ in (first, later):
        ids: dict[int, list[tuple[int, str]]] = {}
        for room, text in round_:
            number += 1
            conn.execute("insert into public.item values (%s, %s, %s)", (number, text, room))
            ids.setdefault(room, []).append((number, text))
        for room, numbered in ids.items():
            made = naive([text for _, text in numbered], rooms.setdefault(room, set()))
            rooms[room] |= set(made)
            expected |= {n: value for (n, _), value in zip(numbered, made, strict=True)}
        assert registries.allocate(conn, registry) == len(round_)
    got = conn.execute("select id, value from repot_registry.r order by id").fetchall()
    assert dict(got) == expected


def test_within_keeps_two_of_one_room_apart(database: str) -> None:
    titles(database, ["Foo", "foo"])
    registry = make(database, ITEMS, key=["made", "id"], within=["made"])
    allocate(database, registry)
    with pytest.raises(Exception, match="duplicate key"):
        run(database, "update repot_registry.r set value = 'foo'")
    run(database, "update repot_registry.r set value = 'foo', made = id")  # two rooms: no clash


def test_a_slug_that_v2_gave_in_one_room_is_left_in_the_others(database: str) -> None:
    titles(database, ["Foo", "Bar"])
    run(database, "update item set made = id; insert into item values (3, 'Baz', 2)")
    registry = make(database, ITEMS, key=["made", "id"], within=["made"])
    allocate(database, registry)
    assert given_to(database) == {1: "foo", 2: "bar", 3: "baz"}
    with connection(database) as conn, conn.transaction():  # V2 calls 3 what 1 is called elsewhere
        remember._remember(
            conn,
            Temporary(conn),
            "1",
            registry,
            sql.SQL("(select 2 as made, 3 as id, 'foo' as value)"),
        )
    assert given_to(database) == {1: "foo", 2: "bar", 3: "foo"}
    with connection(database) as conn, conn.transaction():  # in its own room it takes the slug over
        remember._remember(
            conn,
            Temporary(conn),
            "1",
            registry,
            sql.SQL("(select 2 as made, 2 as id, 'foo' as value)"),
        )
    assert given_to(database) == {1: "foo", 2: "foo"}


def test_refuses_a_database_without_unicode(
    server: object, make_database: Callable[..., str]
) -> None:
    dsn = make_database()
    run(dsn, "create database latin template template0 encoding 'LATIN1' locale 'C'")
    try:
        latin = re.sub("dbname=[^ ]*", "dbname=latin", dsn)
        with connection(latin) as conn, pytest.raises(RepotError) as caught:
            registries.install_functions(conn)
        assert caught.value.code == "encoding-not-utf8"
    finally:
        run(dsn, "drop database latin")
