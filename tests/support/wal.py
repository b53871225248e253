"""Tables captured twice: with triggers, and from the WAL."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from repot.engine import capture, wal
from repot.engine.build import build
from repot.engine.capture import Captured
from repot.engine.session import Session
from repot.model.names import Name, name
from repot.model.plan import Derivation, Link, Output, Plan, Role, Use
from repot.postgres.compose import ident
from repot.postgres.connect import Connection, connection
from repot.postgres.connect import connect as open_connection
from repot.postgres.relations import oid_of, remember
from repot.postgres.state import create_run, ensure_state
from repot.stages.copy import copy
from repot.stages.follow import follow
from support.pipeline import planned
from support.shop import copy_project, make_v1
from support.sql import rows, run
from support.swapping import EMPTY, make_plan

Log = set[tuple[Any, ...]]

ITEMS = "create table public.item (id int primary key, shop int, title text)"
ITEM = {name("public", "item"): ("id",)}
ITEM_AND_SHOP = {name("public", "item"): ("shop",)}
TEXTS = "create table public.item (id int primary key, big text, small text)"


@dataclasses.dataclass(frozen=True)
class World:
    """Tables captured twice: with triggers, and from the WAL into logs of the same shape."""

    dsn: str
    run: int
    plan: Plan
    triggers: tuple[Captured, ...]
    captured: tuple[Captured, ...]
    conn: Connection

    def pump(self, **options: Any) -> wal.Pumped:
        """All that is committed by now, unless `upto` is given."""
        options.setdefault("upto", wal.now_lsn(self.conn))
        return wal.pump(self.conn, self.run, self.captured, **options)

    def create(self) -> None:
        wal.create(self.conn, self.run, self.plan, self.captured)

    def logged(self, which: int = 0, *, by_triggers: bool = False) -> list[tuple[Any, ...]]:
        """op and values, as text, sorted."""
        one = (self.triggers if by_triggers else self.captured)[which]
        query = sql.SQL("select op::text, {} from {}").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(f)) for f in one.fields),
            ident(one.log),
        )
        with connection(self.dsn) as conn:
            return sorted(conn.execute(query).fetchall(), key=repr)

    def same(self) -> Log:
        """Both logs of every table hold the same; what they hold, without the repetitions."""
        everything: Log = set()
        for n in range(len(self.captured)):
            found, expected = set(self.logged(n)), set(self.logged(n, by_triggers=True))
            assert found == expected, self.captured[n].source
            everything |= found
        return everything

    def standing(self) -> dict[str, Any]:
        """The slot as the server tells it."""
        with psycopg.connect(self.dsn, autocommit=True, row_factory=psycopg.rows.dict_row) as conn:
            found = conn.execute(
                "select s.*, w.confirmed as noted from repot.wal w"
                " join pg_replication_slots s on s.slot_name = w.slot"
            ).fetchone()
        assert found is not None
        return found


def make_world(dsn: str, script: str, tables: Mapping[Name, Sequence[str]]) -> World:
    """The tables of the script, with the columns to be captured; no slot yet."""
    run(dsn, "create schema if not exists app_v2;" + script)
    run(dsn, "create view public.repot_test as select 1 as k")
    derivation = Derivation(
        name="it",
        table=name("app_v2", "it"),
        user_view=name("public", "repot_test"),
        view=name("public", "repot_test"),
        columns=("k",),
        key=("k",),
        scope=("k",),
        outputs=(Output(name="k", type="integer"),),
        uses=tuple(
            Use(
                arm=0,
                source=table,
                alias="t",
                role=Role.DRIVING,
                link=Link(source=table, capture=tuple(columns)),
            )
            for table, columns in tables.items()
        ),
        sql=EMPTY,
    )
    plan = make_plan(dsn, outside=(), moves=(derivation,))
    conn = open_connection(dsn)
    ensure_state(conn)
    run_id = create_run(conn, plan).id
    with conn.transaction():
        for table in tables:
            oid = oid_of(conn, table)
            assert oid is not None
            remember(conn, run_id, "v1", table, oid)
        capture.install(conn, run_id, plan)
    triggers = capture.read(conn, run_id, capture.FORWARD)
    assert [c.name for c in triggers] == sorted(tables, key=str)
    captured = tuple(dataclasses.replace(c, id=c.id + 1000) for c in triggers)
    for one, other in zip(triggers, captured, strict=True):
        conn.execute(
            sql.SQL("create table {} (like {} including all)").format(
                ident(other.log), ident(one.log)
            )
        )
    return World(dsn, run_id, plan, triggers, captured, conn)


Make = Callable[..., World]


def long_text(seed: int) -> str:
    """So long, and so irregular, that it is kept out of line."""
    rng = random.Random(seed)
    return "".join(chr(rng.randrange(33, 0x4000)) for _ in range(4000))


EVERY = ("category", "product", "bundle", "customer", "public.purchase")


def shop_planned(dsn: str, folder: Path, tables: Sequence[str] = EVERY) -> Session:
    """The small shop with these tables captured from the WAL, in phase `planned`."""
    make_v1(dsn)
    project = copy_project(folder)
    names = ", ".join(f'"{table}"' for table in tables)
    with (project / "repot.toml").open("a") as settings:
        settings.write(f"\n[capture]\nwal = [{names}]\n")
    return planned(dsn, project)


def shop_from_wal(dsn: str, folder: Path, tables: Sequence[str] = EVERY) -> Session:
    """The same, copied."""
    session = shop_planned(dsn, folder, tables)
    session = session.at(build(session))
    copy(session)
    return session


def slots(dsn: str) -> list[tuple[object, ...]]:
    return rows(
        dsn, "select slot_name from pg_replication_slots where database = current_database()"
    )


def once(session: Session, **options: Any) -> int:
    return follow(session, stop=threading.Event(), once=True, **options).changes


def before(
    patch: pytest.MonkeyPatch, where: object, what: str, write: Callable[[], None], times: int = 1
) -> list[int]:
    """Have somebody write right before `where.what` is called, the first times; how often."""
    real, done = getattr(where, what), list[int]()

    def late(*arguments: Any, **options: Any) -> Any:
        if len(done) < times:
            done.append(1)
            write()
        return real(*arguments, **options)

    patch.setattr(where, what, late)
    return done


def published(dsn: str) -> set[str]:
    found = rows(dsn, "select prrelid::regclass::text from pg_publication_rel")
    return {name.rpartition(".")[2] for (name,) in found}


def identities(dsn: str) -> set[str]:
    query = (
        "select c.relreplident::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('public', 'shop_old') and c.relkind = 'r'"
    )
    return {identity for (identity,) in rows(dsn, query)}
