"""An application that writes to the shop, gently, and notes what was acknowledged."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import psycopg

from support.sql import rows

PAUSE_S = 0.01
FIRST = 1_000_000  # numbers of rows that it makes

# What it does, and how, on either side. {k}: the row, {v}: the value, {s}: the schema.
INSERT, DELETE, PRICE, MAKE = "insert", "delete", "price", "make"
STATEMENTS = {
    "v1": {
        INSERT: "insert into {s}.purchase (id, customer_id, amount) values ({k}, {k} % 90 + 1, 1.5)",
        DELETE: "delete from {s}.purchase where id = {k}",
        PRICE: "update {s}.product set price = {v} where id = {k}",
        MAKE: "insert into {s}.product (id, name, labels) values ({k}, 'Pack 1', '{{new}}')",
    },
    "v2": {
        INSERT: "insert into {s}.purchases (id, customer_id, amount)"
        " values ({k}, {k} % 90 + 1, 1.5)",
        DELETE: "delete from {s}.purchases where id = {k}",
        # Its number was the minute in which the shop got it.
        PRICE: "update {s}.items set price = {v} where kind = 'product'"
        " and created_at = timestamptz '2024-01-01 00:00+0' + {k} * interval '1 minute'",
    },
}
_OTHER_SIDE = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
)
Places = tuple[tuple[str, str], ...]  # side and schema; the next one where one is not there


class Load:
    """A process that writes from `start` to `stop`; a context manager. Loads with different seeds
    write different rows."""

    def __init__(self, dsn: str, seed: int, places: Places) -> None:
        from faults.program import forks

        handle, name = tempfile.mkstemp(prefix="load-")
        os.close(handle)
        self._file, self._ended = Path(name), forks.Event()
        self._ledger: Ledger | None = None
        self._process = forks.Process(
            target=_write, args=(dsn, name, seed, places, self._ended), daemon=True
        )

    def __enter__(self) -> Load:
        self._process.start()
        while self._file.stat().st_size == 0 and self._process.is_alive():
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Ledger:
        """What it did until now, and no more."""
        if self._ledger is None:
            self._ended.set()
            self._process.join(30)
            if self._process.is_alive():
                self._process.kill()
            self._ledger = Ledger(self._file.read_text().splitlines())
            self._file.unlink()
        return self._ledger


class Ledger:
    """What may be there: for each row, the states that acknowledged and unanswered writes allow."""

    def __init__(self, lines: list[str]) -> None:
        self.errors = [line for line in lines if line.startswith("E")]
        self.acknowledged = sum(line == "A" for line in lines)
        self.states: dict[tuple[str, int], set[str | None]] = defaultdict(set)
        said = [line.split() for line in lines if not line.startswith("E")]
        for number, line in enumerate(said):
            if line[0] == "S":
                after = said[number + 1][0] if number + 1 < len(said) else "?"
                self._note(*line[1:], after)

    def _note(self, kind: str, key: str, value: str, answer: str) -> None:
        state = None if kind == DELETE else value
        allowed = self.states[INSERT if kind == DELETE else kind, int(key)]
        if answer == "A":
            allowed.clear()
            allowed.add(state)
        elif answer != "N":  # it may have been committed, or not; "*": what it was is not known
            allowed |= {state} if allowed else {state, "*"}


def missing(ledger: Ledger, dsn: str, side: str, schema: str) -> list[str]:
    """Rows that are not as they were acknowledged, or there twice, on this side."""
    if side == "v1":
        purchases = f"select id from {schema}.purchase where id >= {FIRST}"
        prices = f"select id, price::int from {schema}.product"
    else:
        purchases = f"select id from {schema}.purchases where id >= {FIRST}"
        if rows(dsn, "select to_regclass('repot_registry.item_key')") == [(None,)]:
            source = f"""(select *, round(extract(epoch from created_at - '2024-01-01 00:00+0') / 60)
              as number from {schema}.items where created_at < '2024-02-01')"""
        else:
            source = f"""(select i.*, k.id as number from {schema}.items i
              join repot_registry.item_key k on k.value = i.id)"""
        prices = f"select number::int, price::int from {source} x where kind = 'product'"
    bought = Counter(r[0] for r in rows(dsn, purchases))
    found = rows(dsn, prices)
    priced, there = dict(found), Counter(r[0] for r in found)
    wrong = [f"{key} is there {n} times" for key, n in (bought + there).items() if n > 1]
    for (kind, key), states in sorted(ledger.states.items()):
        if kind == PRICE:
            now = str(priced.get(key))
        else:
            now = "1" if key in (bought if kind == INSERT else there) else None
        if states and now not in states and "*" not in states:
            wrong.append(f"{kind} {key}: {now}, not {states}")
    return wrong


@dataclass
class _Writer:
    """What to write next."""

    rng: random.Random
    number: int
    seed: int
    made: list[int]

    def next(self, side: str) -> tuple[str, int, int] | None:
        """Kind, row and value; nothing where this side has none of it."""
        self.number += 1
        kind = self.rng.choice([INSERT, INSERT, DELETE, PRICE, PRICE, MAKE])
        if kind not in STATEMENTS[side] or (kind == DELETE and not self.made):
            return None
        if kind == DELETE:
            return kind, self.made.pop(self.rng.randrange(len(self.made))), 1
        if kind == PRICE:  # each load prices other products
            return kind, self.rng.randrange(1, 21) + 20 * (self.seed % 2), self.number
        return kind, self.number, 1


def _write(dsn: str, file: str, seed: int, places: Places, ended: Any) -> None:
    from faults.program import end_with_parent

    end_with_parent()
    writer = _Writer(random.Random(seed), FIRST + 100_000 * seed, seed, [])
    at, conn = 0, None
    with Path(file).open("a", buffering=1) as book:
        while not ended.is_set():
            side, schema = places[at % len(places)]
            wanted = writer.next(side)
            if wanted is None:
                continue
            try:
                if conn is None or conn.closed:
                    conn = psycopg.connect(dsn, autocommit=True, application_name="load")
                _one(conn, book, side, schema, *wanted)
                if wanted[0] == INSERT:
                    writer.made.append(wanted[1])
            except _OTHER_SIDE:
                book.write("N\n")
                at += 1
            except psycopg.OperationalError as failed:
                alive = conn is not None and not conn.closed
                book.write("N\n" if alive and failed.sqlstate else "?\n")
                time.sleep(0.1)
            except psycopg.Error as failed:
                book.write("N\n")
                book.write(f"E {str(failed).splitlines()[0]}\n")
            time.sleep(PAUSE_S)


def _one(
    conn: psycopg.Connection, book: TextIO, side: str, schema: str, kind: str, key: int, value: int
) -> None:
    book.write(f"S {kind} {key} {value}\n")
    conn.execute(STATEMENTS[side][kind].format(k=key, v=value, s=schema).encode())
    book.write("A\n")
