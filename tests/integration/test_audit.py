"""The audit finds what is wrong with V1, counts it, and changes nothing."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from repot.embedded import EmbeddedServer
from repot.model.audit import Audit
from repot.model.errors import RepotError
from repot.model.finding import Finding, Severity
from repot.stages.audit import audit, probes
from repot.stages.audit import run as stage
from support.sql import rows, run

V1 = """
create schema "Vé 1"; create schema auth;
set search_path = "Vé 1";
create table auth.users (id uuid primary key default gen_random_uuid(), email text);
create table profiles (id uuid primary key references auth.users, role text, "Order" text);
create function handle_new_user() returns trigger language plpgsql security definer as $$
begin insert into "Vé 1".profiles (id) values (new.id); return new; end $$;
create function elsewhere() returns trigger language plpgsql as 'begin return new; end';
create function auth.innocent() returns trigger language plpgsql as 'begin return new; end';
insert into auth.users (email) select 'u' || g from generate_series(1, 100) g;
insert into profiles select id, (array['USER', 'ADMIN', 'user ', 'admin'])
  [case when n > 93 then n - 93 else 1 + n % 2 end]
  from (select id, row_number() over () n from auth.users) u where n <= 97;
create trigger "on user" after insert on auth.users for each row execute function handle_new_user();
create trigger innocent after insert on auth.users for each row execute function auth.innocent();
create table "Products" (id int primary key, title text unique, "price" float8, fee real,
  "userId" uuid, profile_id uuid, tags text, note text, seen timestamp, empty int, api_key text);
insert into "Products"
  select g, case when g <= 4 then (array['Été à Paris', 'ete a paris', 'ETE-A--PARIS!', '🙂'])[g]
                 else 'Titre ' || g end,
         case when g <= 7 then 0.1::float8 + 0.2 else g / 4.0::float8 end, 2.5,
         (select id from auth.users limit 1),
         case when g <= 3 then gen_random_uuid()
              when g > 10 then (select id from profiles limit 1) end,
         case when g % 10 = 0 then 'a, b' else '["a"]' end,
         case when g <= 5 then ' padded ' when g <= 8 then '' when g > 20 then 'Note ' || g end,
         now(), null, (array['sk_live_1', 'sk_live_2'])[1 + g % 2]
    from generate_series(1, 200) g;
create index one on "Products" (profile_id);
create index two on "Products" (profile_id);
create index three on "Products" (profile_id, seen);
create table no_key (a int not null, b text, unique (a));
create table child (id serial primary key, product int references "Products");
insert into child (id, product) values (7, 1), (9, 2);
create table late (id int primary key, product int);
insert into late values (1, 1), (2, 4711), (3, 4712), (4, null);
alter table late add constraint late_fk foreign key (product) references "Products" not valid;
create table used_up (id smallint primary key);
create sequence used_up_id_seq owned by used_up.id;  -- bigint, behind a smaller column
alter table used_up alter id set default nextval('used_up_id_seq');
select setval('used_up_id_seq', 30000);
alter table profiles enable row level security;
create policy "Own" on profiles using (exists (select from profiles p where p.id = profiles.id));
create table a (id int primary key, owner int); create table b (id int primary key, a int);
alter table a enable row level security; alter table b enable row level security;
create policy a_b on a using (exists (select from b where b.a = a.id));
create policy b_a on b using (exists (select from a where a.id = b.a));
create table fine (id int primary key, owner int);
alter table fine enable row level security;
create policy fine on fine using (owner = id and exists (select from "Products" where id = owner));
create table silent (id int primary key); alter table silent enable row level security;
create table idle (id int primary key); create policy idle on idle using (true);
grant select on idle to public;
create view auth.seen as select id from "Vé 1".profiles;
create table auth.logins (id int primary key, profile uuid references "Vé 1".profiles);
create function auth.text_only() returns void language plpgsql as
  $$ begin perform 1 from "Vé 1".profiles; end $$;
create function pointed() returns bigint language sql begin atomic
  select count(*) from "Vé 1".profiles; end;
create function hook() returns trigger language plpgsql as
  $$ begin perform 'Bearer s3cret-body'; return new; end $$;
create trigger web after insert on fine for each row
  execute function hook('Bearer s3cret-argument');
create extension hstore schema "Vé 1";
create publication pub for table "Products", fine;
create type mood as enum ('ok', 'sad');
create table parent (id int primary key); create table heir (x int) inherits (parent);
insert into parent values (1), (2); insert into heir values (3);
"""


@pytest.fixture(scope="module")
def template(server: EmbeddedServer) -> Iterator[str]:
    """The name of a database with this V1."""
    name = "audit_template"
    run(server.create_database(name), V1)
    yield name
    server.drop_database(name)


@pytest.fixture
def v1(template: str, make_database: Callable[..., str]) -> str:
    return make_database(template)


@pytest.fixture(scope="module")
def result(server: EmbeddedServer, template: str) -> Audit:
    """What is found in it: nothing in a result can be changed."""
    return audit(server.dsn(template), ["Vé 1"], outside=["auth"])


def found(result: Audit, code: str) -> dict[str, Finding]:
    return {f.object or "": f for f in result.findings if f.code == code}


def test_tables_rows_and_columns(result: Audit) -> None:
    counted = {t.name.name: t.rows for t in result.tables}
    assert counted == {
        "Products": 200,
        "a": 0,
        "b": 0,
        "child": 2,
        "fine": 0,
        "heir": 1,
        "idle": 0,
        "late": 4,
        "no_key": 0,
        "parent": 2,  # its heir's row is not its own
        "profiles": 97,
        "silent": 0,
        "used_up": 0,
    }
    assert result.rows_read == 306
    products = next(t for t in result.tables if t.name.name == "Products")
    columns = {c.name: c for c in products.columns}
    assert columns["profile_id"].nulls == 7
    assert columns["empty"].nulls == 200
    assert columns["id"].nulls == 0
    assert not columns["id"].nullable
    assert (columns["note"].blank, columns["note"].padded, columns["note"].nulls) == (3, 5, 12)
    assert products.bytes > 0
    assert not products.sampled


def test_every_finding_is_explained_and_placed(result: Audit) -> None:
    assert {f.severity for f in result.findings} == {Severity.WARNING, Severity.INFO}
    for finding in result.findings:
        assert finding.message
        assert finding.hint
        assert finding.object
    order = [f.severity for f in result.findings]
    assert order == sorted(order, key=[Severity.ERROR, Severity.WARNING, Severity.INFO].index)


def test_money_in_floats(result: Audit) -> None:
    money = found(result, "money-float")
    assert {k: f.count for k, f in money.items()} == {
        '"Vé 1"."Products".price': 7,
        '"Vé 1"."Products".fee': 0,
    }


def test_vocabularies_and_their_drift(result: Audit) -> None:
    (roles,) = [v for v in result.vocabularies if v.column == "role"]
    assert [(v.value, v.rows) for v in roles.values] == [
        ("ADMIN", 48),
        ("USER", 47),
        ("admin", 1),
        ("user ", 1),
    ]
    place = '"Vé 1".profiles.role'
    assert found(result, "vocabulary")[place].count == 4
    variants = found(result, "vocabulary-variants")[place]
    assert variants.count == 2
    assert variants.examples == ("'ADMIN' 48 / 'admin' 1", "'USER' 47 / 'user ' 1")
    assert found(result, "vocabulary-case")[place].examples == ("'admin' 1", "'user ' 1")


def test_titles_that_meet_in_a_slug(result: Audit) -> None:
    titles = found(result, "slug-collision")['"Vé 1"."Products".title']
    assert titles.count == 2  # three alike: two meet the first
    assert titles.examples == ("ETE-A--PARIS! / Été à Paris (3)",)
    assert found(result, "slug-empty")['"Vé 1"."Products".title'].count == 1


def test_json_in_part(result: Audit) -> None:
    tags = found(result, "text-json-in-part")['"Vé 1"."Products".tags']
    assert tags.count == 20
    assert tags.examples == ("a, b",)


def test_text_that_says_nothing(result: Audit) -> None:
    assert found(result, "text-padded")['"Vé 1"."Products".note'].count == 5
    assert found(result, "text-blank-and-null")['"Vé 1"."Products".note'].count == 3
    assert '"Vé 1"."Products".empty' in found(result, "column-empty")
    assert '"Vé 1"."Products"' in found(result, "timestamp-no-zone")


def test_orphans(result: Audit) -> None:
    orphans = found(result, "orphans")
    assert list(orphans) == ['"Vé 1"."Products".profile_id']
    assert orphans['"Vé 1"."Products".profile_id'].count == 3
    assert len(orphans['"Vé 1"."Products".profile_id'].examples) == 3
    assert '"Vé 1"."Products"."userId"' in found(result, "foreign-key-missing")
    late = found(result, "foreign-key-not-valid")['"Vé 1".late, late_fk']
    assert late.count == 2
    assert late.examples == ("4711", "4712")
    assert late.severity is Severity.WARNING
    lonely = found(result, "parent-without-child")['"Vé 1".profiles']
    assert lonely.count == 3  # sign-ups without profile


def test_keys_and_indexes(result: Audit) -> None:
    assert list(found(result, "table-no-key")) == ['"Vé 1".heir', '"Vé 1".no_key']
    assert "no_key_a_key" in found(result, "table-no-key")['"Vé 1".no_key'].message
    assert list(found(result, "index-duplicate")) == ['"Vé 1"."Products", two']
    assert list(found(result, "index-redundant")) == ['"Vé 1"."Products", one']
    assert list(found(result, "foreign-key-no-index")) == [
        '"Vé 1".child, child_product_fkey',
        '"Vé 1".late, late_fk',
    ]
    assert list(found(result, "table-inherited")) == ['"Vé 1".parent']


def test_an_invalid_index(v1: str) -> None:
    with (
        psycopg.connect(v1, autocommit=True) as conn,
        pytest.raises(psycopg.errors.UniqueViolation),
    ):
        conn.execute('create unique index concurrently bad on "Vé 1"."Products" (api_key)')
    invalid = found(audit(v1, ["Vé 1"]), "index-invalid")
    assert list(invalid) == ['"Vé 1"."Products", bad']


def test_sequences(result: Audit) -> None:
    end = found(result, "sequence-near-end")
    assert {k: f.count for k, f in end.items()} == {'"Vé 1".used_up_id_seq': 2767}
    behind = found(result, "sequence-behind")
    assert {k: f.count for k, f in behind.items()} == {'"Vé 1".child_id_seq': 9}


def test_row_security(result: Audit, v1: str) -> None:
    circles = found(result, "rls-recursion")
    assert list(circles) == ['"Vé 1".a', '"Vé 1".b', '"Vé 1".profiles']
    assert circles['"Vé 1".profiles'].examples == ("Own",)
    assert list(found(result, "rls-no-policy")) == ['"Vé 1".silent']
    assert list(found(result, "rls-not-enabled")) == ['"Vé 1".idle']
    assert list(found(result, "rls-off-open")) == ['"Vé 1".idle']
    # PostgreSQL agrees on which tables fail
    role = f"reader {secrets.token_hex(4)}"
    with psycopg.connect(v1) as conn:  # rolled back
        conn.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        for statement in (
            'grant usage on schema "Vé 1" to {}',
            'grant select on all tables in schema "Vé 1" to {}',
            "set local role {}",
        ):
            conn.execute(sql.SQL(statement).format(sql.Identifier(role)))
        failing = set()
        for table in ("profiles", "a", "b", "fine"):
            try:
                with conn.transaction():
                    conn.execute(sql.SQL("select from {}").format(sql.Identifier("Vé 1", table)))
            except psycopg.errors.InvalidObjectDefinition:
                failing.add(f'"Vé 1".{table}')
        conn.rollback()
    assert failing == set(circles)


def test_a_circle_through_a_function(v1: str) -> None:
    run(
        v1,
        """
        set search_path = "Vé 1";
        create function is_admin() returns boolean language sql stable as
          'select exists (select from "Vé 1".silent)';
        create policy silent on silent using ("Vé 1".is_admin());
        """,
    )
    assert '"Vé 1".silent' in found(audit(v1, ["Vé 1"]), "rls-recursion")
    run(v1, 'alter function "Vé 1".is_admin() security definer')
    again = audit(v1, ["Vé 1"])
    assert '"Vé 1".silent' not in found(again, "rls-recursion")
    assert '"Vé 1".is_admin()' in found(again, "definer-search-path")


def test_functions_that_lend_rights(result: Audit, v1: str) -> None:
    assert list(found(result, "definer-search-path")) == ['"Vé 1".handle_new_user()']
    run(v1, """alter function "Vé 1".handle_new_user() set search_path = ''""")
    assert not found(audit(v1, ["Vé 1"]), "definer-search-path")


def test_what_points_into_v1(result: Audit) -> None:
    triggers = found(result, "outside-trigger")
    assert list(triggers) == ["auth.users"]
    assert '"Vé 1".handle_new_user' in triggers["auth.users"].message
    (trigger,) = result.items("outside-trigger")
    assert trigger.name == '"on user"'
    assert trigger.detail["mentions"] == ['"Vé 1".profiles']
    assert list(found(result, "outside-view")) == ["auth.seen"]
    assert list(found(result, "outside-foreign-key")) == ["auth.logins"]
    assert list(found(result, "outside-function")) == ["auth.text_only()"]
    assert list(found(result, "bound-function")) == ['"Vé 1".pointed']
    assert list(found(result, "publication")) == ["pub"]
    assert list(found(result, "extension-within")) == ["hstore"]


def test_inventory(result: Audit) -> None:
    kinds = {
        kind: sorted((i.table or "") + " " + i.name for i in result.items(kind))
        for kind in ("enum", "sequence", "policy", "trigger", "foreign-key", "check", "view")
    }
    assert kinds["enum"] == [' "Vé 1".mood']
    assert kinds["sequence"] == [
        '"Vé 1".child "Vé 1".child_id_seq',
        '"Vé 1".used_up "Vé 1".used_up_id_seq',
    ]
    assert kinds["trigger"] == ['"Vé 1".fine web']
    assert len(kinds["policy"]) == 5
    assert len(kinds["foreign-key"]) == 3
    assert kinds["check"] == kinds["view"] == []
    functions = {i.name for i in result.items("function")}
    assert '"Vé 1".handle_new_user()' in functions
    assert not any("hstore" in f for f in functions)  # the extension's own are not V1's
    (grant,) = [i for i in result.items("grant") if i.name == '"Vé 1".idle']
    assert (grant.detail["to"], grant.detail["privileges"]) == ("public", ["SELECT"])
    (extension,) = result.items("extension")
    assert extension.detail["schema"] == "Vé 1"
    (publication,) = result.items("publication")
    assert publication.detail["tables"] == ['"Vé 1"."Products"', '"Vé 1".fine']


def test_no_secret_leaves_the_database(result: Audit, v1: str) -> None:
    text = result.model_dump_json()
    assert "s3cret" not in text  # neither in bodies nor in triggers' arguments
    assert "sk_live" not in text  # nor values of columns that are named like secrets
    assert rows(v1, 'select count(distinct api_key) from "Vé 1"."Products"') == [(2,)]


def test_nothing_is_found_in_a_clean_schema(database: str) -> None:
    run(
        database,
        """
        create schema clean;
        create table clean.shop (id int generated always as identity primary key,
          name text not null, kind text not null check (kind in ('A', 'B')), price numeric(10, 2),
          at timestamptz default now());
        create table clean.item (id int primary key, shop_id int not null references clean.shop);
        create index on clean.item (shop_id);
        insert into clean.shop (name, kind, price)
          select 'Shop ' || g, (array['A', 'B'])[1 + g % 2], g from generate_series(1, 50) g;
        insert into clean.item select g, g from generate_series(1, 50) g;
        """,
    )
    result = audit(database, ["clean"])
    # Roles are the server's: those of other tests are there, too.
    assert [f for f in result.findings if f.code != "role-bypassrls"] == []
    assert [(v.column, v.distinct) for v in result.vocabularies] == [("kind", 2)]


def test_large_tables_are_sampled_and_say_so(v1: str) -> None:
    run(
        v1,
        'create table "Vé 1".big (id int primary key, kind text);'
        " insert into \"Vé 1\".big select g, (array['x', 'y'])[1 + g % 2]"
        " from generate_series(1, 40000) g; analyze",
    )
    result = audit(v1, ["Vé 1"], sample_above=4000)
    big = next(t for t in result.tables if t.name.name == "big")
    assert big.sampled
    assert big.rows is None
    assert big.estimate == 40000
    assert 0 < big.rows_read < 20000
    assert found(result, "table-sampled")['"Vé 1".big'].count == big.rows_read
    assert not any(t.sampled for t in result.tables if t.name.name != "big")
    (kind,) = [v for v in result.vocabularies if v.table.name == "big"]
    assert sum(v.rows for v in kind.values) == big.rows_read
    whole = audit(v1, ["Vé 1"])
    assert next(t.rows for t in whole.tables if t.name.name == "big") == 40000


@pytest.fixture
def reader(server: EmbeddedServer) -> Iterator[str]:
    role = f"reader {secrets.token_hex(4)}"
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
        yield role
        conn.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def test_rights_to_read_are_enough(reader: str, v1: str) -> None:
    with psycopg.connect(v1, autocommit=True) as conn:
        for statement in (
            'grant usage on schema "Vé 1" to {}',
            'grant select on all tables in schema "Vé 1" to {}',
            'revoke select on "Vé 1".late from {}',
        ):
            conn.execute(sql.SQL(statement).format(sql.Identifier(reader)))
    result = audit(make_conninfo(v1, user=reader), ["Vé 1"], outside=["auth"])
    counted = {t.name.name: t.rows for t in result.tables}
    assert counted["Products"] == 200
    # what it may not see, it says, and goes on
    assert counted["late"] is None
    assert counted["profiles"] is None
    assert '"Vé 1".late' in found(result, "right-read")
    assert list(found(result, "right-rls")) == [
        f'"Vé 1".{t}' for t in ("a", "b", "fine", "profiles", "silent")
    ]
    assert all(f.severity is not Severity.ERROR for f in result.findings)


def test_one_table_that_fails_is_not_the_end(v1: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = probes.scans.scan

    def broken(scope, table, distinct):  # type: ignore[no-untyped-def]
        if table.name.name == "late":
            scope.conn.execute("select 1 / 0")
        return scan(scope, table, distinct)

    monkeypatch.setattr(probes.scans, "scan", broken)
    result = audit(v1, ["Vé 1"])
    counted = {t.name.name: t.rows for t in result.tables}
    assert (counted["late"], counted["parent"]) == (None, 2)
    assert "division by zero" in found(result, "table-not-read")['"Vé 1".late'].message


def test_it_waits_for_no_lock_and_takes_none(v1: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "LOCK_TIMEOUT", "100ms")
    with psycopg.connect(v1) as other:
        other.execute('lock table "Vé 1"."Products" in access exclusive mode')
        with pytest.raises(RepotError) as failed:
            audit(v1, ["Vé 1"])
    assert failed.value.code == "audit-failed"
    assert "lock timeout" in failed.value.evidence


def test_an_empty_schema_is_no_success(database: str) -> None:
    with pytest.raises(RepotError) as failed:
        audit(database, ["public", "nowhere"])
    assert failed.value.code == "audit-no-tables"


def test_nothing_is_changed(v1: str) -> None:
    def state() -> list[tuple[object, ...]]:
        return rows(
            v1,
            "select (select count(*) from pg_class), (select count(*) from pg_proc),"
            " (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables)",
        )

    before = state()
    audit(v1, ["Vé 1"], outside=["auth"])
    assert state() == before


def test_every_code_is_documented() -> None:
    root = Path(__file__).parents[2]
    sources = [*(root / "src/repot/stages/audit").glob("*.py")]
    sources.append(root / "src/repot/postgres/capabilities.py")
    calls = re.compile(r"\b(?:error|warning|info|report)\(\s*\"([a-z-]+)\"")
    codes = {code for file in sources for code in calls.findall(file.read_text())}
    codes |= {f"outside-{what}" for what in ("trigger", "view", "policy", "default", "function")}
    assert len(codes) > 50
    listed = set(
        re.findall(r"^\| `([a-z-]+)` \|", (root / "docs/reference/audit.md").read_text(), re.M)
    )
    assert codes - listed == set()
