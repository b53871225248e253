"""DDL in the middle of a batch: nothing of it is committed."""

from __future__ import annotations

from time import perf_counter

import psycopg
import pytest

from repot.engine.apply import drain
from repot.engine.drift import check
from repot.engine.session import Session
from repot.model.errors import Refused
from repot.postgres.connect import Connection
from support.sql import connect, rows, run

# A batch: its changes are taken, worked out and written, and the gate comes before COMMIT.
TAKE = "delete from repot.{} returning *"
APPLY = (
    "update shop_v2.items as t set title = v.title from repot_view.items as v"
    " where v.id = t.id and v.title is distinct from t.title"
)


def log_of(session: Session, table: str) -> str:
    ((log,),) = rows(session.dsn, "select log from repot.capture where source = %s", (table,))
    return str(log)


def state_of(session: Session, log: str) -> tuple[object, ...]:
    """The changes that wait, and V2's rows."""
    return (
        rows(session.dsn, f"select * from repot.{log} order by 1, 2"),
        rows(session.dsn, "select * from shop_v2.items order by id"),
    )


@pytest.mark.parametrize(
    ("ddl", "line"),
    [
        ("alter table product add age int", 'public.product: column "age" was added'),
        (
            "alter table product disable trigger user",
            "public.product: the capture triggers are disabled",
        ),
        (
            "create table log_2027 partition of log for values from ('2027-01-01') to (maxvalue)",
            "public.log_2027: a new partition that is not captured",
        ),
        (
            "alter table product rename name to n; alter table product rename status to name;"
            " alter table product rename n to status",
            'public.product: column "name" was renamed to "status"',
        ),
    ],
)
def test_ddl_in_the_middle_of_a_batch_leaves_nothing_of_it(
    own: Session, ddl: str, line: str
) -> None:
    with own.connect() as conn:
        known = check(conn, own.run.id, own.plan, None)
    run(own.dsn, "update public.product set name = 'Changed' where id <= 5")
    log = log_of(own, "public.product")
    untouched = state_of(own, log)

    def batch(conn: Connection) -> None:
        assert conn.execute(TAKE.format(log).encode()).fetchall()
        run(own.dsn, f"set search_path = public; {ddl}")
        assert conn.execute(APPLY).rowcount > 0
        check(conn, own.run.id, own.plan, known)

    with own.connect() as conn, pytest.raises(Refused) as caught, conn.transaction():
        batch(conn)
    assert caught.value.code == "schema-changed"
    assert line in caught.value.evidence.splitlines()
    assert state_of(own, log) == untouched
    assert untouched[0]


def test_without_ddl_the_batch_is_committed(own: Session) -> None:
    """The same batch: what the test above rolls back is work."""
    with own.connect() as conn:
        known = check(conn, own.run.id, own.plan, None)
        run(own.dsn, "update public.product set name = 'Changed' where id <= 5")
        log = log_of(own, "public.product")
        with conn.transaction():
            conn.execute(TAKE.format(log).encode())
            conn.execute(APPLY)
            assert check(conn, own.run.id, own.plan, known) == known
    waiting, items = state_of(own, log)
    assert waiting == []
    assert isinstance(items, list)
    assert sum("Changed" in row for row in items) == 5


def test_what_a_batch_has_read_cannot_be_altered_before_it_commits(own: Session) -> None:
    with own.connect() as conn:
        known = check(conn, own.run.id, own.plan, None)
        run(own.dsn, "update public.product set name = 'Changed' where id <= 5")
        with conn.transaction():
            drain(conn, own.run.id, own.plan)
            assert check(conn, own.run.id, own.plan, known) == known
            for table in ("public.product", "shop_v2.items"):
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    run(own.dsn, f"set lock_timeout = '100ms'; alter table {table} add age int")
        run(own.dsn, "alter table public.product add age int")
        with pytest.raises(Refused, match="1 thing has changed"):
            check(conn, own.run.id, own.plan, known)


def test_who_is_still_altering_a_table_is_not_waited_for(own: Session) -> None:
    with own.connect() as conn, connect(own.dsn) as other:
        known = check(conn, own.run.id, own.plan, None)
        run(own.dsn, "alter table public.customer add age int")
        other.execute("begin; lock table shop_v2.items in access exclusive mode")
        began = perf_counter()
        with conn.transaction():
            conn.execute("set local lock_timeout = '7s'")
            with pytest.raises(Refused) as caught, conn.transaction():
                check(conn, own.run.id, own.plan, known)
            assert conn.execute("show lock_timeout").fetchone() == ("7s",)
        assert caught.value.code == "schema-in-motion"
        assert perf_counter() - began < 5
        other.execute("rollback")
        with pytest.raises(Refused) as caught:
            check(conn, own.run.id, own.plan, known)
        assert caught.value.code == "schema-changed"
