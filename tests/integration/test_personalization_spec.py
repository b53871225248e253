"""Specifications, snapshots and items of the personalisation platform: what the database itself holds.

The hash is computed alike in SQL and in Python; each protection is shown to be what refuses: without it
the same statement passes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from repot import service
from repot.embedded import EmbeddedServer
from support.personalization import SYSTEM, deploy_all, make_v1, template

spec = SYSTEM.module("spec")
Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def deployed(server: EmbeddedServer) -> Iterator[str]:
    """A database in which the folder was deployed."""
    with template(server, "personalization_spec", 600, seed=4) as name:
        deploy_all(server.dsn(name))
        yield server.dsn(name)


@pytest.fixture(scope="module")
def asked(deployed: str) -> Iterator[Connection]:
    """A connection for questions."""
    with psycopg.connect(deployed, autocommit=True) as conn:
        yield conn


@pytest.fixture
def conn(deployed: str) -> Iterator[Connection]:
    """In a transaction that is rolled back; one specification and its snapshot are there."""
    with psycopg.connect(deployed) as made, made.transaction(force_rollback=True):
        value = '{"text": "Zoé", "size": 12.50}'
        made.execute(
            'insert into "DesignSpec" ("id", "specHash", "spec", "productId", "zoneInputs", "updatedAt")'
            " select 'spec', %s, %s, min(\"id\"), '{}', now() from \"Product\"",
            (spec.spec_hash(spec.parse(value)), value),
        )
        for key in ("one", "two"):
            made.execute(_snapshot(key))
        yield made


SPEC = (
    'insert into "DesignSpec" ("id", "specHash", "spec", "productId", "zoneInputs", "updatedAt")'
    " select 'spec', %s, %s, min(\"id\"), '{}', now() from \"Product\""
)


def _snapshot(key: str, columns: str = '"specHash", "spec"') -> bytes:
    return (
        f'insert into "Snapshot" ("id", "specId", "specHash", "spec", "updatedAt")'
        f' select \'{key}\', "id", {columns}, now() from "DesignSpec" where "id" = \'spec\''
    ).encode()


# ------------------------------------------------------------------------------ the canonical text


def _same(conn: Connection, text: str) -> tuple[str, str]:
    row = conn.execute(
        "select canonical_json(%s::jsonb), spec_hash(%s::jsonb)", (text, text)
    ).fetchone()
    assert row is not None
    return str(row[0]), str(row[1])


def _agree(conn: Connection, text: str) -> str:
    value = spec.parse(text)
    canonical, hashed = _same(conn, text)
    assert canonical == spec.canonical_json(value)
    assert hashed == spec.spec_hash(value)
    return canonical


@pytest.mark.parametrize(
    ("writings", "canonical"),
    [
        (["1", "1.0", "1e0", "10E-1", "0.1e1", " 1.000 "], "1"),
        (["0", "-0", "0.0", "-0e9", "0E-5"], "0"),
        (["1e21", "1000000000000000000000.0"], "1000000000000000000000"),
        (["1e-7", "0.00000010"], "0.0000001"),
        (["-12.50"], "-12.5"),
        (["9007199254740993.1"], "9007199254740993.1"),
        (['"\\u00e9"', '"é"'], '"é"'),
        (['"e\\u0301"'], '"e\u0301"'),
        (['"\\u0001\\b\\f\\n\\r\\t\\"\\\\\\/\\u007f\\u2028"'], '"\\u0001\\b\\f\\n\\r\\t\\"\\\\/\x7f\u2028"'),
        (['"\\ud83d\\ude00"', '"😀"'], '"😀"'),
        (['{"b":1,"a":2}', '{ "a" : 2.0,\n "b" : 1e0 }', '{"b":9,"a":2,"b":1}'], '{"a":2,"b":1}'),
        # By code point, U+FF5E before U+1F600; by UTF-16 unit it would be the other way.
        (['{"😀":1,"～":2,"":3,"é":4,"Z":5,"aa":6,"a":7}'], '{"":3,"Z":5,"a":7,"aa":6,"é":4,"～":2,"😀":1}'),
        (['[]', '[ ]'], "[]"),
        (['{}'], "{}"),
        (['[[],{},[null,[true]],{"a":[{}]}]'], '[[],{},[null,[true]],{"a":[{}]}]'),
        (["null"], "null"),
        (["false"], "false"),
    ],
)  # fmt: skip
def test_one_value_has_one_text(asked: Connection, writings: list[str], canonical: str) -> None:
    assert [_agree(asked, text) for text in writings] == [canonical] * len(writings)


def test_arrays_of_more_than_nine_keep_their_order(asked: Connection) -> None:
    text = json.dumps([*range(25), {f"k{n}": n for n in range(25)}])
    assert json.loads(_agree(asked, text)) == json.loads(text)


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
) | st.sampled_from(['"', "\\", "\x1f", "\x7f", "\u2028", "é", "e\u0301", "😀", "～", "ﬀ", ""])
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False).filter(lambda d: abs(d.adjusted()) < 900),
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=25,
)


def _written(value: Any, dice: random.Random) -> str:
    """One of many ways to write it: key order, white space, forms of numbers, escapes."""
    blank = dice.choice(["", "", " ", "\n\t"])
    match value:
        case None | bool():
            text = json.dumps(value)
        case str():
            text = json.dumps(value, ensure_ascii=dice.random() < 0.5)
        case list():
            text = "[" + ",".join(_written(item, dice) for item in value) + "]"
        case dict():
            items = list(value.items())
            dice.shuffle(items)
            text = (
                "{" + ",".join(f"{_written(k, dice)}:{_written(v, dice)}" for k, v in items) + "}"
            )
        case _:
            number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
            sign, digits, exponent = number.as_tuple()
            assert isinstance(exponent, int)
            written = "".join(map(str, digits)).lstrip("0") or "0"
            zeros = dice.choice([0, 0, 3]) if written != "0" else 0
            text = f"{'-' if sign else ''}{written}{'0' * zeros}"
            text += f"{dice.choice('eE')}{exponent - zeros}"
    return blank + text + blank


@settings(
    max_examples=300,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(value=VALUES, seed=st.integers(0, 2**32))
@example(value={"a": [1, Decimal("1.0"), 1.0], "A": {"é": -0.0}}, seed=1)
def test_sql_and_python_agree_whatever_the_writing(
    asked: Connection, value: Any, seed: int
) -> None:
    dice = random.Random(seed)
    texts = {_agree(asked, _written(value, dice)) for _ in range(2)}
    assert texts == {spec.canonical_json(value)}


@pytest.mark.parametrize("text", ["1e131072", "1e-16384", '"\\u0000"', '"\\ud800"'])
def test_what_jsonb_does_not_hold_has_no_text_in_python_either(
    asked: Connection, text: str
) -> None:
    with pytest.raises(psycopg.DataError):
        _same(asked, text)
    with pytest.raises(ValueError, match=r"jsonb|digits"):
        spec.canonical_json(spec.parse(text))


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), Decimal("NaN")])
def test_what_is_no_number_has_no_text(value: object) -> None:
    with pytest.raises(ValueError, match="JSON has no"):
        spec.canonical_json(value)


@pytest.mark.parametrize("value", [{1: 2}, {1, 2}, b"x"])
def test_what_is_no_json_has_no_text(value: object) -> None:
    with pytest.raises(TypeError):
        spec.canonical_json(value)


def test_the_largest_and_the_smallest_number(asked: Connection) -> None:
    for text in ("1e131071", "-1e-16383", "123456789" * 4 + "." + "987654321" * 4):
        _agree(asked, text)


# ------------------------------------------------------------------------------- what is refused

ITEM = (
    'insert into "OrderItem" ("id", "orderId", "productId", "quantity", "priceCents", "totalCents",'
    ' "updatedAt") select \'x\', "orderId", "productId", {0}, now() from "OrderItem" limit 1'
)
VALIDATE = 'update "Snapshot" set "isValidated" = true, "validatedAt" = now() where "id" = \'{0}\''
LOCK = 'update "Snapshot" set "isLocked" = true, "lockedAt" = now() where "id" = \'one\''
NO_TRIGGER = 'alter table "Snapshot" disable trigger "Snapshot_immutable"'
NO_HASH = (
    'alter table "Snapshot" drop constraint "Snapshot_specHash_check",'
    ' drop constraint "Snapshot_specId_specHash_fkey"'
)
# What is refused: statements before it, the statement, and what has to go for it to pass.
REFUSED = {
    "another spec under its hash": (
        [],
        'update "DesignSpec" set "spec" = \'{"text": "Léa"}\'',
        'alter table "DesignSpec" drop constraint "DesignSpec_specHash_check"',
    ),
    "the same spec twice": (
        [],
        'insert into "DesignSpec" ("id", "specHash", "spec", "productId", "zoneInputs", "updatedAt")'
        ' select \'again\', "specHash", \'{"size": 1.25e1, "text": "Zoé"}\', "productId", \'{}\', now()'
        ' from "DesignSpec"',
        'drop index "DesignSpec_specHash_key"',
    ),
    "a hash that is not the snapshot's": (
        [],
        _snapshot("x", "\"specHash\", '{}'").decode(),
        'alter table "Snapshot" drop constraint "Snapshot_specHash_check"',
    ),
    "a hash that is not the specification's": (
        [],
        _snapshot("x", "spec_hash('{}'), '{}'").decode(),
        'alter table "Snapshot" drop constraint "Snapshot_specId_specHash_fkey"',
    ),
    "a specification with snapshots is deleted": (
        [],
        'delete from "DesignSpec"',
        'alter table "Snapshot" drop constraint "Snapshot_specId_specHash_fkey"',
    ),
    "a snapshot's spec changes": (
        [NO_HASH],
        'update "Snapshot" set "spec" = \'{}\'',
        NO_TRIGGER,
    ),
    "a snapshot's spec is written otherwise": (
        [],
        'update "Snapshot" set "spec" = \'{"text": "Zoé", "size": 12.5}\'',
        NO_TRIGGER,
    ),
    "a snapshot's hash changes": ([NO_HASH], 'update "Snapshot" set "specHash" = \'x\'', NO_TRIGGER),
    "a snapshot's author changes": ([], 'update "Snapshot" set "createdBy" = \'x\'', NO_TRIGGER),
    "a snapshot's origin changes": ([], 'update "Snapshot" set "provenance" = \'{}\'', NO_TRIGGER),
    "a snapshot is deleted": ([], 'delete from "Snapshot"', NO_TRIGGER),
    "snapshots are emptied": (
        ['alter table "OrderItem" drop constraint "OrderItem_snapshotId_fkey"',
         'alter table "Customization" drop constraint "Customization_snapshotId_fkey"',
         'alter table "RenderResult" drop constraint "RenderResult_snapshotId_fkey"',
         'alter table "WorkOrder" drop constraint "WorkOrder_snapshotId_fkey"'],
        'truncate "Snapshot"',
        'alter table "Snapshot" disable trigger "Snapshot_never_emptied"',
    ),
    "a locked snapshot gets a file": (
        [LOCK], 'update "Snapshot" set "previewUrl" = \'x\' where "id" = \'one\'', NO_TRIGGER),
    "a locked snapshot is unlocked": (
        [LOCK],
        'update "Snapshot" set "isLocked" = false, "lockedAt" = null where "id" = \'one\'',
        NO_TRIGGER,
    ),
    "a validated snapshot is so no longer": (
        [VALIDATE.format("one")],
        'update "Snapshot" set "isValidated" = false, "validatedAt" = null where "id" = \'one\'',
        NO_TRIGGER,
    ),
    "a second validated snapshot of one hash": (
        [VALIDATE.format("one")],
        VALIDATE.format("two"),
        'drop index "Snapshot_specHash_validated_key"',
    ),
    "validated at no time": (
        [],
        'update "Snapshot" set "isValidated" = true where "id" = \'one\'',
        'alter table "Snapshot" drop constraint "Snapshot_validated_check"',
    ),
    "locked at no time": (
        [],
        'update "Snapshot" set "isLocked" = true',
        'alter table "Snapshot" drop constraint "Snapshot_locked_check"',
    ),
    "a total that is not price times quantity": (
        [],
        ITEM.format("2, 100, 199"),
        'alter table "OrderItem" drop constraint "OrderItem_totalCents_check"',
    ),
    "a price that is changed alone": (
        [ITEM.format("2, 100, 200")],
        'update "OrderItem" set "priceCents" = 101 where "id" = \'x\'',
        'alter table "OrderItem" drop constraint "OrderItem_totalCents_check"',
    ),
    "an item of nothing": (
        [],
        ITEM.format("0, 100, 0"),
        'alter table "OrderItem" drop constraint "OrderItem_quantity_check"',
    ),
    "a slug twice in a brand": (
        [],
        'update "Product" set "slug" = \'mug-ete\' where "brandId" in'
        " (select \"brandId\" from \"Product\" where \"slug\" = 'mug-ete-2' limit 1)",
        'drop index "Product_brandId_slug_key"',
    ),
    "a webhook twice for an address": (
        [],
        'update "Webhook" set "url" = \'x\' where "brandId" in'
        ' (select "brandId" from "Webhook" group by 1 having count(*) > 1)',
        'drop index "Webhook_brandId_url_key"',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "statement", "protection"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_and_only_by_its_protection(
    conn: Connection, before: list[str], statement: str, protection: str
) -> None:
    for text in before:
        conn.execute(text.encode())
    with pytest.raises(psycopg.IntegrityError), conn.transaction():
        conn.execute(statement.encode())
    conn.execute(protection.encode())
    assert conn.execute(statement.encode()).rowcount != 0


def test_what_a_snapshot_takes_until_it_is_locked(conn: Connection) -> None:
    """Files while it is open; validation once; then the lock."""
    for text in (
        'update "Snapshot" set "previewUrl" = \'a\', "productionBundleUrl" = \'b\', "updatedAt" = now()',
        VALIDATE.format("one"),
        'update "Snapshot" set "assetVersions" = \'{"preview": 2}\' where "id" = \'one\'',
        LOCK,
    ):
        conn.execute(text.encode())
    with pytest.raises(psycopg.errors.RestrictViolation, match="snapshot one is immutable"):
        conn.execute('update "Snapshot" set "updatedAt" = now() where "id" = \'one\'')


def test_specifications_come_back_from_a_dump(database: str, tmp_path: Path) -> None:
    """Their CHECKs call functions, under an empty search_path while they are restored."""
    make_v1(database, 400, seed=4)
    deploy_all(database)
    with psycopg.connect(database) as conn:
        conn.execute(SPEC.encode(), (spec.spec_hash({"a": [1.0]}), '{"a": [1]}'))
        conn.execute(_snapshot("one"))
        conn.execute(VALIDATE.format("one").encode())
    backup = service.open_project(SYSTEM.folder, database).backup(tmp_path / "backups")
    assert [n for table, n in backup.restored.items() if "Snapshot" in table] == [1]
