"""The gate at the end of each batch: nothing is committed that rests on another schema."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import errors

from repot.engine.drift.change import Change
from repot.engine.drift.explain import changes
from repot.engine.drift.fingerprint import fingerprint
from repot.engine.drift.ground import note_once
from repot.engine.swap.shape import SHOWN
from repot.model.errors import Refused
from repot.model.plan import Plan
from repot.model.state import Phase
from repot.postgres.connect import Connection
from repot.postgres.retry import blockers

_BEGIN = "bring the project up to it and begin again with `repot copy --restart`"
_REMEDIES = {
    "capture": "what was written meanwhile may be lost to V2: begin again with "
    "`repot copy --restart`, and let nobody disable or drop Repot's triggers",
    "partition": "writes straight to it would be lost: DETACH (or drop) it, and attach it again "
    f"after the cutover; or {_BEGIN}",
    "table": f"take the change back, or {_BEGIN}",
}
_AFTERWARDS = (
    "take the change back, and the way back goes on; else V1 stays as it is now: "
    "`repot rollback --accept-loss`, or no rollback at all"
)


def check(conn: Connection, run_id: int, plan: Plan, known: str | None) -> str:
    """The fingerprint of now, to be handed in the next time; `known` is the one of before, or None.

    Call it at the end of a batch's transaction (READ COMMITTED), before COMMIT: the tables that the
    batch has read are locked against ALTER TABLE until then, so what it has derived rests on the
    schema that was checked. What needs no such lock (a new table, a new partition, a trigger
    disabled) is noticed by the next call; the batch is right nevertheless, for it concerns later
    writes only. The cutover calls it under its own locks.

    Raises Refused `schema-changed`: the caller rolls the batch back, and stops; or
    `schema-in-motion`, where somebody is still altering a table: it rolls back and tries again.
    """
    if known is None:
        note_once(conn, run_id)
    now = fingerprint(conn, run_id, plan)
    if now == known:
        return now
    found = _looked_at(conn, run_id, plan)
    if found:
        raise _refused(conn, run_id, found)
    return now


def _looked_at(conn: Connection, run_id: int, plan: Plan) -> list[Change]:
    """What has changed; it waits for nobody for long.

    Printing a default locks its table, and who alters that one may be waiting for ours: less than
    deadlock_timeout (1 s), or the server might end their transaction for our sake.
    """
    row = conn.execute("select current_setting('lock_timeout')").fetchone()
    assert row is not None
    try:
        with conn.transaction():
            conn.execute("set local lock_timeout = '500ms'")
            found = changes(conn, run_id, plan)
            conn.execute("select set_config('lock_timeout', %s, true)", (row[0],))
            return found
    except errors.LockNotAvailable:
        raise Refused(
            "schema-in-motion",
            "the schema has changed, and somebody is altering a table right now",
            evidence=blockers(conn),
            hint="nothing was written; try again when that transaction has ended",
        ) from None


def _refused(conn: Connection, run_id: int, found: Sequence[Change]) -> Refused:
    row = conn.execute("select phase from repot.run where id = %s", (run_id,)).fetchone()
    lines = [change.text for change in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN} more")
    what = "1 thing has" if len(found) == 1 else f"{len(found)} things have"
    return Refused(
        "schema-changed",
        f"{what} changed since the plan was made",
        evidence="\n".join(lines),
        hint=_AFTERWARDS if row and row[0] == Phase.CUT_OVER else _remedy(found),
    )


def _remedy(found: Sequence[Change]) -> str:
    kinds = {change.kind for change in found}
    return next((_REMEDIES[kind] for kind in _REMEDIES if kind in kinds), _REMEDIES["table"])
