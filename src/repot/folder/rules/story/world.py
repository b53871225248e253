"""The objects of the folder at one point of its order, and what was asked of them before."""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from dataclasses import replace

from repot.folder.rules import tree
from repot.folder.rules.story.shapes import (
    Enum,
    Gone,
    Incident,
    Key,
    Place,
    Relation,
    Sort,
)

_WORD = re.compile(r"[\w$]+")
_SYSTEM = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}
DEFAULT = ("public",)
Slot = tuple[Sort, Key]


class World:
    """What exists. `fork` gives another that can go its own way (a way back from this point)."""

    def __init__(self) -> None:
        self.names: dict[Key, int] = {}
        self.relations: dict[int, Relation] = {}
        self.type_names: dict[Key, int] = {}
        self.types: dict[int, Enum] = {}
        self.functions: dict[Key, frozenset[str]] = {}
        self.parts: dict[tuple[Sort, int, str], Place] = {}  # triggers, policies of a table
        self.schemas: dict[str, Place] = {}
        self.extensions: set[str] = set()
        self.gone: dict[Slot, Gone] = {}
        self.opaque: set[str] = set()  # words of blocks whose effect cannot be told
        self.doubted: set[str] = set()  # views that may have gone, until they are made again
        self.path: tuple[str, ...] = DEFAULT
        self.bodies_checked = True
        self.transaction = 0
        self.down = False
        self.incidents: list[Incident] = []
        # Uses of what is not known: if the folder makes it later, they came too early.
        self.waiting: dict[Slot, list[Place]] = defaultdict(list)
        self.waiting_columns: dict[tuple[int, str], list[tuple[Place, str, bool]]] = defaultdict(
            list
        )
        # Values that this transaction added to enums it did not make: not to be used in it.
        self.fresh: list[tuple[int, str, Place]] = []
        self.written: set[tuple[int, str]] = set()  # columns that an UPDATE of it filled
        self._counter = [0]

    def fork(self) -> World:
        """The same point, to be changed apart; incidents and waiting uses stay shared."""
        other = copy.copy(self)
        for name in ("names", "relations", "type_names", "types", "functions", "parts", "schemas"):
            setattr(other, name, dict(getattr(self, name)))
        other.gone, other.opaque = dict(self.gone), set(self.opaque)
        other.doubted = set(self.doubted)
        other.extensions = set(self.extensions)
        other.down = True
        return other

    def begin(self) -> None:
        """A transaction begins, as at the beginning of each file."""
        self.transaction += 1
        self.fresh = []
        self.written = set()

    def number(self) -> int:
        """A number for a new object."""
        self._counter[0] += 1
        return self._counter[0]

    # --- names

    def free(self, schema: str, name: str) -> str:
        """The name, or as PostgreSQL numbers one that it chooses itself and that is taken."""
        number, found = 0, name
        while (schema, found) in self.names:
            number += 1
            found = f"{name}{number}"
        return found

    def candidates(self, name: tree.Key) -> tuple[Key, ...]:
        """The full names that a written one can mean, best first."""
        schema, plain = name
        if schema:
            return ((schema, plain),)
        return (("pg_temp", plain), *((s, plain) for s in self.path))

    def target(self, name: tree.Key) -> Key:
        """The full name of what a CREATE makes."""
        return (name[0] or (self.path[0] if self.path else "public"), name[1])

    def find(self, name: tree.Key) -> Relation | None:
        """The relation of that name, if the folder knows it."""
        for key in self.candidates(name):
            if key in self.names:
                return self.relations[self.names[key]]
        return None

    def find_type(self, name: tree.Key) -> Enum | None:
        for key in self.candidates(name):
            if key in self.type_names:
                return self.types[self.type_names[key]]
        return None

    def hidden(self, *names: str) -> bool:
        """Whether it cannot be told what bears one of the names."""
        return any(n.lower() in self.opaque or n.lower() in self.doubted for n in names)

    # --- what is asked

    def exists(self, sort: Sort, key: Key) -> bool:
        """Whether the folder made it and it is still there."""
        if sort is Sort.RELATION:
            number = self.names.get(key)
            return number is not None and self.relations[number].made is not None
        if sort is Sort.TYPE:
            number = self.type_names.get(key)
            made = number is not None and self.types[number].made is not None
            return made or self.exists(Sort.RELATION, key)
        if sort is Sort.FUNCTION:
            return key in self.functions
        return sort is Sort.SCHEMA and key[1] in self.schemas

    def use(self, sort: Sort, name: tree.Key, place: Place) -> None:
        """Something is needed here: it is there, or it is gone, or it may be made too late."""
        keys = self.candidates(name) if sort is not Sort.SCHEMA else (("", name[1]),)
        if self.hidden(name[1]) or any(self.exists(sort, key) for key in keys):
            return
        for key in keys:
            gone = self.gone.get((sort, key))
            if gone is not None:
                self.tell("gone", place, f"{sort} {show(name)}", gone.place, gone.how)
                return
        for key in keys:
            self.waiting[sort, key].append(place)

    def use_column(self, relation: Relation, name: str, place: Place) -> None:
        """A column is needed here."""
        if name in relation.columns or self.hidden(name, relation.key[1]):
            return
        gone = relation.gone.get(name)
        what = f"column {relation.key[1]}.{name}"
        if gone is not None:
            self.tell("gone", place, what, gone.place, gone.how)
        elif name not in _SYSTEM:
            self.waiting_columns[relation.number, name].append(
                (place, f"column {show(relation.key)}.{name}", relation.whole)
            )

    # --- what is made and what goes

    def make(self, sort: Sort, key: Key, place: Place, soft: bool) -> bool:
        """Something is created; false where it is there already.

        soft: with IF NOT EXISTS or OR REPLACE.
        """
        if self.exists(sort, key):
            if not soft and not self.hidden(key[1]):
                self.tell("twice", place, f"{sort} {show(key)}", self._made(sort, key))
            self.doubted.discard(key[1].lower())
            return False
        for early in self.waiting.pop((sort, key), []) if not self.down else []:
            self.tell("early", early, f"{sort} {show(key)}", place, certain=not soft)
        self.gone.pop((sort, key), None)
        return True

    def _made(self, sort: Sort, key: Key) -> Place | None:
        if sort in (Sort.RELATION, Sort.TYPE) and key in self.names:
            return self.relations[self.names[key]].made
        if sort is Sort.TYPE and key in self.type_names:
            return self.types[self.type_names[key]].made
        return self.schemas.get(key[1]) if sort is Sort.SCHEMA else None

    def leave(self, sort: Sort, key: Key, gone: Gone) -> None:
        """The name is free from here on; uses of it before meant what was there."""
        self.gone[sort, key] = gone
        if not self.down:
            self.waiting.pop((sort, key), None)

    def put(self, relation: Relation) -> None:
        """The relation, new or changed."""
        self.names[relation.key] = relation.number
        self.relations[relation.number] = relation

    def put_type(self, type_: Enum) -> None:
        self.type_names[type_.key] = type_.number
        self.types[type_.number] = type_

    def adopt(self, name: tree.Key, kind: str = "table") -> Relation:
        """The relation of that name; one that was there before the folder is made known."""
        known = self.find(name)
        if known is not None:
            return known
        relation = Relation(self.number(), kind, self.target(name), None, False, filled=True)
        self.put(relation)
        return relation

    def adopt_type(self, name: tree.Key) -> Enum:
        """The type of that name; one that was there before the folder is made known."""
        known = self.find_type(name)
        if known is not None:
            return known
        type_ = Enum(self.number(), "enum", self.target(name), None, -1)
        self.put_type(type_)
        return type_

    def remove(self, relation: Relation, gone: Gone) -> None:
        """The relation, with its indexes, sequences and what belongs to it."""
        self.names.pop(relation.key, None)
        self.relations.pop(relation.number, None)
        self.leave(Sort.RELATION, relation.key, gone)
        for other in list(self.relations.values()):
            if other.owner == relation.number:
                self.remove(other, gone)
            elif relation.kind == "index" and relation.number in other.indexes:
                kept = tuple(n for n in other.indexes if n != relation.number)
                self.put(replace(other, indexes=kept))
        for part in [p for p in self.parts if p[1] == relation.number]:
            del self.parts[part]

    def doubt_views(self, relation: int) -> None:
        """CASCADE may have dropped views that read the relation: which ones is not known."""
        for other in self.relations.values():
            if relation in other.reads:
                self.doubted.add(other.key[1].lower())

    def cloud(self, text: str) -> None:
        """A block whose effect cannot be told: what it names may be otherwise than known."""
        words = {w.lower() for w in _WORD.findall(text)}
        self.opaque |= words
        for number, relation in list(self.relations.items()):
            if relation.whole and relation.key[1].lower() in words:
                self.relations[number] = replace(relation, whole=False, filled=True)

    def tell(
        self,
        code: str,
        place: Place,
        what: str,
        other: Place | None = None,
        detail: str = "",
        certain: bool = True,
    ) -> None:
        self.incidents.append(Incident(code, place, what, other, detail, certain))


def show(name: tree.Key) -> str:
    """A name for people; `public` goes without saying."""
    schema, plain = name
    return plain if schema in (None, "", "public") else f"{schema}.{plain}"
