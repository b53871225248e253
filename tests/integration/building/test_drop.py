"""Dropping what was built."""

from __future__ import annotations

import pytest

from repot.engine.build import build, drop_build
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.model.state import Phase
from repot.stages.copy import copy
from support.building import (
    nothing_is_left,
    v1_of,
)
from support.sql import rows, run


def test_drop_gives_back_what_was_before(session: Session) -> None:
    before = v1_of(session.dsn)
    built = build(session)
    run(session.dsn, "update note set text = 'x' where id = 7")
    copy(session)
    dropped = drop_build(session.at(built))
    assert dropped.phase is Phase.PLANNED
    nothing_is_left(session, before)
    assert rows(session.dsn, "select count(*) from repot.chunk") == [(0,)]
    assert rows(session.dsn, "select count(*) from repot.capture") == [(0,)]
    assert drop_build(session.at(dropped)).phase is Phase.PLANNED
    assert build(session).phase is Phase.COPYING
    assert copy(session).rows == 90


def test_drop_refuses_tables_that_are_not_its_own(session: Session) -> None:
    built = build(session)
    run(session.dsn, "create table v2.stranger (a int)")
    with pytest.raises(Refused) as caught:
        drop_build(session.at(built))
    assert caught.value.code == "target-has-other-tables"
    assert caught.value.evidence == "stranger"
    # One of its own, dropped and made anew, is not its own any more.
    run(session.dsn, "drop table v2.stranger, v2.events; create table v2.events (id int)")
    with pytest.raises(Refused):
        drop_build(session.at(built))


@pytest.mark.parametrize(
    "thing",
    [
        "view hanging as select * from v2.events",
        "table hanging (id int references v2.people)",
        "table hanging (id bigint default nextval('v2.events_id_seq'))",
        "function hanging() returns bigint begin atomic select count(*) from v2.events; end",
    ],
)
def test_drop_refuses_while_others_hang_on_v2(session: Session, thing: str) -> None:
    built = build(session)
    run(session.dsn, f"create {thing}")
    with pytest.raises(Refused) as caught:
        drop_build(session.at(built))
    assert caught.value.code == "target-in-use"
    assert "hanging" in caught.value.evidence


def test_drop_refuses_once_v2_serves(session: Session) -> None:
    built = build(session)
    run(session.dsn, "update repot.run set phase = 'cut_over'")
    with pytest.raises(Refused) as caught:
        drop_build(session.at(built))
    assert caught.value.code == "wrong-phase"
    assert rows(session.dsn, "select to_regclass('v2.people') is not null") == [(True,)]
