"""What a session holds and has done, seen from within it between two statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from repot.folder.rehearse import words
from repot.folder.rehearse.result import Wrote
from repot.folder.rehearse.sql import load
from repot.model.names import Name
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Relation:
    """owner: the table of an index (else 0); file: changes when the relation is written anew."""

    name: Name
    kind: str
    file: int
    owner: int


@dataclass(frozen=True)
class Seen:
    """locks: the strongest mode by relation; rows: inserted, updated, deleted, read, by table."""

    locks: dict[int, str]
    relations: dict[int, Relation]
    rows: dict[int, tuple[int, int, int, int]]


def see(conn: Connection) -> Seen:
    """Now, in the open transaction or outside of one."""
    return Seen(
        strongest(conn, conn.info.backend_pid),
        {
            int(oid): Relation(Name(schema_=s, name=n), kind, int(file), int(owner))
            for oid, s, n, kind, file, owner in _all(conn, "relations.sql")
        },
        {int(oid): (i, u, d, r) for oid, i, u, d, r in _all(conn, "rows.sql")},
    )


def strongest(conn: Connection, pid: int) -> dict[int, str]:
    """The strongest lock that a backend has on each relation."""
    found: dict[int, str] = {}
    for oid, mode, granted in conn.execute(load("locks.sql"), {"pid": pid}).fetchall():
        known = found.get(int(str(oid)))
        if granted and (known is None or words.strength(str(mode)) < words.strength(known)):
            found[int(str(oid))] = str(mode)
    return found


def taken(before: Seen, after: Seen, theirs: dict[int, Relation]) -> list[tuple[Relation, str]]:
    """Locks that are new or stronger, on relations that others see (`theirs`), strongest first."""
    found = []
    for oid, mode in after.locks.items():
        known = before.locks.get(oid)
        if oid in theirs and theirs[oid].kind in "iI" and words.strength(mode) > words.OWN:
            continue  # what every use of the table takes on its indexes
        if oid in theirs and (known is None or words.strength(mode) < words.strength(known)):
            found.append((theirs[oid], mode))
    found.sort(key=lambda one: (words.strength(one[1]), str(one[0].name)))
    return found


def rewritten(before: Seen, after: Seen, emptied: bool) -> list[str]:
    """Tables whose rows were written anew. emptied: by TRUNCATE, which is no rewrite."""
    if emptied:
        return []
    return sorted(
        str(now.name)
        for oid, now in after.relations.items()
        if now.kind in "rm"
        and (was := before.relations.get(oid)) is not None
        and was.file != now.file
    )


def built(before: Seen, after: Seen, theirs: dict[int, Relation], emptied: bool) -> list[str]:
    """Indexes that were made, or made anew, on tables that others see."""
    found = []
    for oid, now in after.relations.items():
        if now.kind != "i" or now.owner not in theirs or emptied:
            continue
        was = before.relations.get(oid)
        if was is None or was.file != now.file:
            found.append(str(now.name))
    return sorted(found)


def wrote(before: Seen, after: Seen) -> tuple[list[Wrote], int]:
    """Rows that were written since, by table; and how many were read one by one."""
    found, read = [], 0
    for oid, now in after.rows.items():
        was = before.rows.get(oid, (0, 0, 0, 0))
        inserted, updated, deleted, looked = (n - w for n, w in zip(now, was, strict=True))
        relation = after.relations.get(oid) or before.relations.get(oid)
        if relation is None:
            continue
        read += max(looked, 0)
        if inserted > 0 or updated > 0 or deleted > 0:
            found.append(
                Wrote(
                    relation=str(relation.name),
                    inserted=max(inserted, 0),
                    updated=max(updated, 0),
                    deleted=max(deleted, 0),
                )
            )
    return sorted(found, key=lambda w: w.relation), read


def _all(conn: Connection, file: str) -> list[tuple[Any, ...]]:
    return conn.execute(load(file)).fetchall()
