"""The whole way with accidents at random moments; and to one place after the other."""

from __future__ import annotations

import random
import time

from faults import world
from faults.client import Client, done
from faults.stages import Accident, Stages, wait_for_work
from support.sql import rows, run

VERBS = ("run", "run", "cutover", "rollback", "verify", "cutover")  # each meets one accident


def travel(stages: Stages, accident: Accident, seed: int) -> int:
    """From V1 to V2, back, and to V2 again, with an accident in each of VERBS, `seed` telling when.

    After each accident the same command is given again until it is done, and then all must be as if
    nothing had been. Gives how many of the accidents met a client at work.
    """
    chance = random.Random(seed)
    dsn = stages.database("v1")
    what = f"seed {seed}"
    hits = 0

    def suffer(verb: str) -> None:
        nonlocal hits, what
        client = Client((verb,), dsn, stages.folder)
        wait_for_work(dsn, verb, client)
        moment = chance.uniform(0, stages.seconds[verb])
        time.sleep(moment)
        hit = accident(client, dsn)
        hits += hit
        what += f", {verb} {'hit' if hit else 'over'} after {moment:.3f} s"

    suffer("run")
    suffer("run")
    assert done(dsn, stages.folder, "run")["proof"]["passed"]
    stages.check(dsn, "proven", what)
    suffer("cutover")
    done(dsn, stages.folder, "cutover")
    run(dsn, world.WRITES)
    stages.check(dsn, "cut", what)
    suffer("rollback")
    done(dsn, stages.folder, "rollback")
    stages.check(dsn, "back", what)
    suffer("verify")
    assert done(dsn, stages.folder, "verify")["ok"]
    suffer("cutover")
    done(dsn, stages.folder, "cutover")
    stages.check(dsn, "again", what)
    assert rows(dsn, "insert into tag (name) values ('later') returning id > 60") == [(True,)]
    return hits
