"""What prevents a build; nothing is left then."""

from __future__ import annotations

import pytest

from repot.engine.build import build
from repot.engine.session import Session
from repot.model.errors import Refused, RepotError
from repot.model.state import Phase
from support.building import (
    nothing_is_left,
    v1_of,
)
from support.sql import connect, run


def test_locked_out_it_gives_up_and_leaves_nothing(session: Session) -> None:
    before = v1_of(session.dsn)
    with connect(session.dsn) as other, other.transaction():
        other.execute("lock table note in row exclusive mode")
        with pytest.raises(Refused) as caught:
            build(session)
    assert caught.value.code == "lock-timeout"
    assert "pid" in caught.value.evidence
    nothing_is_left(session, before)
    assert build(session).phase is Phase.COPYING


def test_target_that_fails_now(session: Session) -> None:
    """V1 or the server is not what it was when the plan was made."""
    before = v1_of(session.dsn)
    text = session.plan.target_sql.text + "\ncreate table more (\n  id nonsense);"
    broken = session.plan.target_sql.model_copy(update={"text": text})
    other = Session(
        session.dsn, session.run, session.plan.model_copy(update={"target_sql": broken})
    )
    with pytest.raises(RepotError) as caught:
        build(other)
    assert caught.value.code == "target-failed"
    assert f"target.sql, line {text.count(chr(10)) + 1}" in caught.value.message
    nothing_is_left(session, before)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("create table more (id int);", "target-differs"),
        ("alter table events set unlogged;", "target-unlogged"),
        ("create rule r as on insert to notes do also notify x;", "target-has-rules"),
    ],
)
def test_targets_that_cannot_be_filled(session: Session, more: str, code: str) -> None:
    before = v1_of(session.dsn)
    text = session.plan.target_sql.text + more
    changed = session.plan.target_sql.model_copy(update={"text": text})
    other = Session(
        session.dsn, session.run, session.plan.model_copy(update={"target_sql": changed})
    )
    with pytest.raises(RepotError) as caught:
        build(other)
    assert caught.value.code == code
    nothing_is_left(session, before)


def test_v1_table_that_went(session: Session) -> None:
    run(session.dsn, "drop table note")
    with pytest.raises(RepotError) as caught:
        build(session)
    assert caught.value.code == "source-table-gone"


def test_v1_column_that_went(session: Session) -> None:
    before = v1_of(session.dsn)
    run(session.dsn, "alter table note rename text to said")
    with pytest.raises(RepotError) as caught:
        build(session)
    assert caught.value.code == "build-failed"
    assert "text" in caught.value.message
    run(session.dsn, "alter table note rename said to text")
    nothing_is_left(session, before)
