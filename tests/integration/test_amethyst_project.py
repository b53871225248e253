"""The bundled project systems/amethyst: V1 and its mess, both choices of balances, and the whole way
there, back and there again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from repot import service
from repot.embedded import EmbeddedServer
from repot.model.results import Verdict
from repot.project import load_project
from support.amethyst_project import (
    FOLDER,
    Connection,
    application,
    chosen,
    generator,
    one,
    rolled_back,
    rows,
    v1_template,
)

ROWS = 2000
V1_TABLES = {
    "profiles", "images", "credit_transactions", "credits_transactions", "credit_sources",
    "ad_views", "ads_history", "banned_emails", "banned_users", "generated_images",
    "image_metadata", "reference_images", "image_collections", "collection_images", "prompts",
    "subscription_history", "oauth_tokens", "Amethyst",
}  # fmt: skip


@pytest.fixture(scope="module")
def v1(server: EmbeddedServer) -> Iterator[str]:
    with v1_template(server, "amethyst_v1", ROWS, seed=3) as name:
        yield name


@pytest.fixture
def v1_db(server: EmbeddedServer, v1: str) -> Iterator[Connection]:
    """V1 alone, in a transaction that is rolled back."""
    with rolled_back(server.dsn(v1)) as conn:
        yield conn


# ------------------------------------------------------------------------------------ V1


def test_the_generator_repeats_itself_for_a_seed(make_database: Callable[..., str]) -> None:
    digests = []
    for seed in (5, 5, 6):
        dsn = make_database()
        generator.create_v1(dsn)
        counts = generator.generate(dsn, 800, seed)
        with psycopg.connect(dsn) as conn:
            found = {
                name: rows(
                    conn,
                    f'select count(*), sum(hashtextextended(t::text, 0)) from "{name[0]}"."{name[1]}" t',
                )[0]
                for name in generator.TABLES
            }
        assert counts == {".".join(name): n for name, (n, _) in found.items()}
        assert sum(counts.values()) == pytest.approx(800, rel=0.2)
        digests.append(found)
    assert digests[0] == digests[1]
    same = [n for n, value in digests[2].items() if value == digests[0][n]]
    assert same == [("public", "Amethyst")]


def test_the_generator_fills_only_an_empty_v1(v1_db: Connection) -> None:
    with pytest.raises(ValueError, match="rows already"):
        generator.generate(v1_db, 1000)


def test_every_foreign_key_of_v1_holds(v1_db: Connection) -> None:
    keys = rows(
        v1_db,
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
        " where contype = 'f' and connamespace = 'public'::regnamespace",
    )
    assert len(keys) == 12
    for table, name, text in keys:  # the generator may skip the checks: made anew, they run
        v1_db.execute(
            f'alter table {table} drop constraint "{name}", add constraint "{name}" {text}'.encode()
        )


def test_v1_is_as_it_was(v1_db: Connection) -> None:
    tables = rows(v1_db, "select relname from pg_class where relnamespace = 'public'::regnamespace"
                         " and relkind = 'r' and relrowsecurity")  # fmt: skip
    assert {t for (t,) in tables} == V1_TABLES
    times = rows(
        v1_db,
        "select data_type, count(*) from information_schema.columns where table_schema = 'public'"
        " and data_type like 'timestamp%%' group by 1",
    )
    assert dict(times) == {"timestamp without time zone": 11, "timestamp with time zone": 19}
    policies = rows(v1_db, "select tablename, count(*) from pg_policies where schemaname = 'public'"
                           " group by 1")  # fmt: skip
    assert policies == [("profiles", 9)]
    twins = one(
        v1_db,
        "select count(*) from pg_index a join pg_index b on a.indrelid = b.indrelid"
        " and a.indkey::text = b.indkey::text and a.indexrelid < b.indexrelid"
        " join pg_class c on c.oid = a.indrelid where c.relnamespace = 'public'::regnamespace",
    )
    assert twins == 8
    enums = rows(v1_db, "select array_agg(enumlabel::text order by enumsortorder) from pg_enum"
                        " group by enumtypid")  # fmt: skip
    assert len(enums) == 3
    assert enums[0] == enums[1] == enums[2]
    assert rows(v1_db, "select conname from pg_constraint where contype = 'p'"
                       " and conrelid = 'public.oauth_tokens'::regclass") == []  # fmt: skip
    assert one(v1_db, "select count(*) from pg_attribute where attrelid ="
                      " 'public.image_metadata'::regclass and atttypid ="
                      " 'extensions.vector'::regtype") == 3  # fmt: skip


def test_v1_s_own_functions_do_not_work_together(v1_db: Connection) -> None:
    user = one(v1_db, "select p.id from profiles p join auth.users a using (id) limit 1")
    with pytest.raises(psycopg.errors.RaiseException, match="add_credits"), v1_db.transaction():
        v1_db.execute("select handle_ad_view(%s, 'ad', 30)", (user,))
    assert one(v1_db, "select process_ad_view(%s, 'ad', 30)", user) == 2
    assert one(v1_db, "select reward_ad_view(%s, 'ad', 'web', 30)", user) == 1
    v1_db.execute("set local role authenticated")
    with pytest.raises(psycopg.errors.InvalidObjectDefinition, match="infinite recursion"):
        rows(v1_db, "select id from profiles")


@pytest.mark.parametrize(
    "mess",
    [
        "credit_transactions c join credits_transactions o on o.profile_id = c.profile_id"
        " and o.metadata ->> 'payment_intent' = c.metadata ->> 'payment_intent'"
        " and o.amount <> c.amount",
        "credit_transactions c join credits_transactions o on o.profile_id = c.profile_id"
        " and o.metadata ->> 'payment_intent' = c.metadata ->> 'payment_intent'"
        " and abs(extract(epoch from c.created_at - o.created_at at time zone 'UTC')) > 120",
        "credit_transactions c join credits_transactions o on o.profile_id = c.profile_id"
        " and o.amount = c.amount and c.created_at at time zone 'Europe/Paris' = o.created_at",
        "credit_transactions c join credit_transactions o on o.id <> c.id"
        " and o.metadata ->> 'payment_intent' = c.metadata ->> 'payment_intent'",
        "credit_transactions where amount = 0",
        "credits_transactions where type = 'usage' and amount > 0",
        "banned_emails e join banned_users u on lower(u.email) = lower(e.email)"
        " where u.email <> e.email",
        "banned_users b where not exists (select from auth.users a where a.id = b.banned_by)"
        " and b.banned_by is not null",
        "profiles p where not exists (select from auth.users a where a.id = p.id)",
        "auth.users a where not exists (select from profiles p where p.id = a.id)",
        "generated_images g where not exists (select from auth.users a where a.id = g.user_id)",
        "profiles where language = 'Français'",
        "profiles where daily_ads_limit = 5",
        "oauth_tokens a join oauth_tokens b on a.ctid < b.ctid and a::text = b::text",
    ],
)
def test_the_mess_is_there(v1_db: Connection, mess: str) -> None:
    assert one(v1_db, f"select count(*) from {mess}") > 0


# ----------------------------------------------------------------------------- the whole way


def live(conn: Connection, seed: int) -> None:
    """A little of everything that happens on V1, on the rows of few people: pairs come and go."""
    dice = random.Random(seed)
    people = [
        r[0]
        for r in rows(
            conn, "select p.id from profiles p join auth.users a using (id) order by id limit 30"
        )
    ]
    for n in range(8):
        user, mark = dice.choice(people[:20]), f"{seed}-{n}"
        application.buy(conn, user, 10, f"pi_{mark}")
        application.spend(conn, user, 3)
        application.spend(conn, user, 3)
        application.watch(conn, user, "ad-1", 31, mark)
        application.edit(conn, user, f"Nom {mark}", "English")
        application.ban(conn, f"Live{mark}@x.org", "live")
        application.generate(conn, user, "p", f"hash {mark}")
        conn.execute(
            "insert into oauth_tokens (profile_id, provider, access_token, expires_at)"
            " values (%s, 'google', %s, '2030-01-01')",
            (user, mark),
        )
        for statement in (
            "update credits_transactions set created_at = created_at + interval '3 minutes'"
            " where id in (select id from credits_transactions order by id offset %s limit 3)",
            "update credit_transactions set amount = amount + 1 where id in"
            " (select id from credit_transactions where amount > 0 order by id offset %s limit 2)",
            "delete from credit_transactions where id in"
            " (select id from credit_transactions order by id offset %s limit 2)",
            "delete from ads_history where id in"
            " (select id from ads_history order by id offset %s limit 2)",
        ):
            conn.execute(statement.encode(), (n * 7,))
    application.unban(conn, f"live{seed}-1@X.org")
    application.sign_up(conn, f"live{seed}@y.org")
    application.erase_user(conn, people[25 + seed % 5])


def proven(verdict: Verdict) -> None:
    assert verdict.reasons == ()
    assert verdict.differences == 0
    assert verdict.rows_compared > ROWS / 2
    assert all(a.unaccounted == 0 for a in verdict.accounts)


@pytest.mark.parametrize("balances", ["ledger", pytest.param("keep", marks=pytest.mark.long)])
@pytest.mark.timeout(300)
def test_the_whole_way_there_back_and_there_again(
    make_database: Callable[..., str], v1: str, tmp_path: Path, balances: str
) -> None:
    dsn = make_database(v1)
    runner = service.open_project(chosen(tmp_path, balances), dsn)
    runner.audit()
    runner.backup(tmp_path / "backups")
    plan = runner.plan()
    assert plan.errors == ()
    runner.copy()
    with psycopg.connect(dsn, autocommit=True) as conn:
        with service.following(runner):
            live(conn, 1)
            verdict = runner.verify()
        proven(verdict)
        accounts = {a.table: a for a in verdict.accounts}
        assert accounts["credit_transactions"].merged == 0
        assert min(accounts[t].merged for t in ("credits_transactions", "ads_history")) > 50
        assert min(accounts[t].merged for t in ("banned_users", "oauth_tokens", "profiles")) > 0
        runner.cutover()
        wrote = application.write_on_v2(conn, 7, 120)
        assert {w.kind for w in wrote} >= {"sign_up", "buy", "refund", "watch", "ban", "erase"}
        assert application.version(conn) == 2
        runner.rollback()
        assert application.version(conn) == 1
        assert application.missing_in_v1(conn, wrote) == []
        proven(runner.verify())
        if balances == "keep":
            return
        with service.following(runner):
            live(conn, 2)
            proven(runner.verify())
        runner.cutover()
        off = rows(
            conn,
            "select p.id from profiles p where p.credits_balance <> (select coalesce(sum(amount), 0)"
            " from credit_transactions t where t.user_id = p.id)",
        )
        assert off == []


def test_the_other_choice_shows_other_balances(v1_db: Connection, tmp_path: Path) -> None:
    project, keep = load_project(FOLDER), load_project(chosen(tmp_path, "keep"))
    changed = rows(v1_db, project.listings["changed_balances"].text)
    kept = rows(v1_db, keep.listings["changed_balances"].text)
    assert changed
    assert kept
    assert all(
        after == max(ledger, 0) != shown and adjustment == max(-ledger, 0)
        for _, shown, ledger, after, adjustment in changed
    )
    assert all(
        after == shown == ledger + adjustment and adjustment != 0
        for _, shown, ledger, after, adjustment in kept
    )
    assert any(adjustment > 0 for *_, adjustment in changed)


def test_every_listing_shows_something(v1_db: Connection) -> None:
    listings = load_project(FOLDER).listings
    found = {name: rows(v1_db, file.text) for name, file in listings.items()}
    assert set(found) == {
        "duplicates", "ledger_conflicts", "ban_conflicts", "ad_conflicts", "changed_balances",
    }  # fmt: skip
    assert all(found.values())
    assert {row[0] for row in found["duplicates"]} == {"movement", "advert", "ban"}
    assert {row[0] for row in found["ledger_conflicts"]} == {
        "amounts differ", "times differ", "one reference twice", "local time",
    }  # fmt: skip
