"""Random transactions on tables whose keys go in a circle, or refer to another unique value than the
key: V1's keys wait until the commit, V2's do not, and nothing is ever set aside."""

from __future__ import annotations

import random
from pathlib import Path

import psycopg
import pytest

from repot.engine.apply import drain
from repot.model.errors import RepotError
from support.pipeline import started
from support.project import write
from support.sql import connect, rows, run

TABLES = """
create table team (id int primary key{wait}, code text not null unique{wait}, lead int {null});
create table player (id int primary key{wait}, nick text unique{wait}, team int not null,
  mate int references player{wait}, home text references team (code){wait});
create table badge (id int primary key{wait}, player int not null, code text);
alter table team add foreign key (lead) references player{action}{wait};
alter table player add foreign key (team) references team{action}{wait};
alter table badge add foreign key (player) references player{action}{wait};
alter table badge add foreign key (code) references team (code){wait};
"""
ROWS = """
begin; set constraints all deferred;
insert into team values (1, 'a', 1), (2, 'b', 2), (3, 'c', 2);
insert into player values (1, 'x', 1, null, 'a'), (2, 'y', 2, 1, 'b'), (3, 'z', 2, 3, null);
insert into badge values (1, 1, 'a'), (2, 3, null); commit
"""
MOVES = {
    "moves/team.sql": "select id, code, lead from team",
    "moves/player.sql": "select id, nick, team, mate, home from player",
    "moves/badge.sql": "select id, player, code from badge",
}
SHAPES = {
    "null": {"null": "", "action": ""},
    "not null": {"null": "not null", "action": ""},
    "cascade": {"null": "", "action": " on delete cascade on update cascade"},
    "restrict": {"null": "not null", "action": " on delete restrict"},
}
STEPS = 60


def statement(rng: random.Random, *, acts: bool) -> str:
    def number() -> int:
        return rng.randint(1, 5)

    def some(*words: str) -> str:
        return rng.choice([*(f"'{w}'" for w in words), "null"])

    a, b, lead = number(), number(), number()
    code, nick = rng.choice("abcd"), some("x", "y", "z", "w")
    taking = [  # where a key acts, rows cannot take such values from each other: the plan says so
        f"update team set code = '{code}' where id = {a}",
        f"update team set code = case code when 'a' then '{code}' when '{code}' then 'a' else code"
        " end",
    ]
    return rng.choice(
        [
            *([] if acts else taking),
            f"insert into team values ({a}, '{code}', {lead})",
            f"insert into player values ({a}, {nick}, {b}, {lead}, '{code}')",
            f"insert into badge values ({a}, {b}, '{code}')",
            f"update team set lead = {lead} where id = {a}",
            f"update team set id = {b} where id = {a}; update player set team = {b} where team = {a}",
            f"update player set id = {b} where id = {a}; update team set lead = {b} where lead = {a};"
            f" update badge set player = {b} where player = {a};"
            f" update player set mate = {b} where mate = {a}",
            f"update player set team = {b}, mate = {lead} where id = {a}",
            f"update player set nick = {nick} where id = {a}",
            f"update player set home = {some(*'abcd')}; update badge set code = null",
            f"update badge set player = {b}, code = {some(*'abcd')} where id = {a}",
            f"delete from team where id = {a}; update player set team = {b} where team = {a}",
            f"delete from player where id = {a}; update team set lead = {b} where lead = {a}",
            f"delete from badge where id = {a}",
        ]
    )


@pytest.mark.parametrize("shape", list(SHAPES))
def test_random_transactions(
    database: str, tmp_path: Path, shape: str, request: pytest.FixtureRequest
) -> None:
    transactions(database, tmp_path, shape, request.config.getoption("project_seed"))


@pytest.mark.parametrize("seed", [7, 45])
def test_a_value_that_changes_hands_twice(database: str, tmp_path: Path, seed: int) -> None:
    """A row takes a value from one that is to be deleted while others still refer to it, and its own
    is taken by a third."""
    transactions(database, tmp_path, "not null", seed)


def transactions(database: str, tmp_path: Path, shape: str, seed: int) -> None:
    """Random ones, each applied by itself; V2 is as V1 after each."""
    rng = random.Random(seed)
    words = SHAPES[shape]
    v1 = TABLES.format(**{**words, "action": ""}, wait=" deferrable initially deferred")
    # A key must refer to a value that is checked at once.
    v1 = v1.replace(" key deferrable initially deferred", " key").replace(
        "unique deferrable initially deferred", "unique"
    )
    run(database, v1 + ROWS)
    v2 = TABLES.format(**words, wait="")
    session = started(database, write(tmp_path / "p", {"target.sql": v2, **MOVES}))
    done = 0
    with connect(database) as writer, session.connect() as conn:
        for step in range(STEPS):
            taken = [statement(rng, acts=bool(words["action"])) for _ in range(rng.randint(1, 5))]
            try:
                with writer.transaction():
                    for each in taken:
                        writer.execute(each.encode())
            except psycopg.IntegrityError:
                continue
            done += 1
            try:
                drain(conn, session.run.id, session.plan)
            except RepotError as failed:
                failed.add_note(f"{shape}, seed {seed}, step {step}: {taken}")
                raise
            for table in ("team", "player", "badge"):
                query = "select * from {} order by id"
                there = rows(database, query.format("v2." + table))
                assert there == rows(database, query.format(table)), (shape, seed, step, taken)
    assert done > STEPS // 10, seed
