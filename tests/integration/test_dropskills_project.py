"""The bundled project systems/dropskills: V1 and its mess, the moves and the ways back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import LiteralString, cast

import psycopg
import pytest
from psycopg import sql

from repot.embedded import EmbeddedServer
from repot.model.plan import Plan
from support.dropskills import (
    ORDER,
    PROJECT,
    Connection,
    application,
    digest,
    generator,
    moved_template,
    one,
    rolled_back,
    rows,
    v1_template,
)

ROWS = 6000
# V2 says these in its own words: the way back gives another value, which changes nothing in V1
# as long as V2 does not change it.
RESTATED = {
    "packs": {"price"},
    "products": {"status", "visibility", "updated_at"},
    "profiles": {"role", "status"},
    "trending_ideas": {"tags"},
}


@pytest.fixture(scope="module")
def v1(server: EmbeddedServer) -> Iterator[str]:
    with v1_template(server, "dropskills_v1", ROWS, seed=3) as name:
        yield name


@pytest.fixture(scope="module")
def moved(server: EmbeddedServer, v1: str) -> Iterator[tuple[str, Plan]]:
    with moved_template(server, "dropskills_moved", v1) as made:
        yield made


@pytest.fixture
def v1_db(server: EmbeddedServer, v1: str) -> Iterator[Connection]:
    """V1 alone, in a transaction that is rolled back."""
    with rolled_back(server.dsn(v1)) as conn:
        yield conn


@pytest.fixture
def both(server: EmbeddedServer, moved: tuple[str, Plan]) -> Iterator[Connection]:
    """V1 in public, V2 filled in dropskills_v2, in a transaction that is rolled back."""
    with rolled_back(server.dsn(moved[0])) as conn:
        yield conn


# ------------------------------------------------------------------------------------ V1


def test_the_generator_repeats_itself_for_a_seed(make_database: Callable[..., str]) -> None:
    digests = []
    for seed in (5, 5, 6):
        dsn = make_database()
        generator.create_v1(dsn)
        counts = generator.generate(dsn, 1500, seed)
        with psycopg.connect(dsn) as conn:
            found = digest(conn)
        assert {name.split(".")[1]: n for name, n in counts.items()} == {t: n for t, n, _ in found}
        digests.append(found)
    assert digests[0] == digests[1]
    assert all(a != b for a, b in zip(digests[0], digests[2], strict=True) if a[0] != "categories")


def test_the_generator_fills_only_an_empty_v1(v1_db: Connection) -> None:
    with pytest.raises(ValueError, match="rows already"):
        generator.generate(v1_db, 1000)


def test_the_generator_needs_no_superuser(make_database: Callable[..., str]) -> None:
    dsn = make_database()
    generator.create_v1(dsn)
    with psycopg.connect(dsn) as conn:  # rolled back with the roles and owners it makes
        conn.execute("create role dropskills_owner")
        database = sql.Identifier(conn.info.dbname)
        conn.execute(sql.SQL("grant temporary on database {} to dropskills_owner").format(database))
        conn.execute("grant all on schema public, auth to dropskills_owner")
        for schema, name in generator.TABLES:
            table = sql.Identifier(schema, name)
            conn.execute(sql.SQL("alter table {} owner to dropskills_owner").format(table))
        conn.execute("set role dropskills_owner")
        counts = generator.generate(conn, 1000)
        conn.rollback()
    assert sum(counts.values()) == pytest.approx(1000, rel=0.1)


def test_sizes_are_as_asked(v1_db: Connection) -> None:
    counts = [n for _, n, _ in digest(v1_db)]
    assert all(counts)
    assert sum(counts) == pytest.approx(ROWS, rel=0.03)


def test_every_foreign_key_of_v1_holds(v1_db: Connection) -> None:
    keys = rows(
        v1_db,
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
        " from pg_constraint where contype = 'f'",
    )
    assert len(keys) == 12  # one of them storage's
    for table, name, definition in keys:  # the generator may skip the checks: made anew, they run
        v1_db.execute(
            cast(
                LiteralString,
                f'alter table {table} drop constraint "{name}",'
                f' add constraint "{name}" {definition}',
            )
        )


@pytest.mark.parametrize(
    "mess",
    [
        "public.products p join public.products q on p.title <> q.title and p.id <> q.id"
        " and lower(btrim(p.title)) = lower(btrim(q.title))",
        "public.products where title ~ '^[^[:ascii:]]+$'",
        "public.products p join public.packs k on k.name = p.title",
        "public.products where length(title) > 250",
        "public.products where title <> btrim(title)",
        "public.products where created_at is null",
        "public.products where status in ('SUSPENDED', 'archived')",
        "public.products p where not exists"
        " (select from public.product_stats s where s.product_id = p.id)",
        "public.packs where price <> round(price::numeric, 2)::float8",
        "auth.users where email is null",
        "auth.users u where not exists (select from public.profiles p where p.id = u.id)",
        "public.profiles where role in ('SUPPORT', 'PREMIUM')",
        "public.samples where product_id is null",
        "public.samples where file_url ~ '[.](MP4|WAV|PDF)$'",
        "public.samples where file_url ~ '[?]'",
        "public.products_tags t where not exists"
        " (select from public.products p where p.id = t.product_id)",
        "public.admin_logs l where target_table = 'products' and target_id is not null"
        " and not exists (select from public.products p where p.id = l.target_id)",
        "public.admin_logs where target_table is null",
        'public."_UserPacks" a join public."_UserPacks" b on b."B" = a."B" and b."A" <> a."A"'
        ' join public.packs p on p.id = a."A" join public.packs q on q.id = b."A"'
        " and q.name = p.name",
    ],
)
def test_the_mess_is_there(v1_db: Connection, mess: str) -> None:
    assert one(v1_db, f"select count(*) from {mess}") > 0


def test_the_policy_of_profiles_recurses(v1_db: Connection) -> None:
    v1_db.execute("set role authenticated")
    with pytest.raises(psycopg.errors.InvalidObjectDefinition, match="infinite recursion"):
        rows(v1_db, "select id from public.profiles")


def test_the_application_works_on_v1(v1_db: Connection) -> None:
    ada = application.sign_up(v1_db, "ada@example.org")
    assert application.account(v1_db, ada) == (ada, "ada@example.org", "USER", "ACTIVE")
    made = application.create(v1_db, "Tout neuf", Decimal("9.90"))
    application.set_favorite(v1_db, ada, made)
    assert application.list_published_packs(v1_db, 1)[0][:2] == (made, "Tout neuf")
    pack = one(v1_db, "select id from packs limit 1")
    application.buy(v1_db, ada, pack)
    assert application.owned(v1_db, ada) == [pack]
    application.delete(v1_db, made)
    assert application.list_published_packs(v1_db, 1)[0][0] != made


# ------------------------------------------------------------------------------------ the moves


def test_the_plan_finds_nothing_wrong(moved: tuple[str, Plan]) -> None:
    plan = moved[1]
    assert [f for f in plan.findings if f.severity != "info"] == []
    v1 = {t.name.name for t in plan.source.in_schema("public")}
    assert {back.name for back in plan.backs} == v1
    assert all(use.link for d in (*plan.moves, *plan.backs) for use in d.uses)


def test_every_row_of_v1_is_moved_or_named(both: Connection) -> None:
    def count(table: str) -> int:
        return int(one(both, f"select count(*) from {table}"))

    v2 = {name: count(f"dropskills_v2.{name}") for name in ORDER}
    left = {
        entry.table: one(both, f"select count(*) from public.{entry.table} where {entry.where}")
        for entry in PROJECT.leave.rows
    }
    assert all(left.values())
    assert v2["users"] == count("auth.users") > count("public.profiles")
    assert v2["packs"] == count("public.products") + count("public.packs")
    assert v2["pack_stats"] == v2["packs"]
    assert v2["user_packs"] == count('public."_UserPacks"')
    same = ("categories", "favorites", "tags", "admin_logs", "trending_ideas", "product_requests")
    assert {n: v2[n] for n in same} == {n: count(f"public.{n}") for n in same}
    assert v2["samples"] == count("public.samples") - left["samples"]
    assert v2["pack_tags"] == count("public.products_tags") - left["products_tags"]
    votes = "product_request_votes"
    assert v2[votes] == count(f"public.{votes}") - left[votes]


def test_status_and_visibility(both: Connection) -> None:
    found = rows(
        both,
        "select distinct p.status, p.visibility = 'PUBLIC', k.status"
        " from public.products p join dropskills_v2.packs k using (id)",
    )
    wanted = {"ACTIVE": "PUBLISHED", "PUBLISHED": "PUBLISHED", "DRAFT": "DRAFT"}
    assert {v1 for v1, _, _ in found} == {*wanted, "SUSPENDED", "archived"}
    assert [row for row in found if row[2] != wanted.get(row[0], "ARCHIVED")] == []


def test_what_v1_hid_is_not_published(both: Connection) -> None:
    hidden = one(
        both,
        "insert into public.products (title, visibility, status)"
        " values ('secret', 'PRIVATE', 'ACTIVE') returning id",
    )
    assert one(both, "select status from repot_sql.packs where id = %s", hidden) == "DRAFT"


def test_money_in_floats_becomes_cents(both: Connection) -> None:
    found = rows(
        both,
        "select p.price, k.price from public.packs p join dropskills_v2.packs k using (id)",
    )
    assert all(v2 == Decimal(repr(v1)).quantize(Decimal("0.01")) for v1, v2 in found)
    assert any(Decimal(repr(v1)) != v2 for v1, v2 in found)


def test_tags_that_are_json_stay_json_and_the_rest_stays_whole(both: Connection) -> None:
    texts = [
        '["a","b"]', " [ ] ", '{"a": 1, "b": [1]}', '"x"', "-0.5", "null", "[1,]", "[1 2]", "01",
        '["\\u0000"]', '["\\ud83d\\ude00"]', '["\\u00e9\\n"]', '["\t"]', "", "{", '{"a" 1}', "[[]]",
        '{"raw": "x"}', '["a"]x', "tru", '["\\x"]', "1e400", '{"a": true , "b": null}', "[\"a\"\n]",
    ]  # fmt: skip
    for text in texts:
        both.execute(
            "insert into public.trending_ideas (title, description, category, difficulty,"
            ' "revenueEstimate", tags) values (%s, %s, %s, %s, %s, %s)',
            ("t", "d", "c", "e", "r", text),
        )
    simple, kept = 0, 0
    for text, tags, back in rows(
        both,
        "select i.tags, f.tags, l.tags from public.trending_ideas i"
        " join repot_sql.trending_ideas f using (id) join repot_loop.trending_ideas l using (id)",
    ):
        try:
            value = json.loads(text) if text is not None else None
        except ValueError:
            value = {"raw": text}
        if tags == {"raw": text} and text is not None:
            kept += 1
            assert back == text
        else:
            simple += 1
            assert tags == value
            assert (back and json.loads(back)) == value
    assert simple > 20
    assert kept > 10


def test_samples_have_the_type_of_their_extension(both: Connection) -> None:
    cases = {
        "a.mp4": "VIDEO", "a.MOV": "VIDEO", "a.mp3?x=1": "AUDIO", "a.WAV#t=1": "AUDIO",
        "a.Pdf": "PDF", "a.png": "IMAGE", "a": "IMAGE", "a.jpg?f=b.mp4": "IMAGE",
        "a.mp4.jpg": "IMAGE", "https://x.mp4/a": "IMAGE", "a.mp4?": "VIDEO", "": "IMAGE",
    }  # fmt: skip
    product = one(both, "select id from public.products limit 1")
    for url in cases:
        both.execute(
            "insert into public.samples (product_id, title, file_url) values (%s, 'case', %s)",
            (product, url),
        )
    found = rows(both, "select file_url, file_type from repot_sql.samples where title = 'case'")
    assert dict(found) == cases


def test_roles_and_mail_of_those_v2_cannot_name(both: Connection) -> None:
    mapped = rows(
        both,
        "select distinct p.role, u.role from public.profiles p"
        " join dropskills_v2.users u using (id)",
    )
    assert dict(mapped) == {
        "USER": "USER",
        "PREMIUM": "USER",
        "SUPPORT": "USER",
        "ADMIN": "ADMIN",
        "SUPER_ADMIN": "SUPER_ADMIN",
    }
    lonely = rows(
        both,
        "select u.id, u.email from auth.users a join dropskills_v2.users u using (id)"
        " where a.email is null",
    )
    assert lonely
    assert all(mail == f"{key}@no-email.invalid" for key, mail in lonely)


# ------------------------------------------------------------------------------------ the way back


def test_the_way_back_restates_only_what_is_documented(
    both: Connection, moved: tuple[str, Plan]
) -> None:
    for back in moved[1].backs:
        v1 = sql.Identifier("public", back.name)
        view = sql.Identifier(back.view.schema_, back.view.name)
        key = sql.SQL(", ").join(map(sql.Identifier, back.key))
        for column in set(back.columns) - set(back.key):
            differing = both.execute(
                sql.SQL(
                    "select count(*), count(*) filter (where v.{c} is distinct from b.{c})"
                    " from {v1} v join {view} b using ({key})"
                ).format(c=sql.Identifier(column), v1=v1, view=view, key=key)
            ).fetchone()
            assert differing is not None
            assert differing[0] > 0
            restated = column in RESTATED.get(back.name, set())
            assert (differing[1] > 0) == restated, f"{back.name}.{column}: {differing[1]}"


def test_the_way_back_reads_the_tables_as_it_reads_the_moves(
    both: Connection, moved: tuple[str, Plan]
) -> None:
    for back in moved[1].backs:
        assert back.loop is not None
        view = sql.Identifier(back.view.schema_, back.view.name)
        loop = sql.Identifier(back.loop.schema_, back.loop.name)
        either = sql.SQL(
            "(select * from {a} except all select * from {b})"
            " union all (select * from {b} except all select * from {a})"
        ).format(a=view, b=loop)
        assert both.execute(either).fetchall() == [], back.name
