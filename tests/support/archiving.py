"""Sessions that write a table while it is archived, and one that looks at every moment.

What was acknowledged stands in `ledger`, written by the statement that writes `event`; so in any one
snapshot live and archived rows together are the ledger, value by value.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from support.caring import Care, called
from support.sql import connect

SHAPE = """
create table account (id int primary key);
insert into account select generate_series(1, 20);
create table event (
  id bigint primary key, account int references account on delete cascade, note text,
  amount numeric(12, 3), at timestamptz not null);
create index on event (at);
create table ledger (id bigint primary key, account int, note text, amount numeric(12, 3), at timestamptz);
create index on ledger (account);
create index on event (account);
with new as (
  insert into event select n, 1 + n % 20, 'row ' || n, n / 7.0, now() - n * interval '1 hour'
    from generate_series(1, 600) n returning *)
insert into ledger select * from new;
"""
# 0 rows: live and archive together are the ledger. One statement, so one snapshot.
DIFFERENCES = """
select coalesce(e.id, l.id), e.times, e.amount, l.amount
  from (select id, count(*) as times, min(account) as account, min(note) as note,
               min(amount) as amount, min(at) as at
          from (select id, account, note, amount, at from event
                union all select id, account, note, amount, at from archive.event) sides group by id) e
  full join ledger l on l.id = e.id
 where e.times is distinct from 1
    or (e.account, e.note, e.amount, e.at) is distinct from (l.account, l.note, l.amount, l.at)
"""
INSERT = """
with new as (insert into event values (%s, %s, %s, %s, now() - %s * interval '1 hour') returning *)
insert into ledger select * from new returning id
"""
UPDATE = """
with new as (update event set amount = %s, note = note || '.', at = at + %s * interval '1 hour'
              where id = %s returning *)
update ledger l set amount = new.amount, note = new.note, at = new.at from new where l.id = new.id
 returning l.id
"""
DELETE = "with gone as (delete from event where id = %s returning id) delete from ledger l using gone where l.id = gone.id returning l.id"
SETTINGS = {"table": "public.event", "column": "at", "older_than": "100 hours", "chunk": 9}


@dataclass
class Load:
    """seed: of what the writers do. `found`: what the checker saw that was not right."""

    care: Care
    seed: int
    writers: int = 3
    found: list[Any] = field(default_factory=list)
    checks: int = 0
    writes: int = 0
    kills: int = 0
    moved: int = 0
    errors: list[BaseException] = field(default_factory=list)
    acknowledged: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def go(self, enough: Callable[[Load], bool], kill: bool = True) -> None:
        """Until it is enough, or something went wrong."""
        threads = [
            threading.Thread(target=self._kept, args=(self._write, n)) for n in range(self.writers)
        ]
        threads += [
            threading.Thread(target=self._kept, args=(run,)) for run in (self._archive, self._check)
        ]
        threads += [threading.Thread(target=self._kept, args=(self._kill,))] if kill else []
        for thread in threads:
            thread.start()
        try:
            while not (enough(self) or self.errors or self.found):
                self.over.wait(0.02)
        finally:
            self.over.set()
            for thread in threads:
                thread.join()

    def _kept(self, work: Callable[..., None], *words: Any) -> None:
        try:
            work(*words)
        except BaseException as failed:  # noqa: BLE001 - told by the test
            self.errors.append(failed)

    def _write(self, number: int) -> None:
        chance = random.Random(self.seed * 100 + number)
        fresh = 1_000_000 * (number + 1)
        with connect(self.care.dsn) as conn:
            while not self.over.is_set():
                what = chance.random()
                some = chance.choice([chance.randint(1, 600), chance.randint(fresh, fresh + 200)])
                with conn.transaction():
                    if what < 0.4:
                        fresh += 1
                        conn.execute(
                            INSERT,
                            (
                                fresh,
                                chance.randint(1, 20),
                                "new",
                                chance.random(),
                                chance.randint(0, 200),
                            ),
                        )
                    elif what < 0.8:
                        conn.execute(
                            UPDATE, (chance.random(), chance.choice([-90, 0, 0, 90]), some)
                        )
                    else:
                        gone = conn.execute(DELETE, (some,)).rowcount
                    if chance.random() < 0.1:
                        conn.execute("select pg_sleep(0.01)")  # with its rows locked
                self.writes += 1
                if what < 0.4:
                    self.acknowledged.add(fresh)
                elif what >= 0.8 and gone:
                    self.deleted.add(some)

    def _archive(self) -> None:
        """As a daemon would: again after every break."""
        while not self.over.is_set():
            try:
                with connect(self.care.dsn) as conn:
                    conn.execute("set application_name = 'archiver'")
                    while not self.over.is_set():
                        result = called(conn, "archive", SETTINGS)
                        assert result["ok"], result
            except psycopg.OperationalError:
                if self.over.is_set():
                    return

    def _kill(self) -> None:
        """Ends the archiver again and again, each time it has moved something since."""
        chance = random.Random(self.seed)
        with connect(self.care.dsn) as conn:
            while not self.over.wait(chance.uniform(0, 0.03)):
                moved = conn.execute(
                    "select coalesce(sum(rows), 0)::int from repot_upkeep.archived"
                ).fetchone()
                assert moved is not None
                if moved[0] == self.moved:
                    continue
                self.moved = moved[0]
                self.over.wait(chance.uniform(0, 0.03))
                self.kills += conn.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where application_name = 'archiver' and datname = current_database()"
                ).rowcount

    def _check(self) -> None:
        with connect(self.care.dsn) as conn:
            while not self.over.is_set():
                self.found += conn.execute(DIFFERENCES).fetchall()[:5]
                self.checks += 1
