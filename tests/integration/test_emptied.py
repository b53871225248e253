"""The application empties tables all the time: nobody waits for himself, nobody is ended for us.

A TRUNCATE waits for every transaction that has looked at the table, and all others wait behind it.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from repot.engine.build import build
from repot.engine.prove import Aside
from repot.stages.copy import copy
from repot.stages.cutover import cutover
from repot.stages.follow import follow
from repot.stages.rollback import rollback
from repot.stages.verify import verify
from repot.stages.verify.snapshot import Snapshot
from support.shop import make_shop
from support.sql import connect, rows, run
from support.swapping import whole_backup

sys.setswitchinterval(0.0005)
PAUSE = 0.004  # seconds between two of them
FILL = (
    "insert into bundle select n, 'Again ' || n, n from generate_series(1, 40) n",
    "insert into purchase (customer_id, amount) select n, 1 from generate_series(1, 60) n",
)


@contextmanager
def emptying(dsn: str) -> Iterator[list[str]]:
    """One client that empties two tables in one order and in the other, and fills them again; what
    the server answered when it did not like that."""
    stop, complaints = threading.Event(), list[str]()
    done = list[int]()

    def work() -> None:
        with connect(dsn) as conn:
            while not stop.is_set():
                try:
                    with conn.transaction():
                        conn.execute(
                            "truncate bundle, purchase" if len(done) % 2 else "truncate purchase"
                        )
                        if not len(done) % 2:
                            conn.execute("truncate bundle")
                        for statement in FILL:
                            conn.execute(statement)
                    done.append(1)
                except psycopg.errors.DeadlockDetected as ended:
                    complaints.append(str(ended))
                except psycopg.errors.UndefinedTable:
                    pass  # it is V2 now, which has other tables
                except psycopg.Error as failed:
                    complaints.append(str(failed))
                    return
                time.sleep(PAUSE)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield complaints
    finally:
        stop.set()
        thread.join()
    assert done


@pytest.mark.timeout(240)
def test_tables_are_emptied_from_the_copy_to_the_second_cutover(database: str) -> None:
    session = make_shop(database)
    with emptying(database) as complaints:
        session = session.at(build(session))
        copy(session)
        for workers in (1, 3):
            verdict = verify(session, workers=workers)
            assert verdict.passed, verdict.reasons
        cutover(session, verdict, whole_backup())
        session = session.at(rollback(session)[0])
        follow(session, stop=threading.Event(), once=True)
        verdict = verify(session)
        assert verdict.passed, verdict.reasons
        cutover(session, verdict, whole_backup())
    assert complaints == []


@pytest.mark.timeout(60)
def test_what_a_question_of_the_proof_locks_is_free_again(database: str) -> None:
    session = make_shop(database)
    session = session.at(build(session))
    copy(session)
    run(database, "update product set price = 7; update bundle set price = 7")
    with Snapshot(session, 2) as snapshot:
        found = snapshot.ask(lambda conn: snapshot.aside(conn).of(session.plan.moves[0]))
        for _ in range(2):
            snapshot.ask(lambda conn: conn.execute("select * from public.product").fetchall())
        held = rows(
            database,
            "select relation::regclass::text from pg_locks l join pg_class c on c.oid = relation"
            " where locktype = 'relation' and relnamespace = 'public'::regnamespace and relkind = 'r'",
        )
        run(database, "set lock_timeout = '5s'; truncate purchase, bundle")
    assert found is not None
    assert held == []


@pytest.mark.timeout(60)
def test_what_waits_is_known_after_its_savepoint_is_gone(database: str) -> None:
    session = make_shop(database)
    session = session.at(build(session))
    copy(session)
    run(database, "update bundle set price = 7 where id in (3, 4, 5)")
    with connect(database) as conn, conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        aside = Aside(conn, session.run.id, session.plan)
        counts = {
            m.name: (scope.count, scope.all)
            for m in session.plan.moves
            if (scope := aside.of(m)) is not None
        }
        scope = aside.of(next(m for m in session.plan.moves if m.name in counts))
        assert scope is not None
        there = conn.execute(f"select count(*) from pg_temp.{scope.table.name}").fetchone()
    assert counts
    assert not scope.all
    assert there == (scope.count,)
    assert scope.count >= 3
