"""One try: a statement as somebody else, in a savepoint that is rolled back whatever comes of it.

A statement that writes ends in an error of its own, once it has written: the rows are counted, and
neither foreign keys nor AFTER triggers have had their turn. So nothing of it spreads (no cascade,
no queue, no message), and constraints of others do not spoil the answer. Policies and CHECKs of
the row itself are asked before.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

import psycopg
from psycopg import sql

from repot.engine.access.scene import Caller
from repot.model.access import Outcome
from repot.postgres.connect import Connection

_DONE = "repot" + secrets.token_hex(8)  # no user's error says this by accident
_COUNT = re.compile(_DONE + r":(\d+)")
_AGAIN = ("40001", "40P01", "55P03")  # somebody else wrote the row, or holds a lock
_TOO_LONG = "57014"
_NO_VIEW_WRITES = ("55000", "0A000", "42809")
_EVERY = sql.SQL("")
_RECURSION = ("42P17", "54001")


class Again(Exception):
    """Others were in the way: the whole transaction is to be tried again."""


@dataclass(frozen=True)
class Answer:
    """What came of a statement; reached: rows, as far as it was counted."""

    outcome: Outcome
    reached: int = 0
    why: str = ""


def counted(statement: sql.Composable, most: int, where: sql.Composable = _EVERY) -> sql.Composed:
    """A statement that writes and RETURNs something, stopped after `most` rows, or at its end."""
    return sql.SQL(
        "with tried as ({}) select ({} || pg_catalog.count(*))::pg_catalog.int4"
        " from (select from tried {} limit {}) as few"
    ).format(statement, sql.Literal(_DONE + ":"), where, sql.Literal(most))


def seen(source: sql.Composable, most: int) -> sql.Composed:
    """How many rows a SELECT gives, up to `most`."""
    return sql.SQL("select pg_catalog.count(*) from ({} limit {}) as few").format(
        source, sql.Literal(most)
    )


def attempt(
    conn: Connection, one: Caller, statement: sql.Composed, *, held: bool, view: bool = False
) -> Answer:
    """Try it. held: the role has every grant that the statement itself needs, so that a refusal
    comes from somewhere else. Raises Again, and the driver's errors where the connection is gone.
    """
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(
                "select pg_catalog.set_config('row_security', 'on', true),"
                " pg_catalog.set_config('role', %s, true)",
                (one.person.role,),
            )
            row = conn.execute(statement).fetchone()
    except psycopg.Error as failed:
        if conn.closed:
            raise
        return _classified(failed, held=held, view=view)
    count = int(str(row[0])) if row and row[0] is not None else 0
    return Answer(Outcome.ALLOWED if count else Outcome.HIDDEN, count)


def _classified(failed: psycopg.Error, *, held: bool, view: bool) -> Answer:
    state, said = failed.sqlstate or "", failed.diag.message_primary or str(failed)
    done = _COUNT.search(said)
    if done:
        count = int(done[1])
        return Answer(Outcome.ALLOWED if count else Outcome.HIDDEN, count)
    if state in _AGAIN:
        raise Again(said) from failed
    if state == _TOO_LONG:
        return Answer(Outcome.UNTRIED, why="it took too long")
    if state in _RECURSION:
        return Answer(Outcome.ERROR, why=said)
    function = failed.diag.source_function or ""
    # What PL/pgSQL code raises says where; the executor's own errors have no context.
    if state == "P0001" or function == "exec_stmt_raise":
        return Answer(Outcome.REFUSED, why=said)
    if state == "42501":
        if function == "ExecWithCheckOptions":
            return Answer(Outcome.HIDDEN, why=said)
        inside = bool(failed.diag.context) or (held and not view)
        return Answer(Outcome.ERROR if inside else Outcome.DENIED, why=said)
    if state == "44000":  # a view's own WITH CHECK OPTION
        return Answer(Outcome.HIDDEN, why=said)
    if state.startswith("23") and not failed.diag.context:
        # Constraints of the row come after the policies: those let it pass.
        return Answer(Outcome.ALLOWED, 1, said)
    if view and state in _NO_VIEW_WRITES:
        return Answer(Outcome.DENIED, why=said)
    return Answer(Outcome.ERROR, why=said)
