"""What is said of a change, and to whom."""

from __future__ import annotations

import pytest

from repot.engine.drift import check
from repot.engine.session import Session
from repot.model.errors import Refused
from support.drift import tried
from support.sql import run


def test_the_remedy_suits_the_change(shop: Session, before: str) -> None:
    def hint(statements: str) -> str:
        with tried(shop, statements) as conn, pytest.raises(Refused) as caught:
            check(conn, shop.run.id, shop.plan, before)
        return caught.value.hint

    assert "DETACH" in hint("create table log_2027 partition of log default")
    assert "repot copy --restart" in hint("alter table product disable trigger user")
    assert "take the change back" in hint("alter table customer add age int")


def test_the_callers_lock_timeout_stays(shop: Session, before: str) -> None:
    with tried(shop, "alter table product alter name set default 'x'") as conn:
        conn.execute("set local lock_timeout = '7s'")
        assert check(conn, shop.run.id, shop.plan, before) != before
        assert conn.execute("show lock_timeout").fetchone() == ("7s",)


def test_a_run_whose_ground_was_not_noted_is_caught_up_with(own: Session) -> None:
    run(own.dsn, "drop table repot.ground, repot.ddl")  # of a version that had none
    with own.connect() as conn:
        known = check(conn, own.run.id, own.plan, None)
        run(own.dsn, "alter table public.customer rename old_code to code")
        with pytest.raises(Refused) as caught:
            check(conn, own.run.id, own.plan, known)
    assert caught.value.evidence.startswith(
        'public.customer: column "old_code" was renamed to "code"'
    )


def test_many_changes_are_counted_and_ten_shown(shop: Session, before: str) -> None:
    statements = "; ".join(f"create table new_{n} ()" for n in range(14))
    with tried(shop, statements) as conn, pytest.raises(Refused) as caught:
        check(conn, shop.run.id, shop.plan, before)
    assert caught.value.message.startswith("14 things have changed")
    lines = caught.value.evidence.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "and 4 more"


def test_what_was_changed_before_anybody_looked_is_noticed(own: Session) -> None:
    """Without a known fingerprint the whole comparison is made."""
    run(own.dsn, "alter table public.customer rename old_code to code")
    with own.connect() as conn, pytest.raises(Refused) as caught:
        check(conn, own.run.id, own.plan, None)
    assert '"old_code" was renamed to "code"' in caught.value.evidence
