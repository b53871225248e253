"""The rows of one writer: nobody else writes them, so it knows what each must look like."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from .facts import Change, Key, State, States, ids_of

_AIM = 80


class Bag:
    """A set to draw from at random."""

    def __init__(self) -> None:
        self._list: list[Key] = []
        self._place: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._list)

    def add(self, key: Key) -> None:
        if key not in self._place:
            self._place[key] = len(self._list)
            self._list.append(key)

    def remove(self, key: Key) -> None:
        place = self._place.pop(key, None)
        if place is not None:
            last = self._list.pop()
            if last != key:
                self._list[place], self._place[last] = last, place

    def draw(self, dice: random.Random) -> Key:
        return self._list[dice.randrange(len(self._list))]


class World:
    """What a writer may write, and the dice. `states` is its record's own."""

    def __init__(self, states: States, dice: random.Random, mark: str) -> None:
        self.states, self.dice, self._mark = states, dice, mark
        self.hot_requests: list[str] = []  # shared by all writers, as counters only
        self.hot_products: list[str] = []
        self.categories: list[str] = []
        self.ideas = False  # whether trending_ideas is this writer's
        self._bags: defaultdict[str, Bag] = defaultdict(Bag)
        self._about: defaultdict[str, set[Key]] = defaultdict(set)
        self._ids: dict[Key, set[str]] = {}
        self._ideas: set[Key] = set()
        self._used: set[str] = set()  # by the transaction that is being thought out
        self._number = 0
        self.aims: dict[str, int] = {}

    # ---------------------------------------------------------------------------- choosing

    def size(self, kind: str) -> int:
        return len(self._bags[kind])

    def aim(self, kind: str) -> int:
        """About as many of a kind as the writer keeps."""
        return self.aims.get(kind, _AIM)

    def begin(self) -> None:
        """A new transaction: everything may be used again."""
        self._used.clear()

    def pick(self, kind: str) -> Key | None:
        """A row that the transaction has nothing to do with yet; now it has."""
        bag = self._bags[kind]
        for _ in range(min(8, len(bag))):
            key = bag.draw(self.dice)
            ids = self._ids[key]
            if not ids & self._used:
                self._used |= ids
                return key
        return None

    def pick_id(self, kind: str) -> str | None:
        key = self.pick(kind)
        return key[1] if key else None

    def pick_many(self, kind: str, n: int) -> list[Key]:
        """At most `n` of them."""
        picked = (self.pick(kind) for _ in range(n))
        return [key for key in picked if key]

    def all_ideas(self) -> list[Key]:
        """Those that may be there: TRUNCATE spares none, whatever became of its last edit."""
        return list(self._ideas)

    def state(self, key: Key) -> State:
        """The state of a row that was picked."""
        (option,) = self.states[key]
        assert isinstance(option, State)
        return option

    def about(self, entity: str, kind: str) -> list[Key]:
        """The rows of a kind that lean on an entity."""
        return [key for key in self._about.get(entity, ()) if key[0] == kind]

    # ------------------------------------------------------------------------------ making

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def mark(self) -> str:
        """Never the same twice, in no run."""
        self._number += 1
        return f"{self._mark}-{self._number}"

    # -------------------------------------------------------------------------- remembering

    def learn(self, keys: Iterable[Key]) -> None:
        """The states of these rows are new."""
        for key in keys:
            options = self.states.get(key, ())
            if key[0] == "idea":
                there = any(isinstance(option, State) for option in options)
                (self._ideas.add if there else self._ideas.discard)(key)
            for old in self._ids.pop(key, ()):
                self._about[old].discard(key)
                if not self._about[old]:
                    del self._about[old]
            if len(options) == 1 and isinstance(options[0], State):
                self._keep(key, options[0])
            else:
                self._bags[key[0]].remove(key)

    def retire(self, changes: Iterable[Change]) -> None:
        """The outcome of these is unknown: never touch again what they are about.

        To be called before `learn`, which forgets what a row leaned on.
        """
        doubtful: set[str] = set()
        for change in changes:
            doubtful |= self._ids.get(change.key, set())
            doubtful |= ids_of(change.key, State(change.cols or {}))
        for entity in doubtful:
            for key in list(self._about.get(entity, ())):
                self._bags[key[0]].remove(key)

    def _keep(self, key: Key, option: State) -> None:
        ids = ids_of(key, option)
        self._ids[key] = ids
        for entity in ids:
            self._about[entity].add(key)
        self._bags[key[0]].add(key)


def moment() -> str:
    """Now, UTC, as the ledger writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
