"""Rows before = rows after + rows archived, value by value, whatever a way back does."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from repot.folder.fingerprint import fingerprint
from repot.postgres.connect import connection
from support import random_undo as r
from support.undoing import Folder, content, rows

CASES = 40


def test_what_was_is_what_is_and_what_was_kept(
    tmp_path: Path, make_database: Callable[..., str]
) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    ran = lost = 0
    number = 0
    while ran < CASES:
        number += 1
        dice = random.Random(f"{seed} {number}")
        dsn = make_database()
        folder = Folder(tmp_path / str(number), dsn)
        text, made = r.tables(dice)
        folder.add("base", text)
        name = folder.add("change", "select 1;")
        folder.deploy()
        script = ";\n".join(r.way_back(dice, made)) + ";"
        folder.down(name, script)
        where = f"seed {seed}, case {number}:\n{text}\n-- down\n{script}"
        before = r.look(dsn)
        was, shape = content(dsn), _fingerprint(dsn)

        asked = folder.undo()
        if asked.findings and asked.findings[0].code != "would-lose":
            assert asked.findings[0].code == "down-cannot-succeed", where
            assert (content(dsn), _fingerprint(dsn)) == (was, shape), where
            continue
        ran += 1
        if asked.losses:
            assert asked.refused, where
            assert (content(dsn), _fingerprint(dsn)) == (was, shape), where
            done = folder.undo(accept_loss=True)
            assert done.done, where
            assert {(x.table, x.kind, x.count) for x in done.losses} == {
                (x.table, x.kind, x.count) for x in asked.losses
            }, where
            lost += 1
        else:
            assert asked.done, where
        after = r.look(dsn)
        want_rows, want_values = r.expected(before, after)
        got_rows, got_values = r.archived(dsn)
        assert {
            t: Counter(frozenset(row.items()) for row in of) for t, of in got_rows.items()
        } == want_rows, where
        assert {t: Counter(of) for t, of in got_values.items()} == want_values, where
        assert {(x.table, x.kind.value): x.count for x in asked.losses} == {
            **{(_shown(t), "rows"): sum(c.values()) for t, c in want_rows.items()},
            **{(_shown(t), "values"): sum(c.values()) for t, c in want_values.items()},
        }, where
        assert rows(
            dsn, "select count(*) from _prisma_migrations where rolled_back_at is null"
        ) == [(1,)]
    assert lost > CASES / 3


def _fingerprint(dsn: str) -> str:
    with connection(dsn) as conn:
        return fingerprint(conn)


def _shown(name: tuple[str, str]) -> str:
    plain = name[1].replace("_", "a").isalnum() and name[1].islower() and name[1].isascii()
    return name[1] if plain else '"' + name[1].replace('"', '""') + '"'
