"""The proof's contestants: Repot, a bare FULL JOIN, EXCEPT ALL both ways, reladiff."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from arena import Arena, Cost, Crew, Task, largest_first
from psycopg import sql

from repot.model.names import Name
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection, connection
from repot.stages.verify.rows import compare_rows
from repot.stages.verify.snapshot import Snapshot
from repot.stages.verify.stage import verify

# As in Repot's own sessions. Parallel plans are off: the connections are the parallelism.
SETTINGS = "set work_mem = '256MB'; set jit = off; set max_parallel_workers_per_gather = 0"
HERE = Path(__file__).parent
SCHEMA = "bench"  # the views' rows as tables, for reladiff


def repot_rows(arena: Arena, dsn: str, workers: int) -> Cost:
    """The comparison of all rows alone."""
    session = arena.session(dsn)

    def ask() -> None:
        with Snapshot(session, workers) as snapshot:
            found = compare_rows(session, snapshot)
        assert sum(t.rows_compared for t in found)
        assert not sum(t.differences for t in found)

    return arena.cost(ask)


def repot_verify(arena: Arena, dsn: str, workers: int) -> Cost:
    """All of `repot verify`: rows, the account of V1's rows, the way back, the user's checks."""
    session = arena.session(dsn)

    def ask() -> None:
        verdict = verify(session, workers=workers)
        assert verdict.passed, verdict.reasons

    return arena.cost(ask)


def bare_join(arena: Arena, dsn: str, workers: int) -> Cost:
    """FULL JOIN on the key, IS DISTINCT FROM per column; one statement per table."""

    def ask(move: Derivation) -> sql.Composed:
        pair = [(sql.Identifier("v", c), sql.Identifier("t", c)) for c in move.columns]
        keys = [(sql.Identifier("v", c), sql.Identifier("t", c)) for c in move.key]
        return sql.SQL("select count(*) from {} v full join {} t on {} where {}").format(
            ident(move.view),
            ident(move.table),
            joined((sql.SQL("{} = {}").format(v, t) for v, t in keys), " and "),
            joined((sql.SQL("{} is distinct from {}").format(v, t) for v, t in pair), " or "),
        )

    return _asked(arena, dsn, workers, ask)


def except_all(arena: Arena, dsn: str) -> Cost:
    """Both ways, on one connection."""

    def ask(move: Derivation) -> sql.Composed:
        view, table = (
            sql.SQL("select {} from {}").format(idents(move.columns), ident(name))
            for name in (move.view, move.table)
        )
        return sql.SQL(
            "select (select count(*) from ({v} except all {t}) a)"
            " + (select count(*) from ({t} except all {v}) b)"
        ).format(v=view, t=table)

    return _asked(arena, dsn, 1, ask)


def reladiff_python(given: str | None) -> str | None:
    """The Python of the environment that has reladiff (see bench/README.md), or None."""
    usual = HERE / ".venv/bin/python"
    path = given or (str(usual) if usual.is_file() else None)
    return shutil.which(path) if path else None


def materialise(arena: Arena, dsn: str) -> None:
    """The views' rows as tables with primary keys: reladiff compares tables."""
    with connection(dsn) as conn:
        conn.execute(sql.SQL("create schema {}").format(sql.Identifier(SCHEMA)))
        for move in arena.plan.moves:
            made = ident(Name(schema_=SCHEMA, name=move.name))
            conn.execute(
                sql.SQL("create table {} as select {} from {}").format(
                    made, idents(move.columns), ident(move.view)
                )
            )
            conn.execute(
                sql.SQL("alter table {} add primary key ({})").format(made, idents(move.key))
            )
            conn.execute(sql.SQL("analyze {}").format(made))


def reladiff(arena: Arena, dsn: str, workers: int, python: str, algorithm: str) -> Cost:
    """Its time inside Python: neither its start nor the import is counted."""
    tables = [
        {
            "key": list(move.key),
            "columns": [c for c in move.columns if c not in move.key],
            "a": [SCHEMA, move.name],
            "b": [move.table.schema_, move.table.name],
        }
        for move in arena.plan.moves
    ]
    asked = {"dsn": dsn, "threads": workers, "algorithm": algorithm, "tables": tables}
    answers: list[dict[str, float]] = []

    def ask() -> None:
        done = subprocess.run(
            [python, str(HERE / "with_reladiff.py")],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"reladiff failed:\n{done.stderr[-2000:]}")
        answers.append(json.loads(done.stdout))

    cost = arena.cost(ask)
    assert not answers[0]["differences"], answers
    return Cost(answers[0]["seconds"], cost.cpu)


def _asked(arena: Arena, dsn: str, workers: int, ask: Callable[[Derivation], sql.Composed]) -> Cost:
    """The question about every move, largest table first, and every answer 0."""

    def task(query: sql.Composed) -> Task:
        def work(conn: Connection) -> None:
            assert conn.execute(query).fetchone() == (0,)

        return work

    tasks = [task(ask(move)) for move in largest_first(arena.plan)]
    with Crew(dsn, workers, SETTINGS) as crew:
        return arena.cost(lambda: crew.work(tasks))
