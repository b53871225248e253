"""What has changed since the plan was made, in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from repot.engine.drift.change import Change, Relation, relations
from repot.engine.drift.columns import read_columns
from repot.engine.drift.ground import ensure
from repot.engine.drift.sql import load
from repot.engine.drift.standing import awake, capture_changes, ground_changes, strays
from repot.engine.drift.tables import Comparison, sides
from repot.model.plan import Plan
from repot.model.state import Phase
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import Connection

_COMMANDS = 2  # told of one object, the newest first


def explain(conn: Connection, run_id: int, plan: Plan) -> tuple[str, ...]:
    """One line per change that makes what Repot writes wrong or incomplete; none: all is well.

    Before the cutover, and after a rollback, V1 is looked for in the source schema and V2 in the
    target schema; after the cutover V1 in the retired schema and V2 in the source schema. New
    indexes, grants, comments, defaults that no move relies on, and added CHECK or UNIQUE
    constraints (what they refuse is set aside and told) are not among them. Where DDL is watched,
    the lines say who did it. Call it READ COMMITTED; takes some ten milliseconds.
    """
    return tuple(change.text for change in changes(conn, run_id, plan))


def changes(conn: Connection, run_id: int, plan: Plan) -> list[Change]:
    """The same with the kind of each."""
    ensure(conn)
    row = conn.execute("select phase from repot.run where id = %s", (run_id,)).fetchone()
    assert row is not None
    phase = Phase(str(row[0]))
    if phase is Phase.PLANNED:  # nothing stands on V1 yet
        return []
    known = relations(conn, run_id)
    found = list(_all(conn, run_id, plan, phase, known))
    return _with_authors(conn, run_id, found)


def _all(
    conn: Connection, run_id: int, plan: Plan, phase: Phase, known: list[Relation]
) -> Iterator[Change]:
    schemas = [*sides(plan, phase).values(), *(r.now.schema_ for r in known if r.now)]
    now = read_catalog(conn, list(dict.fromkeys(schemas)))
    comparison = Comparison(plan, phase, known, now, read_columns(conn, run_id))
    captured = list(capture_changes(conn, run_id))
    children = {change.oids[0] for change in captured if change.kind == "partition"}
    told: set[int] = set()
    for change in (*comparison.changes(), *captured):
        if change.kind == "new" and change.oids[0] in children:
            continue
        told.update(change.oids[:1])
        yield change
    for change in strays(conn, run_id):
        if change.oids[0] not in told:
            yield change
    yield from awake(conn, run_id)
    yield from ground_changes(conn, run_id)


def _with_authors(conn: Connection, run_id: int, found: list[Change]) -> list[Change]:
    oids = sorted({oid for change in found for oid in change.oids})
    if not oids:
        return found
    commands: dict[int, list[str]] = defaultdict(list)
    rows = conn.execute(load("ddl.sql").encode(), {"run": run_id, "oids": oids}).fetchall()
    for oid, role, application, tag, at in rows:
        commands[int(str(oid))].append(f"{role} ({application or 'no name'}) at {at}: {tag}")
    return [_by(change, commands) for change in found]


def _by(change: Change, commands: dict[int, list[str]]) -> Change:
    # The object itself, else what it hangs on.
    for oid in change.oids:
        if commands.get(oid):
            who = "; ".join(_few(commands[oid]))
            return Change(f"{change.text}, by {who}", change.oids, change.kind)
    return change


def _few(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(lines))[:_COMMANDS]
