"""What a swap notes down so that another machine, later, can go back or go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import psycopg

from repot.engine.swap.definitions import Remake
from repot.engine.swap.sql import load
from repot.engine.swap.things import PG_TRIGGER, Key
from repot.postgres.compose import trusted
from repot.postgres.connect import Connection

_AFTER = "afterwards: "


def ensure_memory(conn: Connection) -> None:
    """Create the two tables beside repot.restore where they are not there."""
    with conn.transaction():
        # Two at once would both see nothing, and one would fail.
        conn.execute("select pg_advisory_xact_lock(hashtextextended('repot.state', 0))")
        conn.execute(load("memory.sql"))


def moved(conn: Connection, run: int) -> list[tuple[str, Key]]:
    """What earlier swaps of the run moved: (side, key)."""
    rows = conn.execute(
        "select side, class::bigint, oid::bigint from repot.moved where run = %s and class <> %s",
        (run, PG_TRIGGER),
    ).fetchall()
    return [(str(side), (int(str(c)), int(str(o)))) for side, c, o in rows]


def remember_moved(conn: Connection, run: int, side: str, keys: Iterable[Key]) -> None:
    """Note what is moved."""
    pairs = list(keys)
    conn.execute(
        "insert into repot.moved (run, side, class, oid)"
        " select %s, %s, t.class, t.oid from unnest(%s::oid[], %s::oid[]) t(class, oid)"
        " on conflict (run, class, oid) do update set side = excluded.side",
        (run, side, [c for c, _ in pairs], [o for _, o in pairs]),
    )


def forget_moved(conn: Connection, run: int) -> None:
    """Before a cutover notes anew what it moves."""
    conn.execute("delete from repot.moved where run = %s and class <> %s", (run, PG_TRIGGER))


def remember_taken_off(conn: Connection, run: int, remakes: Sequence[Remake]) -> None:
    """Note what the next cutover puts on V2 again, instead of what was noted before."""
    conn.execute("delete from repot.taken_off where run = %s", (run,))
    conn.cursor().executemany(
        "insert into repot.taken_off (run, number, what, ddl, late) values (%s, %s, %s, %s, %s)",
        [(run, n, r.what, r.ddl, list(r.afterwards)) for n, r in enumerate(remakes)],
    )


def taken_off(conn: Connection, run: int) -> list[Remake]:
    """What a rollback took off V2."""
    rows = conn.execute(
        "select what, ddl, late from repot.taken_off where run = %s order by number", (run,)
    ).fetchall()
    return [
        Remake(str(what), (str(ddl),), tuple(late if isinstance(late, list) else ()))
        for what, ddl, late in rows
    ]


def remember_modes(conn: Connection, run: int, side: str, modes: Mapping[int, str]) -> None:
    """Note how triggers (by oid) are enabled, before they are disabled."""
    conn.execute(
        "insert into repot.moved (run, side, class, oid, mode)"
        " select %s, %s, %s, t.oid, t.mode from unnest(%s::oid[], %s::text[]) t(oid, mode)"
        " on conflict (run, class, oid) do update set mode = excluded.mode",
        (run, side, PG_TRIGGER, list(modes), list(modes.values())),
    )


def modes(conn: Connection, run: int) -> dict[int, str]:
    """How triggers were enabled when they were last disabled, by oid."""
    rows = conn.execute(
        "select oid::bigint, mode from repot.moved where run = %s and class = %s",
        (run, PG_TRIGGER),
    ).fetchall()
    return {int(str(oid)): str(mode) for oid, mode in rows}


def remember_restore(conn: Connection, run: int, items: Sequence[Remake]) -> None:
    """Note DDL for the way back, given in the order in which the way back runs it.

    Of several calls, what came last is run first.
    """
    rows = [(_AFTER + item.what, ddl) for item in items for ddl in item.afterwards]
    rows += [(item.what, item.ddl) for item in reversed(items)]
    conn.cursor().executemany(
        "insert into repot.restore (run, number, what, ddl) select %(run)s,"
        " coalesce(max(number), 0) + 1, %(what)s, %(ddl)s from repot.restore where run = %(run)s",
        [{"run": run, "what": what, "ddl": ddl} for what, ddl in rows],
    )


def to_restore(conn: Connection, run: int) -> list[Remake]:
    """What is to be put back, in the order in which to run it."""
    rows = conn.execute(
        "select what, ddl from repot.restore where run = %s and done_at is null"
        " order by number desc",
        (run,),
    ).fetchall()
    late: dict[str, list[str]] = {}
    for what, ddl in rows:
        if str(what).startswith(_AFTER):
            late.setdefault(str(what).removeprefix(_AFTER), []).insert(0, str(ddl))
    return [
        Remake(str(what), (str(ddl),), tuple(late.get(str(what), ())))
        for what, ddl in rows
        if not str(what).startswith(_AFTER)
    ]


def restored(conn: Connection, run: int) -> None:
    """Note that all of it has been put back."""
    conn.execute(
        "update repot.restore set done_at = clock_timestamp() where run = %s and done_at is null",
        (run,),
    )


def remember_afterwards(conn: Connection, run: int, remakes: Iterable[Remake]) -> None:
    """Note the work that follows the commit."""
    work = [(r.what, ddl) for r in remakes for ddl in r.afterwards]
    conn.cursor().executemany(
        "insert into repot.afterwards (run, number, what, ddl) select %(run)s,"
        " coalesce(max(number), 0) + 1, %(what)s, %(ddl)s from repot.afterwards"
        " where run = %(run)s",
        [{"run": run, "what": what, "ddl": ddl} for what, ddl in work],
    )


def forget_afterwards(conn: Connection, run: int) -> None:
    """What an earlier swap left undone is void once the next one has gone the other way."""
    conn.execute(
        "update repot.afterwards set done_at = clock_timestamp(), error = 'superseded'"
        " where run = %s and done_at is null",
        (run,),
    )


def do_afterwards(conn: Connection, run: int) -> list[tuple[str, str]]:
    """Do what is noted and not done, each on its own; gives what failed, with the reason.

    Call it in autocommit, after the swap's commit; it may be called again.
    """
    rows = conn.execute(
        "select number, what, ddl from repot.afterwards where run = %s and done_at is null"
        " order by number",
        (run,),
    ).fetchall()
    failures = []
    for number, what, ddl in rows:
        trouble = None
        try:
            conn.execute(trusted(str(ddl)))
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            trouble = str(failed.diag.message_primary or failed)
            failures.append((str(what), trouble))
        conn.execute(
            "update repot.afterwards set error = %s,"
            " done_at = case when %s::text is null then clock_timestamp() end"
            " where run = %s and number = %s",
            (trouble, trouble, run, number),
        )
    return failures
