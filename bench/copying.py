"""The copy's contestants: Repot, the hand-written script, and the floor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from arena import Arena, Cost, Crew, Task, largest_first
from psycopg import sql

from repot.engine.apply.order import parents_first
from repot.engine.deferred import Deferred, deferred
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection, connection
from repot.stages.copy import copy
from repot.stages.copy.sql import load

SETTINGS = load("copy_session.sql")  # memory and commits as in Repot's own sessions


def insert(move: Derivation) -> sql.Composed:
    """All rows of a table, by one statement."""
    return sql.SQL("insert into {} ({}) overriding system value select {} from {}").format(
        ident(move.table), idents(move.columns), idents(move.columns), ident(move.view)
    )


def repot(arena: Arena, workers: int) -> Cost:
    session = arena.session(arena.fresh())
    return arena.cost(lambda: copy(session, workers=workers))


def by_hand(arena: Arena) -> Cost:
    """(a): keys, indexes and foreign keys stand before the first row; parents first."""
    dsn = arena.fresh()
    moves = parents_first(arena.plan.moves, arena.plan.target)
    with connection(dsn) as conn:
        for item in _objects(conn, arena):
            conn.execute(item.ddl.encode())
        conn.execute(SETTINGS.encode())

        def script() -> None:
            for move in moves:
                conn.execute(insert(move))

        return arena.cost(script)


def floor(arena: Arena, workers: int) -> tuple[Cost, Cost]:
    """(b): rows into bare tables, largest first, then indexes, keys, foreign keys, each on several
    connections; and what ANALYZE of the tables costs after that, which Repot's copy includes."""
    dsn = arena.fresh()
    order = largest_first(arena.plan)
    place = {move.name: n for n, move in enumerate(order)}
    with connection(dsn) as conn:
        steps: dict[str, list[Deferred]] = defaultdict(list)
        for item in sorted(_objects(conn, arena), key=lambda o: place.get(o.table, len(place))):
            steps[item.step].append(item)

    with Crew(dsn, workers, SETTINGS) as crew:

        def script() -> None:
            crew.work([_execute([insert(move)]) for move in order])
            crew.work([_ddl([item]) for item in steps["index"]])
            # Two of one table would wait for each other: a task has all of a table's.
            for step in ("key", "foreign_key", "validate"):
                by_table: dict[str, list[Deferred]] = defaultdict(list)
                for item in steps[step]:
                    by_table[item.table if step != "foreign_key" else ""].append(item)
                crew.work([_ddl(items) for items in by_table.values()])

        def analyze() -> None:
            texts = [sql.SQL("analyze {}").format(ident(move.table)) for move in order]
            crew.work([_execute([text]) for text in texts])

        return arena.cost(script), arena.cost(analyze)


def _objects(conn: Connection, arena: Arena) -> list[Deferred]:
    """All but the triggers, which the script would have disabled."""
    return [item for item in deferred(conn, arena.run.id) if item.step != "trigger"]


def _ddl(items: Sequence[Deferred]) -> Task:
    return _execute([item.ddl.encode() for item in items])


def _execute(texts: Sequence[sql.Composed | bytes]) -> Task:
    def task(conn: Connection) -> None:
        for text in texts:
            conn.execute(text)

    return task
