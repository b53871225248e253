"""Rows that are left out on purpose are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from repot.stages.copy import copy
from support.copying import PLAIN, ready
from support.sql import rows, run

LEAVE = """
[[rows]]
table = "thing"
where = "code is null -- no code"
reason = "nameless; it's of no use"
[[rows]]
table = "thing"
where = "exists (select from pack p where p.id = thing.pack_id and p.made is null)"
reason = "of an undated pack"
"""


def test_rows_left_out_are_kept(database: str, tmp_path: Path) -> None:
    from repot.engine import quarantine
    from repot.postgres.connect import connection

    session = ready(database, tmp_path, PLAIN | {"leave.toml": LEAVE})
    copy(session)
    kept = "select repot_rule, repot_reason, count(*) from repot_quarantine.thing group by 1, 2"
    both = "select count(*) from thing where code is null"
    undated = (
        "select count(*) from thing t where code is not null and pack_id in"
        " (select id from pack where made is null)"
    )
    first, second = rows(database, both)[0][0], rows(database, undated)[0][0]
    assert first * second > 0
    assert rows(database, kept + " order by 1") == [
        (0, "nameless; it's of no use", first),
        (1, "of an undated pack", second),
    ]
    ((answer,),) = rows(database, "select answer from repot.evidence where kind = 'copy'")
    assert answer["quarantined"] == {"thing": first + second}
    lost: list[Any] = rows(
        database,
        "select t::text from thing t where code is null except all"
        " select row(id, code, kind, note, pack_id)::text from repot_quarantine.thing"
        " where repot_rule = 0",
    )
    assert lost == []
    run(database, "delete from thing where code is null")
    with connection(database) as conn:
        assert quarantine.fill(conn, session.run.id, session.plan) == {"thing": second}
        assert quarantine.fill(conn, session.run.id, session.plan) == {"thing": second}
