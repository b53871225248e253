"""Twin tables that become one: every row is accounted for, those without a key too, and what is
worked out of a row may be the key that a registry remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.engine.apply import drain
from repot.engine.capture import FORWARD
from repot.engine.session import Session
from repot.model.results import Account, Verdict
from repot.postgres.connect import connection
from repot.stages.verify import verify
from support.pipeline import started
from support.project import write
from support.sql import rows, run

V1 = """
create table paid (id int primary key, who int not null, ref text, n int not null);
create table paid_too (id int primary key, who int not null, ref text, n int not null);
insert into paid values (1, 1, 'a', 10), (2, 1, 'b', 20), (3, 2, 'c', 30);
insert into paid_too values (11, 1, 'a', 10), (12, 1, 'x', 5), (13, 2, 'c', 31), (14, 3, null, 7);
create table token (who int, kind text, value text);
insert into token values (1, 'g', 'old'), (1, 'g', 'new'), (1, 'g', 'new'), (2, 'h', 'only'),
  (null, 'g', 'lost');
create table banned (typed text primary key);
create table banned_too (typed text primary key);
insert into banned values ('a@x'), ('B@x');
insert into banned_too values ('A@X'), ('c@x');
"""
TARGET = """
create table payments (id int primary key, who int not null, n int not null, twice boolean not null);
create table tokens (who int, kind text, value text, primary key (who, kind));
create table bans (address text primary key, times int not null);
"""
# Of twins the row of `paid` stays; the other is looked up among that person's.
PAYMENTS = """
with all_of_them as not materialized (
  select who, 1 as place, id, ref, n from paid union all select who, 2, id, ref, n from paid_too
), paired as not materialized (
  select a.*, count(*) over pair = 2 and ref is not null as twice,
         lead(id) over (partition by who, ref order by place) as twin
  from all_of_them a
  window pair as (partition by who, ref)
)
select p.id, p.who, p.n, t.id is not null as twice
from paired p
left join paid_too t on t.who = p.who and t.id = p.twin
where p.place = 1 or not p.twice
"""
NOT_LOOKED_UP = (
    PAYMENTS.replace("left join paid_too t on t.who = p.who and t.id = p.twin", "")
    .replace("t.id is not null", "p.twice")
)  # fmt: skip
TOKENS = """
select distinct on (who, kind) who, kind, value from token
where who is not null and value <> 'skipped'
order by who, kind, value
"""
BANS = """
select r.address, (count(b.typed) + count(o.typed))::int as times
from address_of r
left join banned b on r.place = 'banned' and b.typed = r.typed
left join banned_too o on r.place = 'banned_too' and o.typed = r.typed
where b.typed is not null or o.typed is not null
group by r.address
"""
REGISTRY = """
select 'banned' as place, typed, lower(typed) as address from banned
union all select 'banned_too', typed, lower(typed) from banned_too
"""
SETTINGS = """
[move.payments]
key = ["who", "id"]
scope = ["who"]
[registry.address_of]
kind = "number"
key = ["place", "typed", "address"]
"""
LEAVE = """
[[rows]]
table = "token"
where = "who is null"
reason = "nobody's"
"""


def moved(dsn: str, folder: Path, *, payments: str = PAYMENTS) -> Session:
    run(dsn, V1)
    files = {
        "target.sql": TARGET,
        "leave.toml": LEAVE,
        "moves/payments.sql": payments,
        "moves/tokens.sql": TOKENS,
        "moves/bans.sql": BANS,
        "registry/address_of.sql": REGISTRY,
    }
    return started(dsn, write(folder, files, SETTINGS))


def of(verdict: Verdict, table: str) -> Account:
    return next(a for a in verdict.accounts if a.table == table)


def test_a_twin_that_is_looked_up_is_merged(database: str, tmp_path: Path) -> None:
    verdict = verify(moved(database, tmp_path / "p"))
    assert verdict.reasons == ()
    paid, too = of(verdict, "paid"), of(verdict, "paid_too")
    assert (paid.rows, paid.moved, paid.merged) == (3, 3, 0)
    assert (too.rows, too.moved, too.merged, too.unaccounted) == (4, 2, 2, 0)
    assert too.into == {"payments": 4}


def test_a_twin_that_is_only_passed_over_is_not_accounted_for(
    database: str, tmp_path: Path
) -> None:
    verdict = verify(moved(database, tmp_path / "p", payments=NOT_LOOKED_UP))
    too = of(verdict, "paid_too")
    assert not verdict.passed
    assert (too.moved, too.merged, too.unaccounted) == (2, 0, 2)
    assert too.examples == ("id = 11", "id = 13")


def test_a_row_of_the_pair_comes_and_goes(database: str, tmp_path: Path) -> None:
    session = moved(database, tmp_path / "p")
    run(database, "insert into paid_too values (15, 1, 'b', 20)")  # now 2 has a twin
    run(database, "delete from paid where id = 1")  # and 11 has none
    run(database, "update paid_too set ref = 'y' where id = 13")
    verdict = verify(session)
    assert verdict.reasons == ()
    assert rows(database, "select id, n, twice from v2.payments order by id") == [
        (2, 20, True), (3, 30, False), (11, 10, False), (12, 5, False), (13, 31, False),
        (14, 7, False),
    ]  # fmt: skip
    too = of(verdict, "paid_too")
    assert (too.moved, too.merged) == (4, 1)


def test_rows_without_a_key_are_told_by_their_group(database: str, tmp_path: Path) -> None:
    session = moved(database, tmp_path / "p")
    token = of(verify(session), "token")
    assert (token.rows, token.merged, token.left, token.unaccounted) == (5, 4, 1, 0)
    assert (token.quarantined, token.into) == (1, {"tokens": 4})
    run(database, "insert into token values (9, 'g', 'skipped'), (9, 'g', 'skipped')")
    verdict = verify(session)
    assert verdict.reasons == ("token: 2 rows are not accounted for",)
    assert of(verdict, "token").examples == ("who = 9, kind = g", "who = 9, kind = g")


@pytest.mark.parametrize("typed", ["b@X", "d@x"])
def test_a_registry_remembers_what_is_worked_out_of_a_row(
    database: str, tmp_path: Path, typed: str
) -> None:
    session = moved(database, tmp_path / "p")
    (registry,) = session.plan.registries
    assert registry.told == ("place", "typed")
    query = "select address, times from v2.bans order by 1"
    before = dict(rows(database, query))
    assert before == {"a@x": 2, "b@x": 1, "c@x": 1}

    def drained() -> dict[str, int]:
        with connection(database) as conn, conn.transaction():
            drain(conn, session.run.id, session.plan, FORWARD)
        return dict(rows(database, query))

    run(database, f"insert into banned_too values ('{typed}')")
    assert drained() == before | {typed.lower(): before.get(typed.lower(), 0) + 1}
    run(database, f"delete from banned_too where typed = '{typed}'")
    assert drained() == before


def test_a_row_that_others_look_up_elsewhere_is_not_accounted_for(
    database: str, tmp_path: Path
) -> None:
    run(database, "create table staff (id int primary key, name text, boss int, hidden boolean)")
    run(database, "insert into staff values (1, 'boss', null, true), (2, 'b', 1, false)")
    run(database, "insert into staff values (3, 'c', 1, false), (4, 'd', 2, false)")
    files = {
        "target.sql": "create table people (id int primary key, name text, boss text)",
        "moves/people.sql": "select s.id, s.name, b.name as boss from staff s"
        " left join staff b on b.id = s.boss where not s.hidden",
        "leave.toml": '[[column]]\ntable = "staff"\ncolumn = "boss"\nreason = "by name"\n',
    }
    staff = of(verify(started(database, write(tmp_path / "p", files))), "staff")
    assert (staff.moved, staff.merged, staff.split, staff.unaccounted) == (3, 0, 0, 1)
    assert staff.examples == ("id = 1",)
