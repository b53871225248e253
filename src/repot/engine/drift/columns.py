"""Columns by identity: a name can come back, or be exchanged with another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repot.engine.drift.change import column, read
from repot.model.catalog import Table
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Columns:
    """By table (oid) and position: names when they were noted, names now; and what was rewritten
    since, by table and position."""

    noted: Mapping[int, Mapping[int, str]]
    now: Mapping[int, Mapping[int, str]]
    rewritten: frozenset[tuple[int, int]]

    def is_rewritten(self, oid: int, name: str) -> bool:
        """Whether the column, by its name of now, may hold other values than were written to it."""
        places = {c: n for n, c in self.now.get(oid, {}).items()}
        return (oid, places.get(name, 0)) in self.rewritten

    def new_names(self, oid: int, planned: Table) -> dict[str, str]:
        """The planned columns that are still there, with their names of now."""
        now = self.now.get(oid, {})
        noted = self.noted.get(oid, now)  # nothing noted: by name, then
        places = {name: n for n, name in noted.items()}
        return {
            c.name: now[places[c.name]]
            for c in planned.columns
            if c.name in places and places[c.name] in now
        }


def read_columns(conn: Connection, run_id: int) -> Columns:
    """Those of the run's tables."""
    noted: dict[int, dict[int, str]] = {}
    now: dict[int, dict[int, str]] = {}
    rewritten = set()
    for row in read(conn, "columns.sql", run_id):
        oid, number = int(str(row["oid"])), int(str(row["number"]))
        noted.setdefault(oid, {})[number] = str(row["name"])
        if row["rewritten"]:
            rewritten.add((oid, number))
    for row in read(conn, "positions.sql", run_id):
        now.setdefault(int(str(row["oid"])), {})[int(str(row["number"]))] = str(row["name"])
    return Columns(noted, now, frozenset(rewritten))


def column_changes(planned: Table, now: Table, names: Mapping[str, str], own: bool) -> list[str]:
    """What happened to whole columns. `own`: one more is somebody's business."""
    found = []
    there = {c.name for c in now.columns}
    for old in planned.columns:
        new = names.get(old.name)
        what = f"column {column(old.name)} was"
        if new is None:
            again = ", and added again" if old.name in there - set(names.values()) else ""
            found.append(f"{what} dropped{again}")
        elif new != old.name:
            found.append(f"{what} renamed to {column(new)}")
    if own:
        told = {c.name for c in planned.columns if c.name not in names} | set(names.values())
        found += [f"column {column(c.name)} was added" for c in now.columns if c.name not in told]
    return found


def with_columns(table: Table, names: Mapping[str, str]) -> Table:
    """The table with these columns only, under their new names."""

    def renamed(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(c, c) for c in columns)

    kept = [c for c in table.columns if c.name in names]
    return table.model_copy(
        update={
            "columns": tuple(c.model_copy(update={"name": names[c.name]}) for c in kept),
            "primary": renamed(table.primary),
            "uniques": tuple(
                u.model_copy(update={"columns": renamed(u.columns)}) for u in table.uniques
            ),
            "foreign_keys": tuple(
                k.model_copy(update={"columns": renamed(k.columns)}) for k in table.foreign_keys
            ),
        }
    )


def only(table: Table, names: Mapping[str, str]) -> Table:
    """The table of now with the columns that were planned."""
    same = set(names.values())
    return table.model_copy(update={"columns": tuple(c for c in table.columns if c.name in same)})
