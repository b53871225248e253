"""What is not a table of the plan: capture triggers, triggers at work, views, functions, enums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from repot.engine.drift.change import Change, read
from repot.model.names import Name, quoted
from repot.moves.install import VIEW_SCHEMAS
from repot.postgres.connect import Connection

Row = dict[str, object]

_EVENTS = 4  # capture triggers on one table
_OWN = tuple(f"{schema}." for schema in VIEW_SCHEMAS)
_FATES = {  # tgenabled; "": there is none, or another of its name
    "": ("is gone", "are gone"),
    "D": ("is disabled", "are disabled"),
    "O": ("is not ENABLE ALWAYS any more", "are not ENABLE ALWAYS any more"),
    "R": ("is for replication only", "are for replication only"),
}


def capture_changes(conn: Connection, run_id: int) -> Iterator[Change]:
    """Tables whose writes are not captured, or not all of them."""
    tables: dict[object, list[Row]] = defaultdict(list)
    for row in read(conn, "capture.sql", run_id):
        tables[row["oid"]].append(row)
    for rows in tables.values():
        first, fates = rows[0], _fates(rows)
        table, oids = _name(first), (_int(first["oid"]), _int(first["parent"]))
        if not first["known"] and len(fates.get("", ())) == _EVENTS:
            what = "partition" if first["partition"] else "child table"
            yield Change(f"{table}: a new {what} that is not captured", oids, "partition")
            continue
        for fate, events in fates.items():
            one, several = _FATES[fate]
            if len(events) == 1:
                words = f"the capture trigger for {events[0]} {one}"
            elif len(events) < _EVENTS:
                words = f"the capture triggers for {', '.join(events)} {several}"
            else:
                words = f"the capture triggers {several}"
            yield Change(f"{table}: {words}", oids, "capture")


def strays(conn: Connection, run_id: int) -> Iterator[Change]:
    """Tables that have left the captured table below which they were, with their rows."""
    for row in read(conn, "strays.sql", run_id):
        parent = Name(schema_=str(row["parent_schema"]), name=str(row["parent_name"]))
        oids = (_int(row["oid"]), _int(row["parent"]))
        yield Change(f"{_name(row)}: the table is not below {parent} any more", oids)


def awake(conn: Connection, run_id: int) -> Iterator[Change]:
    """Triggers and rules that would change what Repot writes to the side that does not serve."""
    for row in read(conn, "awake.sql", run_id):
        yield Change(
            f"{_name(row)}: the {row['what']} {quoted(str(row['thing']))} is at work, "
            "on the side that does not serve",
            (_int(row["oid"]),),
        )


def ground_changes(conn: Connection, run_id: int) -> Iterator[Change]:
    """Views, functions and enum values that are not what they were when they were noted."""
    gone = []
    for row in read(conn, "ground.sql", run_id):
        name, oids = str(row["name"]), (_int(row["oid"]),)
        if row["kind"] == "label":
            was, now = row["version"], row["now"]
            if now is None:
                yield Change(f"{name}: the value {was!r} was dropped", oids)
            else:
                yield Change(f"{name}: the value {was!r} was renamed to {now!r}", oids)
            continue
        if row["kind"] == "table":
            yield Change(f"{name} was dropped", oids)
            continue
        if row["now"] is None and name.startswith(_OWN):
            gone.append(name)
            continue
        what = "the function" if row["kind"] == "function" else "the view or rule"
        fate = "was dropped" if row["now"] is None else "was replaced"
        yield Change(f"{name}: {what}, on which Repot's work stands, {fate}", oids)
    if gone:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        yield Change(f"{gone[0]}{more}: views of Repot's own were dropped (CASCADE)")


def _fates(rows: list[Row]) -> dict[str, list[str]]:
    """Events by what has become of their triggers."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[str(row["enabled"] or "")].append(str(row["event"]))
    return found


def _name(row: Row) -> Name:
    return Name(schema_=str(row["schema"]), name=str(row["name"]))


def _int(value: object) -> int:
    return int(str(value))
