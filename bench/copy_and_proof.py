"""Repot's copy and proof against what one would write by hand: one run, one server, ratios.

    make setup && .venv/bin/python bench/copy_and_proof.py --rows 200000

Copy: (a) the hand-written script, one INSERT … SELECT per table into the finished V2, on one
connection; (b) the floor, the same statements into bare tables on as many connections as workers,
then indexes, keys and foreign keys on as many. All find the registries (slugs, new keys) filled,
and have the same settings.
Proof: a bare FULL JOIN of view and table on the key with IS DISTINCT FROM per column, on one
connection and on as many as workers; EXCEPT ALL both ways; reladiff, if it is there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys

import copying
import proving
from arena import SETTINGS, Arena, Cost

from repot.embedded import EmbeddedServer
from repot.postgres.connect import connection
from repot.stages.copy import copy

REPOT_COPY, REPOT_PROOF = "copy: repot", "proof: repot, rows"
BY_HAND, FLOOR, ANALYZE = "copy: (a) by hand", "copy: (b) floor", "copy: ANALYZE after (b)"
BARE = "proof: bare join, all sessions"
AIMS = ((REPOT_COPY, BY_HAND, 0.5), (REPOT_COPY, FLOOR, 1.15), (REPOT_PROOF, BARE, 1.3))


def measure(arena: Arena, given: argparse.Namespace) -> dict[str, list[Cost]]:
    """Every contestant `--repeat` times, in turns: what slows the machine slows all of them."""
    costs: dict[str, list[Cost]] = {}

    def note(name: str, cost: Cost) -> None:
        costs.setdefault(name, []).append(cost)
        print(f"{name}: {cost.seconds:.2f} s, {cost.cpu:.2f} s of CPU", file=sys.stderr)

    copying.repot(arena, given.workers)  # a first time that does not count
    arena.drop()
    for _ in range(given.repeat):
        note(REPOT_COPY, copying.repot(arena, given.workers))
        arena.drop()
        if not given.quick:
            note(BY_HAND, copying.by_hand(arena))
            arena.drop()
        floor, analyze = copying.floor(arena, given.workers)
        arena.drop()
        note(FLOOR, floor)
        note(ANALYZE, analyze)
    dsn = arena.fresh()
    copy(arena.session(dsn), workers=given.workers)
    python = proving.reladiff_python(given.reladiff)
    if python is not None:
        proving.materialise(arena, dsn)
    with connection(dsn) as conn:
        conn.execute("vacuum analyze")
    proving.repot_rows(arena, dsn, given.workers)
    for _ in range(given.repeat):
        note(REPOT_PROOF, proving.repot_rows(arena, dsn, given.workers))
        note(BARE, proving.bare_join(arena, dsn, given.workers))
        note("proof: bare join, 1 session", proving.bare_join(arena, dsn, 1))
        note("proof: repot, all of verify", proving.repot_verify(arena, dsn, given.workers))
        if given.quick:
            continue
        note("proof: EXCEPT ALL both ways", proving.except_all(arena, dsn))
        for algorithm in ("joindiff", "hashdiff") if python is not None else ():
            cost = proving.reladiff(arena, dsn, given.workers, str(python), algorithm)
            note(f"proof: reladiff {algorithm}", cost)
    return costs


def show(costs: dict[str, list[Cost]], arena: Arena, given: argparse.Namespace) -> None:
    best = {name: min(c.seconds for c in values) for name, values in costs.items()}
    versions = arena.plan.server_version
    print(
        f"{given.rows:,} rows, {given.workers} workers, PostgreSQL {versions}, "
        f"durable {'on' if given.durable else 'off'}, {given.repeat} times"
    )
    print(
        f"V1 made in {arena.generate.seconds:.1f} s,"
        f" registries filled in {arena.allocate.seconds:.2f} s (outside all times below)"
    )
    print(f"{'seconds':32}{'min':>8}{'median':>8}{'max':>8}{'CPU':>8}  repot / this, of min")
    for name, values in costs.items():
        seconds = [c.seconds for c in values]
        base = best[REPOT_COPY if name.startswith("copy") else REPOT_PROOF]
        ratio = "" if name == ANALYZE else f"{base / best[name]:10.2f}"
        print(
            f"{name:32}{min(seconds):8.2f}{statistics.median(seconds):8.2f}{max(seconds):8.2f}"
            f"{min(c.cpu for c in values):8.2f}{ratio}"
        )
    for mine, other, aim in AIMS:
        if other in best:
            ratio = best[mine] / best[other]
            word = "reached" if ratio <= aim else "MISSED"
            print(f"aim: {mine} ≤ {aim} × {other}: {ratio:.2f}, {word}")
    if not given.quick and proving.reladiff_python(given.reladiff) is None:
        print("reladiff: not measured, it is not there (see bench/README.md)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--durable", action="store_true", help="the server waits for its disk")
    parser.add_argument("--quick", action="store_true", help="leave out (a) and what is slow")
    parser.add_argument("--reladiff", metavar="PYTHON", help="of the environment that has it")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with EmbeddedServer(settings=SETTINGS, durable=given.durable) as server:
        arena = Arena(server, given.rows, given.seed)
        costs = measure(arena, given)
    if given.json:
        answer = {
            "rows": given.rows,
            "workers": given.workers,
            "durable": given.durable,
            "server_version": arena.plan.server_version,
            "allocate_seconds": arena.allocate.seconds,
            "seconds": {name: [c.seconds for c in values] for name, values in costs.items()},
            "cpu_seconds": {name: [c.cpu for c in values] for name, values in costs.items()},
        }
        print(json.dumps(answer))
    else:
        show(costs, arena, given)


if __name__ == "__main__":
    main()
