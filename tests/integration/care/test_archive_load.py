"""Archiving under load: live and archived rows are at every moment what was acknowledged."""

from __future__ import annotations

import random

import pytest

from support.archiving import DIFFERENCES, SETTINGS, SHAPE, Load
from support.caring import Care

# The move taken apart: the rows are copied by one statement and deleted by the next.
APART = """
create or replace function repot_upkeep.archive_chunk(
  settings jsonb, live regclass, archive regclass, condition text, chunk integer
) returns bigint language plpgsql as $$
declare
  done bigint;
begin
  execute format('insert into %s select t.* from %s as t where %s', archive, live, condition);
  execute format('delete from %s as t where %s', live, condition);
  get diagnostics done = row_count;
  return least(done, 0);
end $$
"""


@pytest.fixture
def loaded(care: Care) -> Care:
    care.run(SHAPE)
    care.call("archive", **SETTINGS | {"max_rows": 1})  # the archive stands
    assert care.rows(DIFFERENCES) == []
    return care


def test_nothing_is_lost_at_any_moment(loaded: Care) -> None:
    seed = random.randrange(1_000_000)
    load = Load(loaded, seed)
    load.go(lambda x: x.kills >= 10 and x.writes >= 600 and x.checks >= 60)
    assert (load.errors, load.found) == ([], []), f"seed {seed}"
    assert loaded.rows(DIFFERENCES) == []
    last = loaded.call("archive", **SETTINGS)
    assert last["ok"]
    assert last["figures"]["left"] == 0
    assert loaded.rows(DIFFERENCES) == []
    there = {
        r[0] for r in loaded.rows("select id from event union all select id from archive.event")
    }
    assert load.acknowledged - load.deleted <= there
    assert not load.deleted & there
    # The evidence is of the same transactions: not a row more or less than is there.
    assert loaded.one("select sum(rows) from repot_upkeep.archived") == loaded.one(
        "select count(*) from archive.event"
    )


def test_taken_apart_it_is_seen(loaded: Care) -> None:
    loaded.run(APART)
    load = Load(loaded, seed=1)
    load.go(lambda x: x.checks >= 3000, kill=False)
    assert load.errors == []
    assert load.found
