"""Making outside objects anew in the swap's transaction, by the text they had before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import errors

from repot.engine.swap.definitions import Definition, Remake, drop
from repot.engine.swap.dependents import reach
from repot.model.errors import RepotError
from repot.postgres.compose import trusted
from repot.postgres.connect import Connection
from repot.postgres.savepoint import at_once

# CREATE OR REPLACE cannot change a view's columns or a function's result, and what others stand on
# cannot be dropped alone: then the object is dropped first, with those that stand on it.
_MUST_DROP = (
    errors.InvalidTableDefinition,
    errors.InvalidFunctionDefinition,
    errors.DependentObjectsStillExist,
)


def make_anew(conn: Connection, remakes: Sequence[Remake], now: Mapping[str, Definition]) -> None:
    """Run the remakes in order; what must be dropped for it is, and made anew when its turn comes.

    now: the objects as they are at present, by `what`.
    Raises RepotError `outside-not-remade` (the transaction is to be rolled back).
    """
    if not remakes:
        return
    if not any(_is_routine(r, now) for r in remakes):
        try:
            at_once(conn, trusted(";\n".join(r.ddl for r in remakes)))  # mostly that is enough
            return
        except psycopg.Error as failed:
            if isinstance(failed, psycopg.OperationalError):
                raise
    later = [r.what for r in remakes]
    with conn.transaction():
        for at, remade in enumerate(remakes):
            _one(conn, remade, now, later[at:])


def _one(
    conn: Connection, remade: Remake, now: Mapping[str, Definition], later: Sequence[str]
) -> None:
    try:
        with conn.transaction():
            _leave_old_signature(conn, remade, now)
            conn.execute(trusted(remade.ddl))
        return
    except _MUST_DROP:
        pass
    except psycopg.Error as failed:
        if isinstance(failed, psycopg.OperationalError):
            raise  # a lock that was not had, a limit, a connection that is gone
        raise _not_remade(remade, str(failed.diag.message_primary or failed)) from failed
    _drop_with_users(conn, remade, now, later)
    try:
        conn.execute(trusted(remade.ddl))
    except psycopg.Error as failed:
        if isinstance(failed, psycopg.OperationalError):
            raise  # a lock that was not had, a limit, a connection that is gone
        raise _not_remade(remade, str(failed.diag.message_primary or failed)) from failed


def _is_routine(remade: Remake, now: Mapping[str, Definition]) -> bool:
    definition = now.get(remade.what)
    return definition is not None and definition.kind == "routine"


def _leave_old_signature(conn: Connection, remade: Remake, now: Mapping[str, Definition]) -> None:
    """A routine that takes a row type of the side that went has another signature now: replacing
    would make a second routine beside it."""
    old = now.get(remade.what)
    if old is None or old.kind != "routine":
        return
    row = conn.execute(
        "select i.identity from pg_catalog.pg_proc p,"
        " pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0) i"
        " where p.oid = %s",
        (old.key[1],),
    ).fetchone()
    if row is not None and row[0] != old.detail["identity"]:
        raise errors.InvalidFunctionDefinition("its signature names the other side's types")


def _drop_with_users(
    conn: Connection, remade: Remake, now: Mapping[str, Definition], later: Sequence[str]
) -> None:
    """Drop an object and what stands on it; all of that must be made anew later on."""
    target = now.get(remade.what)
    if target is None:
        raise _not_remade(remade, "it is there already, in another shape")
    by_key = {d.key: d for d in now.values()}
    users = [by_key[d.key] for d in reach(conn, [target.key]) if d.key in by_key]
    strangers = [d for d in reach(conn, [target.key]) if d.key not in by_key]
    if strangers or any(u.what not in later for u in users):
        names = [str(s) for s in strangers] + [u.what for u in users if u.what not in later]
        raise _not_remade(remade, f"others stand on it: {', '.join(names)}")
    order = {what: number for number, what in enumerate(later)}
    for user in sorted(users, key=lambda u: -order[u.what]):
        conn.execute(trusted(_drop_now(conn, user)))
    conn.execute(trusted(_drop_now(conn, target)))


def _drop_now(conn: Connection, definition: Definition) -> str:
    """A routine is dropped by the signature that it has now."""
    if definition.kind != "routine":
        return drop(conn, definition)
    row = conn.execute(
        "select (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, %s, 0)).identity",
        (definition.key[1],),
    ).fetchone()
    identity = row[0] if row else definition.detail["identity"]
    detail = {**definition.detail, "identity": identity}
    return drop(conn, Definition(**{**definition.__dict__, "detail": detail}))


def _not_remade(remade: Remake, why: str) -> RepotError:
    return RepotError(
        "outside-not-remade",
        f"{remade.what} could not be led to the other side: nothing was changed",
        evidence=why,
        hint="give an outside/<name>.sql that drops or rewrites it; it runs in the same "
        "transaction, after the swap",
    )
