"""The personalisation platform, changed both ways: the folder and the move end in the same."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from repot import service
from repot.demo.equality import compare
from repot.embedded import EmbeddedServer
from repot.folder.book import open_book
from repot.folder.fingerprint import listing
from repot.model.errors import Refused
from repot.postgres.connect import connect
from support.personalization import FOLDER, INIT, SYSTEM, deploy_all, generator, make_v1, template
from support.project import repot
from support.sql import rows, run

ROWS = 3000
SEED = int(os.environ.get("PERSONALIZATION_SEED", random.randrange(1, 1_000_000)))


@pytest.fixture(scope="module")
def v1(server: EmbeddedServer) -> Iterator[str]:
    print(f"PERSONALIZATION_SEED={SEED}")  # noqa: T201 - shown where a test fails
    with template(server, "personalization_v1", ROWS, SEED) as name:
        yield name


def test_v1_is_what_the_first_migration_makes() -> None:
    made = (FOLDER / INIT / "migration.sql").read_text()
    assert made == SYSTEM.sql("v1.sql")


def test_the_generator_repeats_itself_for_a_seed(make_database: Callable[..., str]) -> None:
    found = []
    for seed in (SEED, SEED, SEED + 1):
        dsn = make_database()
        counts = make_v1(dsn, 800, seed)
        assert sum(counts.values()) == pytest.approx(800, rel=0.1)
        found.append([rows(dsn, f'select * from "{t}" order by 1') for t in generator.TABLES])
    assert found[0] == found[1]
    assert all(a != b for a, b in zip(found[0], found[2], strict=True))
    with pytest.raises(ValueError, match="rows already"):
        generator.generate(dsn, 800)


MESS = {
    "orders without product": '"Order" where "productId" is null',
    "orders without product and design": '"Order" where "productId" is null and "designId" is null',
    "orders of nothing": '"Order" where "subtotalCents" = 0',
    "lines of no webhook": '"WebhookLog" l where not exists'
    ' (select from "Webhook" w where w."id" = l."webhookId")',
    "names alike in a brand": '"Product" p join "Product" q on q."brandId" = p."brandId"'
    " and lower(p.\"name\") = 'mug été' and q.\"name\" = 'mug ete'",
    "twins of one moment": '"Product" p join "Product" q on q."brandId" = p."brandId"'
    ' and q."id" > p."id" and q."name" = p."name" and q."createdAt" = p."createdAt"',
    "names of signs only": '"Product" where "name" ~ \'^[^[:alnum:]]+$\'',
    "empty names": '"Product" where btrim("name") = \'\'',
    "endless names": '"Product" where length("name") > 150',
    "webhooks of one address": '"Webhook" w join "Webhook" x on x."brandId" = w."brandId"'
    ' and x."url" = w."url" and x."id" <> w."id"',
    "webhooks never called": '"Webhook" where "statusCode" is null and "payload" = \'{}\'',
    "webhooks called": '"Webhook" where "statusCode" is not null',
    "renders of a design": '"RenderResult" r join "Design" d on d."id" = r."renderId"',
    "renders of nothing": '"RenderResult" where "renderId" ~ \'[^[:ascii:]]\'',
    "plans that are none": "\"Brand\" where \"plan\" in ('gold', '', 'Starter', 'STARTER ')",
}


@pytest.mark.parametrize("mess", MESS.values(), ids=MESS)
def test_the_mess_is_there(server: EmbeddedServer, v1: str, mess: str) -> None:
    (row,) = rows(server.dsn(v1), f"select count(*) from {mess}")
    assert row[0] > 0


def test_both_ways_end_in_the_same(
    make_database: Callable[..., str], v1: str, tmp_path: Path
) -> None:
    """One copy of V1 gets the folder, the other is moved: same catalogs, same rows."""
    by_folder, by_move = make_database(v1), make_database(v1)
    assert len(deploy_all(by_folder)) == 17
    runner = service.open_project(SYSTEM.folder, by_move)
    runner.audit()
    runner.backup(tmp_path / "backups")
    plan = runner.plan()
    assert not plan.errors
    runner.copy()
    verdict = runner.verify()
    assert verdict.passed, verdict.reasons
    assert sum(a.unaccounted for a in verdict.accounts) == 0
    assert {a.table: a.rows for a in verdict.accounts} == {
        t: n for t in generator.TABLES for ((n,),) in [rows(by_move, f'select count(*) from "{t}"')]
    }
    runner.cutover()
    end = compare(by_folder, by_move, "public")
    assert end.schema_differences == ()
    assert end.row_differences == {}
    assert (end.tables, end.equal) == (29, True)
    # The comparison can fail: in a column's type, an index, a value, a row.
    run(by_folder, 'alter table "Brand" alter "maxProducts" set default 6')
    run(by_folder, 'drop index "Snapshot_specHash_validated_key"')
    run(
        by_folder,
        'update "OrderItem" set "metadata" = \'{}\' where "id" = (select min("id") from "OrderItem")',
    )
    run(by_folder, 'delete from "WebhookTopic"')
    end = compare(by_folder, by_move, "public")
    assert len(end.schema_differences) == 3
    assert set(end.row_differences) == {"OrderItem", "WebhookTopic"}


def test_nothing_of_v1_is_lost_by_the_folder(make_database: Callable[..., str], v1: str) -> None:
    """Each V1 row's values are found again, without asking the move or the migration how."""
    before, after = make_database(v1), make_database(v1)
    deploy_all(after)

    def same(v1_select: str, v2_select: str) -> None:
        found = sorted(map(repr, rows(before, v1_select)))
        assert found == sorted(map(repr, rows(after, v2_select)))
        assert found

    same('select "id", "subtotalCents" from "Order"',
         'select "orderId", "totalCents" from "OrderItem"'
         ' union all select "orderId", "subtotalCents" from "OrderWithoutItem"')  # fmt: skip
    same('select "id", "url", "brandId", "event", "payload", "error", "idempotencyKey" from "Webhook"',
         'select d."id", w."url", w."brandId", d."event", d."payload", d."error", d."idempotencyKey"'
         ' from "WebhookDelivery" d join "Webhook" w on w."id" = d."webhookId" union all'
         ' select t."id", w."url", w."brandId", t."event", \'{}\', null, null'
         ' from "WebhookTopic" t join "Webhook" w on w."id" = t."webhookId"')  # fmt: skip
    log = (
        '"id", "webhookId", "topic", "shopDomain", "payload", "status", "processedAt", "createdAt"'
    )
    same(f'select {log} from "WebhookLog"', f'select {log} from "WebhookLogArchive"')
    for table in ("Brand", "Product", "User", "Order", "Design", "Zone", "Customization"):
        columns = rows(
            before,
            "select string_agg(quote_ident(attname), ', ') from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0",
            (f'"{table}"',),
        )[0][0]
        same(f'select {columns} from "{table}"', f'select {columns} from "{table}"')
    slugs = rows(after, 'select count(*), count(distinct ("brandId", "slug")) from "Product"')
    assert slugs[0][0] == slugs[0][1]
    assert rows(after, 'select count(*) > 1 from "Product" where "slug" = \'mug-ete\'') == [(True,)]


def _down(dsn: str, *names: str) -> None:
    book = open_book(FOLDER)
    for page in reversed(book.pages):
        if page.down is not None and (not names or page.name in names):
            with connect(dsn) as conn:
                conn.execute("set search_path = public")
                conn.execute(page.down.script.text.encode())


def test_the_way_down_is_v1_again_row_by_row(make_database: Callable[..., str], v1: str) -> None:
    dsn = make_database(v1)

    def picture() -> object:
        with connect(dsn) as conn:
            schema = [line for line in listing(conn) if "repot" not in line]
        return schema, [rows(dsn, f'select * from "{t}" order by 1') for t in generator.TABLES]

    before = picture()
    deploy_all(dsn)
    _down(dsn)
    assert picture() == before


FILL = "20251120100100_fill_order_items"


def test_the_way_down_refuses_where_orders_would_lose_items(
    make_database: Callable[..., str], v1: str
) -> None:
    """The orders are named, and nothing is changed; those of one item go back to V1's columns."""
    dsn = make_database(v1)
    deploy_all(dsn)
    application = SYSTEM.module("application")
    with psycopg.connect(dsn, autocommit=True) as conn:
        (order, number, product), (other, *_) = conn.execute(
            'select o."id", o."orderNumber", o."productId" from "Order" o'
            ' where o."productId" is not null order by 2 limit 2'
        ).fetchall()
        application.add_item(conn, "second", order, product, 2, 1250)
        conn.execute(
            'update "Order" set "productId" = null, "designId" = null where "id" = %s', (other,)
        )
    before = rows(dsn, 'select * from "OrderItem" order by 1')
    with pytest.raises(
        psycopg.errors.RestrictViolation, match="1 orders would lose items"
    ) as refused:
        _down(dsn, FILL)
    assert number in str(refused.value.diag.message_detail)
    assert "2 items" in str(refused.value.diag.message_detail)
    assert rows(dsn, 'select * from "OrderItem" order by 1') == before
    run(dsn, 'delete from "OrderItem" where "id" = \'second\'')
    _down(dsn, FILL)
    back = rows(dsn, f"""select "productId" is not null from "Order" where "id" = '{other}'""")
    assert back == [(True,)]


def test_a_rollback_of_the_move_refuses_for_orders_of_several_items(
    make_database: Callable[..., str], v1: str, tmp_path: Path
) -> None:
    """Repot's own rollback names them, too; with accept_loss they are in quarantine."""
    dsn = make_database(v1)
    runner = service.open_project(SYSTEM.folder, dsn)
    runner.audit()
    runner.backup(tmp_path / "backups")
    runner.copy()
    runner.verify()
    runner.cutover()
    application = SYSTEM.module("application")
    with psycopg.connect(dsn, autocommit=True) as conn:
        found = conn.execute('select "orderId", "productId" from "OrderItem" limit 1').fetchone()
        assert found is not None
        order, product = found
        application.add_item(conn, "second", order, product, 2, 1250)
        # A slug that another brand has, too, for a product that is called otherwise by now: both
        # brands are to keep theirs.
        conn.execute('update "Product" set "name" = \'Autre\' where "slug" = \'mug-ete\'')
        conn.execute(
            'insert into "Product" ("id", "name", "slug", "status", "price", "updatedAt", "brandId")'
            " select 'new', 'Mug Été', 'mug-ete', 'ACTIVE', 1, now(), b.\"id\" from \"Brand\" b"
            ' where not exists (select from "Product" p'
            ' where p."brandId" = b."id" and p."slug" = \'mug-ete\') limit 1'
        )
        slugs = conn.execute('select "id", "slug" from "Product" order by 1').fetchall()
        assert sum(slug == "mug-ete" for _, slug in slugs) > 1
    with pytest.raises(Refused) as refused:
        runner.rollback()
    assert refused.value.code == "not-carriable"
    assert "second" in str(refused.value.evidence)
    _, back = runner.rollback(accept_loss=True)
    assert back.not_carried_rows == 1
    kept = rows(dsn, 'select "id" from repot_quarantine."OrderItem.v2.1"')
    assert kept == [("second",)]
    assert rows(dsn, "select id, value from repot_registry.product_slug order by 1") == slugs


@pytest.mark.slow
def test_the_demo_shows_both_ways_and_the_story(tmp_path: Path) -> None:
    code, shown = repot(
        *("demo", "personalization", "--rows", 2000, "--seed", SEED, "--report", tmp_path)
    )
    assert code == 0, shown
    assert (shown["ok"], shown["system"]) == (True, "personalization")
    assert len(shown["tables"]) == 16
    for name, table in shown["tables"].items():
        assert table["unaccounted"] == 0, name
        assert table["moved"] + table["merged"] + table["split"] == table["rows"] > 0, name
    assert shown["both_ways_equal"] is True
    assert shown["both_ways"]["tables"] == 29
    assert shown["folder"]["applied"] == 17
    assert [chapter["ok"] for chapter in shown["story"]] == [True] * 6
    assert (shown["writes"]["missing"], shown["writes"]["v1_rows_unexplained"]) == (0, 0)
    assert shown["writes"]["acknowledged"] == 400
    assert all(proof["passed"] for proof in shown["proofs"])
    assert (tmp_path / "report.html").is_file()
