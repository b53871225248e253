"""Repot's copy and proof against what one would write by hand: one run, one server, ratios.

    make setup && .venv/bin/python bench/copy_and_proof.py --rows 200000

Copy: (a) the hand-written script, one INSERT … SELECT per table into the finished V2, on one
connection; (b) the floor, the same statements into bare tables on as many connections as workers,
then keys and indexes on as many. All find the registries (slugs, new keys) filled.
Proof: a bare FULL JOIN of view and table on the key with IS DISTINCT FROM, on one connection and on
as many as workers; EXCEPT ALL both ways; reladiff's joindiff, if it is installed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from urllib.parse import quote

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from repot.demo.systems import find_system
from repot.embedded import EmbeddedServer
from repot.engine import registry
from repot.engine.apply.order import parents_first
from repot.engine.build import build
from repot.engine.session import Session
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.model.progress import Silent
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection, connection
from repot.postgres.state import create_run, ensure_state
from repot.project import load_project
from repot.stages.copy import copy
from repot.stages.plan import make_plan
from repot.stages.verify.rows import compare_rows
from repot.stages.verify.snapshot import Snapshot
from repot.stages.verify.stage import verify

SETTINGS = {
    "wal_level": "logical",
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "off",  # it would come when it likes, in one contestant's time and not another's
}


def timed(what: Callable[[], object]) -> float:
    start = time.monotonic()
    what()
    return time.monotonic() - start


def on_several(dsn: str, count: int, tasks: Sequence[Callable[[Connection], object]]) -> None:
    """The tasks, in order, on `count` connections."""
    queue: SimpleQueue[Callable[[Connection], object]] = SimpleQueue()
    for task in tasks:
        queue.put(task)

    def work() -> None:
        with connection(dsn) as conn:
            conn.execute("set maintenance_work_mem = '256MB'")
            while not queue.empty():
                try:
                    task = queue.get_nowait()
                except Exception:  # noqa: BLE001  another connection took the last one
                    return
                task(conn)

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(work) for _ in range(count)]:
            future.result()


class Bench:
    """Two databases made from one template: V2 built by Repot (`bare`), and finished (`full`)."""

    def __init__(self, server: EmbeddedServer, rows: int, seed: int, workers: int) -> None:
        self.server, self.workers = server, workers
        system = find_system("dropskills")
        dsn = server.create_database("template_v1")
        with connection(dsn) as conn:
            for file in ("supabase.sql", "v1.sql"):
                conn.execute("select set_config('search_path', 'public', false)")
                conn.execute(system.sql(file).encode())
        self.generate = timed(lambda: system.module("generate").generate(dsn, rows, seed))
        with connection(dsn) as conn:
            conn.execute("vacuum analyze")
            ensure_state(conn)
        self.plan = make_plan(dsn, load_project(system.folder), Silent())
        assert not self.plan.errors, self.plan.errors
        with connection(dsn) as conn:
            run = create_run(conn, self.plan)
        session = Session(dsn, run, self.plan)
        self.run = build(session)
        with connection(dsn) as conn:
            self.allocate = timed(lambda: registry.allocate_all(conn, self.plan, analyze=True))
            conn.execute("vacuum analyze")
            self.indexes = [
                str(row[0])
                for row in conn.execute(
                    "select ddl from repot.deferred where step in ('key', 'index') order by number"
                ).fetchall()
            ]
            self.keys = [
                str(row[0])
                for row in conn.execute(
                    "select ddl from repot.deferred where step in ('foreign_key', 'validate')"
                    " order by number"
                ).fetchall()
            ]
        self.number = 0

    def fresh(self) -> str:
        """V1 with a bare V2, capture armed, registries filled."""
        self.number += 1
        dsn = self.server.create_database(f"case_{self.number}", "template_v1")
        with connection(dsn) as conn:
            conn.execute("checkpoint")
        return dsn

    def drop(self) -> None:
        self.server.drop_database(f"case_{self.number}")

    def session(self, dsn: str) -> Session:
        return Session(dsn, self.run, self.plan)

    def insert(self, move: Derivation) -> sql.Composed:
        return sql.SQL("insert into {} ({}) overriding system value select {} from {}").format(
            ident(move.table), idents(move.columns), idents(move.columns), ident(move.view)
        )

    def repot_copy(self) -> float:
        dsn = self.fresh()
        session = self.session(dsn)
        return timed(lambda: copy(session, workers=self.workers))

    def by_hand(self) -> float:
        """(a): everything in place before the first row; parents first."""
        dsn = self.fresh()
        moves = parents_first(self.plan.moves, self.plan.target)
        with connection(dsn) as conn:
            for ddl in (*self.indexes, *self.keys):
                conn.execute(ddl.encode())

            def script() -> None:
                for move in moves:
                    conn.execute(self.insert(move))

            return timed(script)

    def floor(self) -> float:
        """(b): rows on several connections, the largest first, then keys and indexes."""
        dsn = self.fresh()
        sizes = {t.name: t.estimate for t in self.plan.source.tables}

        def weight(move: Derivation) -> int:
            return -max((sizes.get(use.source, 0) for use in move.uses), default=0)

        def fill(move: Derivation) -> Callable[[Connection], object]:
            return lambda conn: conn.execute(self.insert(move))

        def ddl(text: str) -> Callable[[Connection], object]:
            return lambda conn: conn.execute(text.encode())

        def script() -> None:
            on_several(dsn, self.workers, [fill(m) for m in sorted(self.plan.moves, key=weight)])
            on_several(dsn, self.workers, [ddl(text) for text in self.indexes])
            with connection(dsn) as conn:
                for text in self.keys:
                    conn.execute(text.encode())

        return timed(script)

    def bare_join(self, dsn: str, workers: int) -> float:
        def ask(move: Derivation) -> Callable[[Connection], object]:
            rest = [c for c in move.columns if c not in move.key]
            different = joined(
                (
                    sql.SQL("v.{c} is distinct from t.{c}").format(c=sql.Identifier(c))
                    for c in (*move.key, *rest)
                ),
                " or ",
            )
            on = joined(
                (sql.SQL("v.{c} = t.{c}").format(c=sql.Identifier(c)) for c in move.key), " and "
            )
            query = sql.SQL("select count(*) from {} v full join {} t on {} where {}").format(
                ident(move.view), ident(move.table), on, different
            )

            def run(conn: Connection) -> None:
                conn.execute("set work_mem = '256MB'")
                conn.execute("set jit = off")
                assert conn.execute(query).fetchone() == (0,)

            return run

        return timed(lambda: on_several(dsn, workers, [ask(m) for m in self.plan.moves]))

    def except_all(self, dsn: str) -> float:
        def ask(move: Derivation) -> Callable[[Connection], object]:
            view, table = (
                sql.SQL("select {} from {}").format(idents(move.columns), ident(n))
                for n in (move.view, move.table)
            )
            query = sql.SQL(
                "select (select count(*) from ({v} except all {t}) a)"
                " + (select count(*) from ({t} except all {v}) b)"
            ).format(v=view, t=table)

            def run(conn: Connection) -> None:
                conn.execute("set work_mem = '256MB'")
                assert conn.execute(query).fetchone() == (0,)

            return run

        return timed(lambda: on_several(dsn, 1, [ask(m) for m in self.plan.moves]))

    def proof_rows(self, dsn: str) -> float:
        session = self.session(dsn)

        def ask() -> None:
            with Snapshot(session, self.workers) as snapshot:
                found = compare_rows(session, snapshot)
            assert not sum(t.differences for t in found)

        return timed(ask)

    def whole_verify(self, dsn: str) -> float:
        session = self.session(dsn)
        return timed(lambda: self._passed(session))

    def _passed(self, session: Session) -> None:
        verdict = verify(session, workers=self.workers)
        assert verdict.passed, verdict.reasons

    def reladiff(self, dsn: str, python: str) -> float | None:
        """joindiff between each table and its view's rows, written down outside the timing."""
        parts = conninfo_to_dict(dsn)
        url = f"postgresql://{parts['user']}@/{parts['dbname']}?host={quote(str(parts['host']))}"
        total = 0.0
        for move in self.plan.moves:
            made = Name(schema_="bench", name=move.name)
            with connection(dsn) as conn:
                conn.execute("create schema if not exists bench")
                conn.execute(
                    sql.SQL("create table {} as select {} from {}").format(
                        ident(made), idents(move.columns), ident(move.view)
                    )
                )
                conn.execute(
                    sql.SQL("alter table {} add primary key ({})").format(
                        ident(made), idents(move.key)
                    )
                )
            keys = [word for c in move.key for word in ("-k", c)]
            rest = [w for c in move.columns if c not in move.key for w in ("-c", c)]
            command = [python, "-m", "reladiff", url, f"bench.{move.name}", url]
            command += [f"{move.table.schema_}.{move.name}", *keys, *rest]
            start = time.monotonic()
            done = subprocess.run(
                [*command, "--algorithm", "joindiff"], capture_output=True, text=True, check=False
            )
            total += time.monotonic() - start
            if done.returncode or done.stdout.strip():
                print(f"reladiff on {move.name}: {done.stderr[-400:]}", file=sys.stderr)
                return None
        return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--reladiff", metavar="PYTHON", help="a Python that has reladiff")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    times: dict[str, list[float]] = {}
    with EmbeddedServer(settings=SETTINGS) as server:
        bench = Bench(server, given.rows, given.seed, given.workers)
        contests = {
            "copy: repot": bench.repot_copy,
            "copy: (a) by hand": bench.by_hand,
            "copy: (b) floor": bench.floor,
        }
        for _ in range(given.repeat):
            for name, contest in contests.items():
                times.setdefault(name, []).append(contest())
                bench.drop()
                print(f"{name}: {times[name][-1]:.2f} s", file=sys.stderr)
        dsn = bench.fresh()
        copy(bench.session(dsn), workers=given.workers)
        with connection(dsn) as conn:
            conn.execute("vacuum analyze")
        proofs = {
            "proof: repot, rows": bench.proof_rows,
            "proof: repot, all of verify": bench.whole_verify,
            "proof: bare join, 1 session": lambda d: bench.bare_join(d, 1),
            "proof: bare join, as many sessions": lambda d: bench.bare_join(d, given.workers),
            "proof: except all": bench.except_all,
        }
        for _ in range(given.repeat):
            for name, ask in proofs.items():
                times.setdefault(name, []).append(ask(dsn))
                print(f"{name}: {times[name][-1]:.2f} s", file=sys.stderr)
        found = bench.reladiff(dsn, given.reladiff) if given.reladiff else None
        if found is not None:
            times["proof: reladiff joindiff"] = [found]
    show(times, bench, given)


def show(times: dict[str, list[float]], bench: Bench, given: argparse.Namespace) -> None:
    best = {name: statistics.median(values) for name, values in times.items()}
    base = {"copy": best["copy: repot"], "proof": best["proof: repot, rows"]}
    if given.json:
        print(json.dumps({"rows": given.rows, "workers": given.workers, "seconds": times}))
        return
    print(f"{given.rows:,} rows, {given.workers} workers, median of {given.repeat}")
    print(f"V1 made in {bench.generate:.1f} s, registries filled in {bench.allocate:.2f} s")
    print(f"{'':36}{'min':>8}{'median':>8}{'max':>8}   repot / this")
    for name, values in times.items():
        ratio = base[name.split(":")[0]] / best[name]
        print(f"{name:36}{min(values):8.2f}{best[name]:8.2f}{max(values):8.2f}{ratio:10.2f}")
    if "proof: reladiff joindiff" not in times:
        print("reladiff: not measured (see bench/README.md)")


if __name__ == "__main__":
    main()
