"""What hangs on the side that goes away, by pg_depend: found, ordered, and asked what it needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from repot.engine.swap.sql import load
from repot.engine.swap.things import PG_CLASS, Key
from repot.model.schemas import ALL
from repot.postgres.connect import Connection

# What can be made again by its own text, so that its names are looked up anew.
REMADE = ("view", "matview", "trigger", "rule", "policy", "foreign key", "default", "routine")
_OURS = frozenset(ALL)
_ASIDE = "repot_aside_"  # where the plan puts an earlier build while it compiles


@dataclass(frozen=True)
class Need:
    """One thing that a dependent needs; `column` where it needs that one."""

    key: Key
    column: str | None


@dataclass(frozen=True)
class Dependent:
    """An object that depends on the side that goes, directly or through another dependent."""

    key: Key
    kind: str  # see describe.sql; `part`s are left out
    name: str
    schema: str  # of the object, or of the relation that it belongs to
    relation: str | None
    relation_oid: int | None
    relation_kind: str | None
    type: str
    identity: str
    needs: tuple[Need, ...] = ()

    @property
    def remade(self) -> bool:
        return self.kind in REMADE

    def __str__(self) -> str:
        return f"{self.type} {self.identity}"


def ours(schema: str | None) -> bool:
    """Whether the schema is Repot's own."""
    return schema is not None and (schema in _OURS or schema.startswith(_ASIDE))


def walk(conn: Connection, seeds: Collection[Key]) -> set[Key]:
    """The keys of all that depends on the seeds, their own parts among them."""
    rows = conn.execute(load("walk.sql"), _arrays(seeds), prepare=True).fetchall()
    return {(int(str(class_id)), int(str(oid))) for class_id, oid in rows}


def beyond(conn: Connection, known: Collection[Key], seeds: Collection[Key]) -> set[Key]:
    """The keys of all that depends on `known` (what `walk` gave for the seeds, and the seeds) and
    is not among it: the same as to walk again, for less."""
    relations = [oid for class_id, oid in seeds if class_id == PG_CLASS]
    found, new = set(known), set(known)
    while new:  # once, as a rule
        given = {**_arrays(found), "seeds": relations}
        rows = conn.execute(load("beyond.sql"), given, prepare=True).fetchall()
        new = {(int(str(class_id)), int(str(oid))) for class_id, oid in rows}
        found |= new
    return found - set(known)


def reach(conn: Connection, seeds: Collection[Key]) -> list[Dependent]:
    """All that depends on the seeds, the seeds' own parts and Repot's objects left out."""
    return describe(conn, walk(conn, seeds), seeds)


def _described(conn: Connection, keys: Collection[Key]) -> list[tuple[object, ...]]:
    return conn.execute(load("describe.sql"), _arrays(keys), prepare=True).fetchall()


def describe(conn: Connection, keys: Collection[Key], seeds: Collection[Key]) -> list[Dependent]:
    """Those of the objects that are no parts of the seeds and not Repot's."""
    relations = {oid for class_id, oid in seeds if class_id == PG_CLASS}
    found = []
    for row in _described(conn, keys) if keys else ():
        class_id, oid, kind, name, home, relation, relation_oid, relkind, kind_text, ident = row
        belongs_to = None if relation_oid is None else int(str(relation_oid))
        if belongs_to in relations:
            continue  # a trigger, policy, default … of the side itself
        schema = str(home)
        if ours(schema) or schema.startswith("pg_"):
            continue
        found.append(
            Dependent(
                key=(int(str(class_id)), int(str(oid))),
                kind=str(kind),
                name=str(name),
                schema=schema,
                relation=None if relation is None else str(relation),
                relation_oid=belongs_to,
                relation_kind=None if relkind is None else str(relkind),
                type=str(kind_text),
                identity=str(ident),
            )
        )
    return found


def with_needs(conn: Connection, dependents: Iterable[Dependent]) -> list[Dependent]:
    """The same, each with what it needs, those that are needed by others first."""
    known = {d.key: d for d in dependents}
    needs = _needs(conn, known)
    views = {d.relation_oid: d.key for d in known.values() if d.kind in ("view", "matview")}
    graph: dict[Key, set[Key]] = {}
    for key, dependent in known.items():
        graph[key] = {n.key for n in needs[key] if n.key in known and n.key != key}
        on = views.get(dependent.relation_oid)
        if on is not None and on != key:
            graph[key].add(on)  # a trigger on a view comes after the view
    return [replace(known[key], needs=tuple(needs[key])) for key in _sorted(graph)]


def inner_first(conn: Connection, keys: Collection[Key]) -> list[Key]:
    """The objects, those first that others of them stand on."""
    needs = _needs(conn, keys)
    return _sorted({key: {n.key for n in needs[key] if n.key in needs} - {key} for key in keys})


def _sorted(graph: dict[Key, set[Key]]) -> list[Key]:
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError:  # functions that call each other: by identity, and PostgreSQL decides
        return sorted(graph)


def _needs(conn: Connection, keys: Collection[Key]) -> dict[Key, list[Need]]:
    needs: dict[Key, list[Need]] = {key: [] for key in keys}
    if not needs:
        return needs
    for class_id, oid, need_class, need_oid, column in conn.execute(
        load("references.sql"), _arrays(keys)
    ).fetchall():
        needs[(int(str(class_id)), int(str(oid)))].append(
            Need(
                (int(str(need_class)), int(str(need_oid))),
                None if column is None else str(column),
            )
        )
    return needs


def _arrays(keys: Iterable[Key]) -> dict[str, list[int]]:
    pairs = list(keys)
    return {"classes": [c for c, _ in pairs], "oids": [o for _, o in pairs]}
