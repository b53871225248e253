"""A table that Repot is moving: refused by name, or, where that is allowed, carried along."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.engine.apply import drain
from repot.engine.build import build
from repot.postgres.connect import connection
from repot.stages.copy import copy
from repot.stages.verify import verify
from support.caring import Care, codes
from support.moving import make_session

V1 = (
    "create table event (id int primary key, note text, at timestamptz);"
    "create index on event (at);"
    "insert into event select n, 'n' || n, now() - n * interval '1 day' from generate_series(1, 100) n"
)
FILES = {
    "target.sql": "create table event (id int primary key, remark text, at timestamptz);",
    "moves/event.sql": "select id, note as remark, at from event",
}
GIVEN = {"table": "public.event", "column": "at", "older_than": "50 days", "chunk": 10}


@pytest.mark.parametrize("allow", [False, True])
def test_while_it_moves(care: Care, tmp_path: Path, allow: bool) -> None:
    session = make_session(care.dsn, tmp_path, FILES, V1)
    session = session.at(build(session))
    copy(session)
    if not allow:
        result = care.call("archive", **GIVEN)
        assert codes(result) == ["archive-moving"]
        assert care.one("select count(*) from event") == 100
        return
    result = care.call("archive", **GIVEN, moving="allow", foreign_keys=False)
    assert result["ok"], result
    assert result["figures"]["moved"] == 51
    assert care.one("select count(*) from v2.event") == 100  # not yet
    with connection(care.dsn) as conn:
        drain(conn, session.run.id, session.plan)
    assert care.one("select count(*) from v2.event") == 49
    verdict = verify(session)
    assert verdict.passed, verdict.reasons
    assert (
        care.one("select count(*) from event") + care.one("select count(*) from archive.event")
        == 100
    )


def test_a_table_that_is_read_from_the_wal(care: Care) -> None:
    """It has no triggers; Repot's own list says that it moves."""
    care.run(V1 + "; create schema repot; create table repot.capture (oid oid)")
    care.run("insert into repot.capture values ('event'::regclass)")
    assert codes(care.call("archive", **GIVEN)) == ["archive-moving"]
