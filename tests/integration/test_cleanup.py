"""Cleanup drops what the run knows, when it may, and nothing that anybody else uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from repot.embedded import EmbeddedServer
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.model.state import Phase
from repot.postgres.connect import connection
from repot.postgres.state import last_evidence, record_evidence
from repot.stages.cleanup import cleanup
from repot.stages.cutover import cutover
from repot.stages.rollback import rollback
from support.sql import rows, run
from support.swapping import proven_shop, whole_backup


@pytest.fixture(scope="module")
def template(server: EmbeddedServer) -> Iterator[Session]:
    """A project that is cut over and has a tested backup, of which each test gets a copy."""
    dsn = server.create_database("cleanup_template")
    session, verdict = proven_shop(dsn)
    run(
        dsn,
        "create type public.shared as enum ('a'); create function public.kept() returns int"
        " language sql as 'select 1'; create view public.names as select name from product",
    )
    done, _ = cutover(session, verdict, whole_backup())
    with connection(dsn) as conn:
        answer = whole_backup().model_dump(mode="json")
        record_evidence(conn, None, "backup", "backup", "", "counted?", answer)
    yield session.at(done)
    server.drop_database("cleanup_template")


@pytest.fixture
def session(template: Session, make_database: Callable[..., str]) -> Session:
    return replace(template, dsn=make_database("cleanup_template"))


def schemas(dsn: str) -> set[str]:
    found = rows(dsn, "select nspname from pg_namespace where nspname !~ '^(pg_|information)'")
    return {r[0] for r in found}


def refused(session: Session, code: str, **options: object) -> Refused:
    with pytest.raises(Refused) as caught:
        cleanup(session, **options)  # type: ignore[arg-type]
    assert caught.value.code == code, caught.value
    assert rows(session.dsn, "select count(*) from shop_old.product") == [(400,)]
    return caught.value


def grace_over(session: Session) -> Session:
    setting = session.plan.cutover.model_copy(update={"grace_days": 0})
    return replace(session, plan=session.plan.model_copy(update={"cutover": setting}))


def test_v1_goes_and_v2_and_the_evidence_stay(session: Session) -> None:
    before = rows(session.dsn, "select count(*), sum(price) from public.items")
    assert cleanup(grace_over(session)).phase is Phase.CLEANED
    assert schemas(session.dsn) == {"public", "repot", "repot_quarantine"}
    assert rows(session.dsn, "select count(*), sum(price) from public.items") == before
    run(session.dsn, "update public.items set price = 3; insert into reviews (text) values ('x')")
    triggers = "select count(*) from pg_trigger where tgname like 'repot\\_capture%%'"
    assert rows(session.dsn, triggers) == [(0,)]
    assert rows(session.dsn, "select public.kept()") == [(1,)]
    with session.connect() as conn:
        noted = last_evidence(conn, session.run.id, "cleanup")
        assert noted is not None
        assert set(noted.answer["tables"]) == {  # type: ignore[call-overload]
            *("category", "product", "bundle", "customer", "purchase", "scratch")
        }
        assert last_evidence(conn, session.run.id, "proof") is not None
    assert cleanup(session).phase is Phase.CLEANED  # asked again


def test_not_before_the_grace_period_is_over_unless_the_name_is_typed(session: Session) -> None:
    stopped = refused(session, "grace-period")
    assert "7.0 days" in stopped.message
    refused(session, "wrong-name", force_name="shop_v2")
    assert cleanup(session, force_name="shop_old").phase is Phase.CLEANED


def test_not_without_a_proof_or_a_backup(session: Session) -> None:
    run(session.dsn, "alter table repot.evidence disable trigger user")
    run(session.dsn, "update repot.evidence set kind = 'old' where kind = 'backup'")
    refused(session, "no-backup", force_name="shop_old")
    run(session.dsn, "update repot.evidence set kind = 'old' where kind = 'proof'")
    refused(session, "no-proof", force_name="shop_old")


@pytest.mark.parametrize(
    "user",
    [
        "create view other.v as select id from shop_old.product",
        "create table other.t (p int references shop_old.product)",
        "create table other.t (n int default nextval('shop_old.purchase_id_seq'))",
        "create table public.t (one shop_old.product)",
        "create materialized view public.m as select * from shop_old.names",
    ],
)
def test_nothing_that_others_use_is_dropped(session: Session, user: str) -> None:
    run(session.dsn, f"create schema other; {user}")
    stopped = refused(session, "still-in-use", force_name="shop_old")
    assert "other." in stopped.evidence or "public." in stopped.evidence


def test_what_others_put_into_the_retired_schema_stays(session: Session) -> None:
    run(session.dsn, "create table shop_old.mine as select 1 as a")
    cleanup(session, force_name="shop_old")
    assert rows(session.dsn, "select a from shop_old.mine") == [(1,)]
    assert rows(session.dsn, "select to_regclass('shop_old.product')") == [(None,)]


def test_v2_is_given_up_only_when_that_is_said(session: Session) -> None:
    refused(session, "wrong-phase", abandon=True)
    run(session.dsn, "insert into reviews (text) values ('only here')")
    done, _ = rollback(session)
    session = session.at(done)
    for code, options in (
        ("needs-abandon", {}),
        ("abandon-loses-rows", {"abandon": True}),
    ):
        with pytest.raises(Refused) as caught:
            cleanup(session, **options)  # type: ignore[arg-type]
        assert caught.value.code == code
    done = cleanup(session, abandon=True, force_name="shop_v2")
    assert done.phase is Phase.CLEANED
    assert schemas(session.dsn) <= {"public", "repot", "repot_quarantine", "shop_old"}
    assert rows(session.dsn, "select count(*) from public.product") == [(400,)]
    run(session.dsn, "update public.product set price = 1; select public.kept()")
